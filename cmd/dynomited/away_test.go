//go:build unix

package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dynomite-go/dynomite/node"
)

var awayWrites = flag.Int("away", 20_000, "writes that a node misses in the tests of hints")

// A node that was away for many writes becomes whole: from what the others
// kept for it if that fits their limit, else by comparing.
func TestThreeNodes_ANodeThatWasAwayBecomesWhole(t *testing.T) {
	for _, c := range []struct {
		name, limit string
		dirty       bool
	}{
		{name: "from hints", limit: "1073741824"},
		{name: "far over the limit", limit: "100000", dirty: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			wasAway(t, newCluster(t, map[string]string{"hint_bytes": c.limit}), c.dirty)
		})
	}
}

func wasAway(t *testing.T, c *cluster, dirty bool) {
	ctx := context.Background()
	n := *awayWrites
	c.members[2].kill()
	writeMany(t, c.members[0].client, n)
	missed := stateOf(t, c, "n3")
	if dirty != (missed.Dirty > 0) || missed.Records == 0 {
		t.Errorf("kept for n3: %+v", missed)
	}
	if table := must(t, binary, "hints", "--admin", c.members[0].admin); !regexp.MustCompile(`n1 +n3 +dc1 +[1-9]`).MatchString(table) {
		t.Errorf("hints:\n%s", table)
	}
	if _, stderr, code := execute(t, nil, binary, "hints", "-o", "xml", "--admin", c.members[0].admin); code != exitUsage || !strings.Contains(stderr, `"xml"`) {
		t.Errorf("exit code %d, said %s", code, stderr)
	}
	began := time.Now()
	c.members[2].start()
	c.awaitWhole()
	ready := time.Since(began)
	for _, m := range c.members {
		r := redis.NewClient(&redis.Options{Addr: m.client, ReadTimeout: time.Minute})
		if lacking, err := r.Do(ctx, "DYN.HINTS", "WAIT", "50000").Int(); err != nil || lacking != 0 {
			t.Errorf("%s keeps something for %d nodes, %v\n%s", m.name, lacking, err, must(t, binary, "hints", "--admin", m.admin))
		}
		r.Close()
	}
	whole := time.Since(began)
	t.Logf("%d writes missed; complete %v after it was started, nothing owed after %v", n, ready.Round(time.Millisecond), whole.Round(time.Millisecond))
	var digests []string
	for _, m := range c.members {
		digests = append(digests, cli(t, m.client, "DYN.LOCAL", "DIGEST"))
	}
	if digests[0] != digests[1] || digests[0] != digests[2] {
		t.Errorf("the copies differ: %q", digests)
	}
	if got := cli(t, c.members[2].client, "DYN.LOCAL", "DBSIZE"); strings.TrimSpace(got) != fmt.Sprint(n) {
		t.Errorf("n3 has %s keys of %d", got, n)
	}
}

// writeMany sets n keys through a node.
func writeMany(t *testing.T, addr string, n int) {
	t.Helper()
	ctx := context.Background()
	r := redis.NewClient(&redis.Options{Addr: addr, ReadTimeout: time.Minute})
	defer r.Close()
	value := strings.Repeat("x", 100)
	const batch = 500
	for from := 0; from < n; from += batch {
		eventually(t, "a batch of writes", func() error {
			_, err := r.Pipelined(ctx, func(p redis.Pipeliner) error {
				for i := from; i < min(from+batch, n); i++ {
					p.Set(ctx, fmt.Sprintf("key:%09d", i), value, 0)
				}
				return nil
			})
			return err
		})
	}
}

// stateOf sums what all nodes keep for the one with the id.
func stateOf(t *testing.T, c *cluster, id string) node.HintState {
	t.Helper()
	var holders []node.HolderHints
	if err := json.Unmarshal([]byte(must(t, binary, "hints", "-o", "json", "--admin", c.members[0].admin)), &holders); err != nil {
		t.Fatal(err)
	}
	if len(holders) != 3 || holders[2].Error == "" {
		t.Errorf("%+v, want what two nodes keep and why the third does not say", holders)
	}
	var sum node.HintState
	for _, h := range holders {
		for _, s := range h.For {
			if s.Node == id {
				sum.Records += s.Records
				sum.Bytes += s.Bytes
				sum.Dirty += s.Dirty
			}
		}
	}
	return sum
}
