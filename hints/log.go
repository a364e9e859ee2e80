package hints

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"sync"
	"time"
)

// ErrClosed is returned by a Log after Close.
var ErrClosed = errors.New("hints: the log is closed")

// DirtyError says that a delta was not queued, and why; the ranges that it
// belongs to are marked dirty instead, so nothing is forgotten in silence.
type DirtyError struct {
	// Node is whom the delta was for.
	Node string
	// Ranges are what was marked.
	Ranges []Range
	// Err is why: ErrFull or ErrTooLarge.
	Err error
}

func (e *DirtyError) Error() string {
	return fmt.Sprintf("hints: marked %d ranges of node %s instead of queueing: %v", len(e.Ranges), e.Node, e.Err)
}

// Unwrap gives the reason.
func (e *DirtyError) Unwrap() error { return e.Err }

// Reasons of a DirtyError.
var (
	ErrFull     = errors.New("hints: the queue is at its limit")
	ErrTooLarge = errors.New("hints: the delta is larger than a record may be")
)

// Log holds the deltas that absent nodes have not got, a queue for each. It is
// safe for concurrent use.
type Log struct {
	cfg  Config
	seed maphash.Seed

	mu      sync.Mutex
	queues  map[string]*queue
	scratch []byte // of a join

	added     uint64 // counts what Commit has to wait for
	committed uint64
	flushing  bool
	flushed   *sync.Cond
	failures  []failure
	unwritten []*segment // that have a tail
	unsynced  []*segment // that were written to since the last sync
	garbage   []string   // files to be removed
	timer     *time.Timer
	syncs     sync.WaitGroup
	closing   bool // nothing is added any more
	closed    bool
}

// queue finds or makes the queue of a node.
func (l *Log) queue(node string) (*queue, error) {
	if l.closed || l.closing {
		return nil, ErrClosed
	}
	if q := l.queues[node]; q != nil {
		q.forgotten = false
		return q, nil
	}
	if node == "" || len(node) > maxID {
		return nil, fmt.Errorf("hints: an id of %d bytes is no node's, want 1 to %d", len(node), maxID)
	}
	q := newQueue(l, node)
	l.queues[node] = q
	return q, nil
}

// Add queues a delta of key for a node; token is the key's. Nothing is kept of
// key and delta. It is durable after the next Commit. An error of type
// *DirtyError says that the token was marked dirty instead.
func (l *Log) Add(node string, token uint64, key, delta []byte) error {
	hash := maphash.Bytes(l.seed, key)
	l.mu.Lock()
	defer l.mu.Unlock()
	q, err := l.queue(node)
	if err != nil {
		return err
	}
	now := time.Now()
	q.expire(now)
	ranges := [1]Range{{token, token}}
	at := now.UnixMilli()
	s := q.keys[hash]
	if s != nil && (s.inFlight || l.cfg.Join == nil) {
		s = nil
	}
	if s != nil {
		e, err := q.read(s)
		if err == nil && bytes.Equal(e.key, key) {
			l.scratch, err = l.cfg.Join(l.scratch[:0], key, e.delta, delta)
		} else {
			s = nil // another key with this hash, or damage: Next will find it
		}
		if err != nil {
			s = nil
		} else if s != nil {
			delta = l.scratch
		}
	}
	size := frameSize + deltaHeader + len(key) + len(delta)
	was := int64(0)
	if s != nil {
		was = int64(s.size)
	}
	if err := q.fits(int64(size), was); err != nil {
		q.mark(ranges[:])
		return &DirtyError{node, ranges[:], err}
	}
	if s == nil {
		s = q.push(at)
		s.hash = hash
		q.keys[hash] = s
		q.total.Queued++
	} else {
		q.total.Coalesced++
	}
	q.write(s, func(dst []byte) []byte { return appendDelta(dst, s.id, s.at, token, key, delta) })
	if cap(l.scratch) > 1<<20 {
		l.scratch = nil
	}
	return nil
}

// deltaHeader is the most that stands before the key in a delta's body.
const deltaHeader = 1 + 8 + 8 + 8 + 5

// AddBundle queues deltas that belong together: they are kept and delivered as
// one, never joined to others. ranges are those of the keys in it.
func (l *Log) AddBundle(node string, ranges []Range, bundle []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	q, err := l.queue(node)
	if err != nil {
		return err
	}
	now := time.Now()
	q.expire(now)
	if len(ranges) == 0 || slices.ContainsFunc(ranges, func(r Range) bool { return r.From > r.To }) {
		ranges = []Range{All} // whose it is cannot be told
	}
	if err := q.fits(int64(frameSize+deltaHeader+16*len(ranges)+len(bundle)), 0); err != nil {
		q.mark(ranges)
		return &DirtyError{node, slices.Clone(ranges), err}
	}
	s := q.push(now.UnixMilli())
	s.bundle = true
	q.total.Queued++
	q.write(s, func(dst []byte) []byte { return appendBundle(dst, s.id, s.at, ranges, bundle) })
	return nil
}

