package node

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dynomite-go/dynomite/node/internal/coordinator"
)

// antiEntropy compares what this node owns with each other owner, again and
// again: what hints and read repair did not bring is found within
// Config.AntiEntropy. A comparison costs some hundred bytes where nothing
// differs, and is spread over the time that there is.
type antiEntropy struct {
	n *Node

	differed, members atomic.Uint64
	routine, operator repaired // by comparing again and again, and by Repair
	rounds            atomic.Uint64
	sent, received    atomic.Uint64
}

// repaired counts the records that were taken and given.
type repaired struct{ fetched, pushed atomic.Uint64 }

func (r *repaired) add(got coordinator.Comparison) {
	r.fetched.Add(uint64(got.Fetched))
	r.pushed.Add(uint64(got.Pushed))
}

// compared is since when nothing that this node and a peer own was left out of
// being compared: the beginning of the last time that all of it was.
type compared struct {
	mu     sync.Mutex
	since  time.Time
	failed atomic.Uint64 // rounds that were broken off
}

func (c *compared) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.After(c.since) {
		c.since = t
	}
}

func (c *compared) age() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Since(c.since)
}

// After a failure the peer is left alone for a while, ever longer; longer from
// the start if what it sent made no sense.
const (
	firstBackoff = time.Second
	longBackoff  = 30 * time.Second
	maxBackoff   = 2 * time.Minute
)

// serve compares with one peer until ctx ends. One half of the time is for
// comparing, the other for what goes wrong.
func (a *antiEntropy) serve(ctx context.Context, q *peer) {
	period := a.n.cfg.AntiEntropy / 2
	q.compared.set(time.Now())
	backoff := time.Duration(0)
	for {
		wait := max(period-q.compared.age(), backoff, time.Millisecond)
		if sleep(ctx, wait) != nil {
			return
		}
		if q.compared.age() < period {
			continue // catching up did it
		}
		if !q.meets() || !q.member.Complete() || !a.n.complete() || a.n.floors.ready(q) != nil {
			backoff = firstBackoff
			continue
		}
		switch err := a.round(ctx, q, period/4); {
		case err == nil:
			backoff = 0
		case ctx.Err() != nil:
			return
		default:
			q.compared.failed.Add(1)
			if backoff = max(2*backoff, firstBackoff); coordinator.Nonsense(err) {
				backoff = max(backoff, longBackoff)
			}
			backoff = min(backoff, maxBackoff)
			a.n.log.Warn("comparing with a peer failed", "peer", q.member.ID, "again in", backoff, "err", err)
		}
	}
}

// round compares everything with a peer, a part at a time, in at least about the
// time given.
func (a *antiEntropy) round(ctx context.Context, q *peer, within time.Duration) error {
	began := time.Now()
	parts := a.n.coord.Parts(sharedRanges(a.n.coord.Cluster(), q.member.Index))
	var all coordinator.Comparison
	for i, part := range parts {
		got, err := a.n.coord.Compare(ctx, a.n.peers.call, q.member.Index, part, false)
		a.count(got)
		a.routine.add(got)
		if err != nil {
			return err
		}
		all.Add(got)
		if i == len(parts)-1 {
			break
		}
		if err := sleep(ctx, within/time.Duration(len(parts))); err != nil {
			return err
		}
	}
	q.compared.set(began)
	if all.Differed > 0 {
		a.n.log.Info("compared", "peer", q.member.ID, "keys that differed", all.Differed, "fetched", all.Fetched, "pushed", all.Pushed, "bytes", all.Sent+all.Received)
	}
	return nil
}

// count adds what any comparison came to, whatever it was for.
func (a *antiEntropy) count(got coordinator.Comparison) {
	a.differed.Add(uint64(got.Differed))
	a.members.Add(uint64(got.Members))
	a.rounds.Add(uint64(got.Rounds))
	a.sent.Add(uint64(got.Sent))
	a.received.Add(uint64(got.Received))
}

// OldestComparison says with which peer this node compared everything the
// longest ago, and how long ago; "" if there is no other node.
func (n *Node) OldestComparison() (peer string, age time.Duration) {
	for _, q := range n.peers.all() {
		if a := q.compared.age(); a >= age {
			peer, age = q.member.ID, a
		}
	}
	return peer, age
}
