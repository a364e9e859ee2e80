package frontend

import (
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Snapshot is a copy of the frontend's counters. CONFIG RESETSTAT sets them
// to zero, but for Connections.
type Snapshot struct {
	// Commands has what was called or rejected at least once, by name.
	Commands []CommandStats
	// Errors counts error replies by their first word (ERR, WRONGTYPE, ...).
	Errors map[string]int64
	// Processed counts executed commands, ErrorReplies replies that were
	// errors.
	Processed, ErrorReplies int64
	// Connections is how many are open now, Accepted how many there were,
	// Refused how many were one too many.
	Connections       int
	Accepted, Refused int64
	// OpsPerSecond is the rate over the last 1.6 seconds.
	OpsPerSecond float64
}

// CommandStats counts one command or subcommand (client|id).
type CommandStats struct {
	// Name is in lower case.
	Name string
	// Calls counts executions, Failed those among them that answered an
	// error, Rejected the requests with a wrong number of arguments.
	Calls, Failed, Rejected int64
	// Time is what the calls took together. Commands that were executed as
	// one group share its time evenly.
	Time time.Duration
}

// Snapshot copies the counters. It costs some microseconds and disturbs
// nobody.
func (f *Frontend) Snapshot() Snapshot {
	snap := f.stats.snapshot(time.Now())
	snap.Connections = f.clients.len()
	snap.Accepted = f.clients.accepted.Load()
	snap.Refused = f.clients.refused.Load()
	return snap
}

func (f *Frontend) resetStats() {
	f.stats.reset()
	f.clients.accepted.Store(0)
	f.clients.refused.Store(0)
}

// stats are the counters of all commands, in shards so that connections on
// different processors do not write to the same cache lines.
type stats struct {
	entries []*entry
	shards  []*statsShard
	errors  errorStats
}

type statsShard struct {
	commands []counters
	rate     rate
}

type counters struct{ calls, failed, rejected, nanos atomic.Int64 }

func newStats(entries []*entry) *stats {
	s := &stats{entries: entries}
	for range min(runtime.GOMAXPROCS(0), 16) {
		s.shards = append(s.shards, &statsShard{commands: make([]counters, len(entries))})
	}
	return s
}

func (s *stats) shard(id uint64) *statsShard { return s.shards[id%uint64(len(s.shards))] }

func (s *statsShard) ran(e *entry, calls int, took time.Duration, failed bool) {
	c := &s.commands[e.index]
	c.calls.Add(int64(calls))
	c.nanos.Add(int64(took))
	if failed {
		c.failed.Add(1)
	}
}

func (s *statsShard) fail(e *entry)   { s.commands[e.index].failed.Add(1) }
func (s *statsShard) reject(e *entry) { s.commands[e.index].rejected.Add(1) }

func (s *stats) snapshot(now time.Time) Snapshot {
	var snap Snapshot
	for i, e := range s.entries {
		c := CommandStats{Name: e.name}
		for _, shard := range s.shards {
			from := &shard.commands[i]
			c.Calls += from.calls.Load()
			c.Failed += from.failed.Load()
			c.Rejected += from.rejected.Load()
			c.Time += time.Duration(from.nanos.Load())
		}
		snap.Processed += c.Calls
		if c.Calls+c.Rejected > 0 {
			snap.Commands = append(snap.Commands, c)
		}
	}
	slices.SortFunc(snap.Commands, func(a, b CommandStats) int { return strings.Compare(a.Name, b.Name) })
	for _, shard := range s.shards {
		snap.OpsPerSecond += shard.rate.perSecond(now)
	}
	snap.Errors, snap.ErrorReplies = s.errors.snapshot()
	return snap
}

func (s *stats) reset() {
	for _, shard := range s.shards {
		for i := range shard.commands {
			c := &shard.commands[i]
			c.calls.Store(0)
			c.failed.Store(0)
			c.rejected.Store(0)
			c.nanos.Store(0)
		}
		shard.rate.reset()
	}
	s.errors.reset()
}

// maxErrorCodes bounds the table of error codes, as Redis does: codes can
// come from clients' own scripts.
const maxErrorCodes = 128

// errorStats counts error replies by code. Errors are rare enough for a lock.
type errorStats struct {
	mu    sync.Mutex
	codes map[string]*int64
	total int64
}

// count counts the error reply at the head of reply.
func (e *errorStats) count(reply []byte) {
	code := errorCode(reply)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.total++
	if n := e.codes[string(code)]; n != nil {
		*n++
		return
	}
	if len(e.codes) >= maxErrorCodes {
		return
	}
	if e.codes == nil {
		e.codes = make(map[string]*int64)
	}
	one := int64(1)
	e.codes[string(code)] = &one
}

func (e *errorStats) snapshot() (map[string]int64, int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	codes := make(map[string]int64, len(e.codes))
	for code, n := range e.codes {
		codes[code] = *n
	}
	return codes, e.total
}

func (e *errorStats) reset() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.codes, e.total = nil, 0
}
