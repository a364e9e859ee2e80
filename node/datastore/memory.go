package datastore

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/dynomite-go/dynomite/node/datastore/disk"
	"github.com/dynomite-go/dynomite/node/datastore/internal/oplog"
)

var (
	// ErrClosed is returned by the methods of a closed store.
	ErrClosed = errors.New("datastore: the store is closed")
	// ErrLog is wrapped by the errors of a store whose log cannot be written
	// at the moment, with what the disk says. Reads go on; writes are refused
	// until the log can be written again, which the store tries every second.
	ErrLog = errors.New("datastore: the log cannot be written")
	// ErrMemory says that the system gave no memory, or that a shard holds the
	// 32 GiB that it can; nothing was changed.
	ErrMemory = errors.New("datastore: no memory for the record")
)

// SyncPolicy says when what was joined reaches the disk: Redis's appendfsync.
// Under each of them it reaches the operating system before Commit returns, so
// the end of the process loses nothing that was committed.
type SyncPolicy uint8

const (
	// SyncEverySecond syncs once a second: a power failure loses at most the
	// last second or two.
	SyncEverySecond SyncPolicy = iota
	// SyncAlways syncs before Commit returns: a power failure loses nothing
	// that was committed.
	SyncAlways
	// SyncNo leaves it to the operating system, until Close.
	SyncNo
)

// String is the policy's name as Redis's appendfsync has it.
func (p SyncPolicy) String() string {
	switch p {
	case SyncEverySecond:
		return "everysec"
	case SyncAlways:
		return "always"
	case SyncNo:
		return "no"
	}
	return fmt.Sprintf("SyncPolicy(%d)", uint8(p))
}

// Config configures a Memory. The zero value is a store of one node without a
// log.
type Config struct {
	// Shards is the number of parts with a lock each: a power of two, at most
	// 16384. Zero means 64, enough for some dozens of cores.
	Shards int
	// Token places keys: records are scanned in the order of tokens, and a
	// token's top bits choose the shard. It must always give a key the same
	// token and be safe for concurrent use. Nil means a hash of the key.
	Token func(key []byte) uint64
	// Clock stamps and says what time it is. Nil means the system's clock, as
	// node 1.
	Clock *Clock
	// DigestKey keys the digests. Stores whose digests are compared share it.
	DigestKey uint64
	// Dir is the directory of the store's files, made if it does not exist.
	// Empty means that nothing is kept. The log is in Dir/log; everything else
	// in Dir is the caller's.
	Dir string
	// Sync is how durable Commit makes what was joined.
	Sync SyncPolicy
	// FS is the file system of Dir. Nil means the operating system's.
	FS disk.FS
	// RewriteMin is the size in bytes below which the log is not rewritten;
	// above it, it is when it is twice as large as what it stands for. Zero
	// means 64 MiB, as in Redis.
	RewriteMin int64
	// Salvage skips what is damaged in the log instead of refusing to open:
	// see [Memory.Recovery].
	Salvage bool
}

const (
	defaultShards     = 64
	maxShards         = 1 << 14
	defaultRewriteMin = 64 << 20
	logDir            = "log"
)

