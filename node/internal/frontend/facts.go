package frontend

import (
	"context"
	"time"
)

// Facts are functions that tell what INFO shows and this package cannot know.
// Every one is optional: without it INFO shows zero, or leaves the lines out.
// They are called for each INFO and must be quick and safe for concurrent use.
type Facts struct {
	// Keys is the number of keys, Expires how many of them have an expiry.
	Keys, Expires func() int64
	// Hits and Misses count look-ups of keys by reads, Expired the keys whose
	// time came.
	Hits, Misses, Expired func() int64
	// Memory is the memory in use in bytes. The default is what the Go runtime
	// holds for objects and stacks, which misses what lies outside its heap.
	Memory func() int64
	// Loading says whether the data is still being read from disk.
	Loading func() bool
	// Log is the state of the append-only log.
	Log func() Log
	// ResetStats sets the counters behind Hits, Misses and Expired to zero,
	// for CONFIG RESETSTAT.
	ResetStats func()
	// Hints returns what this node keeps for each of the others.
	Hints func() []Hints
	// AwaitHints waits until no node lacks anything that was written before, or ctx
	// ends, and returns how many do or cannot be asked.
	AwaitHints func(ctx context.Context) int
	// Dynomite returns the lines of INFO's section of that name: this node,
	// its datacenter and rack, the members.
	Dynomite func() []Field
}

// Field is one line of INFO.
type Field struct{ Name, Value string }

// Hints is what is kept for a node, as DYN.HINTS shows it.
type Hints struct {
	Node   string
	Fields []HintField
}

// HintField is one number of Hints.
type HintField struct {
	Name  string
	Value int64
}

// Log is the state of the append-only log, shown in the terms of Redis's AOF.
// The zero value means that there is none.
type Log struct {
	// Enabled says whether there is a log, Sync when it reaches the disk
	// (always, everysec, no).
	Enabled bool
	Sync    string
	// Size is its length in bytes, BaseSize what it was when it was last
	// compacted or, if that never was, at the start.
	Size, BaseSize int64
	// Compacting says whether it is being compacted; LastCompaction how long
	// the last time took, zero if there was none.
	Compacting     bool
	LastCompaction time.Duration
	// Err is why the last write failed, nil if it did not.
	Err error
}

func number(f func() int64) int64 {
	if f == nil {
		return 0
	}
	return f()
}
