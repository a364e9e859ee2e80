package hints

import (
	"errors"
	"io/fs"
	"runtime"
	"slices"
	"time"
)

// Commit returns when all that was added before the call is as durable as
// Config.Sync promises: one write, and one sync, serve everybody who waits. An
// error says that some of it could not be written; it is marked dirty instead.
func (l *Log) Commit() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	from, want := l.committed, l.added
	for l.committed < want {
		if l.closed {
			return ErrClosed
		}
		if l.flushing {
			l.flushed.Wait()
			continue
		}
		l.flush(l.cfg.Sync == Always)
	}
	for _, f := range l.failures {
		if f.upto > from && f.from < want {
			return f.err
		}
	}
	return nil
}

// failure is what went wrong for what was added after from, up to upto. The
// last few are kept for those who have not asked yet.
type failure struct {
	from, upto uint64
	err        error
}

const maxFailures = 64

func (l *Log) fail(from, upto uint64, err error) {
	l.failures = append(l.failures, failure{from, upto, err})
	if len(l.failures) > maxFailures {
		l.failures = l.failures[1:]
	}
}

// flush writes the tails, and syncs if it is asked to. It is called with the
// lock held, which it gives up meanwhile; there is one at a time.
func (l *Log) flush(sync bool) {
	l.flushing = true
	if sync {
		l.gather()
	}
	upto := l.added
	write := slices.DeleteFunc(l.unwritten, func(s *segment) bool { return s.removed })
	l.unwritten = nil
	tails := make([][]byte, len(write))
	for i, seg := range write {
		seg.listed = false
		seg.writing = true
		tails[i] = seg.tail
	}
	var toSync []*segment
	if sync {
		toSync = slices.DeleteFunc(l.unsynced, func(s *segment) bool { return s.removed })
		l.unsynced = nil
		for _, seg := range toSync {
			seg.unsynced, seg.writing = false, true
		}
	}
	garbage := l.garbage
	l.garbage = nil
	l.mu.Unlock()

	errs := make([]error, len(write))
	files := make([]File, len(write))
	made := false
	for i, seg := range write {
		file := seg.file
		if file == nil {
			if file, errs[i] = l.cfg.FS.Create(seg.name()); errs[i] != nil {
				continue
			}
			files[i], made = file, true
		}
		if _, errs[i] = file.WriteAt(tails[i], seg.written); errs[i] == nil && sync {
			toSync = append(toSync, seg)
		}
	}
	syncErrs := make([]error, len(toSync))
	for i, seg := range toSync {
		file := seg.file
		for k, w := range write {
			if w == seg && files[k] != nil {
				file = files[k]
			}
		}
		syncErrs[i] = file.Sync()
	}
	var dirErr error
	if made && l.cfg.Sync != No {
		dirErr = l.cfg.FS.SyncDir()
	}
	var undone []string
	for _, name := range garbage {
		if err := l.cfg.FS.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			undone = append(undone, name) // tried again; at worst delivered again
		}
	}

	l.mu.Lock()
	from := l.committed
	l.garbage = append(l.garbage, undone...)
	for i, seg := range write {
		seg.writing = false
		if files[i] != nil {
			seg.file = files[i]
		}
		if errs[i] == nil && dirErr != nil && files[i] != nil {
			errs[i] = dirErr
		}
		if errs[i] != nil {
			// The whole tail goes, with what was added to it meanwhile.
			l.fail(from, l.added, errs[i])
			seg.unwritable()
			continue
		}
		seg.written += int64(len(tails[i]))
		seg.tail = append(seg.spare[:0], seg.tail[len(tails[i]):]...)
		if seg.spare = tails[i]; cap(seg.spare) > maxSpare {
			seg.spare = nil
		}
		if !sync && !seg.unsynced {
			seg.unsynced = true
			l.unsynced = append(l.unsynced, seg)
		}
	}
	for i, seg := range toSync {
		seg.writing = false
		if syncErrs[i] != nil {
			// What the kernel dropped cannot be known, nor asked again.
			l.fail(from, l.added, syncErrs[i])
			seg.failed = true
			seg.q.mark([]Range{All})
		}
	}
	for _, q := range l.queues {
		q.trim()
	}
	if upto > l.committed {
		l.committed = upto
	}
	l.flushing = false
	l.flushed.Broadcast()
	if len(l.unsynced) > 0 && l.cfg.Sync == EverySecond && l.timer == nil && !l.closed {
		l.syncs.Add(1)
		l.timer = time.AfterFunc(time.Second, l.syncLater)
	}
}

// gather lets those add who were woken by the last flush and are about to:
// a sync costs hundreds of microseconds, however many it serves.
func (l *Log) gather() {
	for range maxYields {
		before := l.added
		l.mu.Unlock()
		runtime.Gosched()
		l.mu.Lock()
		if l.added == before {
			return
		}
	}
}

// maxYields bounds gather, for a log that is added to without end; maxSpare
// is the largest buffer that is kept for the next tail.
const (
	maxYields = 16
	maxSpare  = 1 << 20
)

// syncLater is the sync of EverySecond.
func (l *Log) syncLater() {
	defer l.syncs.Done()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.timer = nil
	for l.flushing {
		l.flushed.Wait()
	}
	if !l.closed {
		l.flush(true)
	}
}

// unwritable gives up what of a segment is not in its file, and marks it.
func (s *segment) unwritable() {
	q := s.q
	s.failed = true
	for x := q.head; x != nil; {
		next := x.next
		if x.seg == s && x.off+int64(x.size) > s.written {
			e, err := q.read(x)
			q.drop(x)
			q.total.Dropped++
			if err != nil {
				q.mark([]Range{All})
			} else {
				q.mark(e.ranges)
			}
		}
		x = next
	}
	s.tail = nil
	s.size = s.written
}
