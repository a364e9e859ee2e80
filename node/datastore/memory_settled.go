package datastore

import "github.com/cespare/xxhash/v2"

// Track makes the store remember what ScanSettled needs; before, that shows
// records as they are. It costs some tens of nanoseconds a write, and memory
// for the keys that were written in the last seconds. A store without replicas
// does without.
func (m *Memory) Track() {
	shown := m.settledGeneration()
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		if !s.tracked() {
			s.track(shown)
		}
		s.mu.Unlock()
	}
}

// settledGeneration is the newest generation whose stamps are all older than
// two seconds. A stamp from the future makes stamps, and with them generations,
// stand still until the wall clock is there: nothing is young then, or it would
// be for as long as that takes.
func (m *Memory) settledGeneration() uint64 {
	now := max(m.clock.Now(), 2*generationMillis)
	g := uint64(now) / generationMillis
	if now-m.clock.wall() > generationMillis {
		return g
	}
	return g - 2
}

// Settle makes ScanSettled show what is old enough by now, and at least up to
// the generation least, which another replica shows already. It returns the
// generation shown. A generation that the clock has not reached is not shown
// for anybody: it returns an earlier one then.
func (m *Memory) Settle(least uint64) uint64 {
	now := m.settledGeneration()
	shown := max(now, min(least, now+kept-1))
	m.settling.Lock()
	defer m.settling.Unlock()
	if m.shown >= shown {
		return m.shown
	}
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		if s.tracked() {
			s.show(shown)
		}
		s.mu.Unlock()
	}
	m.shown = shown
	return shown
}

// TakeStale calls fn with the runs of tokens from which ScanSettled may show
// something else than when they were last taken, as far as they touch
// [from, to]: whole leaves of the 65,536 that the token space has, or of more
// if there are more shards. At first that is everything.
func (m *Memory) TakeStale(from, to uint64, fn func(from, to uint64)) {
	var run RangeReset
	open := false
	for {
		s := m.shard(from)
		end := min(to, s.to)
		s.mu.Lock()
		if s.tracked() {
			y := &s.young
			for leaf := s.leaf(from); leaf <= s.leaf(end); leaf++ {
				word := &y.stale[leaf/64]
				if *word>>(leaf%64) == 0 {
					leaf |= 63 // nothing more in this word
					continue
				}
				if *word&(1<<(leaf%64)) == 0 {
					continue
				}
				*word &^= 1 << (leaf % 64)
				first := s.from + leaf<<y.shift
				last := first + (1<<y.shift - 1)
				if open && run.To+1 == first {
					run.To = last
					continue
				}
				if open {
					s.mu.Unlock()
					fn(run.From, run.To)
					s.mu.Lock()
				}
				run, open = RangeReset{From: first, To: last}, true
			}
		}
		s.mu.Unlock()
		if end == to {
			break
		}
		from = end + 1
	}
	if open {
		fn(run.From, run.To)
	}
}

// ScanSettled calls fn with the token and the digest of each record in
// [from, to], in token order, until fn returns false: as they were without
// what has not settled yet, see [Memory.Track]. It locks as Scan does.
func (m *Memory) ScanSettled(from, to uint64, fn func(token, digest uint64) bool) error {
	for {
		s := m.shard(from)
		end := min(to, s.to)
		for {
			next, done, more := s.scanSettled(from, end, fn)
			if m.closed.Load() {
				return ErrClosed
			}
			if !more {
				return nil
			}
			if done {
				break
			}
			from = next
		}
		if end == to {
			return nil
		}
		from = end + 1
	}
}

func (s *shard) scanSettled(from, to uint64, fn func(token, digest uint64) bool) (next uint64, done, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.m.closed.Load() {
		return 0, true, false
	}
	next, done = s.collect(from, to)
	for _, p := range s.batch {
		if digest := s.settled(p); digest != 0 && !fn(p.token, digest) {
			return 0, true, false
		}
	}
	return next, done, true
}

// settled is the digest of an entry without what has not settled; zero if
// there was none.
func (s *shard) settled(p place) uint64 {
	e := s.decode(s.slab.Bytes(p.ref))
	if s.tracked() {
		if digest, ok := s.young.past(xxhash.Sum64(e.key)); ok {
			return digest
		}
	}
	cut := s.cut(p.token)
	if e.large != nil {
		return s.engine.ldigest(e.large, e.key, cut)
	}
	return s.engine.digest(e.key, e.rec, cut)
}
