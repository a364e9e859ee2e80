package datastore

import (
	"slices"
	"sort"

	"github.com/dynomite-go/dynomite/node/datastore/internal/oplog"
)

// floors are what the owners of a run of tokens have come to: see CloseUpTo and
// SetFloor.
type floors struct{ closed, floor, before, lapsed Version }

// run is a run of tokens that share their floors, up to where the next begins.
type run struct {
	from uint64
	floors
	raised uint64 // the shard's number of the last change of floor or before
}

// runs cover the tokens of a shard, or all of them, in order. Neighbours differ,
// so there are as many as the groups of owners make.
type runs []run

// index finds the run of a token that is covered.
func (r runs) index(token uint64) int {
	if len(r) == 1 {
		return 0
	}
	return sort.Search(len(r), func(i int) bool { return r[i].from > token }) - 1
}

// end is the last token of a run; last that of all.
func (r runs) end(i int, last uint64) uint64 {
	if i+1 < len(r) {
		return r[i+1].from - 1
	}
	return last
}

// set returns runs in which fn was called for each run in [from, to], and says
// whether that changed anything. The tokens must be covered; last is the
// last that is.
// A run that stays one is changed where it is: a store may have thousands, each of which
// is told its floor.
func (r runs) set(from, to, last uint64, fn func(*run)) (out runs, changed bool) {
	if i := r.index(from); r[i].from == from && r.end(i, last) == to {
		was := r[i]
		if fn(&r[i]); r[i] == was {
			return r, false
		}
		if (i == 0 || r[i-1].floors != r[i].floors) && (i+1 == len(r) || r[i+1].floors != r[i].floors) {
			return r, true
		}
		now := r[i]
		r[i], fn = was, func(x *run) { *x = now }
	}
	out = make(runs, 0, len(r)+2)
	add := func(x run) {
		if n := len(out); n > 0 && out[n-1].floors == x.floors {
			out[n-1].raised = max(out[n-1].raised, x.raised)
			return
		}
		out = append(out, x)
	}
	for i, x := range r {
		end := r.end(i, last)
		if x.from > to || end < from {
			add(x)
			continue
		}
		if x.from < from {
			add(x)
			x.from = from
		}
		was := x
		fn(&x)
		changed = changed || x != was
		add(x)
		if end > to {
			was.from = to + 1
			add(was)
		}
	}
	if !changed {
		return r, false
	}
	return out, true
}

// Promise returns when this store stamps nothing up to v any more, and holds
// everything that it has stamped up to v. Commit makes it durable. After a restart the
// promise has to be given again before anything is written.
func (m *Memory) Promise(v Version) {
	m.clock.Observe(v)
	// Stamps are taken under the locks under which what they stamp is joined.
	m.resetting.Lock()
	defer m.resetting.Unlock()
	for i := range m.shards {
		m.shards[i].mu.Lock()
		//lint:ignore SA2001 whoever stamped below v has left when we have been in
		m.shards[i].mu.Unlock()
	}
}

// CloseUpTo says that every owner of the tokens in [from, to] has promised to stamp
// nothing up to v any more: from now on Merge and MergeReset take what is as old
// only by the exchange's road ([MergeOptions.Exchange]), see "Floors".
// What is held already stays and may be merged again. Own commands are stamped above
// v. A lower v than before changes nothing.
//
// It is not kept in the log: close again after Open, before anything is merged.
func (m *Memory) CloseUpTo(from, to uint64, v Version) {
	m.clock.Observe(v)
	m.resetting.Lock()
	defer m.resetting.Unlock()
	m.setRuns(from, to, func(r *run) { r.closed = later(r.closed, v) })
}

// SetFloor says that every owner of the tokens in [from, to] has joined every
// other's state up to floor, and had up to before when floor was promised: from
// now on Sweep removes what such a record need not keep (tombstones, resets,
// expired values), and range resets up to floor are forgotten at once. A store
// that is the only one may pass its clock's High of a moment ago; one that is
// not has closed up to floor before. Floors never go back; a lower one is
// ignored.
//
// It is not kept in the log: set it again after Open.
func (m *Memory) SetFloor(from, to uint64, floor, before Version) {
	m.resetting.Lock()
	defer m.resetting.Unlock()
	changed := m.setRuns(from, to, func(r *run) {
		r.floor, r.before = later(r.floor, floor), later(r.before, before)
		r.lapsed = later(r.lapsed, before)
	})
	if changed {
		m.raises.Add(1)
		m.forgetResets(from, to, floor)
	}
}

// Raises counts the calls of SetFloor that raised something. What another owner
// answers is taken as Held only if no floor was raised since it was asked.
func (m *Memory) Raises() uint64 { return m.raises.Load() }

