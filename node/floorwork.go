package node

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/node/internal/coordinator"
	"github.com/dynomite-go/dynomite/node/internal/floor"
	"github.com/dynomite-go/dynomite/peerwire"
)

// floorTask is one thing to be taken from other owners: what one holds in a round, or
// all that an old copy has to hear before it counts again.
type floorTask struct {
	g        *floorGroup
	exchange floor.Exchange
	back     *floor.Return
}

// begin queues what a machine asks for. f.mu is held.
func (f *floors) begin(g *floorGroup, a floor.Actions) {
	queue := func(t floorTask) bool {
		select {
		case f.tasks <- t:
			return true
		default:
			return false // there is enough to do: later
		}
	}
	for _, x := range a.Exchange {
		if !queue(floorTask{g: g, exchange: x}) {
			g.machine.Exchanged(x.Owner, x.Round, false)
		}
	}
	if a.Return == nil {
		return
	}
	// Who began with nothing takes all of it by catching up, and comes back for the rest.
	first := g.machine.Joining() && !f.n.caughtUp.Load()
	if first || !queue(floorTask{g: g, back: a.Return}) {
		g.machine.Returned(false)
	}
}

// workPause is how long a peer is left alone after something went wrong.
const workPause = time.Second

// work does what was queued, one after the other, until ctx ends.
func (f *floors) work(ctx context.Context) {
	for {
		var t floorTask
		select {
		case <-ctx.Done():
			return
		case t = <-f.tasks:
		}
		err := f.do(ctx, t)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			f.n.log.Debug("floors", "err", err)
			if sleep(ctx, workPause) != nil {
				return
			}
		}
		f.mu.Lock()
		if t.back != nil {
			t.g.machine.Returned(err == nil)
		} else {
			t.g.machine.Exchanged(t.exchange.Owner, t.exchange.Round, err == nil)
		}
		f.mu.Unlock()
		poke(f.wake)
	}
}

func (f *floors) do(ctx context.Context, t floorTask) error {
	if r := t.back; r != nil {
		// The promise and the closing come before anything is taken.
		f.tell(t.g, r.Floors)
		err := f.from(ctx, t.g, r.Source, datastore.Version{}, r.Floor, func(node int) (coordinator.Comparison, error) {
			return f.n.coord.Return(ctx, f.n.peers.call, node, t.g.runs, r.Floor)
		})
		for _, o := range r.Others {
			if err == nil {
				err = f.takeFrom(ctx, t.g, o, datastore.Version{})
			}
		}
		return err
	}
	return f.takeFrom(ctx, t.g, t.exchange.Owner, t.exchange.Round)
}

// takeFrom takes all that an owner holds, durably.
func (f *floors) takeFrom(ctx context.Context, g *floorGroup, owner string, round datastore.Version) error {
	return f.from(ctx, g, owner, round, datastore.Version{}, func(node int) (coordinator.Comparison, error) {
		return f.n.coord.Take(ctx, f.n.peers.call, node, g.runs)
	})
}

var errGives = errors.New("does not give what it holds now")

// from takes something from an owner that gives what it held when it closed a
// round, at a certain floor if one is named, from beginning to end.
func (f *floors) from(ctx context.Context, g *floorGroup, owner string, round, at datastore.Version, take func(node int) (coordinator.Comparison, error)) error {
	q := f.n.peers.find(owner)
	if q == nil || !q.meets() {
		return fmt.Errorf("%s: %w", owner, errNoPeer)
	}
	if err := f.gives(ctx, q, g, round, at); err != nil {
		return fmt.Errorf("%s: %w", owner, err)
	}
	got, err := take(q.member.Index)
	f.n.antiEntropy.count(got)
	f.taken.Add(uint64(got.Fetched))
	if err == nil {
		err = f.gives(ctx, q, g, round, at)
	}
	if err == nil {
		err = f.store.Sync()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", owner, err)
	}
	return nil
}

// gives asks a peer whether it gives: group, round, floor (zero: any); the answer
// is one byte.
func (f *floors) gives(ctx context.Context, q *peer, g *floorGroup, round, at datastore.Version) error {
	msg := binary.BigEndian.AppendUint64([]byte{floorWords}, g.machine.Group())
	msg = at.Append(round.Append(msg))
	reply, err := q.wire.Call(ctx, peerwire.Request{Kind: kindGives, Epoch: f.n.epoch(), Payload: msg})
	if err == nil && (len(reply) != 1 || reply[0] != 1) {
		err = errGives
	}
	return err
}

// serveGives answers gives.
func (f *floors) serveGives(b []byte) []byte {
	no := []byte{0}
	const version = 12
	if f.store == nil || len(b) != 1+8+2*version || b[0] != floorWords {
		return no
	}
	load := func(b []byte) datastore.Version {
		return datastore.Version{Time: binary.BigEndian.Uint64(b), Node: binary.BigEndian.Uint32(b[8:])}
	}
	round, at := load(b[9:]), load(b[9+version:])
	f.mu.Lock()
	defer f.mu.Unlock()
	g := f.group(binary.BigEndian.Uint64(b[1:]))
	if g == nil || !g.machine.Gives(round) || !at.IsZero() && g.machine.Floors().Floor != at {
		return no
	}
	for _, r := range g.runs {
		if !f.store.Swept(uint64(r.From), uint64(r.To)) {
			return no
		}
	}
	return []byte{1}
}
