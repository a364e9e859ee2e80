package hints

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"hash/maphash"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
)

// runningName exists from Open to a clean Close.
const runningName = "running"

// Recovery says what Open found.
type Recovery struct {
	// Unclean says that the last Log here was not closed: what it added last may
	// be lost. Every node that the log knows is marked dirty over all tokens;
	// the caller marks those that it does not know.
	Unclean bool
	// Records and Bytes were read.
	Records int
	Bytes   int64
	// Cut are torn ends that were left out, Damaged stretches in the middle of
	// a file; their nodes are marked dirty over all tokens.
	Cut, Damaged int
	// Refused are files that were left alone: of another writer, of a newer
	// version, or without a readable header.
	Refused []Refused
}

// Refused is a file that Open left alone, and why.
type Refused struct {
	File string
	Err  error
}

// Open reads what the last Log in cfg.FS left.
func Open(cfg Config) (*Log, Recovery, error) {
	var rec Recovery
	if err := cfg.Validate(); err != nil {
		return nil, rec, err
	}
	cfg = cfg.withDefaults()
	l := &Log{cfg: cfg, seed: maphash.MakeSeed(), queues: map[string]*queue{}}
	l.flushed = sync.NewCond(&l.mu)
	names, err := cfg.FS.List()
	if err != nil {
		return nil, rec, fmt.Errorf("hints: %w", err)
	}
	slices.Sort(names) // a node's segments in their order
	rec.Unclean = slices.Contains(names, runningName)
	readers := map[string]*recoverer{}
	for _, name := range names {
		switch {
		case strings.HasSuffix(name, segmentSuffix):
			err = l.readSegment(name, readers, &rec)
		case strings.HasSuffix(name, dirtySuffix):
			err = l.readDirty(name, &rec)
		case strings.HasSuffix(name, tempSuffix):
			err = cfg.FS.Remove(name)
		}
		if err != nil {
			l.closeFiles()
			return nil, rec, fmt.Errorf("hints: %s: %w", name, err)
		}
	}
	for _, r := range readers {
		r.finish(&rec)
	}
	if rec.Unclean {
		for _, q := range l.queues {
			q.mark([]Range{All})
		}
	}
	f, err := cfg.FS.Create(runningName)
	if err == nil {
		err = errors.Join(f.Close(), cfg.FS.SyncDir())
	}
	if err != nil {
		l.closeFiles()
		return nil, rec, fmt.Errorf("hints: %w", err)
	}
	return l, rec, nil
}

func (l *Log) closeFiles() {
	for _, q := range l.queues {
		for _, seg := range q.segments {
			if seg.file != nil {
				seg.file.Close()
			}
		}
	}
}

