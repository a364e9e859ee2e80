package node_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynomite-go/dynomite/node"
	"github.com/dynomite-go/dynomite/node/nodetest"
	"github.com/dynomite-go/dynomite/quorum"
)

// noFloors keeps floors from rising while something else is looked at.
func noFloors() nodetest.Option {
	return nodetest.WithConfig(func(_ int, cfg *node.Config) { cfg.FloorPeriod = 1000 * time.Hour })
}

// dead is how much node i remembers of deleted keys.
func dead(t *testing.T, c *nodetest.Cluster, i int) float64 {
	t.Helper()
	return gathered(t, c.Nodes[i])["dynomited_dead_records"]
}

// forgotten waits until no node remembers anything of deleted keys.
func forgotten(t *testing.T, c *nodetest.Cluster) {
	t.Helper()
	began := time.Now()
	for i := range c.Nodes {
		for dead(t, c, i) > 0 {
			if time.Since(began) > 5*time.Minute {
				t.Fatalf("node %d still remembers %v deleted keys after %v: %+v", i, dead(t, c, i), time.Since(began), c.Nodes[i].Floors())
			}
			time.Sleep(time.Second)
		}
	}
}

// What was deleted is forgotten by all owners, and nothing else is.
func TestFloors_WhatWasDeleted_IsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3)
		for i := range 100 {
			c.Do(i%3, "SET", fmt.Sprint("k", i), i)
			c.Do(i%3, "HSET", fmt.Sprint("h", i%10), fmt.Sprint("f", i), i)
		}
		c.Do(0, "SET", "expires", 1, "PX", 3000)
		for i := range 50 {
			c.Do((i+1)%3, "DEL", fmt.Sprint("k", i))
			c.Do((i+1)%3, "HDEL", fmt.Sprint("h", i%10), fmt.Sprint("f", i))
		}
		synctest.Wait()
		for i := range c.Nodes {
			want(t, dead(t, c, i), 50)
		}
		if got := total(t, c, "dead_bytes"); got == 0 {
			t.Error("what is remembered takes no memory")
		}
		forgotten(t, c)
		time.Sleep(3 * time.Minute) // what expired goes one floor later
		for i := range c.Nodes {
			want(t, gathered(t, c.Nodes[i])["dynomited_records"], 60)
			want(t, c.Do(i, "DYN.LOCAL", "DBSIZE"), 60)
			want(t, c.Do(i, "DYN.LOCAL", "GET", "k70"), 70)
			want(t, c.Do(i, "DYN.LOCAL", "GET", "k7"), nil)
			want(t, c.Do(i, "DYN.LOCAL", "HLEN", "h3"), 5)
		}
		equalCopies(t, c)
		for _, name := range []string{"floors_total", "floor_age_seconds"} {
			if total(t, c, name) == 0 {
				t.Errorf("%s is zero", name)
			}
		}
		// Nothing more would go, so the owners leave it at that.
		rounds := total(t, c, "floors_total")
		time.Sleep(15 * time.Minute)
		want(t, total(t, c, "floors_total"), rounds)
	})
}

// Commands go on while owners agree, purge and disagree for a moment, and
// cost no repairs beyond those of the moments in which floors rise.
func TestFloors_Commands_GoOnMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3, nodetest.WithConfig(func(_ int, cfg *node.Config) { cfg.FloorPeriod = 5 * time.Second }))
		c.Network.SetDelay(time.Millisecond)
		rng := rand.New(rand.NewPCG(1, 1))
		counts := map[string]int{}
		for range 6000 {
			key := fmt.Sprint("n", rng.IntN(50))
			switch rng.IntN(4) {
			case 0:
				c.Do(rng.IntN(3), "DEL", key)
				counts[key] = 0
			case 1:
				got := c.Do(rng.IntN(3), "GET", key)
				if counts[key] == 0 {
					want(t, got, nil)
				} else {
					want(t, got, counts[key])
				}
			default:
				counts[key]++
				want(t, c.Do(rng.IntN(3), "INCR", key), counts[key])
			}
			time.Sleep(time.Duration(rng.IntN(20)) * time.Millisecond)
		}
		if total(t, c, "floors_total") < 15 {
			t.Errorf("%v floors were raised", total(t, c, "floors_total"))
		}
		if n := total(t, c, "repairs_total"); n > 60 {
			t.Errorf("%v repairs", n)
		}
		want(t, total(t, c, "atoms_refused_total"), 0)
		want(t, total(t, c, "unknown_outcomes_total"), 0)
		forgotten(t, c)
		equalCopies(t, c)
	})
}

