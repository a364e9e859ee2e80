package datastore

import "github.com/dynomite-go/dynomite/node/datastore/internal/slab"

// scanBatch is how many entries are shown, or worked on, under one hold of a
// shard's lock: some tens of microseconds.
const scanBatch = 256

// collect fills s.batch with the entries from a token on, up to a token: about
// scanBatch of them, but never a part of those with equal tokens. next is
// where to go on; done says that nothing is left.
func (s *shard) collect(from, to uint64) (next uint64, done bool) {
	s.batch = s.batch[:0]
	done = true
	s.index.Ascend(from, func(token uint64, ref uint32) bool {
		if token > to {
			return false
		}
		if n := len(s.batch); n >= scanBatch && token != s.batch[n-1].token {
			next, done = token, false
			return false
		}
		s.batch = append(s.batch, place{token, slab.Ref(ref)})
		return true
	})
	return next, done
}

// Scan implements Store. fn is called with a shard locked; the lock is let go
// between batches of entries, so what is written meanwhile may or may not be
// shown. A record that is there all along is shown exactly once.
func (m *Memory) Scan(from, to uint64, fn func(Entry) bool) (next uint64, done bool, err error) {
	c := scanner{m: m, fn: fn}
	c.show.Append = c.append
	for from <= to {
		s := m.shard(from)
		end := min(to, s.to)
		stopped, next, err := c.shard(s, from, end)
		if err != nil {
			return from, false, err
		}
		switch {
		case !stopped && end == to, stopped && next-1 == to:
			return 0, true, nil
		case stopped:
			return next, false, nil
		}
		from = end + 1
	}
	return 0, true, nil
}

// scanner is one Scan under way.
type scanner struct {
	m     *Memory
	fn    func(Entry) bool
	show  Entry
	rec   []byte
	large *large
}

func (c *scanner) append(dst []byte) []byte {
	if c.large != nil {
		return c.large.append(dst)
	}
	return append(dst, c.rec...)
}

// shard shows the entries of one shard. If fn stopped it, next is the token to
// go on from, which is zero behind the greatest token.
func (c *scanner) shard(s *shard, from, to uint64) (stopped bool, next uint64, err error) {
	for {
		more, stopped, next, err := c.batch(s, from, to)
		if stopped || !more || err != nil {
			return stopped, next, err
		}
		from = next
	}
}

func (c *scanner) batch(s *shard, from, to uint64) (more, stopped bool, next uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.m.closed.Load() {
		return false, false, 0, ErrClosed
	}
	next, done := s.collect(from, to)
	now := c.m.clock.Now()
	for i, p := range s.batch {
		if stopped && p.token != s.batch[i-1].token {
			return false, true, p.token, nil
		}
		if !c.entry(s, p, now) {
			stopped = true
		}
	}
	if stopped {
		return false, true, s.batch[len(s.batch)-1].token + 1, nil
	}
	return !done, false, next, nil
}

// entry shows one entry; false if fn asks to stop.
func (c *scanner) entry(s *shard, p place, now int64) bool {
	e := s.decode(s.slab.Bytes(p.ref))
	cut := s.cut(p.token)
	c.rec, c.large = s.dropped(e.key, e, cut)
	c.show.Token, c.show.Key = p.token, e.key
	_, c.show.Kind, c.show.Expiry = s.stat(c.rec, c.large, cut, now)
	if c.large != nil {
		if c.large.empty() {
			return true
		}
		c.show.Digest = s.engine.ldigest(c.large, e.key, cut)
	} else {
		if len(c.rec) == 0 {
			return true
		}
		c.show.Digest = s.engine.digest(e.key, c.rec, cut)
	}
	return c.fn(c.show)
}