// readAll reads a file of ours whole. One that is larger than any that a log
// writes is not.
func (l *Log) readAll(name string, limit int64) (File, []byte, error) {
	f, err := l.cfg.FS.Open(name)
	if err != nil {
		return nil, nil, err
	}
	size, err := f.Size()
	if err == nil && size > limit {
		err = errMalformed
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	b := make([]byte, size)
	n, err := f.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, b[:n], nil
}

// recoverer puts together the queue of one node.
type recoverer struct {
	q     *queue
	slots map[uint64]*slot
	keys  map[uint64]uint64 // id to hash of the key
}

// maxTries bounds how many markers without a record behind them are tried in
// one file: values may hold some, a hostile file many.
const maxTries = 1000

func (l *Log) readSegment(name string, readers map[string]*recoverer, rec *Recovery) error {
	// A segment is begun below its limit and ends with at most one record more.
	f, b, err := l.readAll(name, 2*max(l.cfg.SegmentBytes, DefaultSegmentBytes)+2*max(int64(l.cfg.MaxRecord), DefaultMaxRecord))
	if err != nil {
		if errors.Is(err, errMalformed) || !errors.Is(err, fs.ErrNotExist) {
			rec.Refused = append(rec.Refused, Refused{name, err})
			rec.Unclean = true
			return nil
		}
		return err
	}
	node, at, err := readHeader(b, l.cfg.Self)
	if err != nil {
		f.Close()
		if errors.Is(err, errTorn) {
			// Made, and never written whole: nothing can stand behind it.
			rec.Cut++
			rec.Unclean = true
			return l.cfg.FS.Remove(name)
		}
		// Who lacks something by that is not known: all may.
		rec.Refused = append(rec.Refused, Refused{name, err})
		rec.Unclean = true
		return nil
	}
	r := readers[node]
	if r == nil {
		q, err := l.queue(node)
		if err != nil {
			f.Close()
			rec.Refused = append(rec.Refused, Refused{name, err})
			return nil
		}
		r = &recoverer{q: q, slots: map[uint64]*slot{}, keys: map[uint64]uint64{}}
		readers[node] = r
	}
	rec.Bytes += int64(len(b))
	seg := &segment{q: r.q, file: f, written: int64(len(b)), size: int64(len(b)), failed: true}
	if _, err := fmt.Sscanf(strings.TrimSuffix(strings.TrimPrefix(name, stem(node)+"."), segmentSuffix), "%x", &seg.seq); err != nil || seg.name() != name {
		f.Close()
		rec.Refused = append(rec.Refused, Refused{name, errForeign})
		rec.Unclean = true
		return nil
	}
	r.q.segments = append(r.q.segments, seg)
	r.q.nextSeq = max(r.q.nextSeq, seg.seq+1)
	r.scan(seg, b, at, rec)
	return nil
}

// scan takes the records of a file whose first is at.
func (r *recoverer) scan(seg *segment, b []byte, at int, rec *Recovery) {
	limit := max(r.q.log.cfg.MaxRecord, DefaultMaxRecord)
	for tries := 0; at < len(b); {
		body, size, _, err := unframe(b[at:], r.q.salt, limit)
		var e entry
		if err == nil {
			e, err = decode(body)
		}
		if err == nil {
			r.take(seg, e, int64(at), size)
			at += size
			continue
		}
		// Damage, or a torn end: go on at the next record there is.
		next := -1
		for from := at + 1; tries < maxTries; tries++ {
			i := bytes.Index(b[from:], marker)
			if i < 0 {
				break
			}
			if _, _, _, err := unframe(b[from+i:], r.q.salt, limit); err == nil {
				next = from + i
				break
			}
			from += i + 1
		}
		r.q.mark([]Range{All})
		if next < 0 {
			rec.Cut++
			if err := seg.file.Truncate(int64(at)); err == nil {
				seg.written, seg.size = int64(at), int64(at)
			}
			return
		}
		rec.Damaged++
		at = next
	}
}

func (r *recoverer) take(seg *segment, e entry, off int64, size int) {
	q := r.q
	if e.kind == kindAcks {
		for ids := e.acks; len(ids) > 0; ids = ids[8:] {
			id := binary.BigEndian.Uint64(ids)
			if s := r.slots[id]; s != nil {
				q.leave(s)
				delete(r.slots, id)
			}
		}
		return
	}
	s := r.slots[e.id]
	if s == nil {
		s = &slot{id: e.id}
		r.slots[e.id] = s
	}
	q.leave(s) // a later copy of a record holds all that the former did
	s.at, s.bundle = e.at, e.kind == kindBundle
	s.seg, s.off, s.size = seg, off, uint32(size)
	if !s.bundle {
		s.hash = maphash.Bytes(q.log.seed, e.key)
	}
	seg.live++
	q.bytes += int64(size)
	q.nextID = max(q.nextID, e.id+1)
}

// finish puts the records in their order.
func (r *recoverer) finish(rec *Recovery) {
	for _, id := range slices.Sorted(maps.Keys(r.slots)) {
		s := r.slots[id]
		r.q.link(s)
		if !s.bundle {
			r.q.keys[s.hash] = s
		}
		rec.Records++
	}
	r.q.trim()
}

// A file of marks is: header, number of ranges, from and to of each, crc32c.
func appendDirty(dst []byte, q *queue) []byte {
	dst = appendHeader(dst, q.log.cfg.Self, q.node)
	from := len(dst)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(q.dirty)))
	for _, r := range q.dirty {
		dst = binary.BigEndian.AppendUint64(dst, r.From)
		dst = binary.BigEndian.AppendUint64(dst, r.To)
	}
	return binary.BigEndian.AppendUint32(dst, crc32.Update(q.salt, castagnoli, dst[from:]))
}

