package coordinator

import (
	"cmp"
	"sync"
	"time"
)

// opRef names an operation of a batch, and the try of it that a message is about.
type opRef struct {
	op, try int
	pushed  bool // it carries our whole record
}

// frame is one message of a batch to one node while it is written and until
// its answer has come.
type frame struct {
	b    *batch
	node int
	kind byte
	buf  []byte
	ops  []opRef
	// asks: it holds a question, sent at a time after which it is due, and which
	// was late. See hedge.go.
	asks, late bool
	sent, due  int64
	asked      uint64                        // what asking said when it left
	generation uint64                        // what underway said, of KindApply
	done       func(reply []byte, err error) // the method complete, bound once
}

var frames sync.Pool

func newFrame() *frame {
	if f, ok := frames.Get().(*frame); ok {
		return f
	}
	f := new(frame)
	f.done = f.complete
	return f
}

func (f *frame) add(op, try int) { f.ops = append(f.ops, opRef{op: op, try: try}) }

// outbox collects the messages of one step of a batch, one per node and kind.
type outbox struct{ frames []*frame }

func (x *outbox) frame(b *batch, node int, kind byte) *frame {
	for _, f := range x.frames {
		if f.node == node && f.kind == kind {
			return f
		}
	}
	f := newFrame()
	f.b, f.node, f.kind = b, node, kind
	f.buf, f.ops = f.buf[:0], f.ops[:0]
	if kind == KindApply {
		f.buf = append(f.buf, formatVersion)
	}
	x.frames = append(x.frames, f)
	return f
}

// step ends a step of the batch that was made under its lock: it releases the
// lock, sends what the step wants sent, and finishes the batch if that was
// the last step.
func (b *batch) step() {
	var few [8]*frame
	b.steps++
	out := append(few[:0], b.out.frames...)
	b.watch(out)
	clear(b.out.frames)
	b.out.frames = b.out.frames[:0]
	b.refs += len(out)
	var some [8]*flight
	landed := append(some[:0], b.landed...)
	clear(b.landed)
	b.landed = b.landed[:0]
	fin := b.check()
	c, finish, deadline := b.c, b.finish, b.deadline
	if len(out) > 0 {
		asked := c.asking()
		for _, f := range out {
			f.asked = asked
		}
	}
	b.mu.Unlock()
	for _, f := range out {
		if f.kind == KindApply {
			f.generation = c.underway.begin()
		}
		c.peers.Send(f.node, f.kind, f.buf, deadline, f.done)
	}
	if fin && finish != nil {
		finish(b)
	}
	for _, f := range landed {
		c.land(f)
	}
}

// complete is called once with the answer to the frame, or its failure.
func (f *frame) complete(reply []byte, err error) {
	b := f.b
	b.mu.Lock()
	b.heard(f, err)
	if err == nil {
		err = b.read1(f, reply)
	}
	if err != nil {
		if f.kind == KindApply && b.c.keep(f.node, f.buf) {
			b.unsaved = true
		}
		if !b.finished {
			b.lost(f, err, b.c.peers.MaybeSent(err))
		}
	}
	if b.unsaved {
		b.unsaved = false
		if err := b.c.commit(); err != nil && !b.finished {
			b.unwritten(err)
		}
	}
	if f.kind == KindApply {
		b.c.underway.end(f.generation) // who did not take it has a hint
	}
	b.step()
	b.mu.Lock()
	b.release()
	f.b = nil
	if cap(f.buf) <= 1<<20 {
		frames.Put(f)
	}
}

// read1 reads the answer to f. An error means that not all of it could be read.
func (b *batch) read1(f *frame, reply []byte) error {
	r := reader{b: reply}
	by := b.c.roadSince(f.asked)
	if f.kind == KindReset {
		if b.finished {
			return nil
		}
		_, refused, err := b.c.mergeResets(&r, by)
		theirs := r.resetAnswer()
		if err = cmp.Or(err, r.err); err != nil {
			return err
		}
		b.unsaved = true
		for _, ref := range f.ops {
			if b.current(ref) != nil {
				b.levelled(ref.op, f.node, refused || theirs.refused)
			}
		}
		return nil
	}
	r.version()
	if f.kind == KindExec {
		for _, ref := range f.ops {
			out := r.bytes()
			if r.err == nil && len(out) == 0 {
				r.fail() // no command has an empty reply
			}
			if r.err != nil {
				return r.err
			}
			if b.finished {
				continue
			}
			if o := b.current(ref); o != nil {
				o.out = append(o.out[:0], out...)
				b.end(o)
			}
		}
		return r.err
	}
	sent := reader{b: f.buf[1:]}
	for _, ref := range f.ops {
		a, e := r.answer(), sent.entry()
		a.by = by
		if r.err != nil {
			return r.err
		}
		b.c.tally(a)
		if a.flags&flagFailed != 0 && len(e.delta) > 0 {
			b.c.hint(f.node, b.cl.Hash(e.key), e.key, e.delta)
			b.unsaved = true
		}
		if b.finished || b.current(ref) == nil {
			b.late(f.node, e, a)
			continue
		}
		b.answered(ref.op, f.node, a, ref.pushed)
	}
	return r.err
}

// Peers carries messages to the other nodes of the layout.
type Peers interface {
	// Send hands payload to the node with the given index and calls done
	// exactly once, at the deadline at the latest, possibly before Send
	// returns. payload is free again once done was called; reply is valid
	// until done returns.
	Send(node int, kind byte, payload []byte, deadline time.Time, done func(reply []byte, err error))
	// MaybeSent says of an error that done was given whether the node may have
	// received the message.
	MaybeSent(err error) bool
}
