package node_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynomite-go/dynomite/node"
	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/node/nodetest"
)

// stores are the stores of a cluster's nodes, to change one behind the
// coordinators' back: as bit rot, a bug or an old backup would.
type stores struct {
	mu sync.Mutex
	by map[int]*datastore.Memory
}

func (s *stores) option() nodetest.Option {
	s.by = map[int]*datastore.Memory{}
	return nodetest.WithNodeOptions(func(i int) []node.Option {
		return []node.Option{node.WithDatastore(func(ctx context.Context, info node.StoreInfo) (datastore.Store, error) {
			m, err := datastore.Open(ctx, datastore.Config{Token: info.Token, Clock: info.Clock, DigestKey: info.DigestKey})
			s.mu.Lock()
			defer s.mu.Unlock()
			s.by[i] = m
			return m, err
		})}
	})
}

// of is the store that node i opened last.
func (s *stores) of(i int) *datastore.Memory {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.by[i]
}

func (s *stores) update(t *testing.T, i int, key string, write func(*datastore.View, *datastore.Delta)) {
	t.Helper()
	if _, err := s.of(i).Update([]byte(key), updateFunc(write), nil); err != nil {
		t.Fatal(err)
	}
}

func (s *stores) set(t *testing.T, i int, key, value string) {
	t.Helper()
	s.update(t, i, key, func(_ *datastore.View, d *datastore.Delta) { d.Overwrite([]byte(value)) })
}

type updateFunc func(*datastore.View, *datastore.Delta)

func (f updateFunc) Update(v *datastore.View, d *datastore.Delta) { f(v, d) }

func total(t *testing.T, c *nodetest.Cluster, name string) (sum float64) {
	t.Helper()
	for _, n := range c.Nodes {
		sum += gathered(t, n)["dynomited_"+name]
	}
	return sum
}

// What no hint and no read told of is equal everywhere within the interval.
func TestAntiEntropy_MakesCopiesEqual(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s stores
		c := nodetest.NewCluster(t, 3, s.option(), noFloors())
		for i := range 300 {
			c.Do(i%3, "SET", fmt.Sprintf("k%d", i), i)
		}
		time.Sleep(10 * time.Second)
		for i := range 3 {
			s.set(t, i, fmt.Sprint("only at ", i), "v")
			s.set(t, i, "k7", fmt.Sprint("by ", i))
			s.update(t, i, "k8", func(_ *datastore.View, d *datastore.Delta) { d.Delete() })
		}
		s.update(t, 1, "k9", func(_ *datastore.View, d *datastore.Delta) { d.ExpireAt(d.Now() + 1e6) })
		s.set(t, 2, "long", strings.Repeat("x", 300_000))
		time.Sleep(9 * time.Minute)
		equalCopies(t, c)
		for i := range 3 {
			want(t, c.Do(i, "DYN.LOCAL", "GET", "only at 1"), "v")
			want(t, c.Do(i, "DYN.LOCAL", "GET", "k8"), nil)
		}
		for _, name := range []string{
			"comparison_keys_total", "comparison_round_trips_total", "comparison_bytes_total{direction=in}", "comparison_bytes_total{direction=out}",
			"repairs_total{cause=anti_entropy,direction=in}", "repairs_total{cause=anti_entropy,direction=out}",
		} {
			if total(t, c, name) == 0 {
				t.Errorf("%s did not grow", name)
			}
		}
		keys := total(t, c, "comparison_keys_total")
		time.Sleep(20 * time.Minute)
		if got := total(t, c, "comparison_keys_total"); got != keys {
			t.Errorf("%v keys differed after all were equal", got-keys)
		}
		for i, n := range c.Nodes {
			if peer, age := n.OldestComparison(); peer == "" || age > 7*time.Minute {
				t.Errorf("node %d compared everything with %q %v ago", i, peer, age)
			}
			for name, v := range gathered(t, n) {
				if strings.HasPrefix(name, "dynomited_comparison_age_seconds{peer=") && (v < 0 || v > 420) {
					t.Errorf("node %d: %s is %v", i, name, v)
				}
			}
		}
	})
}

// Of two large hashes that differ in some fields, only these travel.
func TestAntiEntropy_LargeCollections_ByTheirParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s stores
		c := nodetest.NewCluster(t, 3, s.option(), noFloors())
		value := strings.Repeat("v", 100)
		for i := 0; i < 20_000; i += 500 {
			args := []any{"HSET", "h"}
			for j := i; j < i+500; j++ {
				args = append(args, fmt.Sprint("f", j), value)
			}
			c.Do(i%3, args...)
		}
		time.Sleep(10 * time.Second)
		s.update(t, 0, "h", func(_ *datastore.View, d *datastore.Delta) {
			d.Put(datastore.Hash, []byte("f77"), []byte("new"))
			d.Remove(datastore.Hash, []byte("f78"))
		})
		s.update(t, 2, "h", func(_ *datastore.View, d *datastore.Delta) { d.Put(datastore.Hash, []byte("f79"), []byte("new")) })
		before := total(t, c, "comparison_bytes_total{direction=out}") + total(t, c, "comparison_bytes_total{direction=in}")
		time.Sleep(9 * time.Minute)
		equalCopies(t, c)
		for i := range 3 {
			want(t, c.Do(i, "DYN.LOCAL", "HGET", "h", "f77"), "new")
			want(t, c.Do(i, "DYN.LOCAL", "HGET", "h", "f78"), nil)
			want(t, c.Do(i, "DYN.LOCAL", "HGET", "h", "f79"), "new")
		}
		if total(t, c, "comparison_fields_total") == 0 {
			t.Error("comparison_fields_total did not grow")
		}
		// 2 MB of fields; every node compares with two others, more than once.
		if got := total(t, c, "comparison_bytes_total{direction=out}") + total(t, c, "comparison_bytes_total{direction=in}") - before; got > 100_000 {
			t.Errorf("%v bytes for three fields", got)
		}
	})
}

