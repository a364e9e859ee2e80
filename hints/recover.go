package hints

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/maphash"
	"io/fs"
	"maps"
	"slices"
)

// recovery is what Open does.
type recovery struct {
	log     *Log
	rec     *Recovery
	unclean bool // the process or the machine died, so ends may be torn
	nodes   map[string]*recoverer
}

// recoverer puts together the queue of one node.
type recoverer struct {
	q     *queue
	slots map[uint64]*slot
}

// maxTries bounds how many markers without a record behind them are tried in
// one file: values may hold some, a hostile file many.
const maxTries = 1000

// readSegment takes the records of a file, which fails for what no other file
// explains.
func (r *recovery) readSegment(name string) error {
	l := r.log
	// A segment is begun below its limit and ends with at most one record more.
	f, b, err := l.readAll(name, 2*max(l.cfg.SegmentBytes, DefaultSegmentBytes)+2*max(int64(l.cfg.MaxRecord), DefaultMaxRecord))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return err
		}
		r.rec.refuse(name, err)
		return nil
	}
	node, at, err := readHeader(b, l.cfg.Self)
	if err != nil {
		return errors.Join(f.Close(), r.withoutHeader(name, b, err))
	}
	n, err := r.node(node)
	if err == nil && segmentName(node, sequence(name)) != name {
		err = errForeign
	}
	if err != nil {
		r.rec.refuse(name, err)
		return f.Close()
	}
	r.rec.Bytes += int64(len(b))
	size := int64(len(b))
	seg := &segment{q: n.q, seq: sequence(name), file: f, written: size, size: size, allocated: size, failed: true, kept: true}
	n.q.enlist(seg)
	if r.scan(n, seg, b, at) || r.unclean {
		// What died before it could sync may have written this.
		seg.unsynced = true
		l.unsynced = append(l.unsynced, seg)
	}
	return nil
}

// withoutHeader deals with a file whose header is not one. A file that was made
// and never written whole is nothing; of another that was ours it is said
// once, and it is set aside.
func (r *recovery) withoutHeader(name string, b []byte, err error) error {
	if errors.Is(err, errHeader) {
		if _, _, torn := readHeader(bytes.TrimRight(b, "\x00"), r.log.cfg.Self); errors.Is(torn, errTorn) {
			err = torn
		}
	}
	switch {
	case errors.Is(err, errTorn):
		r.rec.Cut++
		r.rec.Unclean = true
		return r.log.cfg.FS.Remove(name)
	case errors.Is(err, errHeader):
		r.rec.refuse(name+brokenSuffix, err)
		return r.log.cfg.FS.Rename(name, name+brokenSuffix)
	}
	r.rec.refuse(name, err)
	return nil
}

func (r *recovery) node(node string) (*recoverer, error) {
	if n := r.nodes[node]; n != nil {
		return n, nil
	}
	q, err := r.log.queue(node)
	if err != nil {
		return nil, err
	}
	n := &recoverer{q: q, slots: map[uint64]*slot{}}
	r.nodes[node] = n
	return n, nil
}

// scan takes the records of a file whose first is at, and says whether it
// changed the file: a torn end is cut off, damage is filled.
func (r *recovery) scan(n *recoverer, seg *segment, b []byte, at int) (changed bool) {
	limit := max(r.log.cfg.MaxRecord, DefaultMaxRecord)
	for tries := 0; at < len(b); {
		body, size, _, err := unframe(b[at:], n.q.salt, limit)
		var e entry
		if err == nil {
			e, err = decode(body)
		}
		if err == nil {
			n.take(seg, e, int64(at), size)
			at += size
			continue
		}
		// Damage, or a torn end: go on at the next record there is.
		next := -1
		for from := at + 1; tries < maxTries; tries++ {
			i := bytes.Index(b[from:], marker)
			if i < 0 {
				break
			}
			if _, _, _, err := unframe(b[from+i:], n.q.salt, limit); err == nil {
				next = from + i
				break
			}
			from += i + 1
		}
		if next < 0 {
			// After an unclean stop zeros are room that was made ahead.
			if !r.unclean || len(bytes.TrimRight(b[at:], "\x00")) > 0 {
				r.rec.Cut++
				n.q.mark([]Range{All})
			}
			if err := seg.file.Truncate(int64(at)); err == nil {
				seg.written, seg.size, seg.allocated = int64(at), int64(at), int64(at)
			}
			return true
		}
		r.rec.Damaged++
		n.q.mark([]Range{All})
		if bad := b[at:next]; fill(bad, n.q.salt) {
			if _, err := seg.file.WriteAt(bad, int64(at)); err == nil {
				changed = true
			}
		}
		at = next
	}
	return changed
}

func (r *recoverer) take(seg *segment, e entry, off int64, size int) {
	q := r.q
	if e.kind == kindFiller {
		return
	}
	if e.kind == kindAcks {
		for ids := e.acks; len(ids) > 0; ids = ids[8:] {
			id := binary.BigEndian.Uint64(ids)
			if s := r.slots[id]; s != nil {
				q.leave(s)
				delete(q.bundles, s.self)
				q.slots.give(s)
				delete(r.slots, id)
			}
		}
		return
	}
	s := r.slots[e.id]
	if s == nil {
		s = q.slots.take()
		s.id = e.id
		r.slots[e.id] = s
	}
	q.leave(s) // a later copy of a record holds all that the former did
	s.at = e.at
	s.seg, s.off, s.size = seg.number, off, uint32(size)
	delete(q.bundles, s.self)
	if s.bundle = e.kind == kindBundle; s.bundle {
		q.bundles[s.self] = e.ranges
	} else {
		s.hash, s.token = maphash.Bytes(q.log.seed, e.key), e.ranges[0].From
	}
	seg.live++
	q.bytes += int64(size)
	q.log.nextID = max(q.log.nextID, e.id+1)
}

// finish puts the records in their order.
func (r *recoverer) finish(rec *Recovery) {
	for _, id := range slices.Sorted(maps.Keys(r.slots)) {
		s := r.slots[id]
		r.q.waiting.insert(s, nil)
		r.q.records++
		r.q.log.records++
		r.q.log.expireLater(s.at)
		if !s.bundle {
			r.q.keys[s.hash] = s.self
		}
		rec.Records++
	}
	r.q.trim()
}
