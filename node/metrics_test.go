package node_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"sort"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dynomite-go/dynomite/node"
	"github.com/dynomite-go/dynomite/node/nodetest"
	"github.com/dynomite-go/dynomite/quorum"
)

// gathered sums each metric of a node over its labels, over all but one, and
// has each alone, with its labels in the order of their names.
func gathered(t *testing.T, n *node.Node) map[string]float64 {
	t.Helper()
	r := prometheus.NewRegistry()
	if err := r.Register(n.Collector()); err != nil {
		t.Fatal(err)
	}
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			out[f.GetName()] += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			var all []string
			for _, l := range m.GetLabel() {
				all = append(all, l.GetName()+"="+l.GetValue())
				out[f.GetName()+"{"+l.GetName()+"="+l.GetValue()+"}"] += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
			if len(all) > 1 {
				out[f.GetName()+"{"+strings.Join(all, ",")+"}"] += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return out
}

func TestMetrics_DocumentedListIsTheExportedOne(t *testing.T) {
	b, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(dynomited_[a-z_]+)`").FindAllStringSubmatch(string(b), -1) {
		documented = append(documented, m[1])
	}
	exported := map[string]bool{}
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3)
		c.Do(0, "SET", "k", "v")
		_, _ = c.Try(0, "HGET", "k", "f") // an error reply
		for name := range gathered(t, c.Nodes[0]) {
			if !strings.Contains(name, "{") {
				exported[name] = true
			}
		}
	})
	var names []string
	for n := range exported {
		names = append(names, n)
	}
	sort.Strings(names)
	sort.Strings(documented)
	if fmt.Sprint(names) != fmt.Sprint(documented) {
		t.Fatalf("exported and documented metrics differ:\nexported   %v\ndocumented %v", names, documented)
	}
}

func TestMetrics_EachEventMovesItsMetric(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Some hints fit, the rest is compared.
		c := nodetest.NewCluster(t, 3, nodetest.WithConfig(func(_ int, cfg *node.Config) {
			cfg.HintBytes, cfg.HintWindow = 1500, 10*time.Second
		}))
		one := node.AtLevel(context.Background(), quorum.DCOne)
		last := map[int]map[string]float64{}
		look := func() {
			for i, n := range c.Nodes {
				last[i] = gathered(t, n)
			}
		}
		// moved says by how much a metric grew over all nodes since look.
		moved := func(name string) float64 {
			sum := 0.0
			for i, n := range c.Nodes {
				sum += gathered(t, n)[name] - last[i][name]
			}
			return sum
		}
		grew := func(names ...string) {
			t.Helper()
			for _, name := range names {
				if moved("dynomited_"+name) <= 0 {
					t.Errorf("%s did not grow", name)
				}
			}
		}
		look()
		for i := range 30 {
			c.Do(0, "SET", fmt.Sprintf("k%d", i), "v", "EX", 100)
		}
		_, _ = c.Try(0, "HGET", "k0", "f")
		c.Do(0, "GET", "absent")
		if _, err := c.Nodes[0].Do(one, "SET", "o", "1"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		grew("commands_total", "commands_total{result=error}", "error_replies_total{code=WRONGTYPE}",
			"connections_accepted_total", "keys", "keys_expiring", "records", "data_bytes", "store_bytes",
			"keyspace_misses_total", "acks_total{level=DC_ONE}", "acks_total{level=DC_QUORUM}", "forwarded_total", "served_total", "deltas_merged_total")

		look()
		c.Do(0, "SET", "short", "v", "PX", 10)
		time.Sleep(3 * time.Second)
		grew("expired_keys_total")

		look()
		c.Network.SetDelay(60 * time.Millisecond)
		for i := range 30 {
			c.Do(0, "GET", fmt.Sprintf("k%d", i))
		}
		time.Sleep(time.Second)
		var readers sync.WaitGroup
		for range 10 {
			readers.Go(func() { c.Do(0, "GET", "k0") })
		}
		readers.Wait()
		grew("reads_coalesced_total", "keyspace_hits_total", "command_seconds_total", "hedges_total", "peer_rtt_seconds")
		c.Network.SetDelay(0)

		look()
		c.Network.Isolate(c.Host(2))
		time.Sleep(2 * time.Second)
		if moved("dynomited_peer_up") >= 0 || moved("dynomited_peer_complete") >= 0 || moved("dynomited_ready") >= 0 {
			t.Error("a node that is cut off shows in nobody's metrics")
		}
		_, _ = c.Try(2, "SET", "k1", "x")
		for i := range 10 {
			if _, err := c.Nodes[2].Do(one, "SET", fmt.Sprintf("c%d", i), "there"); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Nodes[0].Do(one, "SET", fmt.Sprintf("c%d", i), "here"); err != nil {
				t.Fatal(err)
			}
		}
		c.Do(0, "SET", "c0", "again")
		time.Sleep(time.Second)
		grew("refused_total", "deltas_missed_total", "hints_queued_total", "hints_coalesced_total",
			"hint_records", "hint_bytes", "replication_lag_seconds")
		// Without its hints it has only the comparison.
		c.Crash(0)
		c.Start(0)
		look()
		c.Network.Rejoin(c.Host(2))
		c.WaitComplete(0)
		c.WaitComplete(2)
		grew("catch_ups_total", "repairs_total{cause=catch_up}", "hints_delivered_total")
		for i := range c.Nodes {
			want(t, c.Do(i, "DYN.HINTS", "WAIT", 10000), 0)
		}

		// Two nodes that do not see each other write the same keys; the third
		// sees both.
		look()
		c.Network.Cut(c.Host(0), c.Host(2))
		time.Sleep(2 * time.Second)
		look()
		for i := range 60 {
			for _, n := range []int{0, 2} {
				c.Do(n, "SET", fmt.Sprintf("k%d", i), n)
				c.Do(n, "INCR", fmt.Sprintf("n%d", i))
			}
		}
		grew("conflicts_total", "hint_dirty_ranges", "hints_refused_total")
		time.Sleep(11 * time.Second)
		grew("hints_expired_total")
		look()
		c.Network.Heal(c.Host(0), c.Host(2))
		c.WaitComplete(0)
		c.WaitComplete(2)
		time.Sleep(time.Second)
		grew("comparisons_total", "repairs_total{cause=comparison,direction=in}", "repairs_total{cause=comparison,direction=out}")
		if left := moved("dynomited_hint_dirty_ranges"); left >= 0 {
			t.Errorf("%v more dirty ranges than before", left)
		}

		look()
		c.Crash(1)
		c.Start(1)
		c.WaitReady(1)
		if m := gathered(t, c.Nodes[1]); m["dynomited_caught_up"] != 1 || m["dynomited_ready"] != 1 ||
			m["dynomited_layout_epoch"] != 1 || m["dynomited_layout_nodes"] != 3 {
			t.Errorf("a node that came back: %v", m)
		}
	})
}
