package node

import (
	"sync/atomic"
	"testing"

	"github.com/dynomite-go/dynomite/hints"
)

// watchedFS counts the files that were made.
type watchedFS struct {
	hints.FS
	made atomic.Int32
}

func (f *watchedFS) Create(name string) (hints.File, error) {
	f.made.Add(1)
	return f.FS.Create(name)
}

// A write that nothing was kept of does not wait for the log, which may be busy
// handing over; one that something was kept of does, whoever commits it.
func TestHandoff_CommitWaitsForWhatWasKept_AndForNothingElse(t *testing.T) {
	var h handoff
	h.CommitHints() // there is no log to touch

	fs := &watchedFS{FS: hints.Memory()}
	log, _, err := hints.Open(hints.Config{Self: "n1", FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	h.log.Store(log)
	before := fs.made.Load()
	if err := log.Add("n2", 1, []byte("k"), []byte("d")); err != nil {
		t.Fatal(err)
	}
	h.CommitHints() // it was not given to the handoff
	if made := fs.made.Load(); made != before {
		t.Errorf("%d files were made for nothing", made-before)
	}
	h.kept.Add(1)
	h.CommitHints()
	if made := fs.made.Load(); made != before+1 {
		t.Errorf("%d files were made for what was kept", made-before)
	}
}
