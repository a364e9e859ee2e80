package hints

import (
	"slices"
	"time"
)

// Totals count since Open.
type Totals struct {
	// Queued are records made, Coalesced additions that were joined to one,
	// Delivered records acknowledged.
	Queued, Coalesced, Delivered uint64
	// Expired are records older than the window, Dropped those that could not be
	// written, Damaged those that could not be read; Refused are additions that
	// were too much or too large. Dirtied counts the marks of all these.
	Expired, Dropped, Damaged, Refused, Dirtied uint64
}

// Stats say what is held for a node.
type Stats struct {
	// Records and Bytes (with framing) are queued or in flight; InFlight are
	// handed out and neither acknowledged nor released.
	Records, InFlight int
	Bytes             int64
	// DiskBytes is what the files take, or will take.
	DiskBytes int64
	// Oldest is when the oldest part of a queued record was added; zero if none is.
	Oldest time.Time
	// Dirty are the marked ranges.
	Dirty []Range
	Totals
}

// Stats says what is held for a node; all zero for one that is not known. What
// is older than the window is not, but marked, unless it is in flight.
func (l *Log) Stats(node string) Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	q := l.current(node, time.Now())
	if q == nil {
		return Stats{}
	}
	s := Stats{
		Records: q.records, InFlight: len(q.byID), Bytes: q.bytes,
		Dirty: slices.Clone(q.dirty), Totals: q.total,
	}
	for _, seg := range q.segments {
		s.DiskBytes += max(seg.size, seg.allocated)
	}
	if at, ok := q.oldest(); ok {
		s.Oldest = time.UnixMilli(at)
	}
	return s
}

// Nodes are the ids of all nodes for which something is held or marked, or
// was since Open; sorted.
func (l *Log) Nodes() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for node := range l.queues {
		out = append(out, node)
	}
	slices.Sort(out)
	return out
}
