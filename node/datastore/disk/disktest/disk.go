// Package disktest is a disk in memory that forgets, as real ones do, what was
// not synced.
//
// A [Disk] counts the operations that change it. [Disk.CrashAfter] stops it in
// the middle of one; from then on everything fails with [ErrCrashed], as if the
// process had died. [Disk.Restart] returns the disk that the next process
// finds: as the operating system saw it (the process was killed), or after a
// power failure, where of the unsynced writes each may have reached the disk
// or not, or in part, in any order.
package disktest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"

	"github.com/dynomite-go/dynomite/node/datastore/disk"
)

// ErrCrashed is what every operation returns after the crash.
var ErrCrashed = errors.New("disktest: the disk is gone")

// Disk is a file system in memory. Make it with New.
type Disk struct {
	mu      sync.Mutex
	names   map[string]*inode // as the operating system sees them
	durable map[string]*inode // as after a power failure
	pending []dirOp           // since the directories were synced
	locks   map[string]bool
	ops     int
	boots   int // power failures so far
	crashAt int // 0: never
	crashed bool
	failing func(Op) error
	rng     *rand.Rand
}

var (
	_ disk.FS     = (*Disk)(nil)
	_ disk.Booted = (*Disk)(nil)
)

// Op describes an operation that changes the disk.
type Op struct {
	// Kind is create, write, truncate, sync, rename, remove or syncdir.
	Kind string
	// Name is the file's or directory's path.
	Name string
	// Size is the number of bytes to write.
	Size int
}

type inode struct {
	data     []byte  // as the operating system sees it
	synced   []byte  // as at the last sync
	unsynced []write // since then
}

// write is one unsynced write, or a truncation if data is nil.
type write struct {
	off  int64
	data []byte
}

// dirOp is a change of names, atomic as a file system's journal makes it: name
// means to (nothing if nil), and from means nothing any more.
type dirOp struct {
	dir, name string
	to        *inode
	from      string
}

// New returns an empty disk. rng decides what a power failure takes; nil means
// everything that was not synced.
func New(rng *rand.Rand) *Disk {
	return &Disk{names: map[string]*inode{}, durable: map[string]*inode{}, locks: map[string]bool{}, rng: rng}
}

// CrashAfter lets n more operations succeed and stops the disk in the middle
// of the next one.
func (d *Disk) CrashAfter(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.crashAt = d.ops + n + 1
}

// Ops is the number of operations so far that changed the disk.
func (d *Disk) Ops() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ops
}

// Fail makes every operation ask fail first, and fail with the error that it
// returns; nil ends that. A write that fails leaves half of its bytes behind.
func (d *Disk) Fail(fail func(Op) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failing = fail
}

// Restart returns the disk as the next process finds it. With power false the
// process was killed: what it had written is there. With power true the
// machine was: see New. The old disk is gone.
func (d *Disk) Restart(power bool) *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.crashed = true
	n := New(d.rng)
	n.boots = d.boots
	if !power {
		// What was not synced still is not: a power failure may follow.
		n.names, n.durable, n.pending = d.names, d.durable, d.pending
		return n
	}
	n.boots++
	// A file system's journal keeps the order of changes to names.
	for _, o := range d.pending[:d.keep(len(d.pending))] {
		o.apply(d.durable)
	}
	for name, f := range d.durable {
		data := f.afterPowerFailure(d.rng)
		c := &inode{data: data, synced: append([]byte(nil), data...)}
		n.names[name], n.durable[name] = c, c
	}
	return n
}

// Copy is a copy of all files as they are now: a backup.
func (d *Disk) Copy() *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := New(d.rng)
	n.boots = d.boots
	for name, f := range d.names {
		c := &inode{data: append([]byte(nil), f.data...), synced: append([]byte(nil), f.data...)}
		n.names[name], n.durable[name] = c, c
	}
	return n
}

// Boot names the time since the last power failure.
func (d *Disk) Boot() string { return fmt.Sprintf("boot %d", d.boots) }

func (d *Disk) keep(n int) int {
	if d.rng == nil {
		return 0
	}
	return d.rng.IntN(n + 1)
}

func (o dirOp) apply(names map[string]*inode) {
	delete(names, o.from)
	if o.to == nil {
		delete(names, o.name)
		return
	}
	names[o.name] = o.to
}

