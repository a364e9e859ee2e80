package hints

import (
	"bytes"
	"hash/maphash"
	"slices"
	"time"
)

// Add queues a delta of key for a node; token is the key's. Nothing is kept of
// key and delta. It is durable after the next Commit. An error of type
// *DirtyError says that the token was marked dirty instead.
func (l *Log) Add(node string, token uint64, key, delta []byte) error {
	hash, now := maphash.Bytes(l.seed, key), time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.add(node, token, hash, key, delta, now)
}

// Append is Add and Commit, but for its error: that says what became of this
// delta.
func (l *Log) Append(node string, token uint64, key, delta []byte) error {
	hash, now := maphash.Bytes(l.seed, key), time.Now()
	l.lock()
	if err := l.add(node, token, hash, key, delta, now); err != nil {
		l.mu.Unlock()
		return err
	}
	return l.commit(l.added-1, node)
}

func (l *Log) add(node string, token, hash uint64, key, delta []byte, now time.Time) error {
	q, err := l.queue(node)
	if err != nil {
		return err
	}
	q.expire(now)
	var s *slot
	if l.cfg.Join != nil && q.keys[hash] != 0 {
		if q, s, delta, err = l.join(q, hash, key, delta); err != nil {
			return err
		}
	}
	was := int64(0)
	if s != nil {
		was = int64(s.size)
	}
	if err := q.fits(int64(frameSize+deltaHeader+len(key)+len(delta)), was); err != nil {
		ranges := []Range{{token, token}}
		q.mark(ranges)
		q.total.Refused++
		return &DirtyError{node, ranges, err}
	}
	if s == nil {
		s = q.push(now.UnixMilli())
		s.hash, s.token = hash, token
		q.keys[hash] = s.self
		q.total.Queued++
	} else {
		q.total.Coalesced++
	}
	q.write(s, func(dst []byte) []byte { return appendDelta(dst, s.id, s.at, token, key, delta) })
	if cap(l.scratch) > maxSpare {
		l.scratch = nil
	}
	return nil
}

// join finds the record that waits for key and joins delta to it. Without a
// record it returns delta, and no slot. It gives up the lock to read a file;
// the queue may be another one then, for the node may have been forgotten.
func (l *Log) join(q *queue, hash uint64, key, delta []byte) (*queue, *slot, []byte, error) {
	for {
		s := q.newest(hash)
		if s == nil || s.flies {
			return q, nil, delta, nil
		}
		seg, off := q.segment(s), s.off
		raw, ok := seg.inMemory(s)
		if !ok {
			raw = make([]byte, s.size)
			seg.pin()
			l.mu.Unlock()
			bad := readFull(seg.file, raw, off) != nil
			l.mu.Lock()
			seg.unpin()
			was := q
			was.trim() // it may have waited for us
			var err error
			if q, err = l.queue(q.node); err != nil {
				return q, nil, nil, err
			}
			if q != was || q.newest(hash) != s || q.segment(s) != seg || s.off != off {
				q.trim()
				continue // it was delivered, joined or moved meanwhile
			}
			if bad || s.flies {
				return q, nil, delta, nil
			}
		}
		e, err := q.open(raw)
		if err != nil || !bytes.Equal(e.key, key) {
			return q, nil, delta, nil // damage, which Next will find, or another key
		}
		joined, err := l.cfg.Join(l.scratch[:0], key, e.delta, delta)
		if err != nil {
			return q, nil, delta, nil
		}
		l.scratch = joined
		return q, s, joined, nil
	}
}

// deltaHeader is the most that stands before the key in a delta's body.
const deltaHeader = 1 + 8 + 8 + 8 + 5

// AddBundle queues deltas that belong together: they are kept and delivered as
// one, never joined to others. ranges are those of the keys in it; none, or one
// that is none, means All.
func (l *Log) AddBundle(node string, ranges []Range, bundle []byte) error {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	q, err := l.queue(node)
	if err != nil {
		return err
	}
	q.expire(now)
	if ranges = slices.Clone(ranges); len(ranges) == 0 || slices.ContainsFunc(ranges, func(r Range) bool { return r.From > r.To }) {
		ranges = []Range{All} // whose it is cannot be told
	}
	if err := q.fits(int64(frameSize+deltaHeader+16*len(ranges)+len(bundle)), 0); err != nil {
		q.mark(ranges)
		q.total.Refused++
		return &DirtyError{node, ranges, err}
	}
	s := q.push(now.UnixMilli())
	s.bundle, q.bundles[s.self] = true, ranges
	q.total.Queued++
	q.write(s, func(dst []byte) []byte { return appendBundle(dst, s.id, s.at, ranges, bundle) })
	return nil
}
