package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/node/internal/layout"
)

// identity is what a node has to remember of itself: in files of its data
// directory, or nowhere when there is none.
//
//	node.json    id, cluster, generation of the node number
//	clean        left by a clean stop, gone while the node runs
//	layout.json  the layout in force
//	vote         the first layout that the node agreed to
//	log/         the store's
type identity struct {
	dir  string
	lock *os.File
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
func openIdentity(dir, id, cluster string, now time.Time) (*identity, error) {
	n := &identity{dir: dir, file: identityFile{Format: identityFormat, ID: id, Cluster: cluster}}
	if dir == "" {
		n.file.Generation = uint32(now.UnixMilli()/100) & layout.MaxGeneration
		return n, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("node: data_dir: %w", err)
	}
	lock, err := lockFile(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("node: data_dir %s is in use by another process: %w", dir, err)
	}
	n.lock = lock
	if err := n.load(id, cluster); err != nil {
		n.close()
		return nil, err
	}
	return n, nil
}

func (n *identity) load(id, cluster string) error {
	b, err := os.ReadFile(n.path("node.json"))
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return fmt.Errorf("node: %w", err)
	default:
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
		n.file = f
	}
	if b, err := os.ReadFile(n.path("clean")); err == nil {
		var c cleanFile
		if json.Unmarshal(b, &c) == nil && c.Generation == n.file.Generation && c.Generation > 0 {
			n.clean, n.high = true, datastore.Version{Time: c.Time, Node: c.Node}
		}
	}
	boot := bootID()
	n.kept = n.clean || n.file.Boot != "" && n.file.Boot == boot
	n.file.Boot = boot
	if !n.clean {
		if n.file.Generation++; n.file.Generation > layout.MaxGeneration {
			return fmt.Errorf("node: %s: the node numbers of this node are used up: give it a new name", n.dir)
		}
	}
	b, _ = json.Marshal(n.file)
	if err := writeFile(n.path("node.json"), b); err != nil {
		return err
	}
	if err := os.Remove(n.path("clean")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("node: %w", err)
	}
	return syncDir(n.dir)
}

func (n *identity) path(name string) string { return filepath.Join(n.dir, name) }

// read returns a file's content, or nil if there is none.
func (n *identity) read(name string) ([]byte, error) {
	if n.dir == "" {
		return nil, nil
	}
	b, err := os.ReadFile(n.path(name))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

// write replaces a file's content durably; without a directory it does nothing.
func (n *identity) write(name string, b []byte) error {
	if n.dir == "" {
		return nil
	}
	return writeFile(n.path(name), b)
}

// markClean is the last thing that a clean stop does.
func (n *identity) markClean(high datastore.Version) error {
	if n.dir == "" {
		return nil
	}
	b, _ := json.Marshal(cleanFile{Generation: n.file.Generation, Time: high.Time, Node: high.Node})
	return writeFile(n.path("clean"), b)
}

func (n *identity) close() {
	if n.lock != nil {
		n.lock.Close()
		n.lock = nil
	}
}

// bootID names this run of the operating system; empty if it cannot be told.
func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// writeFile replaces path by a file with the content b: after a crash there
// is the old one or the new one, whole.
func writeFile(path string, b []byte) error {
	tmp := path + ".new"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("node: %w", err)
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		return fmt.Errorf("node: %w", err)
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("node: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("node: sync %s: %w", dir, err)
	}
	return nil
}
