package datastore

import (
	"bytes"
	"sync"
	"sync/atomic"

	"github.com/dynomite-go/dynomite/node/datastore/internal/index"
	"github.com/dynomite-go/dynomite/node/datastore/internal/slab"
)

// shard holds the records of a range of tokens, [from, to]. Everything in it
// is used under its lock, the counters excepted.
type shard struct {
	m        *Memory
	from, to uint64

	mu     sync.Mutex
	engine *engine
	slab   slab.Slab
	index  index.Index
	asides []aside
	vacant []uint32 // numbers of asides that are not in use
	heap   int      // bytes of the asides in use
	dead   int      // bytes of keys and records that do not exist for a reader
	resets []RangeReset
	runs   runs
	newest Version // no record has a greater version
	sweep  shardSweep
	young  young

	scratch []byte
	batch   []place

	// at is the key at hand, and what was found of it.
	at struct {
		key   []byte
		token uint64
		found bool
		pos   index.Pos
		ref   slab.Ref
		entry
	}
	matches func(ref uint32) bool             // is it at.key's?
	moved   func(old, new slab.Ref, b []byte) // see slab.Compact

	live, expiring atomic.Int64 // entries that are counted
	data           atomic.Int64 // bytes of keys and records
}

// place is where an entry is, while nothing is changed.
type place struct {
	token uint64
	ref   slab.Ref
}

// compactStep is how many slots a write moves at most. Emptying a run whose
// slots are at most four fifths in use gains one for every four moved.
const compactStep = 4

func (s *shard) init(m *Memory, from, to uint64) {
	s.m, s.from, s.to = m, from, to
	s.engine = newEngine(m.clock, m.cfg.DigestKey)
	s.runs = runs{{from: from}}
	s.sweep.begin()
	s.matches = func(ref uint32) bool {
		s.at.entry = s.decode(s.slab.Bytes(slab.Ref(ref)))
		return bytes.Equal(s.at.entry.key, s.at.key)
	}
	s.moved = func(old, new slab.Ref, b []byte) {
		token := m.token(s.decode(b).key)
		if !s.index.Replace(token, uint32(old), uint32(new)) {
			panic("datastore: a key has another token than before")
		}
	}
}

// find sets s.at.
func (s *shard) find(token uint64, key []byte) {
	s.at.token, s.at.key = token, key
	pos, ref, ok := s.index.Find(token, s.matches)
	s.at.pos, s.at.ref, s.at.found = pos, slab.Ref(ref), ok
	if !ok {
		s.at.entry = entry{}
	}
}

// findRef sets s.at to the entry at p, and copies its key, for the slot may be
// freed. It says whether there is still one.
func (s *shard) findRef(p place) bool {
	pos, _, ok := s.index.Find(p.token, func(ref uint32) bool { return slab.Ref(ref) == p.ref })
	if !ok {
		return false
	}
	s.at.token, s.at.pos, s.at.ref, s.at.found = p.token, pos, p.ref, true
	s.at.entry = s.decode(s.slab.Bytes(p.ref))
	s.at.key = append(s.scratch[:0], s.at.entry.key...)
	s.scratch = s.at.key
	return true
}

// leave ends the use of s.at.
func (s *shard) leave() {
	s.at.key, s.at.entry = nil, entry{}
	if cap(s.scratch) > maxBuffer {
		s.scratch = nil
	}
	if s.slab.Compacting() {
		s.slab.Compact(compactStep, s.moved)
	}
}

// cut is the range reset in force for a token. From then on the engine goes by
// the token's floor.
func (s *shard) cut(token uint64) (v Version) {
	s.engine.floor = s.runs[s.runs.index(token)].floor
	for i := range s.resets {
		if r := &s.resets[i]; r.From <= token && token <= r.To {
			v = later(v, r.Version)
		}
	}
	return v
}

// put makes rec the record of the key at hand: empty means that there is none
// any more. rec may alias anything but the slab.
func (s *shard) put(rec []byte, cut Version, now int64) error {
	if len(rec) == 0 {
		s.remove()
		return nil
	}
	if s.engine.outgrown(rec) {
		return s.putLarge(s.engine.growLarge(s.at.key, rec, cut), cut, now)
	}
	flags := s.flags(s.stat(rec, nil, cut, now))
	if inSlab(len(s.at.key), len(rec)) {
		return s.putInSlab(rec, flags)
	}
	a := aside{rec: rec, bytes: len(rec)}
	if n := s.at.number; s.at.found && s.at.flags&entryAside != 0 && len(rec) <= cap(s.asides[n].rec) && cap(s.asides[n].rec) <= 2*len(rec) {
		a.rec = append(s.asides[n].rec[:0], rec...)
	} else {
		a.rec = bytes.Clone(rec)
	}
	return s.putAside(a, flags)
}

// putLarge is put for a tree.
func (s *shard) putLarge(l *large, cut Version, now int64) error {
	switch {
	case l.empty():
		s.remove()
		return nil
	case l.shrunk():
		// What is no cell and no element, as removed intervals are, may still
		// be too much.
		if rec := l.append(nil); !s.engine.outgrown(rec) {
			return s.put(rec, cut, now)
		}
	}
	return s.putAside(aside{large: l, bytes: l.bytes()}, s.flags(s.stat(nil, l, cut, now)))
}

