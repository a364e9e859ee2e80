package hints

import (
	"runtime"
	"slices"
)

// batch is what one flush writes, and those who wait for it.
type batch struct {
	done    chan struct{} // closed when it is written
	lead    chan struct{} // tells one of those who wait to flush it
	waiting int
	failed  []failure // complete when done is closed
}

// failure is what went wrong for what was added for a node after from, up to
// upto.
type failure struct {
	node       string
	from, upto uint64
	err        error
}

func newBatch() *batch {
	return &batch{done: make(chan struct{}), lead: make(chan struct{}, 1)}
}

// Commit returns when all that was added before the call is as durable as
// Config.Sync promises: one write, and one sync, serve everybody who waits. An
// error says that some of what it waited for could not be written; it is marked
// dirty instead.
func (l *Log) Commit() error {
	l.mu.Lock()
	return l.commit(l.committed, "")
}

// commit waits for what was added, and says whether what was added after from
// could be written, for one node or for all. It is called with the lock held,
// and gives it up.
func (l *Log) commit(from uint64, node string) error {
	for want := l.added; l.committed < want; {
		if l.closed {
			l.mu.Unlock()
			return ErrClosed
		}
		b := l.collecting
		switch n := len(l.inFlight); {
		case want <= l.taken:
			b = l.inFlight[n-1]
		case !l.busy():
			b.waiting++
			l.flush()
			l.mu.Unlock()
			return b.failure(from, want, node)
		}
		b.waiting++
		l.mu.Unlock()
		select {
		case <-b.done:
			return b.failure(from, want, node)
		case <-b.lead:
		}
		l.mu.Lock()
		b.waiting--
		select {
		case <-b.done: // somebody else was faster
			l.mu.Unlock()
			return b.failure(from, want, node)
		default:
		}
	}
	l.mu.Unlock()
	return nil
}

// busy says that no flush can begin.
func (l *Log) busy() bool { return l.flushing || l.syncing >= maxSyncs }

// maxSyncs is how many batches are synced at a time: while one is, those who
// were woken by the other add again, so that neither the disk nor the
// processors wait for each other.
const maxSyncs = 2

// pass has one of those who wait begin a flush, if that is possible.
func (l *Log) pass() {
	if l.collecting.waiting > 0 && !l.busy() {
		select {
		case l.collecting.lead <- struct{}{}:
		default: // somebody was told
		}
	}
	l.idle.Broadcast()
}

// complete wakes those who wait for a batch: batches end in their order.
func (l *Log) complete(b *batch, upto uint64) {
	l.committed = upto
	all := l.collecting.waiting
	for _, f := range l.inFlight {
		all += f.waiting
	}
	l.expected = (all + maxSyncs - 1) / maxSyncs
	l.inFlight = slices.Delete(l.inFlight, 0, 1)
	close(b.done)
	l.pass()
	l.soon()
}

// failure is the first that is about what was added after from, up to upto.
func (b *batch) failure(from, upto uint64, node string) error {
	for _, f := range b.failed {
		if f.upto > from && f.from < upto && (node == "" || f.node == node) {
			return f.err
		}
	}
	return nil
}

// gather waits for those who were woken by the last flush and are about to
// add again: a sync costs hundreds of microseconds, however many it serves.
// It is over when as many wait as make an even share of all for each sync, or
// nobody comes.
func (l *Log) gather() {
	idle := 0
	for range maxYields {
		before := l.collecting.waiting
		if before >= l.expected {
			return
		}
		l.mu.Unlock()
		runtime.Gosched()
		l.mu.Lock()
		if l.collecting.waiting > before {
			idle = 0
		} else if idle++; idle > maxIdle {
			return
		}
	}
}

// Yields that gather takes at most, and those in a row that bring nobody. A
// yield takes a fraction of a microsecond when nothing else can run, so who
// commits alone waits no longer than that.
const (
	maxYields = 256
	maxIdle   = 8
)

// maxSpare is the largest buffer that is kept for the next tail.
const maxSpare = 1 << 20
