package hints

import (
	"errors"
	"io"
	"slices"
)

// segment is one file of a queue, or what will be one.
type segment struct {
	q         *queue
	number    handle // among those of the queue
	seq       uint64
	file      File    // nil until it is first written
	tail      []byte  // what is not written yet
	fresh     []*slot // that were put into the tail
	spare     []byte  // the buffer that tail alternates with
	written   int64   // bytes in the file
	size      int64   // with the tail
	allocated int64   // bytes that the file has; what is beyond written is nothing
	live      int     // slots in it
	pins      int     // who needs the file as it is
	listed    bool    // among the log's unwritten ones
	unsynced  bool    // among the log's unsynced ones
	kept      bool    // its name is durable
	failed    bool    // nothing is added to it any more
	removed   bool
}

func (s *segment) name() string { return segmentName(s.q.node, s.seq) }

// active is the segment that is written to; it is among the unwritten ones.
func (q *queue) active() *segment {
	l := q.log
	var seg *segment
	if n := len(q.segments); n > 0 {
		seg = q.segments[n-1]
	}
	if seg == nil || seg.failed || seg.size >= l.cfg.SegmentBytes {
		seg = &segment{q: q, seq: l.nextSeq}
		seg.tail = appendHeader(nil, l.cfg.Self, q.node)
		seg.size = int64(len(seg.tail))
		l.nextSeq++
		q.enlist(seg)
		if q.overfull() && !q.crowded {
			q.crowded = true
			l.crowded = append(l.crowded, q)
		}
	}
	if !seg.listed {
		seg.listed = true
		l.unwritten = append(l.unwritten, seg)
		l.soon()
	}
	return seg
}

// enlist makes a segment the last one.
func (q *queue) enlist(seg *segment) {
	q.segments = append(q.segments, seg)
	for i := 1; i < len(q.numbered); i++ {
		if q.numbered[i] == nil {
			q.numbered[i], seg.number = seg, handle(i)
			return
		}
	}
	seg.number = handle(len(q.numbered))
	q.numbered = append(q.numbered, seg)
}

// write appends a record, and has s point at it.
func (q *queue) write(s *slot, body func([]byte) []byte) {
	seg := q.active()
	from := len(seg.tail)
	seg.tail = body(appendFrame(seg.tail))
	sealFrame(seg.tail, from, q.salt)
	q.place(s, seg, len(seg.tail)-from)
	q.log.added++
}

// place has s point at the last size bytes of a segment's tail.
func (q *queue) place(s *slot, seg *segment, size int) {
	q.leave(s)
	s.seg, s.off, s.size = seg.number, seg.size, uint32(size)
	seg.size += int64(size)
	seg.live++
	seg.fresh = append(seg.fresh, s)
	q.bytes += int64(size)
}

// writeAcks appends records of acks, each to the segment that is written to by
// then: many ids may take more than a record, or a segment, may have.
func (q *queue) writeAcks(ids []uint64) {
	for some := range slices.Chunk(ids, maxAcks) {
		seg := q.active()
		from := len(seg.tail)
		seg.tail = appendAcks(appendFrame(seg.tail), some)
		sealFrame(seg.tail, from, q.salt)
		seg.size += int64(len(seg.tail) - from)
	}
}

// inMemory returns the record of a slot in it if it is in memory still.
func (s *segment) inMemory(of *slot) ([]byte, bool) {
	if at := of.off - s.written; at >= 0 {
		return s.tail[at : at+int64(of.size)], true
	}
	return s.q.recent.at(s, of)
}

// open decodes a record as it stands in a file.
func (q *queue) open(b []byte) (entry, error) {
	body, _, _, err := unframe(b, q.salt, len(b))
	if err != nil {
		return entry{}, err
	}
	return decode(body)
}

// pin keeps a segment's file until unpin, for one who gives up the lock.
func (s *segment) pin() {
	s.pins++
	s.q.log.reading++
}

func (s *segment) unpin() {
	s.pins--
	if s.q.log.reading--; s.q.log.closing {
		s.q.log.idle.Broadcast()
	}
}

// readFull reads len(b) bytes.
func readFull(f File, b []byte, off int64) error {
	n, err := f.ReadAt(b, off)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// trim lets go of the segments at the front in which nothing lives. Only
// those: an ack never outlives the record that it is about.
func (q *queue) trim() {
	n := 0
	for _, seg := range q.segments {
		if seg.live > 0 || seg.pins > 0 {
			break
		}
		n++
		seg.removed, seg.tail, seg.fresh, seg.spare = true, nil, nil, nil
		q.numbered[seg.number] = nil
		if q.recent.seg == seg {
			q.recent = recent{}
		}
		if seg.file != nil {
			seg.file.Close()
			q.log.garbage = append(q.log.garbage, seg.name())
			q.log.soon()
		}
	}
	if n > 0 {
		q.segments = slices.Delete(q.segments, 0, n)
		q.name()
	}
}

// unwritable gives up what of a segment is not in its file, and marks it.
func (s *segment) unwritable() {
	s.failed = true
	for _, x := range s.fresh {
		if x.seg == s.number && x.off >= s.written {
			s.q.giveUp(x, &s.q.total.Dropped)
		}
	}
	s.tail, s.fresh, s.size = nil, nil, s.written
}
