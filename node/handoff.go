package node

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/hints"
	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/node/internal/coordinator"
	"github.com/dynomite-go/dynomite/peerwire"
)

// handoff keeps what other owners did not acknowledge, and hands it over when
// they are back: hinted handoff, by the Dynamo paper's name. It translates
// between the coordinator, which knows nodes by their index, and the log of
// hints, which knows them by their id.
type handoff struct {
	n   *Node
	log atomic.Pointer[hints.Log]
	// pauses holds back what would be handed over.
	pauses pauses
	// kept counts what was given to the log, committed how much of it was
	// there before its last Commit.
	kept, committed atomic.Uint64

	// What comparing marked ranges came to.
	compared, fetched, pushed atomic.Uint64
}

var _ coordinator.Hints = (*handoff)(nil)

// open opens the log of hints. A node that may have lost hints, because it
// keeps none on disk, was not stopped or got an empty disk, takes every other for one that lacks
// something. first says that nothing was written under this layout yet.
func (h *handoff) open(cl *coordinator.Cluster, sync datastore.SyncPolicy, first bool) error {
	cfg := hints.Config{
		Self:     h.n.id,
		Join:     func(dst, _, older, newer []byte) ([]byte, error) { return datastore.JoinDeltas(dst, older, newer) },
		MaxBytes: h.n.cfg.HintBytes,
		Window:   h.n.cfg.HintWindow,
	}
	switch sync {
	case datastore.SyncAlways:
		cfg.Sync = hints.Always
	case datastore.SyncNo:
		cfg.Sync = hints.No
	}
	forgot := h.n.identity.blank && !first
	if h.n.cfg.DataDir != "" {
		cfg.FS = hintFiles(h.n.disk, h.n.identity.path("hints"))
	}
	log, rec, err := hints.Open(cfg)
	if err != nil {
		return fmt.Errorf("node: %w", err)
	}
	h.log.Store(log)
	for _, r := range rec.Refused {
		h.n.log.Warn("a file of hints was left alone: its nodes will be compared instead", "file", r.File, "err", r.Err)
	}
	if rec.Records > 0 || rec.Unclean {
		h.n.log.Info("hints", "records", rec.Records, "bytes", rec.Bytes, "unclean", rec.Unclean, "cut", rec.Cut, "damaged", rec.Damaged)
	}
	if forgot || rec.Unclean {
		for i, m := range cl.Members {
			if i != cl.Self {
				if err := log.MarkDirty(m.ID, hints.All); err != nil {
					return fmt.Errorf("node: %w", err)
				}
			}
		}
	}
	return nil
}

func (h *handoff) close() error {
	if log := h.log.Load(); log != nil {
		return log.Close()
	}
	return nil
}

// id is the name of a node of the layout.
func (h *handoff) id(node int) string { return h.n.coord.Cluster().Members[node].ID }

// Hint implements coordinator.Hints.
func (h *handoff) Hint(node int, token hashkit.Token, key, delta []byte) {
	h.refused(h.log.Load().Add(h.id(node), uint64(token), key, delta))
	h.kept.Add(1)
}

// HintResets implements coordinator.Hints. Resets are no deltas of a key, so
// they are kept whole.
func (h *handoff) HintResets(node int, message []byte) {
	h.refused(h.log.Load().AddBundle(h.id(node), []hints.Range{hints.All}, message))
	h.kept.Add(1)
}

// refused looks at why something could not be kept: it is marked, so nobody
// waits, but an operator wants to know.
func (h *handoff) refused(err error) {
	if err != nil && !errors.Is(err, hints.ErrFull) && !errors.Is(err, hints.ErrClosed) {
		h.n.log.Warn("a hint was not kept, its range will be compared", "err", err)
	}
}

// CommitHints implements coordinator.Hints. Every write comes here, few kept
// anything: those do not touch the log, which is locked, or removes and makes
// files, while it hands over what it has.
func (h *handoff) CommitHints() {
	kept := h.kept.Load()
	if h.committed.Load() >= kept {
		return // by somebody who came after it was kept
	}
	defer h.commitTo(kept)
	if err := h.log.Load().Commit(); err != nil && !errors.Is(err, hints.ErrClosed) {
		h.n.log.Warn("hints could not be written, their ranges will be compared", "err", err)
	}
}

