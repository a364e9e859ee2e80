package datastore

import "github.com/dynomite-go/dynomite/node/datastore/internal/oplog"

// enter locks the shard of key and finds it. The caller leaves with exit.
func (m *Memory) enter(key []byte) (*shard, error) {
	token := m.token(key)
	s := m.shard(token)
	s.mu.Lock()
	if m.closed.Load() {
		s.mu.Unlock()
		return nil, ErrClosed
	}
	s.find(token, key)
	return s, nil
}

func (s *shard) exit() {
	s.leave()
	s.mu.Unlock()
}

// Read implements Store. For a key that holds a string it allocates nothing.
func (m *Memory) Read(key []byte, r Reader) error {
	s, err := m.enter(key)
	if err != nil {
		return err
	}
	defer s.exit()
	r.Read(s.view(m.clock.Now()))
	return nil
}

// view shows the record at hand.
func (s *shard) view(now int64) *View {
	cut := s.cut(s.at.token)
	if s.at.large != nil {
		return s.engine.lview(s.at.large, cut, now)
	}
	return s.engine.view(s.at.rec, cut, now)
}

// Update implements Store. Overwriting a string by one of about the same
// length allocates nothing if dst has room.
func (m *Memory) Update(key []byte, u Updater, dst []byte) (Update, error) {
	if err := m.writable(); err != nil {
		return Update{Delta: dst}, err
	}
	s, err := m.enter(key)
	if err != nil {
		return Update{Delta: dst}, err
	}
	defer s.exit()
	cut := s.cut(s.at.token)
	var up Update
	if l := s.at.large; l != nil {
		up = s.engine.lupdate(l, key, cut, u, dst)
		if up.Wrote {
			s.updating(&up)
			err = s.putLarge(l, cut, up.Stamp.Millis())
		}
	} else {
		var out []byte
		out, up = s.engine.update(key, s.at.rec, cut, u, dst)
		if out != nil {
			if s.tracked() && s.engine.delta.unseen {
				up.Before = s.engine.digest(key, s.at.rec, cut)
			}
			s.updating(&up)
			err = s.put(out, cut, up.Stamp.Millis())
		}
	}
	if err != nil {
		return Update{Delta: dst}, err
	}
	if up.Wrote {
		s.newest = later(s.newest, up.Stamp)
		if m.log != nil {
			// Under the lock, so that a snapshot that is begun after this holds
			// the delta too.
			m.log.Append(oplog.Delta, key, up.Delta[len(dst):])
		}
	}
	return up, nil
}

// updating remembers the record at hand as the command saw it.
func (s *shard) updating(up *Update) {
	if s.tracked() {
		s.changing(up.Stamp, func() uint64 { return up.Before })
	}
}

// Merge implements Store. Deltas of more than 2 GiB are malformed.
func (m *Memory) Merge(key, delta []byte, opt MergeOptions, dst []byte) (Answer, error) {
	if err := m.writable(); err != nil {
		return Answer{Beat: dst}, err
	}
	if len(key)+len(delta) > oplog.MaxOperation {
		return Answer{Beat: dst}, ErrMalformed
	}
	s, err := m.enter(key)
	if err != nil {
		return Answer{Beat: dst}, err
	}
	defer s.exit()
	changed, ans, err := s.merge(delta, opt, dst)
	if ans.Refused > 0 {
		m.refused.Add(uint64(ans.Refused))
		delta = s.engine.wrote.append(nil) // the log is replayed without closing
	}
	switch {
	case !changed || m.log == nil:
	case ans.lapsed:
		m.log.Append(oplog.Replace, key, s.encoded())
	default:
		m.log.Append(oplog.Delta, key, delta)
	}
	return ans, err
}

