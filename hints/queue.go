package hints

import (
	"encoding/binary"
	"io"
	"time"
)

// queue is what one node has not got. The log's lock guards it.
type queue struct {
	log  *Log
	node string
	salt uint32 // of the checksums in its files

	head, tail *slot            // in the order of their arrival
	keys       map[uint64]*slot // the newest of a key, by the key's hash
	inFlight   map[uint64]*slot
	records    int
	bytes      int64
	dirty      ranges
	total      Totals

	segments  []*segment // oldest first; the last one is written to
	nextID    uint64
	nextSeq   uint64
	named     bool // a file on disk says that there is this queue
	forgotten bool
	empty     chan struct{} // closed when nothing is held, if somebody waits
}

// slot is where a record is. It has no payload: 72 bytes, and some 30 in keys.
type slot struct {
	prev, next *slot
	id         uint64
	at         int64 // Unix ms of its oldest part
	hash       uint64
	seg        *segment
	off        int64
	size       uint32
	inFlight   bool
	bundle     bool
}

func newQueue(l *Log, node string) *queue {
	q := &queue{log: l, node: node, keys: map[uint64]*slot{}, inFlight: map[uint64]*slot{}, nextID: 1, nextSeq: 1}
	header := appendHeader(nil, l.cfg.Self, node)
	q.salt = binary.BigEndian.Uint32(header[len(header)-4:])
	return q
}

// fits says whether a record of size may take the place of one of was bytes.
func (q *queue) fits(size, was int64) error {
	if size > int64(q.log.cfg.MaxRecord) {
		return ErrTooLarge
	}
	if q.bytes-was+size > q.log.cfg.MaxBytes {
		return ErrFull
	}
	return nil
}

// push makes a slot at the end.
func (q *queue) push(at int64) *slot {
	s := &slot{id: q.nextID, at: at}
	q.nextID++
	q.link(s)
	return s
}

func (q *queue) link(s *slot) {
	s.prev = q.tail
	if q.tail != nil {
		q.tail.next = s
	} else {
		q.head = s
	}
	q.tail = s
	q.records++
}

// drop forgets a slot; its bytes stay in its segment, dead.
func (q *queue) drop(s *slot) {
	if s.prev != nil {
		s.prev.next = s.next
	} else {
		q.head = s.next
	}
	if s.next != nil {
		s.next.prev = s.prev
	} else {
		q.tail = s.prev
	}
	s.prev, s.next = nil, nil
	q.leave(s)
	q.records--
	delete(q.inFlight, s.id)
	if q.keys[s.hash] == s {
		delete(q.keys, s.hash)
	}
	if q.records == 0 && q.empty != nil {
		close(q.empty)
		q.empty = nil
	}
}

// leave takes a slot out of its segment.
func (q *queue) leave(s *slot) {
	if s.seg != nil {
		s.seg.live--
		q.bytes -= int64(s.size)
		s.seg = nil
	}
}

// write appends a record, and has s point at it.
func (q *queue) write(s *slot, body func([]byte) []byte) {
	seg := q.active()
	from := len(seg.tail)
	seg.tail = body(appendFrame(seg.tail))
	sealFrame(seg.tail, from, q.salt)
	q.leave(s)
	s.seg, s.off, s.size = seg, seg.size, uint32(len(seg.tail)-from)
	seg.size += int64(s.size)
	seg.live++
	q.bytes += int64(s.size)
	q.log.added++
}

func (q *queue) writeAcks(ids []uint64) {
	seg := q.active()
	from := len(seg.tail)
	seg.tail = appendAcks(appendFrame(seg.tail), ids)
	sealFrame(seg.tail, from, q.salt)
	seg.size += int64(len(seg.tail) - from)
}

// read returns the record of s; it aliases memory that is valid for now.
func (q *queue) read(s *slot) (entry, error) {
	var b []byte
	if at := s.off - s.seg.written; at >= 0 {
		b = s.seg.tail[at : at+int64(s.size)]
	} else {
		b = make([]byte, s.size)
		if n, err := s.seg.file.ReadAt(b, s.off); n < len(b) {
			if err == nil {
				err = io.ErrUnexpectedEOF
			}
			return entry{}, err
		}
	}
	body, _, _, err := unframe(b, q.salt, len(b))
	if err != nil {
		return entry{}, err
	}
	return decode(body)
}

// mark marks ranges dirty.
func (q *queue) mark(rs []Range) {
	for _, r := range rs {
		q.dirty = q.dirty.add(r)
	}
	q.total.Dirtied++
}

// damaged drops a record that cannot be read: its range is not known either.
func (q *queue) damaged(s *slot) {
	q.drop(s)
	q.total.Damaged++
	q.mark([]Range{All})
}

// expire drops what is older than the window.
func (q *queue) expire(now time.Time) {
	w := q.log.cfg.Window
	if w < 0 {
		return
	}
	oldest := now.Add(-w).UnixMilli()
	for s := q.head; s != nil && s.at < oldest && !s.inFlight; s = q.head {
		e, err := q.read(s)
		if err != nil {
			q.damaged(s)
			continue
		}
		q.drop(s)
		q.total.Expired++
		q.mark(e.ranges)
	}
	q.trim()
}