// Floor is the floor of a token.
func (m *Memory) Floor(token uint64) Version {
	s := m.shard(token)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.runs[s.runs.index(token)].floor
}

// Lapse says that this store is done with a round on top of the floor before:
// whatever was written in ignorance of an expiry up to that floor is held by now. From
// now on what such an expiry has ended is dropped before a newer expiry is
// merged: its writer may have purged already, and not have seen it. Say it
// together with done; SetFloor implies it.
func (m *Memory) Lapse(from, to uint64, before Version) {
	m.resetting.Lock()
	defer m.resetting.Unlock()
	m.setRuns(from, to, func(r *run) { r.lapsed = later(r.lapsed, before) })
}

// setRuns changes the floors in [from, to]. m.resetting is held.
func (m *Memory) setRuns(from, to uint64, fn func(*run)) (changed bool) {
	if from > to {
		return false
	}
	if m.runs, changed = m.runs.set(from, to, ^uint64(0), fn); !changed {
		return false
	}
	for i := range m.shards {
		if s := &m.shards[i]; s.from <= to && from <= s.to {
			s.setRuns(max(from, s.from), min(to, s.to), fn)
		}
	}
	return true
}

func (s *shard) setRuns(from, to uint64, fn func(*run)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runs, _ = s.runs.set(from, to, s.to, func(r *run) {
		was := r.floors
		fn(r)
		if r.floor == was.floor && r.before == was.before {
			return
		}
		s.sweep.raised++
		r.raised = s.sweep.raised
		if s.tracked() && s.sweep.settled < s.index.Len() {
			// What the floor lets go is in no digest any more.
			s.young.stale.addAll(s.leaf(from), s.leaf(to))
		}
	})
}

// unswept finds the next tokens, from one on, whose floors were raised since the
// last whole pass.
func (s *shard) unswept(token uint64) (from, to uint64, ok bool) {
	for i := s.runs.index(token); i < len(s.runs); i++ {
		if r := &s.runs[i]; r.raised > s.sweep.purged {
			return max(token, r.from), s.runs.end(i, s.to), true
		}
	}
	return 0, 0, false
}

// Swept says that Sweep has looked at every record in [from, to] since its floor was
// set: only then may they be given to others by the exchange's road, for what
// an expiry ended would come back where that has been purged and written over.
func (m *Memory) Swept(from, to uint64) bool {
	for i := range m.shards {
		s := &m.shards[i]
		if s.from > to || from > s.to {
			continue
		}
		s.mu.Lock()
		token, _, due := s.unswept(max(from, s.from))
		due = due && token <= to && s.sweep.settled < s.index.Len()
		s.mu.Unlock()
		if due {
			return false
		}
	}
	return true
}

// open returns the parts of r in which its version is not closed, and how many
// parts are. m.resetting is held.
func (m *Memory) open(r RangeReset) (parts []RangeReset, closed int) {
	for i := m.runs.index(r.From); i < len(m.runs) && m.runs[i].from <= r.To; i++ {
		from, to := max(r.From, m.runs[i].from), min(r.To, m.runs.end(i, ^uint64(0)))
		switch n := len(parts); {
		case !m.runs[i].closed.Less(r.Version):
			closed++
		case n > 0 && parts[n-1].To == from-1:
			parts[n-1].To = to
		default:
			parts = append(parts, RangeReset{from, to, r.Version})
		}
	}
	return parts, closed
}

// forgetResets forgets the range resets that the floor lets go. What they
// killed was dropped when they came. m.resetting is held.
func (m *Memory) forgetResets(from, to uint64, floor Version) {
	gone := RangeReset{from, to, floor}
	resets, changed := gone.without(m.resets, 0, ^uint64(0))
	if !changed {
		return
	}
	m.resets = resets
	if m.log != nil {
		// A copy that returns may get back what such a reset would kill again.
		m.log.Append(oplog.Forget, nil, gone.encode())
	}
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		s.resets, _ = gone.without(s.resets, s.from, s.to)
		s.mu.Unlock()
	}
}

// without returns resets less what is up to gone's version in gone's range, and
// of what it cuts apart only the parts that reach into [first, last].
func (gone RangeReset) without(resets []RangeReset, first, last uint64) (out []RangeReset, changed bool) {
	meets := func(r RangeReset) bool {
		return r.From <= gone.To && gone.From <= r.To && !gone.Version.Less(r.Version)
	}
	if !slices.ContainsFunc(resets, meets) {
		return resets, false
	}
	for _, r := range resets {
		if !meets(r) {
			out = append(out, r)
			continue
		}
		if r.From < gone.From && gone.From > first {
			out = append(out, RangeReset{r.From, gone.From - 1, r.Version})
		}
		if r.To > gone.To && gone.To < last {
			out = append(out, RangeReset{gone.To + 1, r.To, r.Version})
		}
	}
	return out, true
}
