package datastore

import (
	"math"
	"sync"
	"testing"
	"time"
)

func TestClock_Stamp_FollowsWallAndNeverGoesBack(t *testing.T) {
	wall := int64(10)
	c := NewClock(3, func() int64 { return wall })
	for _, x := range []struct {
		wall int64
		want Version
	}{{10, At(10, 0, 3)}, {10, At(10, 1, 3)}, {9, At(10, 2, 3)}, {12, At(12, 0, 3)}} {
		wall = x.wall
		if got := c.Stamp(); got != x.want {
			t.Errorf("at %d stamped %v, want %v", x.wall, got, x.want)
		}
	}
	if c.Now() != 12 {
		t.Errorf("now is %d", c.Now())
	}
	if wall = 5; c.Now() != 12 {
		t.Errorf("with the wall clock set back, now is %d", c.Now())
	}
	if wall = 15; c.Now() != 15 {
		t.Errorf("now is %d", c.Now())
	}
}

func TestClock_Observe_StampsAreAbove(t *testing.T) {
	c := NewClock(1, func() int64 { return 10 })
	for _, v := range []Version{At(5, 0, 9), At(20, 7, 9), End(30), At(12, 0, 1)} {
		c.Observe(v)
		if high := c.High(); high.Less(v) {
			t.Errorf("High is %v after %v", high, v)
		}
		high := c.High()
		if s := c.Stamp(); !v.Less(s) || !high.Less(s) {
			t.Errorf("stamped %v after %v", s, v)
		}
	}
	if c.Now() != 31 {
		t.Errorf("now is %d: the counter of 30 was used up", c.Now())
	}
}

func TestClock_CounterUsedUp_AdvancesMillisecond(t *testing.T) {
	c := NewClock(1, func() int64 { return 10 })
	c.Observe(At(10, math.MaxUint16, 0))
	if got := c.Stamp(); got != At(11, 0, 1) {
		t.Errorf("stamped %v", got)
	}
}

func TestClock_SetNode_StampsUnderIt(t *testing.T) {
	c := NewClock(1, nil)
	if before := time.Now().UnixMilli(); c.Stamp().Millis() < before {
		t.Error("does not follow the system's clock")
	}
	c.SetNode(8)
	if c.Node() != 8 || c.Stamp().Node != 8 {
		t.Errorf("node is %d", c.Node())
	}
}

func TestClock_ManyGoroutines_NoStampTwice(t *testing.T) {
	c := NewClock(1, func() int64 { return 10 })
	const each = 2000
	stamps := make([][]Version, 8)
	var wg sync.WaitGroup
	for i := range stamps {
		wg.Go(func() {
			for range each {
				stamps[i] = append(stamps[i], c.Stamp())
			}
		})
	}
	wg.Wait()
	seen := map[Version]bool{}
	for _, s := range stamps {
		for i, v := range s {
			if seen[v] || i > 0 && !s[i-1].Less(v) {
				t.Fatalf("%v again, or not above %v", v, s[max(i, 1)-1])
			}
			seen[v] = true
		}
	}
}
