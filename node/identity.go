package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"sync"
	"time"

	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/node/datastore/disk"
	"github.com/dynomite-go/dynomite/node/internal/layout"
)

// identity is what a node has to remember of itself: in files of its data
// directory, or nowhere when there is none.
//
//	node.json    id, cluster, generation of the node number
//	clean        left by a clean stop, gone while the node runs
//	layout.json  the layout in force
//	vote         the first layout that the node agreed to
//	data/        the store's, and floors: what was agreed with other owners
//	hints/       what others have not got yet
type identity struct {
	dir  string
	disk disk.FS
	lock io.Closer
	mu   sync.Mutex // guards the generation in file
	file identityFile
	// Clean says that the last stop was clean, and High what the clock had
	// reached by then.
	clean bool
	high  datastore.Version
	// kept says that everything that was ever acknowledged here is in the log:
	// the last stop was clean, or only the process ended, and what it had
	// written is still the operating system's. After a loss of power, on an
	// empty disk and without a directory it is false.
	kept bool
	// blank says that there is nothing from an earlier start.
	blank bool
}

type identityFile struct {
	Format     int    `json:"format"`
	ID         string `json:"id"`
	Cluster    string `json:"cluster"`
	Generation uint32 `json:"generation"`
	// Boot names the run of the operating system that the node last started in.
	Boot string `json:"boot,omitempty"`
}

type cleanFile struct {
	Generation uint32 `json:"generation"`
	Time       uint64 `json:"time"`
	Node       uint32 `json:"node"`
}

const identityFormat = 1

// openIdentity reads or makes the identity of the node id. Without a
// directory the generation is taken from the tenths of seconds of the wall
// clock, so that a node that forgot everything still takes a number that it
// did not have before, even if it is started again at once. (They come round
// after 19 days: to meet an old number takes a start in the very same tenth.)
// In an empty directory it begins there too, for the machine may have replaced
// another, but in the lower half, so that the next starts have numbers left.
func openIdentity(d disk.FS, dir, id, cluster string, now time.Time) (*identity, error) {
	n := &identity{dir: dir, disk: d, blank: true, file: identityFile{Format: identityFormat, ID: id, Cluster: cluster}}
	tenths := freshGeneration(now)
	if dir == "" {
		n.file.Generation = tenths & layout.MaxGeneration
		return n, nil
	}
	if err := d.MkdirAll(dir); err != nil {
		return nil, fmt.Errorf("node: data_dir: %w", err)
	}
	lock, err := d.Lock(n.path("lock"))
	if err != nil {
		return nil, fmt.Errorf("node: data_dir %s is in use by another process: %w", dir, err)
	}
	n.lock = lock
	n.file.Generation = tenths & (layout.MaxGeneration / 2)
	if err := n.load(id, cluster); err != nil {
		n.close()
		return nil, err
	}
	return n, nil
}

func (n *identity) load(id, cluster string) error {
	b, err := n.read("node.json")
	if err != nil {
		return fmt.Errorf("node: %w", err)
	}
	if b != nil {
		var f identityFile
		if err := json.Unmarshal(b, &f); err != nil {
			return fmt.Errorf("node: %s: %w", n.path("node.json"), err)
		}
		switch {
		case f.Format > identityFormat:
			return fmt.Errorf("node: %s has format %d, this version knows %d: upgrade", n.path("node.json"), f.Format, identityFormat)
		case f.Cluster != cluster:
			return fmt.Errorf("node: data_dir %s belongs to the cluster %q, not %q", n.dir, f.Cluster, cluster)
		case f.ID != id:
			return fmt.Errorf("node: data_dir %s belongs to the node %q, not %q: set name, or use another directory", n.dir, f.ID, id)
		}
		n.file, n.blank = f, false
	}
	if b, err := n.read("clean"); err == nil {
		var c cleanFile
		if json.Unmarshal(b, &c) == nil && c.Generation == n.file.Generation && c.Generation > 0 {
			n.clean, n.high = true, datastore.Version{Time: c.Time, Node: c.Node}
		}
	}
	boot := ""
	if b, ok := n.disk.(disk.Booted); ok {
		boot = b.Boot()
	}
	n.kept = n.clean || n.file.Boot != "" && n.file.Boot == boot
	n.file.Boot = boot
	if !n.clean {
		if n.file.Generation++; n.file.Generation > layout.MaxGeneration {
			return fmt.Errorf("node: %s: the node numbers of this node are used up: give it a new name", n.dir)
		}
	}
	b, _ = json.Marshal(n.file)
	if err := n.write("node.json", b); err != nil {
		return err
	}
	if err := n.disk.Remove(n.path("clean")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("node: %w", err)
	}
	return n.syncDir()
}

func (n *identity) path(name string) string { return filepath.Join(n.dir, name) }

// read returns a file's content, or nil if there is none.
func (n *identity) read(name string) ([]byte, error) {
	if n.dir == "" {
		return nil, nil
	}
	f, err := n.disk.Open(n.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	size, err := f.Size()
	b := make([]byte, size)
	if err == nil && size > 0 {
		_, err = f.ReadAt(b, 0)
	}
	return b, errors.Join(err, f.Close())
}

// write replaces a file's content durably: after a crash there is the old one
// or the new one, whole. Without a directory it does nothing.
func (n *identity) write(name string, b []byte) error {
	if n.dir == "" {
		return nil
	}
	tmp := n.path(name) + ".new"
	f, err := n.disk.Create(tmp)
	if err != nil {
		return fmt.Errorf("node: %w", err)
	}
	_, err = f.WriteAt(b, 0)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = n.disk.Rename(tmp, n.path(name))
	}
	if err != nil {
		return fmt.Errorf("node: %w", err)
	}
	return n.syncDirOf(filepath.Dir(n.path(name)))
}

// generation is the node number's; it counts the times that this node may have
// forgotten something.
func (n *identity) generation() uint32 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.file.Generation
}

// renew takes a generation that this node has never had, as in an empty
// directory: it turned out that this one is an old copy.
func (n *identity) renew(now time.Time) (uint32, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f := n.file
	f.Generation = freshGeneration(now) & (layout.MaxGeneration / 2)
	if n.dir == "" {
		f.Generation = freshGeneration(now) & layout.MaxGeneration
	}
	b, _ := json.Marshal(f)
	if err := n.write("node.json", b); err != nil {
		return 0, err
	}
	n.file = f
	return f.Generation, nil
}

// freshGeneration is the wall clock in tenths of seconds.
func freshGeneration(now time.Time) uint32 { return uint32(now.UnixMilli() / 100) }

// markClean is the last thing that a clean stop does.
func (n *identity) markClean(high datastore.Version) error {
	b, _ := json.Marshal(cleanFile{Generation: n.generation(), Time: high.Time, Node: high.Node})
	return n.write("clean", b)
}

func (n *identity) close() {
	if n.lock != nil {
		n.lock.Close()
		n.lock = nil
	}
}

func (n *identity) syncDir() error { return n.syncDirOf(n.dir) }

func (n *identity) syncDirOf(dir string) error {
	if err := n.disk.SyncDir(dir); err != nil {
		return fmt.Errorf("node: sync %s: %w", dir, err)
	}
	return nil
}
