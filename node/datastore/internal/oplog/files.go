package oplog

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	logExt, snapExt, tmpExt = ".log", ".snap", ".tmp"
	lockName                = "LOCK"
)

func (c *Config) path(seq uint64, ext string) string {
	return filepath.Join(c.Dir, fmt.Sprintf("%016x", seq)+ext)
}

// listing is what a log's directory holds.
type listing struct {
	logs, snaps []uint64 // ascending
	tmps        []string // base names
}

func (c *Config) list() (l listing, err error) {
	names, err := c.FS.List(c.Dir)
	if err != nil {
		return l, err
	}
	for _, name := range names {
		ext := filepath.Ext(name)
		if ext == tmpExt {
			l.tmps = append(l.tmps, name)
			continue
		}
		seq, err := strconv.ParseUint(strings.TrimSuffix(name, ext), 16, 64)
		switch {
		case err != nil: // none of ours
		case ext == logExt:
			l.logs = append(l.logs, seq)
		case ext == snapExt:
			l.snaps = append(l.snaps, seq)
		}
	}
	slices.Sort(l.logs)
	slices.Sort(l.snaps)
	return l, nil
}

// tidy removes what a crash left behind and returns what is to be replayed: at
// most one snapshot and the segments after it.
func (c *Config) tidy() (l listing, err error) {
	if l, err = c.list(); err != nil {
		return l, err
	}
	for _, name := range l.tmps {
		if err := c.FS.Remove(filepath.Join(c.Dir, name)); err != nil {
			return l, err
		}
	}
	if n := len(l.snaps); n > 0 {
		// A snapshot has its name only when it is complete and durable, so
		// what it covers is not needed any more.
		last := l.snaps[n-1]
		if err := c.removeUpTo(last, l); err != nil {
			return l, err
		}
		l.snaps = l.snaps[n-1:]
		l.logs = slices.DeleteFunc(l.logs, func(seq uint64) bool { return seq <= last })
	}
	next := uint64(1)
	if len(l.snaps) > 0 {
		next = l.snaps[0] + 1
	}
	for _, seq := range l.logs {
		if seq != next {
			return l, &DamageError{File: c.path(next, logExt), Err: errMissing}
		}
		next++
	}
	if len(l.snaps) > 0 && len(l.logs) == 0 {
		return l, &DamageError{File: c.path(next, logExt), Err: errMissing}
	}
	return l, nil
}

// removeUpTo deletes the segments that the snapshot covers, and older
// snapshots.
func (c *Config) removeUpTo(snap uint64, l listing) error {
	for _, seq := range l.logs {
		if seq <= snap {
			if err := c.FS.Remove(c.path(seq, logExt)); err != nil {
				return err
			}
		}
	}
	for _, seq := range l.snaps {
		if seq < snap {
			if err := c.FS.Remove(c.path(seq, snapExt)); err != nil {
				return err
			}
		}
	}
	return c.FS.SyncDir(c.Dir)
}
