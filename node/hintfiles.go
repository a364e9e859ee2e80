package node

import (
	"path/filepath"

	"github.com/dynomite-go/dynomite/hints"
	"github.com/dynomite-go/dynomite/node/datastore/disk"
)

// hintFiles is a directory of a disk as package hints asks for it. On the
// operating system's disk hints has its own way.
func hintFiles(d disk.FS, dir string) hints.FS {
	if d == disk.OS() {
		return hints.OS(dir)
	}
	return hintDir{d, dir}
}

type hintDir struct {
	disk disk.FS
	dir  string
}

func (d hintDir) path(name string) string { return filepath.Join(d.dir, name) }

func (d hintDir) Create(name string) (hints.File, error) { return d.disk.Create(d.path(name)) }
func (d hintDir) Open(name string) (hints.File, error)   { return d.disk.Open(d.path(name)) }
func (d hintDir) Rename(from, to string) error           { return d.disk.Rename(d.path(from), d.path(to)) }
func (d hintDir) Remove(name string) error               { return d.disk.Remove(d.path(name)) }
func (d hintDir) SyncDir() error                         { return d.disk.SyncDir(d.dir) }

func (d hintDir) List() ([]string, error) {
	if err := d.disk.MkdirAll(d.dir); err != nil {
		return nil, err
	}
	return d.disk.List(d.dir)
}