// merge joins a delta to the record at hand.
func (s *shard) merge(delta []byte, opt MergeOptions, dst []byte) (changed bool, ans Answer, err error) {
	key, cut := s.at.key, s.cut(s.at.token)
	run := &s.runs[s.runs.index(s.at.token)]
	opt.lapsed = run.lapsed
	if round := run.floor.Less(run.closed); !opt.Exchange && !(opt.Held && round) {
		opt.closed = run.closed
	}
	l := s.at.large
	if l == nil && !s.engine.outgrown(delta) {
		var out []byte
		out, ans, err = s.engine.merge(key, s.at.rec, cut, delta, opt, dst)
		if out == nil || err != nil {
			return false, ans, err
		}
		if s.tracked() {
			s.changing(s.engine.stampOf(delta), func() uint64 { return s.engine.digest(key, s.at.rec, cut) })
		}
		if err := s.put(out, cut, s.now(out, nil, cut)); err != nil {
			return false, Answer{Beat: dst}, err
		}
		s.newest = later(s.newest, ans.Newest)
		return true, ans, nil
	}
	if l == nil {
		// Bytes that are no delta change nothing: not even the form of the record.
		if err := s.engine.check(delta); err != nil {
			return false, Answer{Beat: dst}, err
		}
		l = s.engine.growLarge(key, s.at.rec, cut)
	}
	before := s.engine.ldigest(l, key, cut)
	ans, err = s.engine.lmerge(l, key, cut, delta, opt, dst)
	if err != nil {
		return false, ans, err
	}
	changed = s.engine.ldigest(l, key, cut) != before
	if changed && s.tracked() {
		s.changing(s.engine.stampOf(delta), func() uint64 { return before })
	}
	if err := s.putLarge(l, cut, s.now(nil, l, cut)); err != nil {
		return false, Answer{Beat: dst}, err
	}
	s.newest = later(s.newest, ans.Newest)
	return changed, ans, nil
}

// now is the time at which a record is counted. Without an expiry it does not
// matter, and the clock is not asked.
func (s *shard) now(rec []byte, l *large, cut Version) int64 {
	if _, _, expiry := s.stat(rec, l, cut, 0); expiry == 0 {
		return 0
	}
	return s.m.clock.Now()
}

// Record implements Store.
func (m *Memory) Record(key, dst []byte) ([]byte, error) {
	s, err := m.enter(key)
	if err != nil {
		return dst, err
	}
	defer s.exit()
	if !s.at.found {
		return dst, nil
	}
	rec, l := s.dropped(s.at.key, s.at.entry, s.cut(s.at.token))
	if l != nil {
		return l.append(dst), nil
	}
	return append(dst, rec...), nil
}

// encoded is the record of the key at hand, as it is after a change.
func (s *shard) encoded() []byte {
	s.find(s.at.token, s.at.key)
	if s.at.large != nil {
		return s.at.large.append(nil)
	}
	return s.at.rec
}

// dropped is the record of an entry less what cut kills: encoded, or a tree.
func (s *shard) dropped(key []byte, e entry, cut Version) ([]byte, *large) {
	if e.large != nil {
		s.engine.ldrop(e.large, key, cut)
		return nil, e.large
	}
	if cut.IsZero() {
		return e.rec, nil
	}
	if out := s.engine.drop(e.rec, cut); out != nil {
		return out, nil
	}
	return e.rec, nil
}

// Digest implements Store.
func (m *Memory) Digest(key []byte) (uint64, error) {
	s, err := m.enter(key)
	if err != nil {
		return 0, err
	}
	defer s.exit()
	if !s.at.found {
		return 0, nil
	}
	cut := s.cut(s.at.token)
	if s.at.large != nil {
		return s.engine.ldigest(s.at.large, key, cut), nil
	}
	return s.engine.digest(key, s.at.rec, cut), nil
}

// Len implements Store. It costs a load per shard.
func (m *Memory) Len() int {
	n := int64(0)
	for i := range m.shards {
		n += m.shards[i].live.Load()
	}
	return int(n)
}

// Expires implements Store. It costs a load per shard.
func (m *Memory) Expires() int {
	n := int64(0)
	for i := range m.shards {
		n += m.shards[i].expiring.Load()
	}
	return int(n)
}
