package node_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynomite-go/dynomite/node"
	"github.com/dynomite-go/dynomite/node/nodetest"
	"github.com/dynomite-go/dynomite/quorum"
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

// What a node alone acknowledged before it crashed reaches every owner, also
// one that was out of reach while the node caught up with the others.
func TestCluster_OwnerThatWasNotComparedWith_IsToldLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		c := nodetest.NewCluster(t, 3, nodetest.WithConfig(func(i int, cfg *node.Config) {
			if i == 1 {
				cfg.DataDir = dir
			}
		}))
		c.Network.Isolate(c.Host(1))
		time.Sleep(2 * time.Second)
		one := node.AtLevel(context.Background(), quorum.DCOne)
		if _, err := c.Nodes[1].Do(one, "SET", "k", "v"); err != nil {
			t.Fatal(err)
		}
		c.Crash(1)
		c.Network.Rejoin(c.Host(1))
		c.Network.Cut(c.Host(1), c.Host(0))
		c.Start(1)
		c.WaitReady(1)
		want(t, c.Do(2, "DYN.LOCAL", "GET", "k"), "v")
		c.Network.Heal(c.Host(1), c.Host(0))
		c.WaitComplete(1)
		time.Sleep(5 * time.Second)
		want(t, c.Do(0, "DYN.LOCAL", "GET", "k"), "v")
	})
}

// Catching up waits for hints, then compares. What was asked for while it waited
// is answered by the comparison that follows, and by no other.
func TestCluster_ANodeThatReturns_CatchesUpOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var caught atomic.Int32
		c := nodetest.NewCluster(t, 3, nodetest.WithNodeOptions(func(i int) []node.Option {
			if i != 1 {
				return nil
			}
			return []node.Option{node.WithObserver(node.Observer{CatchUpFinished: func(node.CatchUpInfo) { caught.Add(1) }})}
		}))
		time.Sleep(5 * time.Second)
		caught.Store(0)
		c.Crash(1)
		time.Sleep(4 * time.Second)
		c.Start(1)
		c.WaitComplete(1)
		time.Sleep(10 * time.Second)
		if n := caught.Load(); n != 1 {
			t.Errorf("it caught up %d times", n)
		}
	})
}

// A node without a data directory dies with what it kept for another, and gets
// it back from a third one after it compared with the other: that one has to
// be told.
func TestCluster_WhatAThirdNodeBringsBack_ReachesThoseComparedBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3)
		c.Network.Cut(c.Host(1), c.Host(0))
		time.Sleep(2 * time.Second)
		for i := range 20 {
			c.Do(1, "SET", fmt.Sprintf("k%d", i), "v")
		}
		if hintsFor(t, c.Nodes[1], "n0").Records == 0 {
			t.Fatal("n1 keeps nothing for n0")
		}
		c.Crash(1)
		c.Network.Heal(c.Host(1), c.Host(0))
		time.Sleep(4 * time.Second)
		c.Start(1)
		c.WaitComplete(1)
		handedOver(t, c)
		equalCopies(t, c)
	})
}
