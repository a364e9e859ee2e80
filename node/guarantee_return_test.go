package node_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynomite-go/dynomite/node"
	"github.com/dynomite-go/dynomite/node/nodetest"
)

// comesBack loses node 1 in a way, changes everything without it, and uses it
// from the moment it is back: until it holds what it missed it never answers
// from its own copy, and never decides a write by it.
func comesBack(t *testing.T, level string, lose, bring func(*nodetest.Cluster)) {
	synctest.Test(t, func(t *testing.T) {
		// Hints bring little of it, so that there is something to compare.
		c := atLevel(t, level, nodetest.WithConfig(func(_ int, cfg *node.Config) { cfg.HintBytes = 2000 }))
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
		var clients sync.WaitGroup
		clients.Go(func() {
			for i := 0; !returned.Load(); i++ {
				own, err := c.Try(1, "DYN.LOCAL", "GET", fmt.Sprintf("k%d", i%keys))
				if err == nil && own != "new" && c.Nodes[1].Ready() != nil {
					lacked++
				}
				time.Sleep(time.Millisecond)
			}
		})
		clients.Go(func() {
			for i := 0; !returned.Load(); i++ {
				if got, err := c.Try(1, "GET", fmt.Sprintf("k%d", i%keys)); err == nil && got != "new" {
					t.Errorf("a node that comes back reads %v", got)
				}
				time.Sleep(time.Millisecond)
			}
		})
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
		clients.Wait()
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

func TestGuarantee_ANodeComesBack_DCOne(t *testing.T) {
	t.Run("empty", func(t *testing.T) { comesBack(t, oneLevel, losesItsMemory, isStarted) })
	// A node that is cut off does answer, see TheNetworkSplits, so this asks the
	// others: none of them takes it for a key's primary before it is whole.
	t.Run("after a cut", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := atLevel(t, oneLevel)
			const keys = 300
			for i := range keys {
				c.Do(i%3, "SET", fmt.Sprintf("k%d", i), "old")
			}
			synctest.Wait()
			isCutOff(c)
			time.Sleep(2 * noticed)
			for i := range keys {
				c.Do(2*(i%2), "SET", fmt.Sprintf("k%d", i), "new")
			}
			c.Network.SetDelay(10 * time.Millisecond)
			isConnected(c)
			lacked := 0
			for i, began := 0, time.Now(); time.Since(began) < 5*time.Second; i++ {
				key := fmt.Sprintf("k%d", keys-1-i%100)
				if c.Do(1, "DYN.LOCAL", "GET", key) == "old" {
					lacked++
				}
				want(t, c.Do(2*(i%2), "GET", key), "new")
				time.Sleep(time.Millisecond)
			}
			if lacked == 0 {
				t.Error("the test did not meet the node while it lacked anything")
			}
			c.WaitComplete(1)
		})
	})
}

func TestGuarantee_ANodeComesBack_DCEachSafeQuorum(t *testing.T) {
	t.Run("empty", func(t *testing.T) { comesBack(t, eachLevel, losesItsMemory, isStarted) })
	t.Run("after a cut", func(t *testing.T) { comesBack(t, eachLevel, isCutOff, isConnected) })
}
