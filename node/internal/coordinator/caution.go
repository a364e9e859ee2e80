package coordinator

import (
	"sync"
	"time"
)

// A caught-up primary need not ask anybody before a command that looks and
// then writes: every write of its keys in this datacenter goes through it. That
// fails for as long as nodes do not agree on who is reachable, and two of them
// take themselves for primary. So a node is cautious for a while after it
// learnt of any change, or that somebody went around it, after it stood still
// itself (see still.go), and while it cannot reach an owner: it joins a majority's records before it executes such a command.

// cautionTime outlasts the time in which nodes notice a failure: pings, gossip
// and one round of statuses.
const cautionTime = 5 * time.Second

// Caution makes the node cautious from now on for a while.
func (c *Coordinator) Caution() {
	until := c.clock() + int64(cautionTime)
	for {
		// Who stood still since it looked at the clock must not shorten it.
		was := c.cautiousUntil.Load()
		if was >= until || c.cautiousUntil.CompareAndSwap(was, until) {
			return
		}
	}
}

// Cautious says whether commands that look and then write join a majority's
// records first.
func (c *Coordinator) Cautious() bool { return c.cautious() }

// cautious also while an owner cannot be reached: somebody else may reach it,
// and take it for primary.
func (c *Coordinator) cautious() bool {
	now := c.clock()
	if c.feel(now); now < c.cautiousUntil.Load() {
		return true
	}
	cl := c.cluster.Load()
	for _, m := range cl.Members {
		if m.Datacenter == cl.datacenter && !m.Reachable() {
			return true
		}
	}
	return false
}

// watchPrimary looks whether the delta of a key came from the node that we
// take for its primary, and if not, has that node warned.
func (c *Coordinator) watchPrimary(key []byte, from string) {
	cl := c.cluster.Load()
	sender, ok := cl.Ring.Index(from)
	if !ok || cl.Members[sender].Datacenter != cl.datacenter {
		return
	}
	var buf [maxOwners]int
	p := cl.primary(cl.owners(cl.Hash(key), buf[:0]), true)
	switch {
	case p == sender || p < 0:
	case p == cl.Self:
		c.Caution()
	default:
		c.bypassed.note(p, c.onBypassed)
	}
}

// bypassed limits warnings to one per node and second.
type bypassed struct {
	mu   sync.Mutex
	last map[int]time.Time
}

func (b *bypassed) note(node int, warn func(int)) {
	now := time.Now()
	b.mu.Lock()
	if b.last == nil {
		b.last = map[int]time.Time{}
	}
	due := now.Sub(b.last[node]) >= time.Second
	if due {
		b.last[node] = now
	}
	b.mu.Unlock()
	if due {
		warn(node)
	}
}
