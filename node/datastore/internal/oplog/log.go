package oplog

import (
	"errors"
	"io"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dynomite-go/dynomite/node/datastore/disk"
)

// Policy says when appended operations are synced to the disk.
type Policy uint8

const (
	// EverySecond syncs once a second, beside the writes.
	EverySecond Policy = iota
	// Always syncs before Commit returns.
	Always
	// Never leaves it to the operating system, until Close.
	Never
)

// Config is what Open needs.
type Config struct {
	// FS is where Dir is. Required.
	FS disk.FS
	// Dir is the log's directory, made if it does not exist. Nothing else may
	// be in it.
	Dir string
	// Sync is when operations reach the disk.
	Sync Policy
	// Snapshot writes the whole state as operations, and stops at the first
	// error of put. It is called in the background, and must include everything
	// that was appended before it was called. Required.
	Snapshot func(put func(kind Kind, key, body []byte) error) error
	// Live is about how many bytes Snapshot would write. Required.
	Live func() int64
	// RewriteMin is the size below which the log is not rewritten.
	RewriteMin int64
	// Salvage skips what is damaged instead of refusing to start.
	Salvage bool
}

// Log is an open log. It is safe for concurrent use. Two goroutines serve it
// until Close.
type Log struct {
	cfg  Config
	lock io.Closer
	// failed mirrors err for Err.
	failed atomic.Pointer[error]

	mu    sync.Mutex
	moved *sync.Cond // signals every change of what follows
	// buf holds the frames that were appended and not yet written; positions
	// count the bytes of frames since Open.
	buf, spare                []byte
	appended, written, synced uint64
	// leading is held by whoever writes to the segment, or changes it.
	leading bool
	// syncing is held by whoever syncs beside the writes.
	syncing bool
	seg     *segment
	older   int64 // bytes in earlier segments and the snapshot
	err     error // why writing is suspended; nil while all is well
	broken  bool  // a sync failed: the segment must be replaced
	closed  bool
	stats   Stats

	rewriting sync.Mutex // taken before mu

	kick    chan struct{} // asks for a write
	rewrite chan struct{} // asks for a rewrite
	stop    chan struct{}
	done    sync.WaitGroup
}

// segment is the file that is appended to.
type segment struct {
	f      disk.File
	seq    uint64
	id     [16]byte
	size   int64 // of what is known to be written
	synced int64 // offset up to which it was synced; 0: already marked
}

// Stats tells of a log's size and troubles.
type Stats struct {
	// Bytes is the size of all files.
	Bytes int64
	// Appended counts the bytes of operations since Open.
	Appended uint64
	// Writes, Syncs and Rewrites count what succeeded since Open.
	Writes, Syncs, Rewrites uint64
	// WriteErrors, SyncErrors and RewriteErrors count what failed.
	WriteErrors, SyncErrors, RewriteErrors uint64
}

// keepBuffer is how much room a written buffer may keep: enough for a busy
// moment, and a huge value does not hold its memory for ever.
const keepBuffer = 4 << 20

// kickAt is how much may be appended before it is written without anybody
// asking by Commit.
const kickAt = 1 << 20

// Open replays the log in cfg.Dir through apply, which gets each operation with
// slices that are valid during the call, and opens it for appending. An error
// of apply is reported as damage.
func Open(cfg Config, apply func(kind Kind, key, body []byte) error) (*Log, Report, error) {
	if err := cfg.FS.MkdirAll(cfg.Dir); err != nil {
		return nil, Report{}, err
	}
	lock, err := cfg.FS.Lock(filepath.Join(cfg.Dir, lockName))
	if err != nil {
		return nil, Report{}, err
	}
	l := &Log{
		cfg: cfg, lock: lock,
		kick: make(chan struct{}, 1), rewrite: make(chan struct{}, 1), stop: make(chan struct{}),
	}
	l.moved = sync.NewCond(&l.mu)
	r := replayer{cfg: &l.cfg, apply: apply}
	l.seg, l.older, err = r.replay()
	if err == nil && l.seg == nil {
		l.seg, err = cfg.begin(1, noLength)
		if err == nil {
			// The directory itself may be new.
			err = cfg.FS.SyncDir(filepath.Dir(cfg.Dir))
		}
	}
	if err != nil {
		return nil, r.report, errors.Join(err, lock.Close())
	}
	l.done.Go(l.serve)
	l.done.Go(l.serveRewrites)
	return l, r.report, nil
}

// begin makes a segment that is durable and has its name only with its header.
func (c *Config) begin(seq, prevLen uint64) (*segment, error) {
	name := c.path(seq, logExt)
	f, err := c.FS.Create(name + tmpExt)
	if err != nil {
		return nil, err
	}
	h := newHeader(typeLog, seq, prevLen)
	_, err = f.WriteAt(h.encode(), 0)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = c.FS.Rename(name+tmpExt, name)
	}
	if err == nil {
		err = c.FS.SyncDir(c.Dir)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &segment{f: f, seq: seq, id: h.id, size: int64(headerSize)}, nil
}

// Append adds an operation. It copies key and body, does not wait for the disk,
// and cannot fail: see Commit. More than MaxOperation bytes panic.
func (l *Log) Append(kind Kind, key, body []byte) {
	l.mu.Lock()
	before := len(l.buf)
	l.buf = appendFrame(l.buf, kind, key, body)
	l.appended += uint64(len(l.buf) - before)
	full := len(l.buf) >= kickAt && before < kickAt
	l.mu.Unlock()
	if full {
		select {
		case l.kick <- struct{}{}:
		default:
		}
	}
}