// Validate says what is wrong with the configuration, naming the field.
func (c *Config) Validate() error {
	switch {
	case c.Shards < 0 || c.Shards > maxShards || c.Shards&(c.Shards-1) != 0:
		return fmt.Errorf("datastore: Config.Shards is %d, want a power of two up to %d", c.Shards, maxShards)
	case c.Sync > SyncNo:
		return fmt.Errorf("datastore: Config.Sync is %d, want one of the SyncPolicy constants", c.Sync)
	case c.RewriteMin < 0:
		return fmt.Errorf("datastore: Config.RewriteMin is %d, want zero or more bytes", c.RewriteMin)
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.Shards == 0 {
		c.Shards = defaultShards
	}
	if c.Token == nil {
		c.Token = hashToken
	}
	if c.Clock == nil {
		c.Clock = NewClock(1, nil)
	}
	if c.FS == nil {
		c.FS = disk.OS()
	}
	if c.RewriteMin == 0 {
		c.RewriteMin = defaultRewriteMin
	}
	return c
}

// Memory is the store that keeps everything in memory, and if it has a
// directory in a log as well. It is safe for concurrent use.
//
// Records lie in slabs outside the Go heap and are found through an index
// without pointers, so the garbage collector's work does not grow with them.
// Every key costs about 55 bytes over its own length and its value's.
// Collections of many fields are ordered trees on the heap.
type Memory struct {
	cfg    Config
	clock  *Clock
	token  func(key []byte) uint64
	shift  uint // of a token, to its shard
	shards []shard
	log    *oplog.Log // nil without a directory
	report Recovery
	closed atomic.Bool

	// resetting serializes range resets and changes of floors; it is taken
	// before a shard's lock.
	resetting sync.Mutex
	resets    []RangeReset
	runs      runs

	refused  atomic.Uint64 // atoms and range resets that came too late
	raises   atomic.Uint64 // of floors
	sweeping sync.Mutex
	sweeper  sweeper

	settling sync.Mutex // taken before a shard's lock
	shown    uint64     // the generation that Settle has made visible
}

var _ Store = (*Memory)(nil)

// Open opens a store and, if it has a directory, replays its log. ctx ends a
// replay; it does not end the store. A directory can be open once at a time.
//
// A torn end of the log is cut off, see [Memory.Recovery]. Damage anywhere else
// is an error that names the file and the offset.
func Open(ctx context.Context, cfg Config) (*Memory, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	m := &Memory{
		cfg: cfg, clock: cfg.Clock, token: cfg.Token,
		shift:  uint(64 - bits.TrailingZeros(uint(cfg.Shards))),
		shards: make([]shard, cfg.Shards),
		runs:   make(runs, 1),
	}
	for i := range m.shards {
		m.shards[i].init(m, uint64(i)<<m.shift, uint64(i+1)<<m.shift-1)
	}
	if cfg.Dir == "" {
		return m, nil
	}
	log, report, err := oplog.Open(oplog.Config{
		FS: cfg.FS, Dir: filepath.Join(cfg.Dir, logDir), Sync: logPolicy(cfg.Sync),
		Snapshot: m.snapshot, Live: m.live, RewriteMin: cfg.RewriteMin, Salvage: cfg.Salvage,
	}, func(kind oplog.Kind, key, body []byte) error { return m.replay(ctx, kind, key, body) })
	m.report = recovery(report)
	if err != nil {
		m.free()
		if ctx.Err() != nil {
			err = ctx.Err() // and no damage
		}
		return nil, fmt.Errorf("datastore: open the log: %w", err)
	}
	m.log = log
	return m, nil
}

// shard is where a token lives. The mask keeps a shift by 64, of a store with
// one shard, in range.
func (m *Memory) shard(token uint64) *shard {
	return &m.shards[int(token>>m.shift)&(len(m.shards)-1)]
}

// Commit returns when everything joined before the call is as durable as
// Config.Sync asks; at once without a directory. An error wraps ErrLog: what
// was joined may be lost if the process ends before the disk is well again.
func (m *Memory) Commit() error {
	if m.log == nil {
		return nil
	}
	return logError(m.log.Commit())
}

// Sync is Commit that waits for the disk under every policy: what an owner has
// said to hold in a round is not lost with the power.
func (m *Memory) Sync() error {
	if m.log == nil {
		return nil
	}
	return logError(m.log.Sync())
}

// Close syncs the log and gives the memory back. It waits for the store's
// goroutines. Closing again does nothing.
func (m *Memory) Close() error {
	if m.closed.Swap(true) {
		return nil
	}
	var err error
	if m.log != nil {
		err = logError(m.log.Close())
	}
	m.free()
	return err
}

func (m *Memory) free() {
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		s.clear()
		s.mu.Unlock()
	}
}

// writable says why nothing can be written.
func (m *Memory) writable() error {
	if m.log == nil {
		return nil
	}
	return logError(m.log.Err())
}

func logError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, oplog.ErrClosed):
		return ErrClosed
	}
	return fmt.Errorf("%w: %w", ErrLog, err)
}

func logPolicy(p SyncPolicy) oplog.Policy {
	switch p {
	case SyncAlways:
		return oplog.Always
	case SyncNo:
		return oplog.Never
	}
	return oplog.EverySecond
}

// hashToken is FNV-1a with a finalizer, so that the top bits, which choose the
// shard, depend on every byte.
func hashToken(key []byte) uint64 {
	h := uint64(0xcbf29ce484222325)
	for _, b := range key {
		h = (h ^ uint64(b)) * 0x100000001b3
	}
	h ^= h >> 32
	h *= 0xd6e8feb86659fd93
	return h ^ h>>32
}
