package node_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynomite-go/dynomite/node/nodetest"
)

// What waits for a peer that takes nothing is queued for it, until it is given
// up.
func TestMetrics_PeerQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3)
		queued := func() float64 { return gathered(t, c.Nodes[0])["dynomited_peer_queue_bytes{peer=n2}"] }
		for i := range c.Nodes {
			c.WaitComplete(i)
		}
		want(t, queued(), 0)
		c.Network.Cut(c.Host(0), c.Host(2))
		big := strings.Repeat("v", 1<<20)
		var clients sync.WaitGroup
		for i := range 30 {
			clients.Go(func() { _, _ = c.Try(0, "SET", fmt.Sprintf("k%d", i), big) })
		}
		time.Sleep(100 * time.Millisecond)
		if got := queued(); got < 1<<20 {
			t.Errorf("30 MiB were written and %v bytes are queued for a node that takes none", got)
		}
		clients.Wait()
		time.Sleep(noticed)
		want(t, queued(), 0)
	})
}

// A metric that no test of this package names is one that nobody has seen move.
func TestMetrics_EachIsNamedByATest(t *testing.T) {
	docs, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var tests []byte
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		tests = append(tests, b...)
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `dynomited_([a-z_]+)`").FindAllSubmatch(docs, -1) {
		if !regexp.MustCompile(`"(dynomited_)?` + string(m[1]) + `["{]`).Match(tests) {
			t.Errorf("no test names %s", m[1])
		}
	}
}