// logged gathers what a node says.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logged) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.buf.String(), text)
}

// A node is away for weeks. Nothing is forgotten that it does not know to be
// deleted, the others say who keeps them from it, and when it is back no
// key comes back with it.
func TestFloors_NodeAwayForWeeks_BringsNothingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logged
		c := nodetest.NewCluster(t, 3, nodetest.WithDisks(),
			nodetest.WithConfig(func(_ int, cfg *node.Config) { cfg.DeadBytes, cfg.HintWindow = 1000, 10*time.Minute }),
			nodetest.WithNodeOptions(func(i int) []node.Option {
				return []node.Option{node.WithLogger(slog.New(slog.NewTextHandler(&log, nil)))}
			}))
		for i := range 100 {
			c.Do(i%3, "SET", fmt.Sprint("k", i), i)
		}
		time.Sleep(2 * time.Minute)
		c.Kill(2)
		time.Sleep(5 * time.Second)
		for i := range 50 {
			c.Do(i%2, "DEL", fmt.Sprint("k", i))
		}
		time.Sleep(30 * time.Minute)
		want(t, dead(t, c, 0), 50)
		info := c.Nodes[0].Floors()
		if len(info) != 1 || info[0].Peer != "n2" || info[0].Waits != "present" || time.Since(info[0].Since) < 29*time.Minute || info[0].Old {
			t.Errorf("floors %+v", info)
		}
		if s := gathered(t, c.Nodes[1])["dynomited_floor_stalled_seconds{peer=n2}"]; s < 29*60 {
			t.Errorf("stalled for %v s", s)
		}
		if n := log.count("deleted and expired keys take much memory"); n < 2 || log.count("node n2 is away") == 0 {
			t.Errorf("warned %d times", n)
		}
		// The others are down for most of the time, or the test would take as long.
		c.Stop(0)
		c.Stop(1)
		time.Sleep(21 * 24 * time.Hour)
		startAll(c)
		handedOver(t, c)
		forgotten(t, c)
		for i := range c.Nodes {
			want(t, c.Do(i, "DYN.LOCAL", "DBSIZE"), 50)
			want(t, c.Do(i, "DYN.LOCAL", "GET", "k7"), nil)
		}
		equalCopies(t, c)
	})
}

// An old copy of a node's directory is put in its place. What it holds was
// deleted, and the others have forgotten that: it does not serve until all of
// them are there to say what is left.
func TestFloors_RestoredDirectory_BringsNothingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logged
		c := nodetest.NewCluster(t, 3, nodetest.WithDisks(), nodetest.WithNodeOptions(func(int) []node.Option {
			return []node.Option{node.WithLogger(slog.New(slog.NewTextHandler(&log, nil)))}
		}))
		for i := range 100 {
			c.Do(i%3, "SET", fmt.Sprint("k", i), i)
		}
		c.Do(2, "INCRBY", "n", 5)
		time.Sleep(2 * time.Minute)
		c.Stop(2)
		backup := c.Disks[2].Copy()
		c.Start(2)
		c.WaitComplete(2)
		for i := range 50 {
			c.Do(i%3, "DEL", fmt.Sprint("k", i))
		}
		c.Do(2, "INCRBY", "n", 5)
		c.Do(1, "SET", "new", 1)
		forgotten(t, c)
		c.Stop(2)
		c.Stop(1)
		c.Disks[2] = backup
		c.Start(2)
		time.Sleep(10 * time.Minute)
		if err := c.Nodes[2].Ready(); err == nil || !strings.Contains(err.Error(), "old copy") || !strings.Contains(err.Error(), "n1 is not") {
			t.Errorf("ready with an old copy: %v", err)
		}
		if info := c.Nodes[2].Floors(); !info[0].Old {
			t.Errorf("floors %+v", info)
		}
		want(t, c.Do(0, "DYN.LOCAL", "EXISTS", "k7"), 0)
		c.Start(1)
		for i := range c.Nodes {
			c.WaitComplete(i)
		}
		want(t, c.Do(2, "INCRBY", "n", 1), 11)
		if log.count("it may lack what it has acknowledged") != 1 {
			t.Error("goes on under its number")
		}
		handedOver(t, c)
		c.Do(0, "DEL", "k99")
		forgotten(t, c)
		for i := range c.Nodes {
			want(t, c.Do(i, "DYN.LOCAL", "DBSIZE"), 51)
			want(t, c.Do(i, "DYN.LOCAL", "GET", "k7"), nil)
			want(t, c.Do(i, "DYN.LOCAL", "GET", "n"), 11)
		}
		equalCopies(t, c)
	})
}

