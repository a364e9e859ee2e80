package hints

// moved is a record that is about to be copied.
type moved struct {
	slot *slot
	off  int64
	raw  []byte
}

// overfull says that the files have become much larger than what lives in
// them. What is done about it keeps them below twice that and four segments.
func (q *queue) overfull() bool {
	total := int64(0)
	for _, seg := range q.segments {
		total += seg.size
	}
	return len(q.segments) >= 3 && total > 2*q.bytes+4*q.log.cfg.SegmentBytes
}

// compact moves what lives in the oldest segment to the newest, as it is. It
// gives up the lock while it reads; of flushes, which call it, there is one at
// a time.
func (q *queue) compact() {
	q.crowded = false
	if !q.overfull() {
		return
	}
	oldest := q.segments[0]
	if oldest.listed || oldest.file == nil {
		return
	}
	var moving []moved
	for _, from := range [...]list{q.flying, q.waiting} {
		// Nothing that is younger than the segment is in it, so this ends early.
		for s := from.first(); s != nil && len(moving) < oldest.live; s = from.after(s) {
			if s.seg == oldest.number {
				moving = append(moving, moved{slot: s, off: s.off, raw: make([]byte, s.size)})
			}
		}
	}
	oldest.pin()
	q.log.mu.Unlock()
	bad := map[*slot]bool{}
	for _, m := range moving {
		if readFull(oldest.file, m.raw, m.off) != nil {
			bad[m.slot] = true
		} else if _, err := q.open(m.raw); err != nil {
			bad[m.slot] = true
		}
	}
	q.log.mu.Lock()
	oldest.unpin()
	for _, m := range moving {
		s := m.slot
		switch {
		case s.seg != oldest.number: // delivered or joined meanwhile
		case bad[s]:
			q.giveUp(s, &q.total.Damaged)
		default:
			seg := q.active()
			seg.tail = append(seg.tail, m.raw...)
			q.place(s, seg, len(m.raw))
		}
	}
	q.trim()
}
