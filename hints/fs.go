package hints

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// FS is what a Log asks of a file system: one flat directory, so that tests
// can take the disk away at any moment. Names have no separators. It must be
// safe for concurrent use, and the errors of the absent match fs.ErrNotExist.
type FS interface {
	// Create makes an empty file, in place of one that may exist.
	Create(name string) (File, error)
	// Open opens an existing file for reading and writing.
	Open(name string) (File, error)
	// Rename moves a file atomically, in place of one that may exist.
	Rename(from, to string) error
	// Remove deletes a file.
	Remove(name string) error
	// List returns the names of all files, in any order.
	List() ([]string, error)
	// SyncDir makes what was created, renamed and removed durable.
	SyncDir() error
}

// File is an open file. ReadAt and WriteAt may be called concurrently.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	// Truncate cuts the file to size bytes.
	Truncate(size int64) error
	// Sync makes what was written durable.
	Sync() error
	// Size is the file's length in bytes.
	Size() (int64, error)
}

// Preallocator is a File whose Sync is faster for bytes that the file has
// already. A Log that syncs always asks for room ahead of what it writes.
type Preallocator interface {
	// Preallocate makes the bytes from one offset up to another, which lie at the
	// file's end; they read as zeros until they are written. It may leave some of
	// them behind when it fails.
	Preallocate(from, to int64) error
}

// OS is a directory of the operating system, which is made if it is missing.
func OS(dir string) FS { return directory(dir) }

type directory string

func (d directory) path(name string) string { return filepath.Join(string(d), name) }

func (d directory) Create(name string) (File, error) {
	return d.open(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
}

func (d directory) Open(name string) (File, error) { return d.open(name, os.O_RDWR) }

func (d directory) open(name string, flags int) (File, error) {
	f, err := os.OpenFile(d.path(name), flags, 0o600)
	if err != nil {
		return nil, err
	}
	return file{f}, nil
}

func (d directory) Rename(from, to string) error { return os.Rename(d.path(from), d.path(to)) }

func (d directory) Remove(name string) error { return os.Remove(d.path(name)) }

func (d directory) List() ([]string, error) {
	entries, err := os.ReadDir(string(d))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, makeDurably(filepath.Clean(string(d)))
	}
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names, err
}

func (d directory) SyncDir() error { return syncDir(string(d)) }

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// makeDurably makes a directory, and those above it that are missing.
func makeDurably(dir string) error {
	parent := filepath.Dir(dir)
	if _, err := os.Stat(parent); errors.Is(err, fs.ErrNotExist) && parent != dir {
		if err := makeDurably(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(parent)
}

type file struct{ *os.File }

var _ Preallocator = file{}

var zeros [64 << 10]byte

// Preallocate writes zeros: of bytes that were only reserved a file system
// still has to note, with each sync, that they are written now.
func (f file) Preallocate(from, to int64) error {
	for from < to {
		n, err := f.WriteAt(zeros[:min(to-from, int64(len(zeros)))], from)
		if err != nil {
			return err
		}
		from += int64(n)
	}
	return nil
}

func (f file) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