// commitTo notes that the first n that were kept are as durable as they get.
func (h *handoff) commitTo(n uint64) {
	for {
		was := h.committed.Load()
		if was >= n || h.committed.CompareAndSwap(was, n) {
			return
		}
	}
}

// owed is how much a peer has still to get from us: hints, and one for marks.
func (h *handoff) owed(id string) uint32 {
	log := h.log.Load()
	if log == nil {
		return 0
	}
	return uint32(min(log.Stats(id).Records, 1<<31))
}

// owesMuch says whether so much is kept for a peer that a round of floors waits.
func (h *handoff) owesMuch(id string) bool {
	log := h.log.Load()
	if log == nil {
		return false
	}
	s := log.Stats(id)
	return s.Records > manyHints || s.Bytes > manyBytes
}

// hintPoll is how often a peer is looked at that got hints while it was up:
// an answer of its was late, or lost.
const hintPoll = 500 * time.Millisecond

// serve hands over to one peer until ctx ends.
func (h *handoff) serve(ctx context.Context, q *peer) {
	pace := newPace()
	every := time.NewTicker(hintPoll)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-q.wake:
		case <-every.C:
		}
		h.watch(q)
		pace.clients(time.Now(), h.n.coord.Commands())
		if !q.isUp() {
			continue
		}
		if err := h.drain(ctx, q, pace); err != nil && ctx.Err() == nil {
			h.n.log.Debug("hints", "peer", q.member.ID, "err", err)
		}
	}
}

// watch takes note of what a peer gets, and since when it lacks something.
func (h *handoff) watch(q *peer) {
	if log := h.log.Load(); log != nil {
		s := log.Stats(q.member.ID)
		q.delivery.look(time.Now(), s.Delivered, len(s.Dirty)+q.delivery.comparing() > 0)
	}
}

// drain hands over all hints, and then makes equal what is marked.
func (h *handoff) drain(ctx context.Context, q *peer, pace *pace) error {
	log, id := h.log.Load(), q.member.ID
	stats := log.Stats(id)
	owed := stats.Records > 0
	pace.meets(q.returns())
	pace.owes(stats.Bytes)
	var d coordinator.Deliver // its memory is used for one message after the other
	err := log.Replay(ctx, id, &pace.budget, func(ctx context.Context, records []hints.Record) error {
		d.Reset()
		err := h.deliver(ctx, q, pace, &d, records)
		if err != nil {
			pace.fails(size(records))
		}
		return err
	})
	if owed && err == nil {
		h.n.sendStatus(q) // it may wait for this
	}
	if err != nil {
		return err
	}
	return h.equalize(ctx, q)
}

// size is what records count in the budget.
func size(records []hints.Record) (bytes int) {
	for _, r := range records {
		bytes += len(r.Key) + len(r.Delta)
	}
	return bytes
}

// deliverTime is how long a peer may take for one message of hints, and for each
// leastRate bytes of it a second more: a large one must not be sent again and
// again over a slow link. One that is silent meanwhile is cut off, see cutAfter.
const deliverTime = 5 * time.Second

// deliver sends records to a peer in one message, d, and bundles in one each.
func (h *handoff) deliver(ctx context.Context, q *peer, pace *pace, d *coordinator.Deliver, records []hints.Record) error {
	if err := h.pauses.wait(ctx); err != nil {
		return err
	}
	ids := make([]uint64, 0, len(records))
	log, id := h.log.Load(), q.member.ID
	pace.meets(q.returns())
	pace.owes(log.Stats(id).Bytes)
	call := func(kind byte, payload []byte) ([]byte, error) {
		ctx, cancel := context.WithTimeout(ctx, deliverTime+time.Duration(len(payload))*time.Second/leastRate)
		defer cancel()
		return q.wire.Call(ctx, peerwire.Request{Kind: kind, Epoch: h.n.epoch(), Payload: payload})
	}
	for _, r := range records {
		if !r.Bundle {
			d.Add(r.Key, r.Delta)
			ids = append(ids, r.ID)
			continue
		}
		if _, err := call(coordinator.KindReset, r.Delta); err != nil {
			return err
		}
		log.Ack(id, r.ID)
	}
	h.watch(q)
	if len(ids) == 0 {
		return nil
	}
	began := time.Now()
	reply, err := call(coordinator.KindApply, d.Message())
	if err != nil {
		return err
	}
	now := time.Now()
	pace.clients(now, h.n.coord.Commands())
	pace.took(now, len(d.Message()), now.Sub(began), q.wire.State().LeastRTT)
	taken, err := h.n.coord.Delivered(d, reply)
	got := make([]uint64, 0, len(ids))
	for i, ok := range taken {
		if ok {
			got = append(got, ids[i])
		}
	}
	log.Ack(id, got...) // at one go: a call locks the log, and writes a record
	if refused := len(ids) - len(got); err == nil && refused > 0 {
		err = fmt.Errorf("node: %s could not take %d of %d hints", id, refused, len(ids))
	}
	return err
}

