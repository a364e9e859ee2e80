package peerwire

import "fmt"

// firstAlloc bounds what is allocated for a message before its bytes have
// come: a length that somebody else wrote is not a reason to allocate it.
const firstAlloc = 1 << 20

// inbox puts the frames of one direction together again. Step functions, no I/O.
type inbox struct {
	max     int // largest message
	partial map[uint64]*partial
	totals  int
}

type partial struct {
	head frame  // the first frame, without its payload
	buf  []byte // nil when the message is not wanted
	got  int
	keep bool
}

// add takes one frame of a message. When it completes the message, whole is
// true, f describes the message (code, id, epoch, remaining time) and f.payload
// is all of it, valid as long as the input of decodeFrame if it was one frame.
// keep is asked once per message of several frames, at the first: a message that
// nobody waits for is checked and dropped.
func (b *inbox) add(f *frame, keep func(*frame) bool) (whole bool, err error) {
	if f.first() && f.last() {
		if int(f.total) > b.max {
			return false, b.tooLarge(f)
		}
		if b.partial[f.id] != nil {
			return false, fmt.Errorf("%w: message %#x begins twice", ErrProtocol, f.id)
		}
		return true, nil
	}
	if f.first() {
		return false, b.begin(f, keep)
	}
	p := b.partial[f.id]
	if p == nil || p.head.typ != f.typ {
		return false, fmt.Errorf("%w: message %#x goes on without a beginning", ErrProtocol, f.id)
	}
	p.got += len(f.payload)
	if p.got > int(p.head.total) || f.last() != (p.got == int(p.head.total)) {
		return false, fmt.Errorf("%w: message %#x has %d bytes, announced were %d", ErrProtocol, f.id, p.got, p.head.total)
	}
	if p.keep {
		p.buf = p.grow(f.payload)
	}
	if !f.last() {
		return false, nil
	}
	b.drop(f.id)
	*f = p.head
	f.payload = p.buf
	return p.keep, nil
}

func (b *inbox) begin(f *frame, keep func(*frame) bool) error {
	switch {
	case int(f.total) > b.max:
		return b.tooLarge(f)
	case b.partial[f.id] != nil:
		return fmt.Errorf("%w: message %#x begins twice", ErrProtocol, f.id)
	case len(b.partial) >= maxStreams || b.totals+int(f.total) > 2*b.max:
		return fmt.Errorf("%w: too many messages at once", ErrProtocol)
	case len(f.payload) == int(f.total):
		return fmt.Errorf("%w: message %#x is complete and goes on", ErrProtocol, f.id)
	}
	p := &partial{head: *f, got: len(f.payload), keep: keep(f)}
	if p.keep {
		p.buf = append(make([]byte, 0, min(int(f.total), firstAlloc)), f.payload...)
	}
	p.head.payload = nil
	if b.partial == nil {
		b.partial = make(map[uint64]*partial)
	}
	b.partial[f.id] = p
	b.totals += int(f.total)
	return nil
}

// grow appends, doubling but never beyond the announced length.
func (p *partial) grow(part []byte) []byte {
	need := len(p.buf) + len(part)
	if need > cap(p.buf) {
		bigger := make([]byte, len(p.buf), min(int(p.head.total), max(need, 2*cap(p.buf))))
		copy(bigger, p.buf)
		p.buf = bigger
	}
	return append(p.buf, part...)
}

// drop forgets a message under way; unknown ids are fine.
func (b *inbox) drop(id uint64) {
	if p := b.partial[id]; p != nil {
		b.totals -= int(p.head.total)
		delete(b.partial, id)
	}
}

func (b *inbox) tooLarge(f *frame) error {
	return fmt.Errorf("%w: message of %d bytes, at most %d", ErrProtocol, f.total, b.max)
}
