package hints

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

var errCrashed = errors.New("the disk is gone")

// crashDisk is an FS in memory that forgets, as real ones do, what was not
// synced. It counts what changes it, and can stop in the middle of that.
type crashDisk struct {
	mu      sync.Mutex
	names   map[string]*inode // as the operating system sees them
	durable map[string]*inode // as after a power failure
	pending []nameChange      // since the directory was synced
	ops     int
	crashAt int // 0: never
	crashed bool
	died    time.Time
	failing func(op, name string) error
	rng     *rand.Rand
}

type inode struct {
	data, synced []byte
	unsynced     []piece
}

// piece is one unsynced write, or a truncation if data is nil.
type piece struct {
	off  int64
	data []byte
}

// nameChange is atomic, as a file system's journal makes it.
type nameChange struct {
	name, from string
	to         *inode
}

func newCrashDisk(rng *rand.Rand) *crashDisk {
	return &crashDisk{names: map[string]*inode{}, durable: map[string]*inode{}, rng: rng}
}

// crashAfter lets n more operations succeed.
func (d *crashDisk) crashAfter(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.crashAt = d.ops + n + 1
}

// restart returns the disk that the next process finds. Without power, each of
// the changes of names up to some point, and each unsynced write, whole, in
// part or with zeros for a part, may be there.
func (d *crashDisk) restart(power bool) *crashDisk {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.crashed = true
	n := newCrashDisk(d.rng)
	if !power {
		n.names, n.durable, n.pending = maps.Clone(d.names), maps.Clone(d.durable), slices.Clone(d.pending)
		return n
	}
	for _, c := range d.pending[:d.rng.IntN(len(d.pending)+1)] {
		c.apply(d.durable)
	}
	for _, name := range sortedNames(d.durable) {
		data := d.durable[name].afterPowerFailure(d.rng)
		f := &inode{data: data, synced: slices.Clone(data)}
		n.names[name], n.durable[name] = f, f
	}
	return n
}

func sortedNames(files map[string]*inode) []string {
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (f *inode) afterPowerFailure(rng *rand.Rand) []byte {
	data := slices.Clone(f.synced)
	for _, p := range f.unsynced {
		part := piece{p.off, slices.Clone(p.data)}
		switch n := len(p.data); rng.IntN(4) {
		case 0:
			continue
		case 1:
			if n > 0 {
				part.data = part.data[:rng.IntN(n)]
			}
		case 2:
			if n > 0 {
				from := rng.IntN(n)
				clear(part.data[from : from+rng.IntN(n-from)])
			}
		}
		data = part.apply(data)
	}
	return data
}

func (p piece) apply(data []byte) []byte {
	if p.data == nil {
		return resize(data, int(p.off))
	}
	data = resize(data, max(len(data), int(p.off)+len(p.data)))
	copy(data[p.off:], p.data)
	return data
}

func resize(data []byte, n int) []byte {
	return append(data, make([]byte, max(n-len(data), 0))...)[:n]
}

func (c nameChange) apply(names map[string]*inode) {
	delete(names, c.from)
	if c.to == nil {
		delete(names, c.name)
		return
	}
	names[c.name] = c.to
}

// begin counts an operation; dying says that half of it may still be done.
func (d *crashDisk) begin(op, name string) (dying bool, err error) {
	if d.crashed {
		return false, errCrashed
	}
	d.ops++
	if d.crashAt != 0 && d.ops >= d.crashAt {
		d.crashed, d.died = true, time.Now()
		return true, errCrashed
	}
	if d.failing != nil {
		err = d.failing(op, name)
	}
	return err != nil, err
}

func (d *crashDisk) change(c nameChange) {
	c.apply(d.names)
	d.pending = append(d.pending, c)
}

func (d *crashDisk) Create(name string) (File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.begin("create", name); err != nil {
		return nil, err
	}
	f := &inode{}
	d.change(nameChange{name: name, to: f})
	return &crashFile{d, f, name}, nil
}

func (d *crashDisk) Open(name string) (File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.crashed {
		return nil, errCrashed
	}
	if f := d.names[name]; f != nil {
		return &crashFile{d, f, name}, nil
	}
	return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
}

func (d *crashDisk) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.begin("rename", from); err != nil {
		return err
	}
	f := d.names[from]
	if f == nil {
		return fmt.Errorf("%s: %w", from, fs.ErrNotExist)
	}
	d.change(nameChange{name: to, from: from, to: f})
	return nil
}

func (d *crashDisk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.names[name] == nil {
		return fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	if _, err := d.begin("remove", name); err != nil {
		return err
	}
	d.change(nameChange{name: name})
	return nil
}

func (d *crashDisk) List() ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.crashed {
		return nil, errCrashed
	}
	return sortedNames(d.names), nil
}

func (d *crashDisk) SyncDir() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.begin("syncdir", ""); err != nil {
		return err
	}
	for _, c := range d.pending {
		c.apply(d.durable)
	}
	d.pending = nil
	return nil
}

// String lists the files, for tests that fail.
func (d *crashDisk) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var b strings.Builder
	for _, name := range sortedNames(d.names) {
		fmt.Fprintf(&b, "%s: %d bytes\n", name, len(d.names[name].data))
	}
	return b.String()
}

type crashFile struct {
	d    *crashDisk
	f    *inode
	name string
}

var _ Preallocator = (*crashFile)(nil)

func (f *crashFile) ReadAt(p []byte, off int64) (int, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if f.d.crashed {
		return 0, errCrashed
	}
	if off >= int64(len(f.f.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.f.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *crashFile) WriteAt(p []byte, off int64) (int, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	dying, err := f.d.begin("write", f.name)
	if dying {
		p = p[:len(p)/2]
	} else if err != nil {
		return 0, err
	}
	w := piece{off, append([]byte{}, p...)}
	f.f.data = w.apply(f.f.data)
	f.f.unsynced = append(f.f.unsynced, w)
	return len(p), err
}

func (f *crashFile) Preallocate(from, to int64) error {
	_, err := f.WriteAt(make([]byte, to-from), from)
	return err
}

func (f *crashFile) Truncate(size int64) error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if _, err := f.d.begin("truncate", f.name); err != nil {
		return err
	}
	w := piece{off: size}
	f.f.data = w.apply(f.f.data)
	f.f.unsynced = append(f.f.unsynced, w)
	return nil
}

func (f *crashFile) Sync() error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if _, err := f.d.begin("sync", f.name); err != nil {
		return err
	}
	f.f.synced, f.f.unsynced = slices.Clone(f.f.data), nil
	return nil
}

func (f *crashFile) Size() (int64, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if f.d.crashed {
		return 0, errCrashed
	}
	return int64(len(f.f.data)), nil
}

func (f *crashFile) Close() error { return nil }
