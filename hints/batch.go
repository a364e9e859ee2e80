package hints

import "time"

// batch is what one flush writes, and those who wait for it.
type batch struct {
	done    chan struct{} // closed when it is written
	lead    chan struct{} // tells the first of those who wait to flush it
	waiting int
	failed  []failure // complete when done is closed
}

// failure is what went wrong for what was added for a node after from, up to
// upto; without a node, for all.
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
		b, leads := l.collecting, false
		switch {
		case want <= l.taken:
			b = l.inFlight
		case !l.flushing:
			b.waiting++
			l.flush()
			l.mu.Unlock()
			return b.failure(from, want, node)
		default:
			leads = b.waiting == 0
		}
		b.waiting++
		l.mu.Unlock()
		if !leads {
			<-b.done
			return b.failure(from, want, node)
		}
		select {
		case <-b.done:
			return b.failure(from, want, node)
		case <-b.lead:
		}
		l.mu.Lock()
		if b != l.collecting { // somebody else was faster, and knows soon what came of it
			l.mu.Unlock()
			<-b.done
			return b.failure(from, want, node)
		}
		b.waiting--
	}
	l.mu.Unlock()
	return nil
}

// complete has those go on who waited for a batch, and then the first of those
// who wait for the next begin. Until then nobody does, for most of the next
// batch is about to be woken. It is called with the lock held, which it gives up
// meanwhile: the first who is woken takes it at once.
//
// It yields before it wakes anybody. The first goroutine that can run has the
// scheduler wake a thread for it, if a processor is idle, and that thread finds
// nothing but this one goroutine, which is not to be taken from a processor that
// is about to run it: it sleeps, comes again in the middle of what the others
// do, and may take the processor from them. A goroutine that yields is there for
// that thread to run, and so it is awake, and has work, when all are woken.
func (l *Log) complete(b *batch, upto uint64) {
	l.committed, l.inFlight = upto, nil
	l.expected = b.waiting + l.collecting.waiting
	if b.waiting <= 1 || !l.yields.may(time.Now()) { // at most who flushes
		close(b.done)
		l.ended()
		return
	}
	l.mu.Unlock()
	now, took := l.yields.yield()
	close(b.done)
	l.lock()
	l.yields.took(now, took, 0)
	l.ended()
}

// ended lets the next flush begin.
func (l *Log) ended() {
	l.flushing = false
	if l.collecting.waiting > 0 {
		select {
		case l.collecting.lead <- struct{}{}:
		default: // it was told
		}
	}
	l.idle.Broadcast()
	l.soon()
}

// failure is the first that is about what was added after from, up to upto.
func (b *batch) failure(from, upto uint64, node string) error {
	for _, f := range b.failed {
		if f.upto > from && f.from < upto && (node == "" || f.node == "" || f.node == node) {
			return f.err
		}
	}
	return nil
}

// gather waits for those who were woken by the last flush and are about to
// add again: a sync costs hundreds of microseconds, however many it serves, and
// a disk takes one after the other. So all who are going to wait share one, and
// it is over when they do, or nobody comes.
func (l *Log) gather() {
	if !l.yields.may(time.Now()) {
		return
	}
	idle := 0
	for range maxYields {
		before := l.collecting.waiting
		if before >= l.expected {
			return
		}
		l.mu.Unlock()
		now, took := l.yields.yield()
		l.lock()
		came := l.collecting.waiting - before
		if !l.yields.took(now, took, came) {
			return
		}
		if came > 0 {
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

// lock locks for one who was woken with many others, all of whom want the lock
// for half a microsecond. It tries for about as long as two of them take: a
// mutex puts a goroutine to sleep at once when others can run, and to be woken
// takes longer than what it waited for, so that all who come queue up behind it.
func (l *Log) lock() {
	for range lockTries {
		if l.mu.TryLock() {
			return
		}
	}
	l.mu.Lock()
}

const lockTries = 300

// maxSpare is the largest buffer that is kept for the next tail.
const maxSpare = 1 << 20
