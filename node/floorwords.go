package node

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/node/internal/coordinator"
	"github.com/dynomite-go/dynomite/peerwire"
)

// What owners say to each other of floors is a message of kind kindFloors: format,
// and for each group that both belong to its name, the length of the machine's
// message, and that.
const floorWords = 1

// mostWords is about how long one message gets.
const mostWords = 48 << 10

// say tells a peer how our machines stand: again and again, for messages may be
// lost, and a peer that is not heard of counts as away.
func (f *floors) say(q *peer) {
	if f.store == nil || !q.isUp() {
		return
	}
	for _, msg := range f.words(q) {
		_ = q.wire.Notify(peerwire.Request{Kind: kindFloors, Epoch: f.n.epoch(), Payload: msg})
	}
}

// words are the messages for a peer. They are sent without the lock, which
// whoever hears of a peer takes.
func (f *floors) words(q *peer) (all [][]byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var one []byte
	for _, g := range f.groups {
		if !slices.Contains(g.others, q.member.Index) {
			continue
		}
		one = g.machine.AppendMessage(one[:0])
		if n := len(all); n == 0 || len(all[n-1]) > mostWords {
			all = append(all, []byte{floorWords})
		}
		msg := &all[len(all)-1]
		*msg = binary.BigEndian.AppendUint64(*msg, g.machine.Group())
		*msg = append(binary.AppendUvarint(*msg, uint64(len(one))), one...)
	}
	return all
}

var errFloorWords = errors.New("node: a message about floors that this version does not know")

// heard takes in what a peer says.
func (f *floors) heard(from string, b []byte) {
	if f.store == nil {
		return
	}
	if err := f.hear(from, b); err != nil {
		f.n.countBad(from)
		f.n.log.Warn("what a peer says of floors makes no sense", "peer", from, "err", err)
	}
}

func (f *floors) hear(from string, b []byte) error {
	if len(b) == 0 || b[0] != floorWords {
		return errFloorWords
	}
	now := time.UnixMilli(f.n.wall())
	news := false
	var err error
	f.mu.Lock()
	defer f.mu.Unlock()
	for b = b[1:]; len(b) > 0; {
		if len(b) < 8 {
			return errFloorWords
		}
		group := binary.BigEndian.Uint64(b)
		n, size := binary.Uvarint(b[8:])
		if size <= 0 || n > uint64(len(b)-8-size) {
			return errFloorWords
		}
		b = b[8+size:]
		word := b[:n]
		b = b[n:]
		g := f.group(group)
		if g == nil {
			err = fmt.Errorf("node: floors of a set of owners that this node is not of: has it another layout?")
			continue
		}
		fresh, bad := g.machine.Receive(from, word, now)
		if bad != nil {
			err = bad
			continue
		}
		news = news || fresh
		if g.machine.Joining() {
			// What is as old as that is taken from complete owners alone.
			f.tell(g, g.machine.Highest())
		}
	}
	if news {
		f.answer.Store(true)
		poke(f.wake)
	}
	return err
}

// group finds the machine of a set of owners; f.mu is held.
func (f *floors) group(name uint64) *floorGroup {
	for _, g := range f.groups {
		if g.machine.Group() == name {
			return g
		}
	}
	return nil
}

// ready returns nil if this node's copy and a peer's may be compared: both know
// of each other's floors, and neither is an old copy.
func (f *floors) ready(q *peer) error {
	if f.store == nil || !q.agreesOnFloors() {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.UnixMilli(f.n.wall())
	for _, g := range f.groups {
		switch {
		case !slices.Contains(g.others, q.member.Index):
		case g.machine.Old():
			text := "this node holds an old copy, and drops what the others deleted and forgot once all of them are there"
			if s := g.machine.Stalled(now); s.Owner != "" {
				text += "; " + s.Owner + " is not"
			}
			return errors.New(text)
		case !g.machine.Ready(q.member.ID):
			return errors.New("has not told its floor yet, or is about to raise it, or holds an old copy")
		}
	}
	return nil
}

// raisePatience is how long it may take that all have heard of a floor.
const raisePatience = 5 * time.Second

// await is ready, but waits for a floor that is just rising.
func (f *floors) await(ctx context.Context, q *peer) error {
	for began := time.Now(); ; {
		err := f.ready(q)
		if err == nil || time.Since(began) > raisePatience {
			return err
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

// joining is a stretch in which this node began with nothing, and the floor of the others
// there.
type joining struct {
	runs  []coordinator.Range
	floor datastore.Version
}

// joining finds them in some runs of tokens.
func (f *floors) joining(runs []coordinator.Range) (out []joining) {
	if f.store == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, g := range f.groups {
		if !g.machine.Joining() {
			continue
		}
		if both := intersect(runs, hintRanges(g.runs)); len(both) > 0 {
			out = append(out, joining{both, g.machine.Highest().Floor})
		}
	}
	return out
}
