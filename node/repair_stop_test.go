package node_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynomite-go/dynomite/node"
	"github.com/dynomite-go/dynomite/node/nodetest"
)

// Stop does not wait until an operator's repair is done, and none goes on with
// a store that is closed.
func TestRepair_NodeStops_EndsFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s stores
		c := nodetest.NewCluster(t, 3, s.option())
		time.Sleep(10 * time.Second)
		for i := range 3000 {
			s.set(t, 0, fmt.Sprint(i), "v")
		}
		began := make(chan struct{})
		ended := make(chan error, 1)
		hold := true
		go func() {
			ended <- c.Nodes[0].Repair(context.Background(), 0, 1<<64-1, func(node.RepairProgress) {
				if hold {
					hold = false
					close(began)
					time.Sleep(time.Minute)
				}
			})
		}()
		<-began
		if err := c.Nodes[0].Stop(t.Context()); err != nil {
			t.Error(err)
		}
		select {
		case err := <-ended:
			if err == nil {
				t.Error("the repair says that all was compared")
			}
		default:
			t.Error("the repair outlives the node")
		}
		if err := c.Nodes[0].Repair(t.Context(), 0, 1<<64-1, nil); err == nil {
			t.Error("a node that has stopped compares")
		}
	})
}
