package peerwire

import "time"

const (
	// chunkBytes is how much a chunk of small messages gathers before the next
	// one is begun: enough that the cost of a write call vanishes, and little
	// enough that a frame of a large message is never far.
	chunkBytes = 128 << 10
	// streamFrames is how many frames of large messages go out with a chunk.
	streamFrames = 4
	// maxStreams is how many large messages are under way on a connection at
	// once in one direction; later ones wait for their turn. A receiver closes
	// the connection on a sender that exceeds it.
	maxStreams = 64
	// keepChunks is how many written chunks are kept for reuse.
	keepChunks = 2
)

// outbox is the queue of one direction of a connection: what is to be written,
// in which order. It has no lock and no clock; its owner holds a mutex around
// every call.
//
// Messages of one frame are encoded into chunks when they are put, in order.
// Larger ones are streams, which take turns frame by frame.
type outbox struct {
	open    *chunk   // being filled, nil when empty
	sealed  []*chunk // full, oldest first
	free    []*chunk
	control []byte    // pings, pongs, aborts, a last word: they pass the queue
	streams []*stream // under way, in turns
	waiting []*stream // not begun
	turn    int

	maxMessage   int // the receiver's limit; it bounds what may be under way
	streamTotals int // bytes of the messages under way

	// Put and not yet written. They are apart, so that a large message does not
	// use up the room of small ones.
	smallBytes  int
	streamBytes int

	put   uint64 // sequence number of the newest small message
	taken uint64 // and of the newest one given to a writer

	oneWays uint64 // counts messages without a reply, for their ids

	stamp bool // frames hold deadlines, see stampRemaining
}

type chunk struct {
	buf  []byte
	last uint64 // sequence number of its last message
	cost int    // of outbox.smallBytes
	part int    // of outbox.streamBytes
}

type stream struct {
	frame   frame // the header of the next frame
	due     uint32
	payload []byte
	off     int
	begun   bool
	done    bool // its last frame was given to a writer
}

// oneWayID keeps the ids of messages without a reply apart from those of
// requests, whose highest bit is clear (see maxGen).
const oneWayID = 1 << 63

func (o *outbox) empty() bool {
	return o.open == nil && len(o.sealed) == 0 && len(o.control) == 0 && len(o.streams) == 0 && len(o.waiting) == 0
}

// place says where a small message lies in the queue.
type place struct {
	chunk *chunk
	off   int
	seq   uint64
}

// bytes is what is put and not yet written.
func (o *outbox) bytes() int { return o.smallBytes + o.streamBytes }

// full reports whether a message of n bytes is to be refused.
func (o *outbox) full(n, limit int) bool {
	if n > MaxFrame {
		return o.streamBytes >= limit
	}
	return o.smallBytes >= limit
}

// putSmall queues a message of at most MaxFrame bytes, copying it. due is the
// deadline in dueMillis form.
func (o *outbox) putSmall(f *frame, due uint32, payload []byte) place {
	c := o.open
	if c == nil {
		c = o.chunk()
		o.open = c
	}
	off := len(c.buf)
	f.flags, f.total, f.remain = flagFirst|flagLast, uint32(len(payload)), due
	c.buf = f.appendHeader(c.buf, len(payload))
	c.buf = append(c.buf, payload...)
	o.put++
	c.last = o.put
	n := firstLen + len(payload)
	c.cost += n
	o.smallBytes += n
	if len(c.buf) >= chunkBytes {
		o.sealed = append(o.sealed, c)
		o.open = nil
	}
	return place{c, off, o.put}
}

// withdraw makes a queued message void. It reports false when the message has
// already been given to a writer.
func (o *outbox) withdraw(p place) bool {
	if p.seq <= o.taken {
		return false
	}
	p.chunk.buf[p.off+offType] = byte(frameVoid)
	return true
}

// putStream queues a large message. The payload must stay as it is.
func (o *outbox) putStream(f frame, due uint32, payload []byte) *stream {
	f.flags, f.total = flagFirst, uint32(len(payload))
	s := &stream{frame: f, due: due, payload: payload}
	o.waiting = append(o.waiting, s)
	o.streamBytes += len(payload)
	return s
}

