package node_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynomite-go/dynomite/node/nodetest"
)

// A node that returned and has caught up takes commands; it can serve them
// only when the others have connected to it and said how they are.
func TestCluster_NodeThatReturns_IsMetAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3)
		for away := range 5 {
			c.Crash(1)
			time.Sleep(4*time.Second + time.Duration(away)*137*time.Millisecond)
			c.Start(1)
			c.WaitReady(1)
			began := time.Now()
			for !c.Nodes[0].Members()[1].Complete || !c.Nodes[2].Members()[1].Complete {
				time.Sleep(time.Millisecond)
			}
			if took := time.Since(began); took > 50*time.Millisecond {
				t.Errorf("the others saw it %v after it was ready", took)
			}
		}
	})
}
