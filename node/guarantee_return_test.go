package node_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynomite-go/dynomite/node/nodetest"
)

// comesBack loses node 1 in a way, changes everything without it, and uses it
// from the moment it is back: until it holds what it missed it never answers
// from its own copy, and never decides a write by it.
func comesBack(t *testing.T, level string, lose, bring func(*nodetest.Cluster)) {
	synctest.Test(t, func(t *testing.T) {
		c := atLevel(t, level)
		const keys = 1500
		for i := range keys {
			c.Do(i%3, "SET", fmt.Sprintf("k%d", i), "old")
		}
		synctest.Wait()
		lose(c)
		time.Sleep(2 * noticed)
		for i := range keys {
			c.Do(2*(i%2), "SET", fmt.Sprintf("k%d", i), "new")
		}
		for range 100 {
			c.Do(0, "INCR", "n")
		}
		c.Network.SetDelay(10 * time.Millisecond)
		bring(c)
		var returned atomic.Bool
		lacked, count := 0, int64(100)
		reader := make(chan struct{})
		go func() {
			defer close(reader)
			for i := 0; !returned.Load(); i++ {
				key := fmt.Sprintf("k%d", keys-1-i%100)
				own, err := c.Try(1, "DYN.LOCAL", "GET", key)
				if err == nil && own != "new" && c.Nodes[1].Ready() != nil {
					lacked++
				}
				if got, err := c.Try(1, "GET", key); err == nil && got != "new" {
					t.Errorf("a node that comes back reads %v", got)
					return
				}
				time.Sleep(time.Millisecond)
			}
		}()
		for began := time.Now(); c.Nodes[1].Ready() != nil; time.Sleep(time.Millisecond) {
			if time.Since(began) > time.Minute {
				t.Fatalf("not ready: %v", c.Nodes[1].Ready())
			}
			if got, err := c.Try(1, "INCR", "n"); err == nil {
				if got.(int64) <= count {
					t.Fatalf("INCR through a node that comes back: %v after %v", got, count)
				}
				count = got.(int64)
			}
		}
		returned.Store(true)
		<-reader
		if lacked == 0 {
			t.Error("the test did not meet the node while it lacked anything")
		}
		c.Network.SetDelay(0)
		for i := range c.Nodes {
			c.WaitComplete(i)
		}
		handedOver(t, c)
		equalCopies(t, c)
		want(t, c.Do(1, "GET", "n"), count)
	})
}

func losesItsMemory(c *nodetest.Cluster) { c.Crash(1) }
func isStarted(c *nodetest.Cluster)      { c.Start(1) }
func isCutOff(c *nodetest.Cluster)       { c.Network.Isolate(c.Host(1)) }

// isConnected returns when the node could know that it is.
func isConnected(c *nodetest.Cluster) { c.Network.Rejoin(c.Host(1)) }

func TestGuarantee_ANodeComesBack_DCQuorum(t *testing.T) {
	t.Run("empty", func(t *testing.T) { comesBack(t, quorumLevel, losesItsMemory, isStarted) })
	t.Run("after a cut", func(t *testing.T) { comesBack(t, quorumLevel, isCutOff, isConnected) })
}

// At DC_ONE a node that is cut off does answer; see TheNetworkSplits.
func TestGuarantee_ANodeComesBack_DCOne(t *testing.T) {
	comesBack(t, oneLevel, losesItsMemory, isStarted)
}

func TestGuarantee_ANodeComesBack_DCEachSafeQuorum(t *testing.T) {
	t.Run("empty", func(t *testing.T) { comesBack(t, eachLevel, losesItsMemory, isStarted) })
	t.Run("after a cut", func(t *testing.T) { comesBack(t, eachLevel, isCutOff, isConnected) })
}
