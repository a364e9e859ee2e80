package datastore

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/dynomite-go/dynomite/node/datastore/internal/oplog"
)

// ResetRange implements Store. Where a shard holds nothing else, its memory is
// given back at once; otherwise it costs a visit of each record in the range.
func (m *Memory) ResetRange(from, to uint64) (Version, error) {
	if err := m.writable(); err != nil {
		return Version{}, err
	}
	m.resetting.Lock()
	defer m.resetting.Unlock()
	v := m.clock.Stamp()
	_, err := m.reset(RangeReset{from, to, v}, true)
	return v, err
}

// MergeReset implements Store. An empty range is malformed. The parts of the
// range in which v is closed are left out; if there are any, the answer is lost.
func (m *Memory) MergeReset(from, to uint64, v Version) (Answer, error) {
	return m.mergeReset(RangeReset{from, to, v}, false)
}

// ExchangeReset is MergeReset by the exchange's road: see
// [MergeOptions.Exchange].
func (m *Memory) ExchangeReset(from, to uint64, v Version) (Answer, error) {
	return m.mergeReset(RangeReset{from, to, v}, true)
}

func (m *Memory) mergeReset(r RangeReset, exchange bool) (Answer, error) {
	if err := m.writable(); err != nil {
		return Answer{}, err
	}
	if r.From > r.To || r.Version.Time > maxTime {
		return Answer{}, ErrMalformed
	}
	m.clock.Observe(r.Version)
	m.resetting.Lock()
	defer m.resetting.Unlock()
	parts, refused := []RangeReset{r}, 0
	if !exchange && !slices.ContainsFunc(m.resets, func(x RangeReset) bool { return x.covers(r) }) {
		parts, refused = m.open(r)
		m.refused.Add(uint64(refused))
	}
	ans := Answer{Newest: r.Version, Refused: refused}
	for _, part := range parts {
		newest, err := m.reset(part, true)
		if err != nil {
			return Answer{}, err
		}
		ans.Newest = later(ans.Newest, newest)
	}
	ans.Won = refused == 0 && !r.Version.Less(ans.Newest)
	return ans, nil
}

// Resets implements Store. The slice is the caller's.
func (m *Memory) Resets() []RangeReset {
	m.resetting.Lock()
	defer m.resetting.Unlock()
	return slices.Clone(m.resets)
}

// reset joins a range reset, and returns the greatest version of the records
// that survive it in its range. m.resetting is held.
func (m *Memory) reset(r RangeReset, log bool) (newest Version, err error) {
	if m.closed.Load() {
		return Version{}, ErrClosed
	}
	if resets, news := addReset(m.resets, r); news {
		m.resets = resets
		if log && m.log != nil {
			m.log.Append(oplog.RangeReset, nil, r.encode())
		}
	}
	for from := r.From; from <= r.To; {
		s := m.shard(from)
		to := min(r.To, s.to)
		newest = later(newest, s.reset(r, from, to))
		if to == r.To {
			break
		}
		from = to + 1
	}
	return newest, nil
}

// addReset adds r to a list of resets, without those that it makes
// unnecessary; false if it is unnecessary itself.
func addReset(resets []RangeReset, r RangeReset) ([]RangeReset, bool) {
	for _, x := range resets {
		if x.covers(r) {
			return resets, false
		}
	}
	resets = slices.DeleteFunc(slices.Clone(resets), func(x RangeReset) bool { return r.covers(x) })
	return append(resets, r), true
}

// covers says that x makes y unnecessary.
func (x RangeReset) covers(y RangeReset) bool {
	return x.From <= y.From && y.To <= x.To && !x.Version.Less(y.Version)
}

// reset applies r to the records from a token on, up to a token.
func (s *shard) reset(r RangeReset, from, to uint64) (newest Version) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resets, _ = addReset(s.resets, r)
	s.forgetYoung(from, to)
	if from == s.from && to == s.to && !r.Version.Less(s.newest) {
		s.clear()
		return Version{}
	}
	for {
		next, done := s.collect(from, to)
		for _, p := range s.batch {
			if s.findRef(p) {
				newest = later(newest, s.drop())
			}
		}
		s.leave()
		if done {
			return newest
		}
		from = next
		// Others get in between: whoever comes first already sees the cut.
		s.mu.Unlock()
		s.mu.Lock()
	}
}

// drop applies the range resets to the record at hand and returns the greatest
// version that is left in it.
func (s *shard) drop() Version {
	cut, now := s.cut(s.at.token), s.m.clock.Now()
	if l := s.at.large; l != nil {
		s.engine.ldrop(l, s.at.key, cut)
		newest := l.newest()
		if l.empty() {
			newest = Version{}
		}
		// The entry becomes no larger, so there is no error.
		_ = s.putLarge(l, cut, now)
		return newest
	}
	rec := s.at.rec
	if out := s.engine.drop(rec, cut); out != nil {
		rec = out
		newest := s.engine.newest(rec)
		_ = s.put(out, cut, now)
		return newest
	}
	return s.engine.newest(rec)
}

var errReset = errors.New("datastore: malformed range reset")

// encode is the form of a range reset in the log: from, to, version.
func (x RangeReset) encode() []byte {
	b := binary.BigEndian.AppendUint64(nil, x.From)
	b = binary.BigEndian.AppendUint64(b, x.To)
	return x.Version.Append(b)
}

func decodeReset(b []byte) (RangeReset, error) {
	if len(b) != 8+8+versionSize {
		return RangeReset{}, errReset
	}
	r := RangeReset{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:]), loadVersion(b[16:])}
	if r.From > r.To || r.Version.Time > maxTime {
		return r, errReset
	}
	return r, nil
}
