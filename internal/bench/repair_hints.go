package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/dynomite-go/dynomite/hints"
)

// keeper keeps deltas for an absent node on the disk.
type keeper interface {
	append(key int, delta []byte) error // returns when it is synced
	add(key int, delta []byte) error    // returns before that
	sync() error                        // returns when all that was added is
	records() (int, error)
	close() error
}

// opener makes a keeper in an empty folder.
type opener func(dir string) (keeper, error)

// hintsKeeper is package hints; the newer of two deltas is their join.
type hintsKeeper struct{ log *hints.Log }

func openHints(dir string) (keeper, error) {
	log, _, err := hints.Open(hints.Config{
		Self: "holder", FS: hints.OS(dir), Sync: hints.Always, MaxBytes: 8 << 30,
		Join: func(dst, _, _, newer []byte) ([]byte, error) { return append(dst, newer...), nil },
	})
	return hintsKeeper{log}, err
}

func (k hintsKeeper) append(key int, delta []byte) error {
	return k.log.Append("absent", uint64(key), hintKey("", key), delta)
}

func (k hintsKeeper) add(key int, delta []byte) error {
	return k.log.Add("absent", uint64(key), hintKey("", key), delta)
}
func (k hintsKeeper) sync() error           { return k.log.Commit() }
func (k hintsKeeper) records() (int, error) { return k.log.Stats("absent").Records, nil }
func (k hintsKeeper) close() error          { return k.log.Close() }

// pebbleKeeper does the same job with Pebble as it comes: node and key are the
// key, and a newer delta takes the place of an older one.
type pebbleKeeper struct{ db *pebble.DB }

func openPebble(dir string) (keeper, error) {
	db, err := pebble.Open(dir, &pebble.Options{Logger: silent{}})
	return pebbleKeeper{db}, err
}

func (k pebbleKeeper) append(key int, delta []byte) error {
	return k.db.Set(hintKey("absent/", key), delta, pebble.Sync)
}

func (k pebbleKeeper) add(key int, delta []byte) error {
	return k.db.Set(hintKey("absent/", key), delta, pebble.NoSync)
}
func (k pebbleKeeper) sync() error { return k.db.LogData(nil, pebble.Sync) }

func (k pebbleKeeper) records() (int, error) {
	iter, err := k.db.NewIter(nil)
	if err != nil {
		return 0, err
	}
	n := 0
	for iter.First(); iter.Valid(); iter.Next() {
		n++
	}
	return n, iter.Close()
}
func (k pebbleKeeper) close() error { return k.db.Close() }

// silent is a logger that says only why it ends the process.
type silent struct{}

func (silent) Infof(string, ...any)          {}
func (silent) Errorf(string, ...any)         {}
func (silent) Fatalf(text string, of ...any) { panic(fmt.Sprintf(text, of...)) }

func hintKey(prefix string, n int) []byte { return fmt.Appendf(nil, "%skey:%012d", prefix, n) }

// appenders is how many goroutines append; deltaSize what each appends, about
// the delta of a SET of 100 bytes.
const appenders, deltaSize = 64, 128

// appendRate has goroutines append for a while, each waiting for its own
// sync, and returns the appends a second.
func appendRate(ctx context.Context, open opener, length time.Duration) (float64, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	k, err := open(dir)
	if err != nil {
		return 0, err
	}
	var all sync.WaitGroup
	var done atomic.Int64
	errs := make([]error, appenders)
	began := time.Now()
	for g := range appenders {
		all.Go(func() {
			delta := make([]byte, deltaSize)
			for i := g; time.Since(began) < length && ctx.Err() == nil && errs[g] == nil; i += appenders {
				errs[g] = k.append(i, delta)
				done.Add(1)
			}
		})
	}
	all.Wait()
	rate := float64(done.Load()) / time.Since(began).Seconds()
	return rate, errors.Join(append(errs, ctx.Err(), k.close())...)
}

// folded is what many writes of few keys come to.
type folded struct {
	took    time.Duration
	records int
	bytes   int64
}

// fold writes writes deltas to keys keys, in groups of 1000 that are synced
// together, and looks at what is left.
func fold(ctx context.Context, open opener, writes, keys int) (f folded, err error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return f, err
	}
	defer os.RemoveAll(dir)
	k, err := open(dir)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, k.close()) }()
	delta := make([]byte, deltaSize)
	began := time.Now()
	for i := range writes {
		if err := k.add(i%keys, delta); err != nil {
			return f, err
		}
		if i%1000 == 999 {
			if err := errors.Join(ctx.Err(), k.sync()); err != nil {
				return f, err
			}
		}
	}
	f.took = time.Since(began)
	if f.bytes, err = sizeOf(dir); err != nil {
		return f, err
	}
	f.records, err = k.records()
	return f, err
}

// sizeOf adds the sizes of the files below a folder.
func sizeOf(dir string) (int64, error) {
	var sum int64
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // deleted meanwhile
		}
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	return sum, err
}

// syncRate is how many bare writes of 8 KiB into room that a file has, each
// synced, one goroutine does in a second: what the disk gives to whoever groups.
func syncRate(length time.Duration) (rate float64, err error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	file, err := hints.OS(dir).Create("bare")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	const room = 4 << 20
	if p, ok := file.(hints.Preallocator); ok {
		err = p.Preallocate(0, room)
	}
	if err := errors.Join(err, file.Sync()); err != nil {
		return 0, err
	}
	b := make([]byte, 8<<10)
	began, n := time.Now(), 0
	for ; time.Since(began) < length; n++ {
		if _, err := file.WriteAt(b, int64(n*len(b)%room)); err != nil {
			return 0, err
		}
		if err := file.Sync(); err != nil {
			return 0, err
		}
	}
	return float64(n) / time.Since(began).Seconds(), nil
}
