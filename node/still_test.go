package node_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynomite-go/dynomite/node/nodetest"
)

// A node that only waits does not stand still, and is sure of itself five seconds
// after the last change of who is reachable. What it does when it did stand still
// is tested where processes are stopped, in cmd/dynomited, and in the coordinator.
func TestCaution_EndsWhenNothingChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3)
		cautious := func(wanted ...float64) {
			t.Helper()
			for i, n := range c.Nodes {
				m := gathered(t, n)
				if m["dynomited_cautious"] != wanted[i] || m["dynomited_stood_still_total"] != 0 {
					t.Errorf("node %d: cautious %v, stood still %v times", i, m["dynomited_cautious"], m["dynomited_stood_still_total"])
				}
			}
		}
		cautious(1, 1, 1)
		time.Sleep(6 * time.Second)
		cautious(0, 0, 0)
		time.Sleep(3 * time.Minute)
		cautious(0, 0, 0)
		c.Network.Cut(c.Host(0), c.Host(1))
		time.Sleep(time.Minute)
		cautious(1, 1, 0) // they miss each other; the third sees both
		c.Network.Heal(c.Host(0), c.Host(1))
		time.Sleep(time.Minute)
		cautious(0, 0, 0)
	})
}
