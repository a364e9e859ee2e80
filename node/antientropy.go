package node

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dynomite-go/dynomite/hints"
	"github.com/dynomite-go/dynomite/node/internal/coordinator"
)

// antiEntropy compares what this node owns with each other owner, again and
// again: what hints and read repair did not bring is found within
// Config.AntiEntropy. A comparison costs some hundred bytes where nothing
// differs, and is spread over the time that there is.
type antiEntropy struct {
	n *Node

	differed, members atomic.Uint64
	fetched, pushed   atomic.Uint64
	rounds            atomic.Uint64
	sent, received    atomic.Uint64
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
		if !q.meets() || !q.member.Complete() || !a.n.complete() {
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
		a.fetched.Add(uint64(got.Fetched))
		a.pushed.Add(uint64(got.Pushed))
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

// RepairProgress is how far Repair has come with one peer.
type RepairProgress struct {
	Peer string
	// Done and Parts are how many parts of the token ranges were compared, and
	// are to be; Pass is 2 when what a later peer had is given to an earlier one.
	Done, Parts, Pass int
	// Differed is how many keys differed so far, Members how many fields of large
	// collections; Fetched and Pushed are the records, or parts of large ones, that were taken and given.
	Differed, Members, Fetched, Pushed int
	// Rounds and Bytes are the round trips so far and their bytes.
	Rounds, Bytes int
	Took          time.Duration
	// Err is why the peer was given up.
	Err error `json:"-"`
}

// Repair compares now what this node owns of the tokens from..to, both included, with each other owner that can be
// reached, and makes them equal. progress, which may be nil, hears of every part
// that is done and of every peer; it must not stop the node. The error names the
// peers that could not be compared with. Stop breaks it off, and waits for it.
func (n *Node) Repair(ctx context.Context, from, to uint64, progress func(RepairProgress)) error {
	if from > to {
		return fmt.Errorf("node: a range from %#x to %#x is empty", from, to)
	}
	if n.coord.Cluster() == nil {
		return fmt.Errorf("node: there is nothing to repair yet: %s", n.waiting.String())
	}
	if progress == nil {
		progress = func(RepairProgress) {}
	}
	ctx, done, err := n.during(ctx)
	if err != nil {
		return err
	}
	defer done()
	span := []hints.Range{{From: from, To: to}}
	var errs []error
	var earlier []*peer
	again := 0 // how many of the peers before lack what a later one had
	for _, q := range n.peers.all() {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		got, err := n.antiEntropy.repair(ctx, q, span, 1, progress)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", q.member.ID, err))
			continue
		}
		if got.Fetched > 0 {
			again = len(earlier)
		}
		earlier = append(earlier, q)
	}
	for _, q := range earlier[:again] {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if _, err := n.antiEntropy.repair(ctx, q, span, 2, progress); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", q.member.ID, err))
		}
	}
	return errors.Join(errs...)
}

func (a *antiEntropy) repair(ctx context.Context, q *peer, span []hints.Range, pass int, progress func(RepairProgress)) (all coordinator.Comparison, err error) {
	runs := intersect(sharedRanges(a.n.coord.Cluster(), q.member.Index), span)
	parts := a.n.coord.Parts(runs)
	tell := func(done int, err error) {
		progress(RepairProgress{
			Peer: q.member.ID, Done: done, Parts: len(parts), Pass: pass,
			Differed: all.Differed, Members: all.Members, Fetched: all.Fetched, Pushed: all.Pushed,
			Rounds: all.Rounds, Bytes: all.Sent + all.Received, Took: all.Took, Err: err,
		})
	}
	if !q.meets() {
		err = errors.New("does not answer, or has not connected to this node")
		tell(0, err)
		return all, err
	}
	for i, part := range parts {
		got, err := a.n.handoff.compare(ctx, q.member.Index, hintRanges(part))
		all.Add(got)
		a.n.repaired.fetched.Add(uint64(got.Fetched))
		a.n.repaired.pushed.Add(uint64(got.Pushed))
		if err != nil {
			tell(i, err)
			return all, err
		}
		tell(i+1, nil)
	}
	return all, nil
}

func hintRanges(runs []coordinator.Range) []hints.Range {
	out := make([]hints.Range, len(runs))
	for i, r := range runs {
		out[i] = hints.Range{From: uint64(r.From), To: uint64(r.To)}
	}
	return out
}

// OldestComparison says with which peer this node compared everything the
// longest ago, and how long ago; "" if there is no other owner.
func (n *Node) OldestComparison() (peer string, age time.Duration) {
	for _, q := range n.peers.all() {
		if len(sharedRanges(n.coord.Cluster(), q.member.Index)) == 0 {
			continue
		}
		if a := q.compared.age(); a >= age {
			peer, age = q.member.ID, a
		}
	}
	return peer, age
}
