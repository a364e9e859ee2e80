package datastore

import "math"

// shardSweep is what a shard knows so as not to be swept for nothing.
type shardSweep struct {
	// soonest is at most the expiry of any entry that is counted in Expires,
	// and next the same for the pass under way.
	soonest, next int64
	// purged is the floor of the last whole pass.
	purged floors
	// settled is the number of entries with entrySettled.
	settled int
	expired uint64 // keys that were seen to have expired
}

// begin is for an empty shard.
func (w *shardSweep) begin() { *w = shardSweep{soonest: math.MaxInt64, next: math.MaxInt64} }

func (w *shardSweep) expects(expiry int64) {
	w.soonest = min(w.soonest, expiry)
	w.next = min(w.next, expiry)
}

// floors are F and Fp: see SetFloor.
type floors struct{ floor, before Version }

// sweeper is where Sweep goes on.
type sweeper struct {
	floors
	shard int
	begun bool   // the shard
	token uint64 // where in it
	pass  floors // at which it was begun
}

// SetFloor says that every owner has joined every other's state up to floor,
// and had up to before when floor was promised: from now on Sweep removes what
// such a record need not keep (tombstones, resets, expired values), and range resets up to floor are
// forgotten at once. A store that is the only one may pass its clock's High of
// a moment ago. Floors never go back; a lower one is ignored.
//
// The floor is not kept in the log: set it again after Open.
func (m *Memory) SetFloor(floor, before Version) {
	m.sweeping.Lock()
	defer m.sweeping.Unlock()
	m.sweeper.floor = later(m.sweeper.floor, floor)
	m.sweeper.before = later(m.sweeper.before, before)
	m.forgetResets(m.sweeper.floor)
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
	w, now := &m.sweeper, m.clock.Now()
	if !w.begun {
		expired := s.expiring.Load() > 0 && s.sweep.soonest < now
		purgeable := s.sweep.purged != w.floors && s.sweep.settled < s.index.Len()
		if !expired && !purgeable {
			n = s.compact(scanBatch)
			return n, n > 0, true
		}
		w.begun, w.token, w.pass = true, s.from, w.floors
		s.sweep.next = math.MaxInt64
	}
	next, done := s.collect(w.token, s.to)
	for _, p := range s.batch {
		s.visit(p, now, w.floors)
	}
	w.token = next
	if done {
		s.sweep.soonest = s.sweep.next
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
		s.count(flags, counted, 0)
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
		s.engine.lpurge(l, s.at.key, cut, f.floor, f.before)
		s.changed()
		settled = l.expiry.IsZero() && l.tombstones == 0 && !f.floor.Less(l.high)
		if s.putLarge(l, cut, now) != nil {
			return // the next pass tries again
		}
	} else {
		rec := s.at.rec
		if out := s.engine.purge(rec, cut, f.floor, f.before); out != nil {
			rec = out
			s.changed()
			settled = s.engine.settled(rec, f.floor)
			if s.put(out, cut, now) != nil {
				return
			}
		} else {
			settled = s.engine.settled(rec, f.floor)
		}
	}
	if s.at.found && settled {
		s.settle()
	}
}

// settle marks the entry at hand as one that no later floor changes.
func (s *shard) settle() {
	slot := s.slab.Bytes(s.at.ref)
	s.count(slot[0], slot[0]|entrySettled, 0)
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
