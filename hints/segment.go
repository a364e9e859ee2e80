package hints

// segment is one file of a queue, or what will be one.
type segment struct {
	q        *queue
	seq      uint64
	file     File   // nil until it is first written
	tail     []byte // what is not written yet
	spare    []byte // the buffer that tail alternates with
	written  int64  // bytes in the file
	size     int64  // with the tail
	live     int    // slots in it
	writing  bool   // the tail, or the start of it, is being written
	listed   bool   // among the log's unwritten ones
	unsynced bool   // among the log's unsynced ones
	filling  bool   // a record is about to be added
	failed   bool   // nothing is added to it any more
	removed  bool
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
		seg = &segment{q: q, seq: q.nextSeq}
		seg.tail = appendHeader(nil, l.cfg.Self, q.node)
		seg.size = int64(len(seg.tail))
		q.nextSeq++
		q.segments = append(q.segments, seg)
		seg.filling = true
		q.compact()
		seg.filling = false
	}
	if !seg.listed {
		seg.listed = true
		l.unwritten = append(l.unwritten, seg)
	}
	return seg
}

// trim lets go of the segments at the front in which nothing lives. Only
// those: an ack never outlives the record that it is about.
func (q *queue) trim() {
	for len(q.segments) > 0 {
		seg := q.segments[0]
		if seg.live > 0 || seg.writing || seg.filling {
			return
		}
		seg.removed, seg.tail = true, nil
		if seg.file != nil {
			seg.file.Close()
			q.log.garbage = append(q.log.garbage, seg.name())
		}
		q.segments[0] = nil
		q.segments = q.segments[1:]
	}
}

// compact moves what lives in the oldest segment to the newest, if the files
// have become much larger than what lives in them. So the space is at most
// twice that and four segments.
func (q *queue) compact() {
	total := int64(0)
	for _, seg := range q.segments {
		total += seg.size
	}
	if len(q.segments) < 3 || total <= 2*q.bytes+4*q.log.cfg.SegmentBytes {
		return
	}
	oldest := q.segments[0]
	if oldest.writing || oldest.listed {
		return
	}
	for s := q.head; s != nil && oldest.live > 0; {
		next := s.next
		if s.seg == oldest {
			if e, err := q.read(s); err != nil {
				q.damaged(s)
			} else {
				q.write(s, func(dst []byte) []byte { return e.append(dst) })
			}
		}
		s = next
	}
	q.trim()
}

// append encodes an entry as it was.
func (e *entry) append(dst []byte) []byte {
	if e.kind == kindBundle {
		return appendBundle(dst, e.id, e.at, e.ranges, e.delta)
	}
	return appendDelta(dst, e.id, e.at, e.ranges[0].From, e.key, e.delta)
}
