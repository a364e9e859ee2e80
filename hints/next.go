package hints

import (
	"slices"
	"time"
)

// Record is a queued delta, or a bundle, as Next hands it out; its slices are
// the caller's.
type Record struct {
	// ID names it for Ack and Release.
	ID uint64
	// Key and Token are those of a delta; a bundle has no Key.
	Key   []byte
	Token uint64
	// Ranges are the tokens that it belongs to.
	Ranges []Range
	// Delta is what was added, or the join of all that was, or the bundle.
	Delta []byte
	// Bundle says which.
	Bundle bool
	// At is when the oldest part of it was added.
	At time.Time
}

// Next hands out the oldest records of a node that are not in flight, up to
// maxBytes of them but at least one; none when nothing is queued. Each is in
// flight until Ack or Release names it. A record that cannot be read is left
// out, and its range marked.
func (l *Log) Next(node string, maxBytes int) ([]Record, error) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		q := l.current(node, now)
		if l.closed || l.closing {
			return nil, ErrClosed
		}
		if q == nil {
			return nil, nil
		}
		slots := q.launch(maxBytes)
		if len(slots) == 0 {
			return nil, nil
		}
		ids := make([]uint64, len(slots)) // slots may be another record's after reading
		for i, s := range slots {
			ids[i] = s.id
		}
		raw := l.readSlots(q, slots)
		out := make([]Record, 0, len(slots))
		for i := range slots {
			e, err := q.open(raw[i])
			if err == nil {
				out = append(out, e.record())
			} else if s := q.byID[ids[i]]; s != nil { // it was whole when it was written
				q.giveUp(s, &q.total.Damaged)
			}
		}
		q.trim()
		if len(out) > 0 {
			return out, nil
		}
	}
}

// launch puts the first records that wait in flight, up to maxBytes of them.
func (q *queue) launch(maxBytes int) (slots []*slot) {
	bytes := 0
	for s := q.waiting.first(); s != nil; s = q.waiting.first() {
		if bytes += int(s.size); len(slots) > 0 && bytes > maxBytes {
			break
		}
		q.waiting.remove(s)
		q.flying.insert(s, nil)
		s.flies = true
		q.byID[s.id] = s
		slots = append(slots, s)
	}
	return slots
}

// land takes a slot back that was in flight. It is inserted near another one.
func (q *queue) land(s, near *slot) {
	q.flying.remove(s)
	delete(q.byID, s.id)
	s.flies = false
	q.waiting.insert(s, near)
	q.log.expireLater(s.at)
	if !s.bundle && q.keys[s.hash] == 0 {
		q.keys[s.hash] = s.self // the one that was added after it is delivered
	}
}

// stretch is what of a file is read at once, because it lies together.
type stretch struct {
	seg  *segment
	off  int64
	raw  []byte
	from int // index of the first of its slots
}

// readSlots reads what slots stand for; what cannot be read is empty. It gives
// up the lock for what is in files.
func (l *Log) readSlots(q *queue, slots []*slot) [][]byte {
	raw := make([][]byte, len(slots))
	sizes := make([]int, len(slots)) // slots may move meanwhile
	var files []stretch
	for i, s := range slots {
		sizes[i] = int(s.size)
		seg := q.segment(s)
		if b, ok := seg.inMemory(s); ok {
			raw[i] = slices.Clone(b)
			continue
		}
		if n := len(files); n > 0 && raw[i-1] == nil && files[n-1].seg == seg && files[n-1].off+int64(len(files[n-1].raw)) == s.off {
			f := &files[n-1]
			f.raw = f.raw[:len(f.raw)+sizes[i]]
			continue
		}
		seg.pin()
		size := 0
		for k := i; k < len(slots) && slots[k].seg == s.seg && slots[k].off == s.off+int64(size); k++ {
			size += int(slots[k].size)
		}
		files = append(files, stretch{seg, s.off, make([]byte, sizes[i], size), i})
	}
	if len(files) == 0 {
		return raw
	}
	l.mu.Unlock()
	for _, f := range files {
		f.read(raw, sizes)
	}
	l.mu.Lock()
	for _, f := range files {
		f.seg.unpin()
	}
	return raw
}

// read reads a stretch, and slot by slot if it cannot be read whole.
func (f stretch) read(raw [][]byte, sizes []int) {
	whole := readFull(f.seg.file, f.raw, f.off) == nil
	for at, i := 0, f.from; at < len(f.raw); i++ {
		b := f.raw[at : at+sizes[i] : at+sizes[i]]
		if whole || readFull(f.seg.file, b, f.off+int64(at)) == nil {
			raw[i] = b
		}
		at += sizes[i]
	}
}

func (e *entry) record() Record {
	r := Record{ID: e.id, Key: e.key, Ranges: e.ranges, Delta: e.delta, Bundle: e.kind == kindBundle, At: time.UnixMilli(e.at)}
	if !r.Bundle {
		r.Token = e.ranges[0].From
	}
	return r
}

// Ack says that the node has these records: they never come again, but after
// an unclean stop. Ids that are not in flight are ignored.
func (l *Log) Ack(node string, ids ...uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	q := l.queues[node]
	if q == nil || l.closed || l.closing {
		return
	}
	var done []uint64
	for _, id := range ids {
		if s := q.byID[id]; s != nil {
			q.drop(s)
			q.total.Delivered++
			done = append(done, id)
		}
	}
	q.settleAcks(done)
}

// Release says that these records were not delivered: they will come again.
func (l *Log) Release(node string, ids ...uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	q := l.queues[node]
	if q == nil {
		return
	}
	var near *slot
	for _, id := range ids {
		if s := q.byID[id]; s != nil {
			if near == nil {
				near = q.waiting.first()
			}
			q.land(s, near)
			near = s
		}
	}
}
