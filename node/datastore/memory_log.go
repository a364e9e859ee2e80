package datastore

import (
	"context"
	"errors"

	"github.com/dynomite-go/dynomite/node/datastore/internal/oplog"
)

// Recovery says what Open found in the log.
type Recovery struct {
	// Operations is how many deltas and range resets were joined, from Bytes
	// of files.
	Operations int
	Bytes      int64
	// Cut is the torn end that was cut off; Cut.Bytes is zero if there was
	// none. After a power failure under SyncEverySecond or SyncNo it may have
	// held what had been committed: the node should go on under a new number.
	Cut Lost
	// Skipped lists what Config.Salvage left out.
	Skipped []Lost
}

// Lost is a stretch of a log file that could not be read.
type Lost struct {
	// File is its path.
	File string
	// Offset and Bytes say where it began and how long it was.
	Offset, Bytes int64
	// Err says why.
	Err error
}

// Recovery says what Open found; it is zero without a directory.
func (m *Memory) Recovery() Recovery { return m.report }

func recovery(r oplog.Report) Recovery {
	out := Recovery{Operations: r.Operations, Bytes: r.Bytes, Cut: Lost(r.Cut)}
	for _, l := range r.Skipped {
		out.Skipped = append(out.Skipped, Lost(l))
	}
	return out
}

var errKind = errors.New("datastore: an operation of an unknown kind, probably of a newer version of this program")

// replay joins an operation from the log.
func (m *Memory) replay(ctx context.Context, kind oplog.Kind, key, body []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	switch kind {
	case oplog.Delta:
		s, err := m.enter(key)
		if err != nil {
			return err
		}
		defer s.exit()
		_, _, err = s.merge(body, MergeOptions{Exchange: true}, nil)
		return err
	case oplog.RangeReset:
		r, err := decodeReset(body)
		if err != nil {
			return err
		}
		m.clock.Observe(r.Version)
		m.resetting.Lock()
		defer m.resetting.Unlock()
		_, err = m.reset(r, false)
		return err
	case oplog.Replace:
		s, err := m.enter(key)
		if err != nil {
			return err
		}
		defer s.exit()
		return s.restore(body)
	case oplog.Forget:
		r, err := decodeReset(body)
		if err != nil {
			return err
		}
		m.resetting.Lock()
		defer m.resetting.Unlock()
		m.forgetResets(r.From, r.To, r.Version)
		return nil
	}
	return errKind
}

// Rewrite replaces the log by one of what is held now, whatever its size
// (BGREWRITEAOF, but it returns when it is done). The log is rewritten by itself
// when it is worth it. Without a directory it does nothing.
func (m *Memory) Rewrite() error {
	if m.log == nil {
		return nil
	}
	return logError(m.log.Rewrite())
}

// live is about how many bytes a snapshot would have.
func (m *Memory) live() int64 {
	const frame = 12 // around each record
	n := int64(0)
	for i := range m.shards {
		s := &m.shards[i]
		n += s.data.Load() + frame*s.live.Load()
	}
	return n
}

// snapshot writes all range resets and records, in token order. Each shard is
// locked for one batch at a time.
func (m *Memory) snapshot(put func(oplog.Kind, []byte, []byte) error) error {
	for _, r := range m.Resets() {
		if err := put(oplog.RangeReset, nil, r.encode()); err != nil {
			return err
		}
	}
	var w snapshotWriter
	for i := range m.shards {
		for from, done := m.shards[i].from, false; !done; {
			from, done = w.batch(&m.shards[i], from)
			if err := w.flush(&m.shards[i], put); err != nil {
				return err
			}
		}
	}
	return nil
}

// snapshotWriter copies records under a shard's lock, and writes them without.
type snapshotWriter struct {
	buf   []byte
	ends  []int    // in buf, of key and record by turns
	trees [][]byte // keys of large records
}

func (w *snapshotWriter) batch(s *shard, from uint64) (next uint64, done bool) {
	w.buf, w.ends, w.trees = w.buf[:0], w.ends[:0], w.trees[:0]
	s.mu.Lock()
	defer s.mu.Unlock()
	next, done = s.collect(from, s.to)
	for _, p := range s.batch {
		e := s.decode(s.slab.Bytes(p.ref))
		if e.large != nil {
			w.trees = append(w.trees, append([]byte(nil), e.key...))
			continue
		}
		w.buf = append(w.buf, e.key...)
		w.ends = append(w.ends, len(w.buf))
		w.buf = append(w.buf, e.rec...)
		w.ends = append(w.ends, len(w.buf))
	}
	return next, done
}

func (w *snapshotWriter) flush(s *shard, put func(oplog.Kind, []byte, []byte) error) error {
	start := 0
	for i := 0; i < len(w.ends); i += 2 {
		mid, end := w.ends[i], w.ends[i+1]
		if err := put(oplog.Delta, w.buf[start:mid], w.buf[mid:end]); err != nil {
			return err
		}
		start = end
	}
	for _, key := range w.trees {
		if err := w.tree(s, key, put); err != nil {
			return err
		}
	}
	if cap(w.buf) > 4<<20 {
		w.buf = nil
	}
	return nil
}

// treePiece is how many bytes of a large record are copied under one hold of
// the lock, and written as one operation: a record's atoms may travel apart.
const treePiece = 256 << 10

// tree writes a large record in pieces.
func (w *snapshotWriter) tree(s *shard, key []byte, put func(oplog.Kind, []byte, []byte) error) error {
	cursor := treeCursor{}
	for !cursor.done {
		w.buf = s.copyTree(w.buf[:0], key, &cursor)
		if len(w.buf) == 0 {
			return nil // it is gone, or empty
		}
		if err := put(oplog.Delta, key, w.buf); err != nil {
			return err
		}
	}
	return nil
}

// treeCursor is where copyTree goes on.
type treeCursor struct {
	begun bool
	group group // the last that was copied
	id    Version
	done  bool
}

// copyTree appends the next piece of a record to dst. If the record has become
// a small one meanwhile, that is the piece.
func (s *shard) copyTree(dst, key []byte, c *treeCursor) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.find(s.m.token(key), key)
	defer s.leave()
	l := s.at.large
	if l == nil {
		c.done = true
		return append(dst, s.at.rec...)
	}
	var a atoms
	if !c.begun {
		a.header, a.intervals = l.header, l.intervals
	}
	size := 0
	for i := range l.elements {
		if x := &l.elements[i]; c.id.Less(x.id) && size < treePiece {
			a.elements = append(a.elements, *x)
			c.id = x.id
			size += 48 + len(x.value)
		}
	}
	c.done = size < treePiece
	if c.done {
		last := c.group
		l.groups.Ascend(last, func(g group) bool {
			if c.begun && !groupLess(last, g) {
				return true
			}
			if size >= treePiece {
				c.done = false
				return false
			}
			a.cells = g.decode(a.cells)
			c.group = g
			size += len(g.data)
			return true
		})
	}
	c.begun = true
	return a.append(dst)
}
