package hints

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
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
	// Refused are files that were left alone: of another writer, by the name of
	// another node, of a newer version, or without a readable header.
	Refused []Refused
}

// Refused is a file that Open left alone, and why.
type Refused struct {
	File string
	Err  error
}

// refuse reports a file. Who lacks something by it is not known: all may.
func (r *Recovery) refuse(file string, err error) {
	r.Refused = append(r.Refused, Refused{file, err})
	r.Unclean = true
}

// Open reads what the last Log in cfg.FS left.
func Open(cfg Config) (*Log, Recovery, error) {
	var rec Recovery
	if err := cfg.Validate(); err != nil {
		return nil, rec, err
	}
	l := newLog(cfg.withDefaults())
	names, err := l.cfg.FS.List()
	if err != nil {
		return nil, rec, fmt.Errorf("hints: %w", err)
	}
	slices.SortFunc(names, bySequence)
	rec.Unclean = slices.Contains(names, runningName)
	// Before anything else changes: whoever comes after a crash in the middle
	// of this has to know of it.
	if err := errors.Join(l.writeFile(runningName, nil, false), l.cfg.FS.SyncDir()); err != nil {
		return nil, rec, fmt.Errorf("hints: %w", err)
	}
	r := recovery{log: l, rec: &rec, unclean: rec.Unclean, nodes: map[string]*recoverer{}}
	for _, name := range names {
		switch {
		case strings.HasSuffix(name, segmentSuffix):
			// A refused one too: its name is not used again.
			l.nextSeq = max(l.nextSeq, sequence(name)+1)
			err = r.readSegment(name)
		case strings.HasSuffix(name, dirtySuffix):
			err = r.readMarks(name)
		case strings.HasSuffix(name, tempSuffix):
			err = l.cfg.FS.Remove(name)
		}
		if err != nil {
			l.closeFiles()
			return nil, rec, fmt.Errorf("hints: %s: %w", name, err)
		}
	}
	l.mu.Lock() // what is marked may be named within the second
	defer l.mu.Unlock()
	for _, n := range r.nodes {
		n.finish(&rec)
	}
	if rec.Unclean {
		for _, q := range l.queues {
			q.mark([]Range{All})
		}
	}
	return l, rec, nil
}

// sequence is the number in a segment's name, 0 if there is none.
func sequence(name string) uint64 {
	name = strings.TrimSuffix(name, segmentSuffix)
	n, err := strconv.ParseUint(name[strings.LastIndexByte(name, '.')+1:], 16, 64)
	if err != nil || n == ^uint64(0) {
		return 0
	}
	return n
}

// bySequence has a node's segments in their order.
func bySequence(a, b string) int {
	if x, y := sequence(a), sequence(b); x != y {
		if x < y {
			return -1
		}
		return 1
	}
	return strings.Compare(a, b)
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
		err = fmt.Errorf("hints: it has %d bytes, more than the %d that are read", size, limit)
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
