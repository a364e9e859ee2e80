package disktest

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/dynomite-go/dynomite/node/datastore/disk"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, f disk.File, off int64, text string) {
	t.Helper()
	_, err := f.WriteAt([]byte(text), off)
	must(t, err)
}

func content(t *testing.T, d disk.FS, name string) string {
	t.Helper()
	f, err := d.Open(name)
	must(t, err)
	defer f.Close()
	n, err := f.Size()
	must(t, err)
	b := make([]byte, n)
	if n > 0 {
		_, err = f.ReadAt(b, 0)
		must(t, err)
	}
	return string(b)
}

// TestFS_MemoryIsAsTheOperatingSystem runs the same on both.
func TestFS_MemoryIsAsTheOperatingSystem(t *testing.T) {
	for name, d := range map[string]disk.FS{"os": disk.OS(), "memory": New(nil)} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "a", "b")
			a, b := filepath.Join(dir, "one"), filepath.Join(dir, "two")
			must(t, d.MkdirAll(dir))
			must(t, d.MkdirAll(dir))
			if _, err := d.Open(a); !errors.Is(err, fs.ErrNotExist) {
				t.Fatalf("Open of nothing: %v", err)
			}
			f, err := d.Create(a)
			must(t, err)
			put(t, f, 0, "hello world")
			put(t, f, 6, "there")
			must(t, f.Truncate(8))
			put(t, f, 10, "!") // a hole reads as zeros
			must(t, f.Sync())
			must(t, f.Close())
			if got := content(t, d, a); got != "hello th\x00\x00!" {
				t.Fatalf("%q", got)
			}
			f, err = d.Create(b)
			must(t, err)
			must(t, f.Close())
			must(t, d.Rename(a, b)) // in place of what is there
			must(t, d.SyncDir(dir))
			if got := content(t, d, b); got != "hello th\x00\x00!" {
				t.Fatalf("%q after Rename", got)
			}
			names, err := d.List(dir)
			must(t, err)
			if !slices.Equal(names, []string{"two"}) {
				t.Fatalf("List: %q", names)
			}
			must(t, d.Remove(b))
			if err := d.Remove(b); !errors.Is(err, fs.ErrNotExist) {
				t.Fatalf("Remove of nothing: %v", err)
			}
			lock, err := d.Lock(a)
			must(t, err)
			if _, err := d.Lock(a); err == nil {
				t.Fatal("locked twice")
			}
			must(t, lock.Close())
			lock, err = d.Lock(a)
			must(t, err)
			must(t, lock.Close())
		})
	}
}

// TestDisk_PowerFailure_TakesWhatWasNotSynced looks at both ends: without chance all of it
// goes, and with chance now and then some of it stays.
func TestDisk_PowerFailure_TakesWhatWasNotSynced(t *testing.T) {
	prepare := func(rng *rand.Rand) *Disk {
		d := New(rng)
		f, err := d.Create("/d/kept")
		must(t, err)
		put(t, f, 0, "synced")
		must(t, f.Sync())
		must(t, d.SyncDir("/d"))
		put(t, f, 6, " and not")
		_, err = d.Create("/d/nameless")
		must(t, err)
		return d
	}
	d := prepare(nil).Restart(true)
	if got := content(t, d, "/d/kept"); got != "synced" {
		t.Errorf("after a power failure %q", got)
	}
	if d.Size("/d/nameless") >= 0 {
		t.Error("a name that was not synced is there")
	}
	d = prepare(nil).Restart(false)
	if got := content(t, d, "/d/kept"); got != "synced and not" || d.Size("/d/nameless") != 0 {
		t.Errorf("after the end of the process %q", got)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	seen := map[string]bool{}
	for range 100 {
		d := prepare(rng).Restart(true)
		got := content(t, d, "/d/kept")
		if got[:6] != "synced" {
			t.Fatalf("what was synced is %q", got)
		}
		seen[got] = true
	}
	if !seen["synced"] || !seen["synced and not"] || len(seen) < 4 {
		t.Errorf("a power failure leaves only %v", seen)
	}
}

func TestDisk_CrashAfter_StopsInTheMiddleOfAWrite(t *testing.T) {
	d := New(nil)
	f, err := d.Create("/d/f")
	must(t, err)
	d.CrashAfter(1)
	put(t, f, 0, "first")
	if _, err := f.WriteAt([]byte("second"), 5); !errors.Is(err, ErrCrashed) {
		t.Fatalf("the write that crashes: %v", err)
	}
	if _, err := f.ReadAt(make([]byte, 1), 0); !errors.Is(err, ErrCrashed) {
		t.Fatalf("after the crash: %v", err)
	}
	if got := content(t, d.Restart(false), "/d/f"); got != "firstsec" {
		t.Fatalf("%q", got)
	}
}

func TestDisk_Fail(t *testing.T) {
	d := New(nil)
	f, err := d.Create("/d/f")
	must(t, err)
	full := errors.New("full")
	d.Fail(func(op Op) error {
		if op.Kind == "write" && op.Size > 3 {
			return full
		}
		return nil
	})
	put(t, f, 0, "abc")
	if _, err := f.WriteAt([]byte("defg"), 3); !errors.Is(err, full) {
		t.Fatalf("%v", err)
	}
	d.Fail(nil)
	put(t, f, 3, "defg")
	if got := content(t, d, "/d/f"); got != "abcdefg" {
		t.Fatalf("%q", got)
	}
}
