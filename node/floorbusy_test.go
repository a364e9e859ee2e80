package node_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynomite-go/dynomite/node"
	"github.com/dynomite-go/dynomite/node/nodetest"
)

// A node that gets what it missed by hints does not get it a second time by a round, which takes
// all of it as fast as it can, and no hint is refused.
func TestFloors_WhileHintsCome_NoRoundBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3, nodetest.WithConfig(func(_ int, cfg *node.Config) { cfg.FloorPeriod = 3 * time.Second }))
		c.Network.SetDelay(20 * time.Millisecond) // a frame of hints takes 40 ms
		for i := range 20 {
			c.Do(0, "SET", fmt.Sprint("gone", i), i)
		}
		away(c)
		value := strings.Repeat("v", 16<<10)
		for i := range 3000 {
			c.Do(i%2, "SET", fmt.Sprint("k", i), value)
		}
		for i := range 20 {
			c.Do(1, "DEL", fmt.Sprint("gone", i))
		}
		c.Network.Rejoin(c.Host(2))
		began, busy := time.Now(), false
		for c.Nodes[2].Ready() == nil {
			time.Sleep(10 * time.Millisecond)
		}
		for c.Nodes[2].Ready() != nil {
			time.Sleep(100 * time.Millisecond)
			for _, info := range c.Nodes[0].Floors() {
				busy = busy || info.Peer == "n2" && info.Waits == "whole"
			}
			if time.Since(began) > time.Minute {
				t.Fatal("never whole")
			}
		}
		if took := time.Since(began); took < 15*time.Second {
			t.Fatalf("whole after %v: a round would not have had the time", took)
		}
		want(t, total(t, c, "floor_records_total"), 0)
		want(t, total(t, c, "atoms_refused_total"), 0)
		if !busy {
			t.Error("does not say who is waited for")
		}
		forgotten(t, c)
		equalCopies(t, c)
	})
}

// However long a node was out of one other's reach, the hints that this one has for it are
// waited for when it is back: it need not catch up, so they are what it gets.
func TestFloors_WhileHintsComeAfterALongCut_NoRoundBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3, nodetest.WithConfig(func(_ int, cfg *node.Config) { cfg.FloorPeriod = 3 * time.Second }))
		c.Network.SetDelay(20 * time.Millisecond)
		c.Do(0, "SET", "gone", 1)
		time.Sleep(10 * time.Second)
		c.Network.Cut(c.Host(0), c.Host(2))
		time.Sleep(12 * time.Minute)
		value := strings.Repeat("v", 16<<10)
		for i := range 3000 {
			c.Do(0, "SET", fmt.Sprint("k", i), value)
		}
		c.Do(0, "DEL", "gone")
		c.Network.Heal(c.Host(0), c.Host(2))
		most := hintsFor(t, c.Nodes[0], "n2").Records
		if most < 1000 {
			t.Fatalf("%d hints", most)
		}
		for hintsFor(t, c.Nodes[0], "n2").Bytes > 1<<20 {
			want(t, total(t, c, "floor_records_total"), 0)
			time.Sleep(100 * time.Millisecond)
		}
		forgotten(t, c)
		equalCopies(t, c)
	})
}

// A node whose clock is wrong coordinates nothing, but it catches up with nothing either:
// floors go on.
func TestFloors_WithAWrongClock_GoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		c := nodetest.NewCluster(t, 3, nodetest.WithConfig(func(_ int, cfg *node.Config) { cfg.FloorPeriod = 3 * time.Second }),
			nodetest.WithNodeOptions(func(i int) []node.Option {
				return []node.Option{node.WithClock(func() int64 {
					now := time.Now()
					if i == 2 && now.Sub(began) > 20*time.Second {
						now = now.Add(time.Second)
					}
					return now.UnixMilli()
				})}
			}))
		c.Do(0, "SET", "gone", 1)
		time.Sleep(40 * time.Second)
		if c.Nodes[2].Ready() == nil {
			t.Fatal("the clock is right")
		}
		c.Do(0, "DEL", "gone")
		forgotten(t, c)
	})
}