// A hint that was held back comes when its key was deleted and forgotten.
func TestFloors_HintThatComesAfterwards_BringsNothingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3)
		c.Network.Cut(c.Host(0), c.Host(2))
		time.Sleep(2 * time.Second)
		for i := range 20 {
			c.Do(0, "SET", fmt.Sprint("k", i), i)
		}
		if kept := hintsFor(t, c.Nodes[0], "n2").Records; kept == 0 {
			t.Fatal("no hint")
		}
		if err := c.Nodes[0].PauseHints(10 * time.Minute); err != nil {
			t.Fatal(err)
		}
		c.Network.Heal(c.Host(0), c.Host(2))
		time.Sleep(5 * time.Second)
		for i := range 10 {
			c.Do(1, "DEL", fmt.Sprint("k", i))
		}
		forgotten(t, c)
		for i := 10; i < 20; i++ { // a floor rises when all owners hold what each held
			want(t, c.Do(2, "DYN.LOCAL", "GET", fmt.Sprint("k", i)), i)
		}
		time.Sleep(15 * time.Minute)
		if left := hintsFor(t, c.Nodes[0], "n2").Records; left != 0 {
			t.Errorf("%d hints are left", left)
		}
		for i := range c.Nodes {
			want(t, c.Do(i, "DYN.LOCAL", "DBSIZE"), 10)
		}
		equalCopies(t, c)
		for _, name := range []string{"atoms_refused_total", "floor_records_total"} {
			if total(t, c, name) == 0 {
				t.Errorf("%s is zero", name)
			}
		}
	})
}

// A node loses its memory, with something that only it held, and begins with
// nothing while another is away: it serves, and the floor goes on when all are there.
func TestFloors_NodeThatBeganEmpty_ServesBeforeAllAreThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3)
		for i := range 100 {
			c.Do(i%3, "SET", fmt.Sprint("k", i), i)
		}
		time.Sleep(2 * time.Minute)
		away(c)
		one := node.AtLevel(context.Background(), quorum.DCOne)
		if _, err := c.Nodes[2].Do(one, "SET", "only", "at 2"); err != nil {
			t.Fatal(err)
		}
		for i := range 50 {
			c.Do(i%2, "DEL", fmt.Sprint("k", i))
		}
		c.Crash(2)
		c.Network.Rejoin(c.Host(2))
		c.Start(2)
		c.WaitComplete(2)
		want(t, c.Do(2, "DYN.LOCAL", "DBSIZE"), 50)
		c.Crash(1)
		c.Start(1)
		c.WaitComplete(1)
		c.Crash(0)
		time.Sleep(2 * time.Second)
		want(t, c.Do(1, "GET", "k77"), 77)
		want(t, c.Do(2, "SET", "k77", 78), "OK")
		c.Start(0)
		c.WaitComplete(0)
		handedOver(t, c)
		forgotten(t, c)
		for i := range c.Nodes {
			want(t, c.Do(i, "DYN.LOCAL", "DBSIZE"), 50)
			want(t, c.Do(i, "DYN.LOCAL", "GET", "k77"), 78)
		}
		equalCopies(t, c)
	})
}

// What was agreed is known after a restart, before any other node is there to
// say it again.
func TestFloors_Restart_ForgetsNoFloor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3, nodetest.WithDisks())
		c.Do(0, "SET", "k", 1)
		c.Do(0, "DEL", "k")
		forgotten(t, c)
		before := c.Nodes[1].Floors()[0].Floor
		for i := range c.Nodes {
			if i%2 == 0 {
				c.Crash(i)
			} else {
				c.Kill(i)
			}
		}
		for i := range c.Nodes {
			c.Start(i)
			if got := c.Nodes[i].Floors()[0]; got.Floor.Before(before) || got.Old {
				t.Errorf("node %d has %+v, not %v", i, got, before)
			}
			c.Kill(i)
		}
		startAll(c)
		c.Do(1, "SET", "k", 1)
		c.Do(1, "DEL", "k")
		forgotten(t, c)
		if after := c.Nodes[1].Floors()[0].Floor; !before.Before(after) {
			t.Errorf("the floor stays at %v", after)
		}
	})
}

// Metrics are asked for from the first moment on, while the node has no layout yet.
func TestFloors_AskedForWhileTheClusterForms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3, nodetest.WithoutReady(0), nodetest.WithoutReady(1), nodetest.WithoutReady(2))
		for range 100 {
			for i, n := range c.Nodes {
				if info := n.Floors(); len(info) == 0 && n.Ready() == nil {
					t.Errorf("node %d is ready and has no floors", i)
				}
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
}
