package oplog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"

	"github.com/dynomite-go/dynomite/node/datastore/disk"
	"github.com/dynomite-go/dynomite/node/datastore/disk/disktest"
)

// state is the simplest state with joins: a map to the greatest number seen.
type state struct {
	mu sync.Mutex
	m  map[string]uint64
}

func newState() *state { return &state{m: map[string]uint64{}} }

func (s *state) join(key string, v uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.m[key] = max(s.m[key], v)
}

func (s *state) clone() map[string]uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.m)
}

func (s *state) apply(kind Kind, key, body []byte) error {
	if kind != Delta || len(body) < 8 {
		return errors.New("no operation of this test")
	}
	s.join(string(key), binary.BigEndian.Uint64(body))
	return nil
}

func (s *state) snapshot(put func(Kind, []byte, []byte) error) error {
	for key, v := range s.clone() {
		if err := put(Delta, []byte(key), body(v, len(key))); err != nil {
			return err
		}
	}
	return nil
}

// body is v with some padding, so that frames differ in length.
func body(v uint64, pad int) []byte {
	return append(binary.BigEndian.AppendUint64(nil, v), make([]byte, pad%50)...)
}

const dir = "/data/log"

// start opens a log over a state that it fills.
func start(fs disk.FS, sync Policy, change ...func(*Config)) (*Log, *state, Report, error) {
	s := newState()
	cfg := Config{FS: fs, Dir: dir, Sync: sync, Snapshot: s.snapshot, Live: func() int64 { return 0 }, RewriteMin: 1 << 30}
	for _, c := range change {
		c(&cfg)
	}
	l, report, err := Open(cfg, s.apply)
	return l, s, report, err
}

func mustStart(t *testing.T, fs disk.FS, sync Policy, change ...func(*Config)) (*Log, *state, Report) {
	t.Helper()
	l, s, report, err := start(fs, sync, change...)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { l.Close() })
	return l, s, report
}

// do joins and appends, as a store does.
func do(l *Log, s *state, key string, v uint64) {
	s.join(key, v)
	l.Append(Delta, []byte(key), body(v, len(key)+int(v)))
}

func salvage(c *Config) { c.Salvage = true }

func segmentName(n int) string { return fmt.Sprintf("%s/%016x.log", dir, n) }

// fill makes a closed log of n operations in one segment, each committed.
func fill(t *testing.T, n int) *disktest.Disk {
	t.Helper()
	d := disktest.New(nil)
	l, s, _ := mustStart(t, d, EverySecond)
	for i := range n {
		do(l, s, fmt.Sprint("key", i), uint64(i))
		if err := l.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return d
}
