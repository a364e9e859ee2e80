package coordinator

import (
	"sync"
	"sync/atomic"
	"time"
)

// A process can stand still: stopped by a signal, frozen with its container, or
// short of a processor. When it goes on, it finds commands that were sent long
// ago, and takes itself for a caught-up primary that others went around
// meanwhile. So Tick notes when it was called, and whoever is about to rely on
// what this node knows looks how long ago that was: for as long as no timer has
// run, nothing else that would tell has run either. A machine that was suspended
// or migrated as a whole does not notice: its clock stood still too.

// stillTime is how long Tick must not have been called for that. It is below
// the time after which nodes go around one that is silent: package node takes
// three missed pings of 200 ms for it, which is 400 ms after a stop at the earliest.
const stillTime = 300 * time.Millisecond

// pulse is when this process was last known to run.
type pulse struct {
	last  atomic.Int64  // on the coordinator's clock; 0 before the first Tick
	stops atomic.Uint64 // how often it went on after it stood still
	mu    sync.Mutex    // of who finds that it did
}

// beat says that timers run.
func (c *Coordinator) beat() {
	now := c.clock()
	c.feel(now)
	c.pulse.last.Store(now)
}

// feel makes the node cautious if it stood still until now.
func (c *Coordinator) feel(now int64) {
	last := c.pulse.last.Load()
	if last == 0 || now-last < int64(stillTime) {
		return
	}
	c.pulse.mu.Lock()
	defer c.pulse.mu.Unlock()
	if now-c.pulse.last.Load() < int64(stillTime) {
		return // another one has found it
	}
	c.Caution() // before anybody can see that the pulse is back
	c.pulse.stops.Add(1)
	c.pulse.last.Store(now)
}

// Stops is how often this node went on after it stood still, now included.
func (c *Coordinator) Stops() uint64 {
	c.feel(c.clock())
	return c.pulse.stops.Load()
}

// errStill is why a write is not executed on what was learnt before a stop.
const errStill = errText("this node stood still for a moment and does not know what it missed")

// stood says whether the node stood still since the batch began to run.
func (b *batch) stood() bool { return b.c.Stops() != b.stops }

// mostLooks bounds how often a batch looks for the sake of stops: a node that has
// no more than 300 ms at a stretch is not one to write.
const mostLooks = 3
