package hints

import (
	"errors"
	"io/fs"
	"slices"
)

// writing is a tail on its way to its file.
type writing struct {
	seg       *segment
	tail      []byte
	fresh     int // how many of the segment's fresh slots are in it
	file      File
	made      bool
	allocated int64
	err       error
}

// naming is a file of marks on its way.
type naming struct {
	q     *queue
	marks []byte
	err   error
}

// flush writes the tails and, with Always, syncs them. It is called with the
// lock held, which it gives up meanwhile. There is one at a time.
func (l *Log) flush() {
	l.flushing = true
	if l.cfg.Sync == Always {
		l.gather()
	}
	for _, q := range l.crowdedOnes() {
		q.compact()
	}
	b, upto := l.collecting, l.added
	l.inFlight, l.collecting, l.taken = b, newBatch(), upto
	write := l.takeTails()
	names := l.takeNames()
	forgotten, superseded := l.forgotten, l.garbage
	l.forgotten, l.garbage = nil, nil
	l.mu.Unlock()

	undone := l.removeFiles(forgotten)
	for i := range names {
		names[i].err = l.writeName(names[i])
	}
	for i := range write {
		write[i].err = write[i].write(l.cfg)
	}

	l.mu.Lock()
	l.forgotten = append(l.forgotten, undone...)
	for _, n := range names {
		l.settleName(n)
	}
	for _, w := range write {
		l.settle(w)
	}
	l.superseded = append(l.superseded, superseded...)
	switch l.cfg.Sync {
	case Always:
		l.sync()
	case No:
		l.removable = append(l.removable, l.superseded...)
		l.superseded = nil
	}
	l.complete(b, upto)
}

func (l *Log) crowdedOnes() []*queue {
	qs := l.crowded
	l.crowded = nil
	return qs
}

func (l *Log) takeTails() []writing {
	var out []writing
	for _, seg := range l.unwritten {
		seg.listed = false
		if !seg.removed && len(seg.tail) > 0 {
			seg.pins++
			out = append(out, writing{seg: seg, tail: seg.tail, fresh: len(seg.fresh), file: seg.file, allocated: seg.allocated})
		}
	}
	clear(l.unwritten)
	l.unwritten = l.unwritten[:0]
	return out
}

// write writes a tail, with room behind it if that makes the next syncs
// faster.
func (w *writing) write(cfg Config) (err error) {
	if w.file == nil {
		if w.file, err = cfg.FS.Create(w.seg.name()); err != nil {
			return err
		}
		w.made = true
	}
	if _, err := w.file.WriteAt(w.tail, w.seg.written); err != nil {
		return err
	}
	end := w.seg.written + int64(len(w.tail))
	if end <= w.allocated {
		return nil
	}
	w.allocated = end
	p, ok := w.file.(Preallocator)
	if room := min(max(end, minRoom), maxRoom, cfg.SegmentBytes-end); ok && cfg.Sync == Always && room > 0 {
		if p.Preallocate(end, end+room) == nil {
			w.allocated = end + room
		}
	}
	return nil
}

// Room behind what was written, as much as there is before it, within these:
// so that a small queue takes little, and one that is written to all the time
// makes room once in some hundred syncs.
const (
	minRoom = 64 << 10
	maxRoom = 4 << 20
)

// settle takes note of what became of a tail.
func (l *Log) settle(w writing) {
	seg := w.seg
	seg.pins--
	if w.made {
		seg.file = w.file
		l.newNames = true
	}
	if seg.failed { // a sync of it did meanwhile, and all of the tail is given up
		seg.allocated = max(w.allocated, seg.written+1)
		seg.q.trim()
		return
	}
	if w.err != nil {
		// The whole tail goes, with what was added to it meanwhile.
		l.fail(seg.q.node, w.err)
		seg.allocated = max(w.allocated, seg.written+1) // some of it may be there
		seg.unwritable()
		seg.q.trim()
		return
	}
	seg.allocated = w.allocated
	if l.cfg.Join != nil {
		seg.q.recent.keep(l.maxRecent, seg, seg.written, w.tail)
	}
	seg.written += int64(len(w.tail))
	seg.tail = append(seg.spare[:0], seg.tail[len(w.tail):]...)
	if seg.spare = w.tail[:0]; cap(seg.spare) > maxSpare {
		seg.spare = nil
	}
	seg.fresh = slices.Delete(seg.fresh, 0, w.fresh)
	if !seg.unsynced {
		seg.unsynced = true
		l.unsynced = append(l.unsynced, seg)
	}
	seg.q.trim()
}

// fail takes note of an error for those who wait for what was added for a
// node so far.
func (l *Log) fail(node string, err error) {
	f := failure{node, l.committed, l.added, err}
	if l.inFlight != nil {
		l.inFlight.failed = append(l.inFlight.failed, f)
	}
	l.collecting.failed = append(l.collecting.failed, f)
}

// removeFiles deletes files and returns those that it could not.
func (l *Log) removeFiles(names []string) (undone []string) {
	for _, name := range names {
		if err := l.cfg.FS.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			undone = append(undone, name)
		}
	}
	return undone
}
