package hints

import (
	"errors"
	"fmt"
	"slices"
)

// Close writes and syncs what is left, and the marks, whatever Config.Sync
// says, so that the next Open finds all of it. It may be called again. An
// error means that the next Open will take this for an unclean stop.
func (l *Log) Close() error {
	l.mu.Lock()
	if l.closing {
		l.mu.Unlock()
		return nil
	}
	l.closing = true
	if l.timer != nil && l.timer.Stop() {
		l.tidying.Done()
	}
	l.stopExpiry()
	l.mu.Unlock()
	l.tidying.Wait()

	l.mu.Lock()
	for l.flushing || l.reading > 0 {
		l.idle.Wait()
	}
	last := l.collecting
	before := len(last.failed) // of what went wrong before, the marks tell, and those who wait will hear
	l.flush()
	if l.cfg.Sync != Always {
		l.sync()
	}
	for l.flushing { // those who wait for it are being woken
		l.idle.Wait()
	}
	l.closed = true
	failed := slices.Concat(last.failed[before:], l.collecting.failed)
	l.collecting.failed = append(l.collecting.failed, failure{upto: l.added, err: ErrClosed})
	close(l.collecting.done) // who waits for it came during the flush, and there is no other one
	for _, q := range l.queues {
		if q.empty != nil { // they will see that it is closed
			close(q.empty)
			q.empty = nil
		}
	}
	l.mu.Unlock()
	// From here on nobody else changes anything.

	var err error
	for _, f := range failed {
		err = f.err
	}
	for _, q := range l.queues {
		err = errors.Join(err, l.writeMarks(q), q.cutRoom())
	}
	l.closeFiles()
	// A file that stays would be delivered once more.
	garbage := append(append(l.garbage, l.superseded...), append(l.removable, l.forgotten...)...)
	if left := l.removeFiles(garbage); len(left) > 0 {
		err = errors.Join(err, fmt.Errorf("%d files could not be removed, among them %s", len(left), left[0]))
	}
	if err == nil {
		err = l.cfg.FS.SyncDir()
	}
	if err == nil {
		err = l.cfg.FS.Remove(runningName)
	}
	if err == nil {
		err = l.cfg.FS.SyncDir()
	}
	if err != nil {
		return fmt.Errorf("hints: %w", err)
	}
	return nil
}

// cutRoom takes what was made ahead, or written in part, off the files.
func (q *queue) cutRoom() error {
	var err error
	for _, seg := range q.segments {
		switch {
		case seg.file == nil || seg.allocated <= seg.written:
		case seg.written == 0: // not even its header
			q.log.removable = append(q.log.removable, seg.name())
		default:
			err = errors.Join(err, seg.file.Truncate(seg.written), seg.file.Sync())
		}
	}
	return err
}
