package node_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynomite-go/dynomite/node"
	"github.com/dynomite-go/dynomite/node/datastore/disk/disktest"
	"github.com/dynomite-go/dynomite/node/nodetest"
	"github.com/dynomite-go/dynomite/quorum"
)

func syncing(policy string) nodetest.Option {
	return nodetest.WithConfig(func(_ int, cfg *node.Config) { cfg.AppendFsync = policy })
}

// startAll starts every node that does not run and waits until all are whole.
func startAll(c *nodetest.Cluster) {
	for i, n := range c.Nodes {
		if n == nil {
			c.Start(i)
		}
	}
	for i := range c.Nodes {
		c.WaitComplete(i)
	}
}

func allNodes(c *nodetest.Cluster) []int {
	var all []int
	for i := range c.Nodes {
		all = append(all, i)
	}
	return all
}

// killed kills every process, all at once.
func killed(t *testing.T, level string) {
	synctest.Test(t, func(t *testing.T) {
		c := atLevel(t, level, nodetest.WithDisks(), syncing("no"))
		l := &ledger{t: t, c: c}
		c.Network.SetDelay(time.Millisecond)
		l.setMany(20)
		for i := range c.Nodes {
			c.Kill(i)
		}
		startAll(c)
		l.seen(allNodes(c)...)
	})
}

func TestGuarantee_AProcessIsKilledDataDirSet_DCQuorum(t *testing.T) { killed(t, quorumLevel) }

func TestGuarantee_AProcessIsKilledDataDirSet_DCOne(t *testing.T) {
	killed(t, oneLevel)
	// Nobody else has it.
	synctest.Test(t, func(t *testing.T) {
		c := atLevel(t, oneLevel, nodetest.WithDisks(), syncing("no"))
		away(c)
		l := &ledger{t: t, c: c}
		for range 20 {
			if _, err := l.set(c.Nodes[2]); err != nil {
				t.Fatal(err)
			}
		}
		c.Kill(2)
		c.Network.Rejoin(c.Host(2))
		time.Sleep(noticed)
		want(t, c.Do(0, "EXISTS", l.acked[0]), 0)
		startAll(c)
		handedOver(t, c)
		l.seen(0, 1, 2)
	})
}

func TestGuarantee_AProcessIsKilledDataDirSet_DCEachSafeQuorum(t *testing.T) { killed(t, eachLevel) }

// One machine loses power right after it acknowledged with the others: they
// have it, and the one that forgot does not outvote them.
func TestGuarantee_OneMachineLosesPowerAppendfsyncEverysec_DCQuorum(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := atLevel(t, quorumLevel, nodetest.WithDisks(), syncing("everysec"))
		l := &ledger{t: t, c: c}
		l.setMany(20)
		away(c)
		for range 20 { // these only nodes 0 and 1 have
			if _, err := l.set(c.Nodes[0]); err != nil {
				t.Fatal(err)
			}
		}
		c.Crash(0)
		c.Network.Rejoin(c.Host(2))
		time.Sleep(noticed)
		if _, err := c.Try(2, "GET", l.acked[len(l.acked)-1]); err == nil {
			c.WaitComplete(2) // it can only have got it from node 1
		}
		startAll(c)
		l.seen(0, 1, 2)
	})
	t.Run("and the one that forgot is no majority with the one that missed it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := atLevel(t, quorumLevel, nodetest.WithDisks(), syncing("everysec"))
			away(c)
			c.Do(0, "SET", "k", "v")
			c.Crash(0)
			c.Kill(1)
			c.Network.Rejoin(c.Host(2))
			c.Start(0)
			time.Sleep(20 * time.Second)
			for _, i := range []int{0, 2} {
				if v, err := c.Try(i, "GET", "k"); err == nil {
					t.Errorf("node %d reads %v, what was acknowledged is with node 1", i, v)
				}
			}
			startAll(c)
			for i := range 3 {
				want(t, c.Do(i, "GET", "k"), "v")
			}
		})
	})
}

