package hints

import (
	"fmt"
	"hash/maphash"
	"runtime"
	"sync"
	"time"
)

// Log holds the deltas that absent nodes have not got, a queue for each. It is
// safe for concurrent use.
//
// The lock guards everything below it and all queues. It is never held while a
// file is read, written or synced: who does that gives it up, and looks again
// at what may have changed.
type Log struct {
	cfg  Config
	seed maphash.Seed

	mu        sync.Mutex
	queues    map[string]*queue
	scratch   []byte // of a join
	maxRecent int    // bytes of a queue's recent
	nextID    uint64 // of records; of all queues, so that no id comes twice
	nextSeq   uint64 // of segments, likewise

	// Expiry, see expiry.go.
	records  int         // of all queues
	expiry   *time.Timer // nil without records
	expiryOf int64       // at of the record that it is set for

	// Commits, see batch.go.
	added      uint64 // counts what Commit has to wait for
	taken      uint64 // up to this it is being written
	committed  uint64 // up to this it is
	collecting *batch
	inFlight   *batch // that is written and synced, if one is
	expected   int    // who is going to wait for a batch
	flushing   bool   // somebody gathers, writes and syncs one
	yields     yields // whether who does may let others run

	// What a flush or a sync will do.
	unwritten []*segment // that have a tail
	unsynced  []*segment // that were written to since the last sync
	unnamed   []*queue   // with marks, and without a file
	forgotten []string   // files of marks that are of nobody any more
	crowded   []*queue   // that have much dead on disk
	newNames  bool       // files were made, and the directory not synced since
	newly     []*queue   // whose files of marks are among those

	// Files on their way out: what took their place is not written yet, or not
	// synced yet, or is.
	garbage, superseded, removable []string

	idle    *sync.Cond // a flush, a sync or a read has ended
	reading int        // reads of files without the lock
	timer   *time.Timer
	tidying sync.WaitGroup // the timers that are set
	closing bool           // nothing is added any more
	closed  bool
}

func newLog(cfg Config) *Log {
	recent := maxRecent
	if _, ok := cfg.FS.(*memory); ok {
		recent = 0 // it is there once already
	}
	l := &Log{cfg: cfg, seed: maphash.MakeSeed(), queues: map[string]*queue{}, maxRecent: recent, nextID: 1, nextSeq: 1, collecting: newBatch(), yields: yields{gosched: runtime.Gosched}}
	l.idle = sync.NewCond(&l.mu)
	return l
}

// queue finds or makes the queue of a node.
func (l *Log) queue(node string) (*queue, error) {
	if l.closed || l.closing {
		return nil, ErrClosed
	}
	if q := l.queues[node]; q != nil {
		return q, nil
	}
	if node == "" || len(node) > maxID {
		return nil, fmt.Errorf("hints: an id of %d bytes is no node's, want 1 to %d", len(node), maxID)
	}
	q := newQueue(l, node)
	l.queues[node] = q
	return q, nil
}
