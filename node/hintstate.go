package node

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/dynomite-go/dynomite/node/internal/frontend"
	"github.com/dynomite-go/dynomite/peerwire"
)

// HintState is what this node keeps for another one, and how fast it gets
// there.
type HintState struct {
	// Node is whom it is for.
	Node, Datacenter, Rack string
	// Records and Bytes are queued or under way; several writes of one key are
	// one record.
	Records int
	Bytes   int64
	// Oldest is how long the oldest of them has waited, in nanoseconds.
	Oldest time.Duration
	// Dirty is the number of token ranges that are to be compared, because what
	// the node lacks there is not known record by record; those that are being
	// compared are among them.
	Dirty int
	// Lag is how long the node has lacked the first of all this, records and
	// ranges, in nanoseconds; 0 if it lacks nothing that we know of.
	Lag time.Duration
	// Rate is how many records a second it took lately.
	Rate float64
	// Queued are records made, Coalesced writes that were joined to one,
	// Delivered records that the node has, Expired records older than the
	// window; Lost records that could not be written or read, Refused writes
	// beyond hint_bytes or too large. What expired, was lost or refused is
	// dirty instead. All count since the node started.
	Queued, Coalesced, Delivered, Expired, Lost, Refused uint64
}

// Hints says what this node keeps for the others, in the order of the layout;
// empty before there is one.
func (n *Node) Hints() []HintState {
	var out []HintState
	log := n.handoff.log.Load()
	if log == nil {
		return nil
	}
	now := time.Now()
	for _, q := range n.peers.all() {
		m := q.member
		under := q.delivery.comparing()
		s := log.Stats(m.ID)
		under = max(under, q.delivery.comparing()) // one may have begun or ended meanwhile
		h := HintState{
			Node: m.ID, Datacenter: m.Datacenter, Rack: m.Rack,
			Records: s.Records, Bytes: s.Bytes, Dirty: len(s.Dirty) + under,
			Queued: s.Queued, Coalesced: s.Coalesced, Delivered: s.Delivered, Expired: s.Expired, Lost: s.Dropped + s.Damaged, Refused: s.Refused,
		}
		var dirty time.Time
		h.Rate, dirty = q.delivery.look(now, s.Delivered, h.Dirty > 0)
		if !s.Oldest.IsZero() {
			h.Oldest = now.Sub(s.Oldest)
			h.Lag = h.Oldest
		}
		if !dirty.IsZero() {
			h.Lag = max(h.Lag, now.Sub(dirty))
		}
		out = append(out, h)
	}
	return out
}

// delivery watches what one peer gets.
type delivery struct {
	mu    sync.Mutex
	count uint64
	at    time.Time
	rate  float64
	dirty time.Time // when marks were first seen that are still there
	under int       // marked ranges that are being compared
}

// compares takes note of marked ranges whose comparing begins, or ends if n
// is negative.
func (d *delivery) compares(n int) {
	d.mu.Lock()
	d.under += n
	d.mu.Unlock()
}

func (d *delivery) comparing() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.under
}

// rateOver is the time that a rate is measured over.
const rateOver = time.Second

// look takes note of what was delivered in all and of whether there are marks.
// It returns the rate, and since when there are marks.
func (d *delivery) look(now time.Time, delivered uint64, dirty bool) (rate float64, since time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if took := now.Sub(d.at); took >= rateOver {
		if !d.at.IsZero() {
			d.rate = float64(delivered-d.count) / took.Seconds()
		}
		d.at, d.count = now, delivered
	}
	switch {
	case !dirty:
		d.dirty = time.Time{}
	case d.dirty.IsZero():
		d.dirty = now
	}
	return d.rate, d.dirty
}

// HolderHints is what one node keeps for the others, or why it is not known.
type HolderHints struct {
	// Holder is the node that keeps.
	Holder string
	Error  string `json:",omitempty"`
	For    []HintState
}

// answerWithin bounds the wait for another node's states.
const answerWithin = 2 * time.Second

// AllHints asks every node of the cluster for its HintStates.
func (n *Node) AllHints(ctx context.Context) []HolderHints {
	all := n.peers.all()
	out := make([]HolderHints, len(all)+1)
	out[0] = HolderHints{Holder: n.ID(), For: n.Hints()}
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	var tasks sync.WaitGroup
	for i, q := range all {
		tasks.Go(func() {
			h := HolderHints{Holder: q.member.ID}
			var err error
			if h.For, err = n.askHints(ctx, q, false); err != nil {
				h.Error = err.Error()
			}
			out[i+1] = h
		})
	}
	tasks.Wait()
	return out
}

// askHints asks a node for its HintStates: as they are now, or once every
// write that it has replied to is with all owners or kept for them.
func (n *Node) askHints(ctx context.Context, q *peer, settled bool) (states []HintState, err error) {
	var how []byte
	if settled {
		how = []byte{hintsSettled}
	}
	reply, err := q.wire.Call(ctx, peerwire.Request{Kind: kindHints, Epoch: n.epoch(), Payload: how})
	if err != nil {
		return nil, err
	}
	if len(reply) == 0 || reply[0] != statusFormat {
		return nil, fmt.Errorf("node: an answer of %d bytes is none that this version knows", len(reply))
	}
	err = json.Unmarshal(reply[1:], &states)
	return states, err
}

// hintsSettled is the payload of kindHints that asks for states after the
// writes that are under way.
const hintsSettled = 1

// heardHints answers kindHints.
func (n *Node) heardHints(in *peerwire.Incoming) {
	if len(in.Payload) == 0 || in.Payload[0] != hintsSettled {
		in.Reply(n.hintsReply())
		return
	}
	in.Retain()
	n.spawn(func() {
		ctx, cancel := context.WithDeadline(n.runtime().ctx, in.Deadline)
		defer cancel()
		if err := n.coord.AwaitWrites(ctx); err != nil {
			in.Refuse() // nobody waits any more
			return
		}
		in.Reply(n.hintsReply())
	})
}

// hintsReply is what this node keeps for others.
func (n *Node) hintsReply() []byte {
	b, err := json.Marshal(n.Hints())
	if err != nil {
		panic(err) // no field can fail to encode
	}
	return append([]byte{statusFormat}, b...)
}

// hintFacts are the states as DYN.HINTS shows them.
func (n *Node) hintFacts() []frontend.Hints {
	var out []frontend.Hints
	for _, h := range n.Hints() {
		out = append(out, frontend.Hints{Node: h.Node, Fields: []frontend.HintField{
			{Name: "records", Value: int64(h.Records)},
			{Name: "bytes", Value: h.Bytes},
			{Name: "oldest-ms", Value: h.Oldest.Milliseconds()},
			{Name: "dirty-ranges", Value: int64(h.Dirty)},
			{Name: "lag-ms", Value: h.Lag.Milliseconds()},
			{Name: "rate", Value: int64(h.Rate)},
			{Name: "queued", Value: int64(h.Queued)},
			{Name: "coalesced", Value: int64(h.Coalesced)},
			{Name: "delivered", Value: int64(h.Delivered)},
			{Name: "expired", Value: int64(h.Expired)},
			{Name: "lost", Value: int64(h.Lost)},
			{Name: "refused", Value: int64(h.Refused)},
		}})
	}
	return out
}