// Commit returns when everything appended before the call is written, and
// synced too if the policy is Always. If it returns an error, some of that may
// be lost should the process end now; it is still written when the disk allows
// it.
func (l *Log) Commit() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.commit(l.cfg.Sync == Always)
}

// Sync returns when everything appended before the call is synced, under every
// policy. It keeps nobody from writing meanwhile.
func (l *Log) Sync() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	target := l.appended
	if err := l.commit(false); err != nil {
		return err
	}
	for l.synced < target {
		switch {
		case l.err != nil:
			return l.err
		case l.closed:
			return ErrClosed
		case l.syncing:
			l.moved.Wait()
		default:
			l.sync()
		}
	}
	return nil
}

func (l *Log) commit(sync bool) error {
	target := l.appended
	for {
		switch {
		case l.written >= target && (!sync || l.synced >= target):
			return nil
		case l.err != nil:
			return l.err
		case l.closed:
			return ErrClosed
		case l.leading:
			l.moved.Wait()
		default:
			l.lead()
			l.flush(sync)
			l.follow()
		}
	}
}

// lead waits for the right to write to the segment. l.mu is held.
func (l *Log) lead() {
	for l.leading {
		l.moved.Wait()
	}
	l.leading = true
}

func (l *Log) follow() {
	l.leading = false
	l.moved.Broadcast()
}

// flush writes the buffer, and syncs if asked. The caller leads and holds l.mu,
// which is released in between.
func (l *Log) flush(sync bool) {
	data, upTo, seg := l.buf, l.appended, l.seg
	l.buf, l.spare = l.spare[:0], nil
	frames := len(data)
	if frames > 0 && seg.synced > 0 {
		data = appendMark(data, &seg.id, seg.synced)
	}
	l.mu.Unlock()
	var werr, serr error
	if len(data) > 0 {
		// At the same offset again after an error, over what it left there.
		_, werr = seg.f.WriteAt(data, seg.size)
	}
	if werr == nil && sync {
		serr = seg.f.Sync()
	}
	l.mu.Lock()
	if werr != nil {
		l.buf = append(data[:frames:frames], l.buf...)
		l.stats.WriteErrors++
		l.fail(werr)
		return
	}
	if cap(data) <= keepBuffer {
		l.spare = data[:0]
	}
	if len(data) > 0 {
		l.stats.Writes++
		seg.size += int64(len(data))
		if frames != len(data) {
			seg.synced = 0
		}
	}
	l.written = upTo
	if !l.broken {
		l.fail(nil)
	}
	if sync {
		l.synchronized(seg, seg.size, upTo, serr)
	}
}

// synchronized records the outcome of a sync.
func (l *Log) synchronized(seg *segment, size int64, upTo uint64, err error) {
	if err != nil {
		// The system may have dropped the pages and report success next time.
		l.stats.SyncErrors++
		l.broken = true
		l.fail(err)
		return
	}
	l.stats.Syncs++
	l.synced = max(l.synced, upTo)
	seg.synced = size
}

// fail suspends or resumes writing.
func (l *Log) fail(err error) {
	l.err = err
	if err == nil {
		if l.failed.Load() != nil {
			l.failed.Store(nil)
		}
		return
	}
	l.failed.Store(&err)
	l.moved.Broadcast()
}

// Err is why the log cannot be written at the moment, nil if it can. It costs
// one atomic load.
func (l *Log) Err() error {
	if p := l.failed.Load(); p != nil {
		return *p
	}
	return nil
}

// serve writes what nobody commits, syncs under EverySecond, and tries again
// after an error.
func (l *Log) serve() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-l.kick:
			l.writeOut()
		case <-tick.C:
			l.writeOut()
			if l.cfg.Sync == EverySecond {
				l.syncBeside()
			}
			l.considerRewrite()
		}
	}
}

func (l *Log) writeOut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken || len(l.buf) == 0 && l.err == nil {
		return
	}
	l.lead()
	l.flush(false)
	l.follow()
}

// syncBeside syncs without keeping others from writing.
func (l *Log) syncBeside() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil || l.synced >= l.written || l.syncing {
		return
	}
	l.sync()
}

// sync syncs what is written. l.mu is released in between.
func (l *Log) sync() {
	l.syncing = true
	seg, size, upTo := l.seg, l.seg.size, l.written
	l.mu.Unlock()
	err := seg.f.Sync()
	l.mu.Lock()
	l.syncing = false
	l.synchronized(seg, size, upTo, err)
	l.moved.Broadcast()
}

// Stats tells of the log's size and troubles.
func (l *Log) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	st := l.stats
	st.Bytes = l.older + l.seg.size
	st.Appended = l.appended
	return st
}

// Close writes and syncs what was appended, under every policy, and ends the
// log's goroutines. Closing again does nothing.
func (l *Log) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	l.mu.Unlock()
	close(l.stop)
	l.done.Wait()
	l.rewriting.Lock() // one that somebody called for stops soon
	defer l.rewriting.Unlock()

	l.mu.Lock()
	defer l.mu.Unlock()
	l.lead()
	for l.syncing {
		l.moved.Wait()
	}
	if !l.broken {
		l.flush(true)
	}
	l.follow() // those who still wait see that it is closed
	return errors.Join(l.err, l.seg.f.Close(), l.lock.Close())
}
