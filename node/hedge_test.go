package node_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynomite-go/dynomite/node/nodetest"
)

// A node that hangs (SIGSTOP, a cut cable: its connections stay open and nothing
// comes) is noticed after 600 ms. Until then reads at DC_QUORUM that would have
// asked it ask another owner as well; afterwards they do not know of it.
func TestCluster_ANodeThatHangs_ReadsHardlyNotice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3)
		c.Network.SetDelay(time.Millisecond)
		const keys = 30
		for i := range keys {
			c.Do(0, "SET", fmt.Sprintf("k%d", i), "v")
		}
		time.Sleep(10 * time.Second) // nobody is cautious any more
		// reads are those of 8 clients of node 0 for a while, sorted.
		reads := func(d time.Duration) []time.Duration {
			end := time.Now().Add(d)
			var mu sync.Mutex
			var took []time.Duration
			var clients sync.WaitGroup
			for i := range 8 {
				clients.Go(func() {
					for k := i; time.Now().Before(end); k++ {
						began := time.Now()
						want(t, c.Do(0, "GET", fmt.Sprintf("k%d", k%keys)), "v")
						mu.Lock()
						took = append(took, time.Since(began))
						mu.Unlock()
					}
				})
			}
			clients.Wait()
			slices.Sort(took)
			return took
		}
		p99 := func(took []time.Duration) time.Duration { return took[len(took)*99/100] }
		reads(time.Second)
		before := reads(time.Second)
		hedges := gathered(t, c.Nodes[0])["dynomited_hedges_total"]
		c.Network.Isolate(c.Host(2))
		first := reads(time.Second)
		after := reads(2 * time.Second)
		t.Logf("p99 of %d reads %v; in the second in which a node hangs %v, at most %v; after it %v",
			len(before), p99(before), p99(first), first[len(first)-1], p99(after))
		if p99(after) > p99(before)*3/2 {
			t.Errorf("after a second the p99 is %v, before the node hung %v", p99(after), p99(before))
		}
		if p99(first) > p99(before)*3/2 {
			t.Errorf("in the first second the p99 is %v, before %v", p99(first), p99(before))
		}
		// Those under way wait for its delay, and for a tick.
		if most := first[len(first)-1]; most > 20*time.Millisecond {
			t.Errorf("a read took %v", most)
		}
		if gathered(t, c.Nodes[0])["dynomited_hedges_total"] <= hedges {
			t.Error("nobody else was asked")
		}
	})
}
