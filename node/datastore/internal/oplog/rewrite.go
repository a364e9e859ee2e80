package oplog

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/dynomite-go/dynomite/node/datastore/disk"
)

// Attempts at a rewrite that failed are repeated after a second, then after
// twice as long each time, up to a minute: a full disk is not kept busy.
const maxRewritePause = time.Minute

// serveRewrites rewrites the log when serve finds that it is worth it.
func (l *Log) serveRewrites() {
	var pause time.Duration
	var next time.Time
	for {
		select {
		case <-l.stop:
			return
		case <-l.rewrite:
			if time.Now().Before(next) {
				continue
			}
			if err := l.Rewrite(); err == nil {
				pause = 0
				continue
			}
			pause = min(max(2*pause, time.Second), maxRewritePause)
			next = time.Now().Add(pause)
		}
	}
}

// considerRewrite asks for a rewrite if the log is worth one.
func (l *Log) considerRewrite() {
	l.mu.Lock()
	size, broken, healthy := l.older+l.seg.size, l.broken, l.err == nil
	l.mu.Unlock()
	if broken || healthy && size > l.cfg.RewriteMin && size > 2*l.cfg.Live() {
		select {
		case l.rewrite <- struct{}{}:
		default:
		}
	}
}

// Rewrite replaces the log by a snapshot of the state and what is appended from
// now on, whatever its size. The log does so by itself when it is worth it.
// Others go on appending and committing meanwhile, except for the moment in
// which a new segment is begun.
func (l *Log) Rewrite() error {
	l.rewriting.Lock()
	defer l.rewriting.Unlock()
	err := l.rewriteAll()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.stats.RewriteErrors++
		return err
	}
	l.stats.Rewrites++
	return nil
}

// rewriteAll begins a segment, writes the snapshot that makes the earlier ones
// unnecessary, and deletes them.
func (l *Log) rewriteAll() error {
	last, upTo, err := l.rotate()
	if err != nil {
		return err
	}
	size, err := l.writeSnapshot(last)
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.older = size
	l.synced = max(l.synced, upTo)
	if l.broken {
		// What could not be synced is on the disk now, in the snapshot.
		l.broken = false
		l.fail(nil)
	}
	l.moved.Broadcast()
	l.mu.Unlock()
	files, err := l.cfg.list()
	if err != nil {
		return err
	}
	return l.cfg.removeUpTo(last, files)
}

// rotate begins a new segment. It returns the number of the segment before it,
// and the position up to which operations are in that or an earlier one.
func (l *Log) rotate() (last, upTo uint64, err error) {
	// Most of the sync that a finished segment needs is done beside the writes.
	l.syncBeside()

	l.mu.Lock()
	defer l.mu.Unlock()
	l.lead()
	defer l.follow()
	for l.syncing {
		l.moved.Wait()
	}
	if l.closed {
		return 0, 0, ErrClosed
	}
	old := l.seg
	if old.size == int64(headerSize) {
		// Nothing was written to it, and it may have failed only to follow
		// one that could not be synced.
		return old.seq - 1, l.written, nil
	}
	prevLen := uint64(noLength)
	if !l.broken {
		if l.flush(true); l.err != nil {
			return 0, 0, l.err
		}
		prevLen = uint64(old.size)
	}
	upTo = l.written
	l.mu.Unlock()
	seg, err := l.cfg.begin(old.seq+1, prevLen)
	l.mu.Lock()
	if err != nil {
		return 0, 0, err
	}
	l.seg = seg
	l.older += old.size
	return old.seq, upTo, old.f.Close()
}

// writeSnapshot writes the state that covers the segments up to seq, and
// returns the file's size.
func (l *Log) writeSnapshot(seq uint64) (int64, error) {
	name := l.cfg.path(seq, snapExt)
	f, err := l.cfg.FS.Create(name + tmpExt)
	if err != nil {
		return 0, err
	}
	w := snapshotWriter{log: l, f: f}
	h := newHeader(typeSnap, seq, noLength)
	w.buf = h.encode()
	err = l.cfg.Snapshot(w.put)
	if err == nil {
		err = w.finish()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = l.cfg.FS.Rename(name+tmpExt, name)
	}
	if err != nil {
		// The error that matters is the first one.
		_ = l.cfg.FS.Remove(name + tmpExt)
		return 0, err
	}
	return w.size, l.cfg.FS.SyncDir(l.cfg.Dir)
}

type snapshotWriter struct {
	log  *Log
	f    disk.File
	buf  []byte
	size int64
	ops  uint64
}

// snapshotWrite is how much is written at once.
const snapshotWrite = 1 << 20

func (w *snapshotWriter) put(kind Kind, key, body []byte) error {
	w.buf = appendFrame(w.buf, kind, key, body)
	w.ops++
	if len(w.buf) < snapshotWrite {
		return nil
	}
	select {
	case <-w.log.stop:
		return ErrClosed
	default:
		return w.flush()
	}
}

func (w *snapshotWriter) flush() error {
	_, err := w.f.WriteAt(w.buf, w.size)
	w.size += int64(len(w.buf))
	w.buf = w.buf[:0]
	return err
}

func (w *snapshotWriter) finish() error {
	w.buf = appendFrame(w.buf, end, nil, binary.LittleEndian.AppendUint64(nil, w.ops))
	if err := w.flush(); err != nil {
		return err
	}
	return w.f.Sync()
}
