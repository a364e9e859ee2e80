package node

import (
	"context"
	"errors"
	"sync"
	"time"
)

// pauses is a moment until which hints are held back: an operator's, for a
// night that is busy enough.
type pauses struct {
	mu      sync.Mutex
	until   time.Time
	changed chan struct{} // closed when until changes; nil while nobody waits
}

// set begins a pause, or ends one when d is 0.
func (p *pauses) set(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.until = time.Now().Add(d)
	if p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
}

// wait returns when there is no pause, or ctx ends.
func (p *pauses) wait(ctx context.Context) error {
	for {
		p.mu.Lock()
		left := time.Until(p.until)
		if left <= 0 {
			p.mu.Unlock()
			return ctx.Err()
		}
		if p.changed == nil {
			p.changed = make(chan struct{})
		}
		changed := p.changed
		p.mu.Unlock()
		t := time.NewTimer(left)
		select {
		case <-t.C:
		case <-changed:
		case <-ctx.Done():
		}
		t.Stop()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// PauseHints holds back what this node keeps for others for a while: it goes on
// keeping, and hands over nothing. A pause takes the place of the one before; 0
// ends it. A node that returns meanwhile waits a few seconds for its hints and
// then compares, so a pause delays nobody for its length.
func (n *Node) PauseHints(d time.Duration) error {
	if d < 0 {
		return errors.New("node: a pause below zero")
	}
	n.handoff.pauses.set(d)
	return nil
}
