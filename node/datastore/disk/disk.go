// Package disk is the seam between the store's log and the file system, so that
// tests can take the disk away at any moment: see package disktest.
//
// A program needs it only to give a store another place than the operating
// system's files.
package disk

import "io"

// FS is what the log asks of a file system. Names are paths as package
// path/filepath makes them. Implementations are safe for concurrent use, and
// the errors of the absent and the existing match fs.ErrNotExist and
// fs.ErrExist.
type FS interface {
	// Create makes an empty file, in place of one that may exist, and opens it
	// for reading and writing. It survives a power failure once it and its
	// directory are synced.
	Create(name string) (File, error)
	// Open opens an existing file for reading and writing.
	Open(name string) (File, error)
	// Rename moves a file, in place of one that may exist, atomically.
	Rename(from, to string) error
	// Remove deletes a file.
	Remove(name string) error
	// List returns the base names of a directory's entries, in any order.
	List(dir string) ([]string, error)
	// MkdirAll makes a directory and its parents.
	MkdirAll(dir string) error
	// SyncDir makes what was created, renamed and removed in dir durable.
	SyncDir(dir string) error
	// Lock makes a file that no other holder can lock until it is closed or its
	// process ends.
	Lock(name string) (io.Closer, error)
}

// File is an open file. WriteAt and ReadAt may be called concurrently.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	// Truncate cuts the file, or extends it with zeros, to size bytes.
	Truncate(size int64) error
	// Sync makes what was written durable.
	Sync() error
	// Size is the file's length in bytes.
	Size() (int64, error)
}

// Booted is a file system that can name the run of the machine that it is
// used in: under another name the machine may have lost power since, and with
// it what was not synced. Implementing it is a choice; without it nobody takes
// what was not synced for kept.
type Booted interface {
	// Boot is empty if the run cannot be named.
	Boot() string
}