// Append is Add and Commit.
func (l *Log) Append(node string, token uint64, key, delta []byte) error {
	if err := l.Add(node, token, key, delta); err != nil {
		return err
	}
	return l.Commit()
}

// Record is a queued delta, or a bundle, as Next hands it out; its slices are
// the caller's.
type Record struct {
	// ID names it for Ack and Release.
	ID uint64
	// Key and Token are those of a delta; a bundle has no Key.
	Key   []byte
	Token uint64
	// Ranges are the tokens that it belongs to.
	Ranges []Range
	// Delta is what was added, or the join of all that was, or the bundle.
	Delta []byte
	// Bundle says which.
	Bundle bool
	// At is when the oldest part of it was added.
	At time.Time
}

// Next hands out the oldest records of a node that are not in flight, up to
// maxBytes of them but at least one; none when nothing is queued. Each is in
// flight until Ack or Release names it.
func (l *Log) Next(node string, maxBytes int) ([]Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, ErrClosed
	}
	q := l.queues[node]
	if q == nil {
		return nil, nil
	}
	q.expire(time.Now())
	var out []Record
	bytes := 0
	for s := q.head; s != nil; {
		next := s.next
		if s.inFlight {
			s = next
			continue
		}
		if bytes += int(s.size); len(out) > 0 && bytes > maxBytes {
			break
		}
		e, err := q.read(s)
		if err != nil { // it was whole when it was written
			q.damaged(s)
			s = next
			continue
		}
		out = append(out, e.record())
		s.inFlight = true
		q.inFlight[s.id] = s
		s = next
	}
	q.trim()
	return out, nil
}

func (e *entry) record() Record {
	r := Record{
		ID: e.id, Key: slices.Clone(e.key), Ranges: e.ranges, Delta: slices.Clone(e.delta),
		Bundle: e.kind == kindBundle, At: time.UnixMilli(e.at),
	}
	if !r.Bundle {
		r.Token = e.ranges[0].From
	}
	return r
}

// Ack says that the node has these records: they never come again, but after
// an unclean stop. Ids that are not in flight are ignored.
func (l *Log) Ack(node string, ids ...uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	q := l.queues[node]
	if q == nil || l.closed {
		return
	}
	var done []uint64
	for _, id := range ids {
		if s := q.inFlight[id]; s != nil {
			q.drop(s)
			q.total.Delivered++
			done = append(done, id)
		}
	}
	if len(done) > 0 && q.records > 0 {
		q.writeAcks(done)
	}
	q.trim()
}

// Release says that these records were not delivered: they will come again.
func (l *Log) Release(node string, ids ...uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if q := l.queues[node]; q != nil {
		for _, id := range ids {
			if s := q.inFlight[id]; s != nil {
				s.inFlight = false
				delete(q.inFlight, id)
			}
		}
	}
}

// MarkDirty remembers that a node may lack something in a range that no
// record will bring.
func (l *Log) MarkDirty(node string, r Range) error {
	if r.From > r.To {
		return fmt.Errorf("hints: the range from %d to %d is none", r.From, r.To)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	q, err := l.queue(node)
	if err != nil {
		return err
	}
	q.mark([]Range{r})
	return l.remember(q)
}

// Dirty returns the ranges that are marked, sorted and apart.
func (l *Log) Dirty(node string) []Range {
	l.mu.Lock()
	defer l.mu.Unlock()
	if q := l.queues[node]; q != nil {
		return slices.Clone(q.dirty)
	}
	return nil
}

// Clean takes ranges out of the marks, when they have been compared. To lose
// no mark that is made meanwhile, take them out first and mark them again if
// the comparison fails.
func (l *Log) Clean(node string, rs ...Range) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if q := l.queues[node]; q != nil && !l.closed {
		for _, r := range rs {
			q.dirty = q.dirty.remove(r)
		}
	}
}

// Forget drops all that is held for a node that left for ever.
func (l *Log) Forget(node string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	q := l.queues[node]
	if q == nil || l.closed {
		return
	}
	for s := q.head; s != nil; s = q.head {
		q.drop(s)
	}
	q.dirty = nil
	q.forgotten = true // the queue stays: its file names are not used again
	q.trim()
}