// What a machine alone had for more than a second is there when it is back.
func TestGuarantee_OneMachineLosesPowerAppendfsyncEverysec_DCOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := atLevel(t, oneLevel, nodetest.WithDisks(), syncing("everysec"))
		away(c)
		const every = 50 * time.Millisecond
		var keys []string
		for i := range 100 {
			keys = append(keys, fmt.Sprintf("k%d", i))
			time.Sleep(every)
			c.Do(2, "SET", keys[i], i)
		}
		c.Crash(2) // a moment after a write that no sync has seen
		c.Network.Rejoin(c.Host(2))
		startAll(c)
		handedOver(t, c)
		lost := 0
		for i, key := range keys {
			if got := c.Do(0, "GET", key); got != nil {
				continue
			}
			lost++
			if old := time.Duration(len(keys)-i) * every; old > time.Second+every {
				t.Errorf("%s was lost, %v after it was acknowledged", key, old)
			}
		}
		if lost == 0 {
			t.Error("nothing was lost: the disk of this test forgets nothing")
		}
		equalCopies(t, c)
	})
}

// All machines of a datacenter lose power at once.
func TestGuarantee_OneMachineLosesPowerAppendfsyncEverysec_DCEachSafeQuorum(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := atLevel(t, eachLevel, nodetest.WithDisks(), syncing("everysec"))
		l := &ledger{t: t, c: c}
		l.setMany(20)
		for i := range 3 {
			c.Crash(i)
		}
		startAll(c)
		l.seen(allNodes(c)...)
	})
}

// lostForGood replaces machines by empty ones of the same names.
func lostForGood(c *nodetest.Cluster, nodes ...int) {
	for _, i := range nodes {
		c.Kill(i)
		c.Disks[i] = disktest.New(nil)
	}
}

func TestGuarantee_MachinesAreLostForGood_DCQuorum(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := atLevel(t, quorumLevel, nodetest.WithDisks())
		l := &ledger{t: t, c: c}
		for i := range 3 { // each in turn, so in the end all were
			l.setMany(10)
			lostForGood(c, i)
			time.Sleep(noticed)
			startAll(c)
			l.seen(0, 1, 2)
		}
	})
}

func TestGuarantee_MachinesAreLostForGood_DCOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := atLevel(t, oneLevel, nodetest.WithDisks())
		l := &ledger{t: t, c: c}
		l.setMany(10)
		synctest.Wait()
		away(c)
		c.Do(2, "SET", "only", "there")
		lostForGood(c, 2)
		c.Network.Rejoin(c.Host(2))
		startAll(c)
		l.seen(0, 1, 2)
		for i := range 3 {
			want(t, c.Do(i, "GET", "only"), nil)
		}
	})
}

// A minority of each datacenter, and a whole one.
func TestGuarantee_MachinesAreLostForGood_DCEachSafeQuorum(t *testing.T) {
	for name, lost := range map[string][]int{"a minority in each": {1, 5}, "one datacenter": {3, 4, 5}, "the one of the seeds": {0, 1, 2}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := atLevel(t, eachLevel, nodetest.WithDisks())
				l := &ledger{t: t, c: c}
				l.setMany(10)
				c.Do(0, "SET", "k", "v")
				synctest.Wait()
				lostForGood(c, lost...)
				time.Sleep(noticed)
				startAll(c)
				for _, i := range lost { // also by what they have at home
					got, err := c.Nodes[i].Do(node.AtLevel(t.Context(), quorum.DCQuorum), "GET", "k")
					if err != nil || got != "v" {
						t.Errorf("node %d at DC_QUORUM: %v, %v", i, got, err)
					}
				}
				handedOver(t, c)
				equalCopies(t, c) // without being read first
				l.seen(allNodes(c)...)
			})
		})
	}
}