// equalize compares with a peer what is marked, when both are complete: one
// that catches up compares by itself first.
func (h *handoff) equalize(ctx context.Context, q *peer) error {
	if !q.member.Complete() || !h.n.complete() || h.n.floors.ready(q) != nil {
		return nil
	}
	dirty := h.log.Load().Dirty(q.member.ID)
	if len(dirty) == 0 {
		return nil
	}
	got, err := h.compare(ctx, q.member.Index, dirty)
	h.fetched.Add(uint64(got.Fetched))
	h.pushed.Add(uint64(got.Pushed))
	if err == nil {
		h.compared.Add(1)
	}
	return err
}

// compare makes this node and another equal in what of the ranges both own.
// What of them was marked is not any more; if it fails, or something is missed
// meanwhile, it is again. For who asks it stays so until then.
func (h *handoff) compare(ctx context.Context, node int, ranges []hints.Range) (coordinator.Comparison, error) {
	log, id := h.log.Load(), h.id(node)
	was := log.Dirty(id)
	d := &h.n.peers.at(node).delivery
	d.compares(len(was))
	defer d.compares(-len(was))
	log.Clean(id, ranges...)
	runs := intersect(sharedRanges(h.n.coord.Cluster(), node), ranges)
	got, err := h.join(ctx, node, runs)
	if err == nil {
		var compared coordinator.Comparison
		compared, err = h.n.coord.Compare(ctx, h.n.peers.call, node, runs, true)
		got.Add(compared)
	}
	h.n.antiEntropy.count(got)
	if err != nil {
		for _, r := range was {
			h.refused(log.MarkDirty(id, r))
		}
	}
	return got, err
}

// join takes what another node holds where this node began with nothing, and
// drops what came before that and is dead there: hints of long ago, say.
func (h *handoff) join(ctx context.Context, node int, runs []coordinator.Range) (all coordinator.Comparison, err error) {
	for _, j := range h.n.floors.joining(runs) {
		got, err := h.n.coord.Return(ctx, h.n.peers.call, node, j.runs, j.floor)
		all.Add(got)
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

// marked says whether a node may lack something that is not known record by
// record; mark that it may, anywhere.
func (h *handoff) marked(node int) bool { return len(h.log.Load().Dirty(h.id(node))) > 0 }

func (h *handoff) mark(node int) { h.refused(h.log.Load().MarkDirty(h.id(node), hints.All)) }

// sharedRanges are the ranges that this node and another both own, sorted.
func sharedRanges(cl *coordinator.Cluster, node int) []coordinator.Range {
	var out []coordinator.Range
	owned := ownedRanges(cl)
	for _, a := range cl.Ring.Arcs(cl.Members[node].Datacenter) {
		if !cl.Ring.Owns(node, a.From) {
			continue
		}
		for len(owned) > 0 && owned[0].To < a.From {
			owned = owned[1:] // arcs are sorted too
		}
		for _, r := range owned {
			if r.From > a.To {
				break
			}
			from, to := max(a.From, r.From), min(a.To, r.To)
			if n := len(out); n > 0 && out[n-1].To+1 == from {
				out[n-1].To = to
				continue
			}
			out = append(out, coordinator.Range{From: from, To: to})
		}
	}
	return out
}

// intersect is what of the shared ranges is marked; both are sorted.
func intersect(shared []coordinator.Range, marked []hints.Range) []coordinator.Range {
	var out []coordinator.Range
	for len(shared) > 0 && len(marked) > 0 {
		s, m := shared[0], marked[0]
		if from, to := max(uint64(s.From), m.From), min(uint64(s.To), m.To); from <= to {
			out = append(out, coordinator.Range{From: hashkit.Token(from), To: hashkit.Token(to)})
		}
		if uint64(s.To) < m.To {
			shared = shared[1:]
		} else {
			marked = marked[1:]
		}
	}
	return out
}