func (f *inode) afterPowerFailure(rng *rand.Rand) []byte {
	data := append([]byte(nil), f.synced...)
	if rng == nil {
		return data
	}
	for _, w := range f.unsynced {
		switch rng.IntN(3) {
		case 0:
			data = w.apply(data)
		case 1: // in part; the rest may be there as zeros
			if n := len(w.data); n > 0 {
				part := w
				part.data = append([]byte(nil), w.data...)
				cut := rng.IntN(n)
				if rng.IntN(2) == 0 {
					part.data = part.data[:cut]
				} else {
					clear(part.data[cut:])
				}
				data = part.apply(data)
			}
		}
	}
	return data
}

func (w write) apply(data []byte) []byte {
	if w.data == nil {
		return resize(data, int(w.off))
	}
	end := int(w.off) + len(w.data)
	if end > len(data) {
		data = resize(data, end)
	}
	copy(data[w.off:], w.data)
	return data
}

func resize(data []byte, n int) []byte {
	if n <= len(data) {
		return data[:n]
	}
	return append(data, make([]byte, n-len(data))...)
}

// begin counts an operation; the bool says that it is the one to die in.
func (d *Disk) begin(op Op) (dying bool, err error) {
	if d.crashed {
		return false, ErrCrashed
	}
	d.ops++
	if d.crashAt != 0 && d.ops >= d.crashAt {
		d.crashed = true
		return true, ErrCrashed
	}
	if d.failing != nil {
		if err := d.failing(op); err != nil {
			return true, err
		}
	}
	return false, nil
}

// Create makes an empty file.
func (d *Disk) Create(name string) (disk.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.begin(Op{Kind: "create", Name: name}); err != nil {
		return nil, err
	}
	f := &inode{}
	d.change(dirOp{dir: filepath.Dir(name), name: name, to: f})
	return &file{d, f, name}, nil
}

func (d *Disk) change(o dirOp) {
	o.apply(d.names)
	d.pending = append(d.pending, o)
}

// Open opens an existing file.
func (d *Disk) Open(name string) (disk.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.crashed {
		return nil, ErrCrashed
	}
	f, ok := d.names[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &file{d, f, name}, nil
}

// Rename moves a file within its directory.
func (d *Disk) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.begin(Op{Kind: "rename", Name: from}); err != nil {
		return err
	}
	f, ok := d.names[from]
	if !ok {
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	}
	d.change(dirOp{dir: filepath.Dir(to), name: to, to: f, from: from})
	return nil
}

// Remove deletes a file.
func (d *Disk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.begin(Op{Kind: "remove", Name: name}); err != nil {
		return err
	}
	if _, ok := d.names[name]; !ok {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	d.change(dirOp{dir: filepath.Dir(name), name: name})
	return nil
}

// List returns the base names in dir.
func (d *Disk) List(dir string) ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.crashed {
		return nil, ErrCrashed
	}
	var names []string
	for name := range d.names {
		if filepath.Dir(name) == filepath.Clean(dir) {
			names = append(names, filepath.Base(name))
		}
	}
	return names, nil
}

// MkdirAll does nothing: a directory is there when a file is in it.
func (d *Disk) MkdirAll(string) error { return nil }

// SyncDir makes the names in dir durable.
func (d *Disk) SyncDir(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.begin(Op{Kind: "syncdir", Name: dir}); err != nil {
		return err
	}
	var rest []dirOp
	for _, o := range d.pending {
		if o.dir == filepath.Clean(dir) {
			o.apply(d.durable)
		} else {
			rest = append(rest, o)
		}
	}
	d.pending = rest
	return nil
}

// Lock locks a name.
func (d *Disk) Lock(name string) (io.Closer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.crashed {
		return nil, ErrCrashed
	}
	if d.locks[name] {
		return nil, fmt.Errorf("disktest: %s is locked", name)
	}
	d.locks[name] = true
	return &unlocker{d: d, name: name}, nil
}

type unlocker struct {
	d    *Disk
	name string
}

func (u *unlocker) Close() error {
	u.d.mu.Lock()
	defer u.d.mu.Unlock()
	delete(u.d.locks, u.name)
	return nil
}

// Corrupt flips the bits of one byte of a file, also on the durable copy.
func (d *Disk) Corrupt(name string, off int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.names[name]
	f.data[off] ^= 0xff
	if off < int64(len(f.synced)) {
		f.synced[off] ^= 0xff
	}
}

// Size is the length of a file, or -1.
func (d *Disk) Size(name string) int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f, ok := d.names[name]; ok {
		return int64(len(f.data))
	}
	return -1
}

// String lists the files and their sizes, for failing tests.
func (d *Disk) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var b strings.Builder
	for name, f := range d.names {
		fmt.Fprintf(&b, "%s: %d bytes, %d synced\n", name, len(f.data), len(f.synced))
	}
	return b.String()
}