// withdrawStream drops a large message that is not wholly given to a writer,
// and reports whether it did.
func (o *outbox) withdrawStream(s *stream) bool {
	if s.done {
		return false
	}
	for i, w := range o.waiting {
		if w == s {
			o.waiting = append(o.waiting[:i], o.waiting[i+1:]...)
		}
	}
	for i, w := range o.streams {
		if w == s {
			o.endStream(i)
			o.control = appendSmall(o.control, frameAbort, s.frame.id, nil)
		}
	}
	o.streamBytes -= len(s.payload) - s.off
	s.payload = nil
	return true
}

func (o *outbox) endStream(i int) {
	o.streamTotals -= int(o.streams[i].frame.total)
	copy(o.streams[i:], o.streams[i+1:])
	o.streams[len(o.streams)-1] = nil
	o.streams = o.streams[:len(o.streams)-1]
	if i < o.turn {
		o.turn--
	}
}

// begin starts waiting streams while the receiver's limits allow it: at most
// maxStreams, and together at most twice the largest message, so that two of
// the largest can be under way.
func (o *outbox) begin() {
	n := 0
	for n < len(o.waiting) && len(o.streams) < maxStreams {
		s := o.waiting[n]
		if o.streamTotals+len(s.payload) > 2*o.maxMessage {
			break
		}
		o.streamTotals += len(s.payload)
		o.streams = append(o.streams, s)
		n++
	}
	if n > 0 {
		rest := copy(o.waiting, o.waiting[n:])
		clear(o.waiting[rest:])
		o.waiting = o.waiting[:rest]
	}
}

// take returns the next bytes to write, or nil. The caller writes them without
// the lock and hands the chunk to written.
func (o *outbox) take(now time.Duration) *chunk {
	if o.empty() {
		return nil
	}
	var c *chunk
	switch {
	case len(o.sealed) > 0:
		c = o.sealed[0]
		rest := copy(o.sealed, o.sealed[1:])
		o.sealed[rest] = nil
		o.sealed = o.sealed[:rest]
	case o.open != nil:
		c, o.open = o.open, nil
	default:
		c = o.chunk()
	}
	nowMillis := uint32(uint64(now.Milliseconds()))
	if c.last > 0 {
		o.taken = c.last
		if o.stamp {
			stampRemaining(c.buf, nowMillis)
		}
	}
	c.buf = append(c.buf, o.control...)
	o.control = o.control[:0]
	o.begin()
	for range streamFrames {
		if len(o.streams) == 0 {
			break
		}
		o.takeFrame(c, nowMillis)
		o.begin()
	}
	return c
}

// takeFrame appends one frame of the stream whose turn it is.
func (o *outbox) takeFrame(c *chunk, now uint32) {
	if o.turn >= len(o.streams) {
		o.turn = 0
	}
	s := o.streams[o.turn]
	part := s.payload[s.off:]
	if len(part) > MaxFrame {
		part = part[:MaxFrame]
	} else {
		s.frame.flags |= flagLast
	}
	if !s.begun {
		s.begun = true
		s.frame.remain = remainMillis(s.due, now)
	}
	c.buf = s.frame.appendHeader(c.buf, len(part))
	c.buf = append(c.buf, part...)
	c.part += len(part)
	s.off += len(part)
	s.frame.flags &^= flagFirst
	if s.frame.flags&flagLast != 0 {
		s.done = true
		s.payload = nil
		o.endStream(o.turn)
		return
	}
	o.turn++
}

func (o *outbox) chunk() *chunk {
	if n := len(o.free); n > 0 {
		c := o.free[n-1]
		o.free = o.free[:n-1]
		return c
	}
	return new(chunk)
}

// written gives back a chunk that take returned.
func (o *outbox) written(c *chunk) {
	o.smallBytes -= c.cost
	o.streamBytes -= c.part
	c.buf, c.last, c.cost, c.part = c.buf[:0], 0, 0, 0
	if len(o.free) < keepChunks {
		o.free = append(o.free, c)
	}
}
