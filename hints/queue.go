package hints

import "encoding/binary"

// queue is what one node has not got. The log's lock guards it.
type queue struct {
	log  *Log
	node string
	salt uint32 // of the checksums in its files

	slots   slab
	waiting list              // to be handed out
	flying  list              // handed out, and neither acknowledged nor released
	byID    map[uint64]*slot  // those that fly
	keys    map[uint64]handle // the newest of a key, by the key's hash
	bundles map[handle][]Range
	records int
	bytes   int64
	dirty   ranges
	total   Totals

	segments []*segment // oldest first; the last one is written to
	numbered []*segment // by handle; nil are free
	recent   recent
	named    bool // a file of marks says that there is this queue
	naming   bool // one will
	crowded  bool // among the log's crowded ones
	gone     bool // forgotten: nothing is marked any more
	empty    chan struct{}
}

// slot is where a record is, and what has to be known of it if it cannot be
// read: 64 bytes, and some 20 in keys.
type slot struct {
	id         uint64
	at         int64 // Unix ms of its oldest part
	hash       uint64
	token      uint64 // not of a bundle, which has ranges in the queue
	off        int64
	self       handle
	prev, next handle
	seg        handle // of the segment
	size       uint32
	flies      bool
	bundle     bool
}

func newQueue(l *Log, node string) *queue {
	q := &queue{log: l, node: node, byID: map[uint64]*slot{}, numbered: []*segment{nil}}
	q.clear()
	header := appendHeader(nil, l.cfg.Self, node)
	q.salt = binary.BigEndian.Uint32(header[len(header)-4:])
	return q
}

// clear begins with no slots. What many of them took is let go.
func (q *queue) clear() {
	q.slots, q.keys, q.bundles = slab{}, map[uint64]handle{}, map[handle][]Range{}
	q.waiting, q.flying = list{slots: &q.slots}, list{slots: &q.slots}
}

// newest is the slot of a key's hash, if there is one.
func (q *queue) newest(hash uint64) *slot { return q.slots.at(q.keys[hash]) }

// segment is the one that a slot is in, if it is in any.
func (q *queue) segment(s *slot) *segment { return q.numbered[s.seg] }

// ranges are what is marked when s is given up.
func (q *queue) ranges(s *slot) []Range {
	if s.bundle {
		return q.bundles[s.self]
	}
	return []Range{{s.token, s.token}}
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
	s := q.slots.take()
	s.id, s.at = q.log.nextID, at
	q.log.nextID++
	q.waiting.insert(s, nil)
	q.records++
	q.log.records++
	q.log.expireLater(at)
	return s
}

// drop forgets a slot; its bytes stay in its segment, dead.
func (q *queue) drop(s *slot) {
	if s.flies {
		q.flying.remove(s)
		delete(q.byID, s.id)
	} else {
		q.waiting.remove(s)
	}
	q.leave(s)
	q.records--
	if q.log.records--; q.log.records == 0 {
		q.log.stopExpiry()
	}
	if s.bundle {
		delete(q.bundles, s.self)
	} else if q.keys[s.hash] == s.self {
		delete(q.keys, s.hash)
	}
	q.slots.give(s)
	if q.records > 0 {
		return
	}
	if len(q.slots.chunks) > 1 {
		q.clear()
	}
	if q.empty != nil {
		close(q.empty)
		q.empty = nil
	}
}

// leave takes a slot out of its segment.
func (q *queue) leave(s *slot) {
	if seg := q.segment(s); seg != nil {
		seg.live--
		q.bytes -= int64(s.size)
		s.seg = 0
	}
}

// oldest is when the oldest part of a record was added, if there is one.
func (q *queue) oldest() (at int64, ok bool) {
	for _, s := range [...]*slot{q.waiting.first(), q.flying.first()} {
		if s != nil && (!ok || s.at < at) {
			at, ok = s.at, true
		}
	}
	return at, ok
}

// mark marks ranges dirty. Until the next Close it is the unclean stop that
// tells of it, so there must be a file that tells of the queue.
func (q *queue) mark(rs []Range) {
	if q.gone {
		return
	}
	for _, r := range rs {
		q.dirty = q.dirty.add(r)
	}
	q.total.Dirtied++
	q.name()
}

// name has the next flush make a file that tells of the queue, if it has
// none and marks.
func (q *queue) name() {
	if !q.named && !q.naming && len(q.segments) == 0 && len(q.dirty) > 0 {
		q.naming = true
		q.log.unnamed = append(q.log.unnamed, q)
		q.log.added++
		q.log.soon()
	}
}

// giveUp drops a record that cannot be delivered, and marks it.
func (q *queue) giveUp(s *slot, count *uint64) {
	rs := q.ranges(s)
	q.drop(s)
	*count++
	q.mark(rs)
}

// settleAcks lets go of the files in which nothing lives, and has those that are
// left say which records are done with. A file that is being written stays for now, and
// something else may be added to it.
func (q *queue) settleAcks(ids []uint64) {
	q.trim()
	if len(ids) > 0 && len(q.segments) > 0 {
		q.writeAcks(ids)
	}
}