// stat says whether a record exists at the time now, and until when.
func (s *shard) stat(rec []byte, l *large, cut Version, now int64) (exists bool, kind Kind, expiry int64) {
	if l != nil {
		return s.engine.lstat(l, cut, now)
	}
	return s.engine.stat(rec, cut, now)
}

func (s *shard) flags(exists bool, _ Kind, expiry int64) (flags byte) {
	if !exists {
		return 0
	}
	if expiry == 0 {
		return entryLive
	}
	s.sweep.expects(expiry)
	return entryLive | entryExpires
}

func (s *shard) putInSlab(rec []byte, flags byte) error {
	size := entrySize(len(s.at.key), len(rec))
	if s.at.found && s.at.flags&entryAside == 0 {
		// The commonest write of all: the slot stays.
		if held := entrySize(len(s.at.key), len(s.at.rec)); slab.Fits(size, held) {
			s.count(s.at.flags, flags, len(s.at.key)+len(s.at.rec), len(s.at.key)+len(rec))
			writeEntry(s.slab.Bytes(s.at.ref), flags, s.at.key, rec)
			return nil
		}
	}
	ref, slot := s.slab.Alloc(size)
	if ref == 0 {
		return ErrMemory
	}
	writeEntry(slot, flags, s.at.key, rec)
	s.replace(ref, flags, len(rec))
	return nil
}

func (s *shard) putAside(a aside, flags byte) error {
	flags |= entryAside
	if len(s.at.key) > maxSlabKey {
		flags |= entryLongKey
	}
	if s.at.found && s.at.flags&entryAside != 0 {
		held := &s.asides[s.at.number]
		s.count(s.at.flags, flags, len(s.at.key)+held.bytes, len(s.at.key)+a.bytes)
		s.heap += a.bytes - held.bytes
		a.key = held.key
		*held = a
		s.slab.Bytes(s.at.ref)[0] = flags
		return nil
	}
	ref, slot := s.slab.Alloc(asideSize(len(s.at.key)))
	if ref == 0 {
		return ErrMemory
	}
	if flags&entryLongKey != 0 {
		a.key = bytes.Clone(s.at.key)
	}
	number := uint32(len(s.asides))
	if n := len(s.vacant); n > 0 {
		number = s.vacant[n-1]
		s.vacant = s.vacant[:n-1]
		s.asides[number] = a
	} else {
		s.asides = append(s.asides, a)
	}
	s.heap += a.bytes + len(a.key)
	writeAsideEntry(slot, flags, s.at.key, number)
	s.replace(ref, flags, a.bytes)
	return nil
}

// replace makes ref the entry of the key at hand and frees the one before.
func (s *shard) replace(ref slab.Ref, flags byte, bytes int) {
	if !s.at.found {
		s.count(0, flags, 0, len(s.at.key)+bytes)
		s.index.Insert(s.at.token, uint32(ref))
		return
	}
	s.count(s.at.flags, flags, s.held(), len(s.at.key)+bytes)
	s.index.Set(s.at.pos, uint32(ref))
	s.release()
	s.at.ref = ref
}

// held is how many bytes the entry at hand was counted with.
func (s *shard) held() int { return s.bytes(s.at.entry) }

// bytes is the length of an entry's key and record.
func (s *shard) bytes(e entry) int {
	if e.flags&entryAside != 0 {
		return len(e.key) + s.asides[e.number].bytes
	}
	return len(e.key) + len(e.rec)
}

// remove removes the entry at hand, if there is one.
func (s *shard) remove() {
	if !s.at.found {
		return
	}
	s.count(s.at.flags, 0, s.held(), 0)
	s.index.Delete(s.at.pos)
	s.release()
	s.at.found = false
}

// release frees the slot and the aside of the entry at hand.
func (s *shard) release() {
	s.slab.Free(s.at.ref)
	if s.at.flags&entryAside == 0 {
		return
	}
	a := &s.asides[s.at.number]
	s.heap -= a.bytes + len(a.key)
	*a = aside{}
	s.vacant = append(s.vacant, s.at.number)
}

// count keeps the counters when an entry's flags or its bytes change; one that
// is not there has none.
func (s *shard) count(before, after byte, held, holds int) {
	if d := int64(after&entryLive) - int64(before&entryLive); d != 0 {
		s.live.Add(d)
	}
	if d := int64(after&entryExpires>>1) - int64(before&entryExpires>>1); d != 0 {
		s.expiring.Add(d)
	}
	s.sweep.settled += int(after&entrySettled>>2) - int(before&entrySettled>>2)
	if holds != held {
		s.data.Add(int64(holds - held))
	}
	if before&entryLive == 0 {
		s.dead -= held
	}
	if after&entryLive == 0 {
		s.dead += holds
	}
}

// clear removes everything and gives the memory back.
func (s *shard) clear() {
	s.slab.Reset()
	s.index.Reset()
	s.asides, s.vacant, s.heap = nil, nil, 0
	s.newest = Version{}
	s.live.Store(0)
	s.expiring.Store(0)
	s.data.Store(0)
	s.dead = 0
	s.sweep.begin()
}
