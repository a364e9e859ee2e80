package node_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynomite-go/dynomite/node"
	"github.com/dynomite-go/dynomite/node/nodetest"
	"github.com/dynomite-go/dynomite/quorum"
)

// The causes of repairs that other tests do not tell apart.
func TestMetrics_RepairsByCauseAndDirection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s stores
		c := nodetest.NewCluster(t, 3, s.option())
		repairs := func(labels string) (sum float64) {
			for _, n := range c.Nodes {
				sum += gathered(t, n)["dynomited_repairs_total{"+labels+"}"]
			}
			return sum
		}
		grew := func(labels string, was float64) {
			t.Helper()
			if repairs(labels) <= was {
				t.Errorf("repairs_total{%s} did not grow", labels)
			}
		}

		// Node 0 executes what node 2 is primary of; node 1 has it, asks node 2,
		// and brings it there. Asked itself, node 2 fetches it.
		out, in := repairs("cause=read,direction=out"), repairs("cause=read,direction=in")
		c.Network.Cut(c.Host(0), c.Host(2))
		time.Sleep(noticed)
		for i := range 30 {
			key := fmt.Sprintf("k%d", i)
			c.Do(0, "SET", key, i)
			if i%2 == 0 {
				want(t, c.Do(1, "GET", key), i)
			} else {
				want(t, c.Do(2, "GET", key), i)
			}
		}
		grew("cause=read,direction=out", out)
		grew("cause=read,direction=in", in)

		// A write that looks first, at node 2, which lacks it.
		reads, writes := repairs("cause=read"), repairs("cause=write,direction=in")
		for i := range 30 {
			key := fmt.Sprintf("w%d", i)
			c.Do(0, "SET", key, i)
			want(t, c.Do(1, "SETNX", key, "x"), 0)
		}
		grew("cause=write,direction=in", writes)
		// One that finds what its primary alone has: it writes nothing, but a majority
		// must have what it replies.
		given := repairs("cause=write,direction=out")
		for i := range 30 {
			key := fmt.Sprintf("p%d", i)
			s.set(t, i%2, key, "alone")
			c.Do(i%2, "SETNX", key, "x")
		}
		grew("cause=write,direction=out", given)
		if now := repairs("cause=read"); now != reads {
			t.Errorf("writes made %v read repairs", now-reads)
		}
		c.Network.Heal(c.Host(0), c.Host(2))
		c.WaitComplete(2)
		handedOver(t, c)

		// A hint meets something newer.
		hint := repairs("cause=hint,direction=in")
		away(c)
		one := node.AtLevel(t.Context(), quorum.DCOne)
		for i := range 10 {
			for _, n := range []int{0, 2} {
				if _, err := c.Nodes[n].Do(one, "SET", fmt.Sprintf("c%d", i), n); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(10 * time.Millisecond)
		}
		c.Network.Rejoin(c.Host(2))
		c.WaitComplete(2)
		handedOver(t, c)
		grew("cause=hint,direction=in", hint)

		// A node that lost its memory gets everything, and gives what it alone
		// was told since.
		fetched, pushed := repairs("cause=catch_up,direction=in"), repairs("cause=catch_up,direction=out")
		c.Crash(1)
		before := s.of(1)
		c.Start(1)
		for s.of(1) == before {
			time.Sleep(time.Millisecond)
		}
		s.set(t, 1, "here alone", "v")
		want(t, gathered(t, c.Nodes[1])["dynomited_caught_up"], 0)
		c.WaitReady(1)
		want(t, gathered(t, c.Nodes[1])["dynomited_caught_up"], 1)
		grew("cause=catch_up,direction=in", fetched)
		grew("cause=catch_up,direction=out", pushed)
	})
}

// lateRepairs is how many repairs of a direction node i made for answers that
// came after the reply.
func lateRepairs(t *testing.T, c *nodetest.Cluster, i int, direction string) float64 {
	t.Helper()
	return gathered(t, c.Nodes[i])["dynomited_repairs_total{cause=late,direction="+direction+"}"]
}

// farAndDeaf lets nodes 1 and 4 learn how long answers take, and puts node 4 far
// from node 1 and out of reach of node 0 then.
func farAndDeaf(c *nodetest.Cluster) {
	for i := range 60 {
		key := fmt.Sprint("k", i)
		c.Do(i%5, "SET", key, "old")
		c.Do(1, "GET", key)
		c.Do(4, "GET", key)
	}
	c.Network.Cut(c.Host(0), c.Host(4))
	time.Sleep(10 * time.Second) // nobody is cautious any more
	c.Network.SetDelayBetween(c.Host(1), c.Host(4), 50*time.Millisecond)
}

// Node 1 has what a majority has, and learns too late that node 4 lacks it.
func TestMetrics_LateAnswerOfWhoHoldsLess_IsARepairOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 5)
		farAndDeaf(c)
		for i := range 60 {
			c.Do(0, "SET", fmt.Sprint("k", i), i)
			want(t, c.Do(1, "GET", fmt.Sprint("k", i)), i)
		}
		time.Sleep(time.Second)
		if out, in := lateRepairs(t, c, 1, "out"), lateRepairs(t, c, 1, "in"); out == 0 || in != 0 {
			t.Errorf("%v out, %v in", out, in)
		}
	})
}

// Only node 1 has what node 0 writes, and tells node 4 too late.
func TestMetrics_LateAnswerOfWhoHoldsMore_IsARepairIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 5, nodetest.WithConfig(func(_ int, cfg *node.Config) { cfg.Replicas = 5 }))
		farAndDeaf(c)
		for _, far := range []int{2, 3} {
			c.Network.SetDelayBetween(c.Host(0), c.Host(far), 200*time.Millisecond)
		}
		one := node.AtLevel(t.Context(), quorum.DCOne)
		for i := range 60 {
			key := fmt.Sprint("j", i)
			if _, err := c.Nodes[0].Do(one, "SET", key, i); err != nil {
				t.Fatal(err)
			}
			c.Do(4, "GET", key)
		}
		time.Sleep(time.Second)
		if out, in := lateRepairs(t, c, 4, "out"), lateRepairs(t, c, 4, "in"); out != 0 || in == 0 {
			t.Errorf("%v out, %v in", out, in)
		}
	})
}
