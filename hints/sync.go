package hints

import (
	"slices"
	"sync"
	"time"
)

// sync syncs what was written, and then lets go of the files whose place it
// took. It is called with the lock held, which it gives up meanwhile.
func (l *Log) sync() {
	var segs []*segment
	for _, seg := range l.unsynced {
		seg.unsynced = false
		if !seg.removed {
			seg.pins++
			segs = append(segs, seg)
		}
	}
	clear(l.unsynced)
	l.unsynced = l.unsynced[:0]
	names, newly := l.newNames, l.newly
	l.newNames, l.newly = false, nil
	superseded := l.superseded
	l.superseded = nil
	l.mu.Unlock()

	errs := syncFiles(segs)
	var dirErr error
	if names {
		dirErr = l.cfg.FS.SyncDir()
	}

	l.mu.Lock()
	for i, seg := range segs {
		seg.pins--
		err := errs[i]
		if err == nil && dirErr != nil && !seg.kept {
			err = dirErr
		}
		if err == nil {
			seg.kept = seg.kept || names
			seg.q.trim()
			continue
		}
		// What the kernel dropped cannot be known, nor asked again.
		l.fail(seg.q.node, err)
		seg.q.mark([]Range{All})
		seg.unwritable()
		seg.q.trim()
	}
	if dirErr != nil {
		l.newNames = true
		for _, q := range newly {
			q.named = false // the next mark tries again
			l.fail(q.node, dirErr)
		}
	}
	l.removable = append(l.removable, superseded...)
}

// syncFiles syncs files side by side: a file system takes them in one.
func syncFiles(segs []*segment) []error {
	errs := make([]error, len(segs))
	if len(segs) == 1 {
		errs[0] = segs[0].file.Sync()
		return errs
	}
	var all sync.WaitGroup
	for i, seg := range segs {
		all.Go(func() { errs[i] = seg.file.Sync() })
	}
	all.Wait()
	return errs
}

// soon has tidy run within a second, if there is something to do.
func (l *Log) soon() {
	if l.timer != nil || l.closing {
		return
	}
	unsynced := len(l.unsynced) > 0 || l.newNames || len(l.superseded) > 0
	if len(l.unwritten) > 0 || len(l.unnamed) > 0 || len(l.forgotten) > 0 || len(l.garbage) > 0 || len(l.removable) > 0 ||
		unsynced && l.cfg.Sync == EverySecond {
		l.tidying.Add(1)
		l.timer = time.AfterFunc(time.Second, l.tidy)
	}
}

// tidy writes what nobody commits, such as acknowledgements, does the sync of
// EverySecond, and removes files: not in Commit, for that takes its time.
func (l *Log) tidy() {
	defer l.tidying.Done()
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.flushing {
		l.idle.Wait()
	}
	if l.closing {
		return
	}
	l.flush()
	switch l.cfg.Sync {
	case EverySecond:
		l.sync()
	case No: // Close will sync those that are left
		l.unsynced = slices.DeleteFunc(l.unsynced, func(s *segment) bool { return s.removed })
	}
	names := l.removable
	l.removable = nil
	l.mu.Unlock()
	undone := l.removeFiles(names)
	l.mu.Lock()
	l.removable = append(l.removable, undone...)
	l.timer = nil
	l.soon()
}
