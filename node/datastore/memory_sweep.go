package datastore

import (
	"math"

	"github.com/dynomite-go/dynomite/node/datastore/internal/oplog"
)

// shardSweep is what a shard knows so as not to be swept for nothing.
type shardSweep struct {
	// soonest is at most the expiry of any entry that is counted in Expires,
	// and next the same for the pass under way.
	soonest, next int64
	// raised counts the changes of floors, and purged is what it was when the
	// last whole pass began.
	raised, purged uint64
	// settled is the number of entries with entrySettled.
	settled int
	expired uint64 // keys that were seen to have expired
}

// begin is for an empty shard.
func (w *shardSweep) begin() {
	*w = shardSweep{soonest: math.MaxInt64, next: math.MaxInt64, raised: w.raised}
}

func (w *shardSweep) expects(expiry int64) {
	w.soonest = min(w.soonest, expiry)
	w.next = min(w.next, expiry)
}

// sweeper is where Sweep goes on.
type sweeper struct {
	shard   int
	begun   bool   // the shard
	token   uint64 // where in it
	expired bool   // it is about expired keys too, so about all
	pass    uint64 // shardSweep.raised when it was begun
}

// Sweep looks at about budget records, going on where the call before
// stopped, and returns how many it looked at: less than budget if nothing is
// due. It takes expired keys out of Len and Expires, removes what SetFloor
// allows, and compacts (a slot that is moved counts as a record). The caller calls it every now and then; 100 ns per
// record is what it costs. Shards without expired keys and without anything
// that a higher floor would free are passed over.
func (m *Memory) Sweep(budget int) (visited int) {
	m.sweeping.Lock()
	defer m.sweeping.Unlock()
	w := &m.sweeper
	for idle := 0; visited < budget && idle < len(m.shards) && !m.closed.Load(); {
		n, due, done := m.sweepBatch(&m.shards[w.shard])
		visited += n
		idle++
		if due {
			idle = 0 // a floor may have been set in the middle of it
		}
		if done {
			w.begun, w.token = false, 0
			w.shard = (w.shard + 1) % len(m.shards)
		}
	}
	return visited
}

// sweepBatch sweeps one batch of a shard. due says that there was something to
// look for, done that the shard has no more.
func (m *Memory) sweepBatch(s *shard) (n int, due, done bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w, now, full := &m.sweeper, m.clock.Now(), m.writable() != nil
	if !w.begun {
		expired := s.expiring.Load() > 0 && s.sweep.soonest < now
		purgeable := s.sweep.purged != s.sweep.raised && s.sweep.settled < s.index.Len()
		if !expired && !purgeable {
			n = s.compact(scanBatch)
			return n, n > 0, true
		}
		w.begun, w.token, w.expired, w.pass = true, s.from, expired, s.sweep.raised
		s.sweep.next = math.MaxInt64
	}
	from, to, more := w.token, s.to, true
	if !w.expired {
		from, to, more = s.unswept(w.token)
	}
	s.batch = s.batch[:0]
	if done = !more; more {
		w.token, done = s.collect(from, to)
		for _, p := range s.batch {
			f := s.runs[s.runs.index(p.token)].floors
			if full {
				f.before = Version{} // it would be logged
			}
			s.visit(p, now, f)
		}
		if done && to < s.to {
			w.token, done = to+1, false
		}
	}
	if done {
		if w.expired {
			s.sweep.soonest = s.sweep.next
		}
		s.sweep.purged = w.pass
	}
	s.compact(scanBatch / 4)
	return len(s.batch), true, done
}

// compact moves up to n slots, and returns how many.
func (s *shard) compact(n int) int {
	s.slab.Tidy()
	if !s.slab.Compacting() {
		return 0
	}
	before := s.slab.Stats().Moved
	s.slab.Compact(n, s.moved)
	return s.slab.Stats().Moved - before
}

// visit notices that an entry has expired, and purges its record.
func (s *shard) visit(p place, now int64, f floors) {
	slot := s.slab.Bytes(p.ref)
	flags := slot[0]
	if flags&entryExpires == 0 && (flags&entrySettled != 0 || f.floor.IsZero()) {
		return
	}
	e := s.decode(slot)
	cut := s.cut(p.token)
	if flags&entryExpires != 0 {
		exists, _, expiry := s.stat(e.rec, e.large, cut, now)
		counted := flags &^ (entryLive | entryExpires)
		if !exists && flags&entryLive != 0 {
			s.sweep.expired++
		}
		if exists {
			counted |= entryLive
			if expiry != 0 {
				counted |= entryExpires
				s.sweep.next = min(s.sweep.next, expiry)
			}
		}
		size := s.bytes(e)
		s.count(flags, counted, size, size)
		slot[0] = counted
	}
	if !f.floor.IsZero() && flags&entrySettled == 0 && s.findRef(p) {
		s.purge(cut, now, f)
		s.at.key, s.at.entry = nil, entry{}
	}
}

// purge removes what the floor lets go from the record at hand.
func (s *shard) purge(cut Version, now int64, f floors) {
	var settled bool
	if l := s.at.large; l != nil {
		if s.engine.lpurge(l, s.at.key, cut, f.floor, f.before) {
			s.lapsed(l.append(nil))
		}
		settled = l.expiry.IsZero() && l.tombstones == 0 && !f.floor.Less(l.high)
		if s.putLarge(l, cut, now) != nil {
			return // the next pass tries again
		}
	} else {
		rec := s.at.rec
		if out, lapsed := s.engine.purge(rec, cut, f.floor, f.before); out != nil {
			rec = out
			if lapsed {
				s.lapsed(out)
			}
			settled = s.engine.settled(rec, f.floor)
			if s.put(out, cut, now) != nil {
				return
			}
		} else {
			settled = s.engine.settled(rec, f.floor)
		}
	}
	switch {
	case !s.at.found:
		s.changed() // what it was some seconds ago is not shown any more
	case settled:
		s.settle()
	}
}

// lapsed notes that rec is what is left of the record at hand, less what an
// expiry had ended: the rest of what a purge takes is in no digest, and comes
// back from the log only to go again.
func (s *shard) lapsed(rec []byte) {
	s.changed()
	if s.m.log != nil {
		s.m.log.Append(oplog.Replace, s.at.key, rec)
	}
}

// settle marks the entry at hand as one that no later floor changes.
func (s *shard) settle() {
	slot := s.slab.Bytes(s.at.ref)
	size := s.bytes(s.decode(slot))
	s.count(slot[0], slot[0]|entrySettled, size, size)
	slot[0] |= entrySettled
}

// settled says that no purge at a later floor changes a record that was purged
// at floor: nothing in it is newer, and no expiry is to come.
func (e *engine) settled(rec []byte, floor Version) bool {
	if len(rec) == 0 {
		return false
	}
	if isPlain(rec) {
		return rec[0] == shapeBare && !floor.Less(loadVersion(rec[1:]))
	}
	mustDecode(&e.before, rec)
	return e.before.expiry.IsZero() && !floor.Less(e.before.newest())
}