// Busy owners are equal: what is under way between them is not compared.
func TestAntiEntropy_UnderWrites_FindsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3, nodetest.WithConfig(func(_ int, cfg *node.Config) { cfg.AntiEntropy = 20 * time.Second }))
		c.Network.SetDelay(20 * time.Millisecond)
		for i := range 1500 {
			c.Do(i%3, "SET", fmt.Sprintf("k%d", i%97), i)
			c.Do(i%3, "INCR", "n")
		}
		if n := total(t, c, "comparison_round_trips_total"); n < 20 {
			t.Errorf("%v round trips", n)
		}
		if n := total(t, c, "comparison_keys_total"); n != 0 {
			t.Errorf("%v keys differed", n)
		}
		if n := total(t, c, "comparison_failures_total"); n != 0 {
			t.Errorf("%v comparisons failed", n)
		}
	})
}

// An operator need not wait: Repair is done when everything is equal, says what
// it found, and who could not be asked.
func TestRepair_MakesEqualNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s stores
		c := nodetest.NewCluster(t, 3, s.option(), noFloors())
		c.Do(0, "SET", "k", "v")
		time.Sleep(10 * time.Second)
		for i := range 3 {
			for j := range 50 {
				s.set(t, i, fmt.Sprintf("only %d %d", i, j), "v")
			}
		}
		steps := map[string]node.RepairProgress{}
		if err := c.Nodes[1].Repair(t.Context(), 0, 1<<64-1, func(p node.RepairProgress) { steps[p.Peer] = p }); err != nil {
			t.Fatal(err)
		}
		equalCopies(t, c)
		for _, peer := range []string{"n0", "n2"} {
			if p := steps[peer]; p.Done != 1 || p.Parts != 1 || p.Differed == 0 || p.Rounds == 0 || p.Bytes == 0 {
				t.Errorf("%s: %+v", peer, p)
			}
		}
		if p := steps["n0"]; p.Pass != 2 {
			t.Errorf("n0 did not get what n2 had: %+v", p)
		}
		for _, direction := range []string{"in", "out"} {
			if gathered(t, c.Nodes[1])["dynomited_repairs_total{cause=operator,direction="+direction+"}"] == 0 {
				t.Errorf("no repairs %s of who was asked", direction)
			}
		}

		s.set(t, 0, "another", "v")
		if err := c.Nodes[1].Repair(t.Context(), 0, 0, nil); err != nil {
			t.Fatal(err)
		}
		want(t, c.Do(1, "DYN.LOCAL", "GET", "another"), nil)
		if c.Nodes[1].Repair(t.Context(), 2, 1, nil) == nil {
			t.Error("an empty range is taken")
		}

		c.Network.Isolate(c.Host(2))
		time.Sleep(3 * time.Second)
		err := c.Nodes[1].Repair(t.Context(), 0, 1<<64-1, nil)
		if err == nil || !strings.Contains(err.Error(), "n2: does not answer") || strings.Contains(err.Error(), "n0") {
			t.Errorf("n2 is away: %v", err)
		}
		want(t, c.Do(1, "DYN.LOCAL", "GET", "another"), "v")
	})
}

// A peer that cannot be compared with is counted and left alone for a while.
func TestAntiEntropy_Failures_AreCountedAndRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s stores
		c := nodetest.NewCluster(t, 3, s.option(), nodetest.WithConfig(func(_ int, cfg *node.Config) { cfg.AntiEntropy = 20 * time.Second }))
		time.Sleep(9 * time.Second)
		s.set(t, 0, "k", "v")
		s.mu.Lock()
		m := s.by[1]
		s.mu.Unlock()
		if err := m.Close(); err != nil { // every scan of it fails
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute)
		failed := gathered(t, c.Nodes[0])["dynomited_comparison_failures_total{peer=n1}"]
		if failed < 3 || failed > 20 {
			t.Errorf("%v failures in 5 minutes", failed)
		}
		if n := gathered(t, c.Nodes[0])["dynomited_comparison_failures_total{peer=n2}"]; n != 0 {
			t.Errorf("%v failures with a node that is well", n)
		}
		if _, age := c.Nodes[0].OldestComparison(); age < 4*time.Minute {
			t.Errorf("all was compared %v ago", age)
		}
		want(t, c.Do(2, "DYN.LOCAL", "GET", "k"), "v") // with whom it works, it goes on
	})
}
