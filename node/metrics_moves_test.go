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
		c := nodetest.NewCluster(t, 3)
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
		fetched := repairs("cause=catch_up,direction=in")
		c.Crash(1)
		c.Start(1)
		want(t, gathered(t, c.Nodes[1])["dynomited_caught_up"], 0)
		c.WaitReady(1)
		want(t, gathered(t, c.Nodes[1])["dynomited_caught_up"], 1)
		grew("cause=catch_up,direction=in", fetched)
	})
}
