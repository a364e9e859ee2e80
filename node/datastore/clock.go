package datastore

import (
	"math"
	"sync/atomic"
	"time"
)

// Clock is a hybrid logical clock: it follows the wall clock, never goes back,
// and is always above every version that it has stamped or observed. It is
// safe for concurrent use and takes no lock. See Kulkarni et al., "Logical
// Physical Clocks", 2014.
//
// The counter of a version has 16 bits; the 65,537th stamp of a millisecond
// carries into the milliseconds, so a clock under such load runs ahead of the
// wall clock until that catches up.
type Clock struct {
	high atomic.Uint64 // the greatest Version.Time stamped or observed
	node atomic.Uint32
	wall func() int64
}

// NewClock returns a clock that stamps with the given node number. wall
// returns the Unix time in milliseconds and must be safe for concurrent use;
// nil means the system's clock.
func NewClock(node uint32, wall func() int64) *Clock {
	if wall == nil {
		wall = func() int64 { return time.Now().UnixMilli() }
	}
	c := &Clock{wall: wall}
	c.node.Store(node)
	return c
}

// Stamp returns a version above every other that this clock has returned or
// observed, at the wall clock's time or later.
func (c *Clock) Stamp() Version {
	wall := timeOf(c.wall())
	for {
		old := c.high.Load()
		next := max(old+1, wall)
		if c.high.CompareAndSwap(old, next) {
			return Version{Time: next, Node: c.node.Load()}
		}
	}
}

// Observe makes all later stamps greater than v.
func (c *Clock) Observe(v Version) {
	for {
		old := c.high.Load()
		if v.Time <= old || c.high.CompareAndSwap(old, v.Time) {
			return
		}
	}
}

// Now is the time, in Unix milliseconds, that a read sees: the wall clock's,
// or that of the newest version if the wall clock is behind it.
func (c *Clock) Now() int64 {
	return max(c.wall(), int64(c.high.Load()>>counterBits))
}

// High is an upper bound of every version stamped or observed; every later
// stamp is above it. Its node is the greatest number, not this clock's.
func (c *Clock) High() Version {
	return Version{Time: c.high.Load(), Node: math.MaxUint32}
}

// Node is the number that the clock stamps with.
func (c *Clock) Node() uint32 { return c.node.Load() }

// SetNode changes the number that the clock stamps with: a node that may have
// lost writes continues under a new one.
func (c *Clock) SetNode(node uint32) { c.node.Store(node) }