func (l *Log) readDirty(name string, rec *Recovery) error {
	f, b, err := l.readAll(name, 2*maxID+64+16*maxRanges)
	if err != nil {
		rec.Refused = append(rec.Refused, Refused{name, err})
		rec.Unclean = true
		return nil
	}
	f.Close()
	node, at, err := readHeader(b, l.cfg.Self)
	if err == nil && name != stem(node)+dirtySuffix {
		err = errForeign
	}
	if err != nil {
		rec.Refused = append(rec.Refused, Refused{name, err})
		rec.Unclean = true
		return nil
	}
	q, err := l.queue(node)
	if err != nil {
		return nil
	}
	if b = b[at:]; len(b) < 8 || crc32.Update(q.salt, castagnoli, b[:len(b)-4]) != binary.BigEndian.Uint32(b[len(b)-4:]) ||
		int(binary.BigEndian.Uint32(b)) != (len(b)-8)/16 {
		rec.Damaged++
		q.mark([]Range{All})
		return nil
	}
	for b = b[4 : len(b)-4]; len(b) >= 16; b = b[16:] {
		q.mark([]Range{{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}})
	}
	return nil
}

// Close writes and syncs what is left, and the marks, whatever Config.Sync
// says, so that the next Open finds all of it. It may be called again. An
// error means that the next Open will take this for an unclean stop.
func (l *Log) Close() error {
	l.mu.Lock()
	for l.flushing {
		l.flushed.Wait()
	}
	if l.closed || l.closing {
		l.mu.Unlock()
		return nil
	}
	if l.timer != nil && l.timer.Stop() {
		l.syncs.Done()
	}
	l.closing = true
	l.failures = nil
	l.flush(true)
	l.closed = true
	var err error
	if len(l.failures) > 0 {
		err = l.failures[0].err
	}
	for _, q := range l.queues {
		if q.empty != nil { // they will see that it is closed
			close(q.empty)
			q.empty = nil
		}
	}
	queues := slices.Collect(maps.Values(l.queues))
	l.flushed.Broadcast()
	l.mu.Unlock()
	l.syncs.Wait()
	for _, q := range queues {
		err = errors.Join(err, l.writeDirty(q))
	}
	l.closeFiles()
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

// remember makes a file that tells the next Open of a queue that has no
// record yet: after an unclean stop all that it knows is that there is one.
func (l *Log) remember(q *queue) error {
	if q.named || len(q.segments) > 0 {
		return nil
	}
	q.named = true
	f, err := l.cfg.FS.Create(stem(q.node) + dirtySuffix)
	if err == nil {
		_, err = f.WriteAt(appendDirty(nil, q), 0)
		err = errors.Join(err, f.Sync(), f.Close(), l.cfg.FS.SyncDir())
	}
	if err != nil {
		return fmt.Errorf("hints: %w", err)
	}
	return nil
}

func (l *Log) writeDirty(q *queue) error {
	name := stem(q.node) + dirtySuffix
	if len(q.dirty) == 0 {
		if err := l.cfg.FS.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	f, err := l.cfg.FS.Create(name + tempSuffix)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(appendDirty(nil, q), 0)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return l.cfg.FS.Rename(name+tempSuffix, name)
}
