package hints

import (
	"fmt"
	"testing"
)

// A record is delivered while it is still being written, and another one is added
// to the file before that ends.
func TestAck_WhileItIsWritten_Holds(t *testing.T) {
	for _, how := range []string{"write", "sync"} {
		t.Run(how, func(t *testing.T) {
			fs := &hookFS{FS: Memory()}
			l, _ := open(t, Config{FS: fs, Sync: Always})
			first := true
			hook := func() {
				if !first {
					return
				}
				first = false
				records, err := l.Next("b", 1<<20)
				if err != nil || len(records) != 1 {
					t.Errorf("%v, %v", records, err)
					return
				}
				l.Ack("b", records[0].ID)
				if err := l.Add("b", 2, []byte("two"), []byte("y")); err != nil {
					t.Error(err)
				}
			}
			if how == "write" {
				fs.write = func(string) error { hook(); return nil }
			} else {
				fs.sync = hook
			}
			if err := l.Append("b", 1, []byte("one"), []byte("x")); err != nil {
				t.Fatal(err)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			fs.write, fs.sync = nil, nil
			l, rec := open(t, Config{FS: fs})
			defer l.Close()
			if rec.Records != 1 || rec.Unclean {
				t.Errorf("what was delivered comes again: %+v", rec)
			}
		})
	}
}

func TestOpen_DeliveredBundles_LeaveNothing(t *testing.T) {
	fs := Memory()
	l, _ := open(t, Config{FS: fs})
	for i := range uint64(500) {
		if err := l.AddBundle("b", []Range{{i, i}}, []byte("bundle")); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Append("b", 1, []byte("one"), []byte("x")); err != nil {
		t.Fatal(err)
	}
	for range 500 {
		records, err := l.Next("b", 1)
		if err != nil {
			t.Fatal(err)
		}
		l.Ack("b", records[0].ID)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l, rec := open(t, Config{FS: fs})
	defer l.Close()
	if q := l.queues["b"]; rec.Records != 1 || len(q.bundles) != 0 {
		t.Errorf("%+v, ranges of %d bundles", rec, len(q.bundles))
	}
}

// pausedReads has something happen during the next read of a file.
type pausedReads struct {
	FS
	during func()
}

type pausedFile struct {
	File
	fs *pausedReads
}

func (s *pausedReads) Create(name string) (File, error) {
	f, err := s.FS.Create(name)
	return pausedFile{f, s}, err
}

func (f pausedFile) ReadAt(b []byte, off int64) (int, error) {
	if during := f.fs.during; during != nil {
		f.fs.during = nil
		during()
	}
	return f.File.ReadAt(b, off)
}

// A node is forgotten while a delta is being joined to what is in its file.
func TestForget_WhileADeltaIsJoined_LeavesNoFile(t *testing.T) {
	fs := &pausedReads{FS: Memory()}
	l, _ := open(t, Config{FS: fs, Sync: Always, Join: func(dst, _, older, newer []byte) ([]byte, error) {
		return append(append(dst, older...), newer...), nil
	}})
	l.maxRecent = 0
	for i, key := range []string{"one", "two"} {
		if err := l.Append("b", uint64(i), []byte(key), []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	fs.during = func() { l.Forget("b") }
	if err := l.Append("b", 0, []byte("one"), []byte("y")); err != nil {
		t.Fatal(err)
	}
	if fs.during != nil {
		t.Fatal("nothing was read")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l, rec := open(t, Config{FS: fs})
	defer l.Close()
	if rec.Records != 1 {
		t.Errorf("what was forgotten comes again: %+v", rec)
	}
}

// What a queue takes in memory is what it holds, and goes with the last record.
func TestLog_SlotsOfWhatWasDelivered_AreUsedAgain(t *testing.T) {
	l, _ := open(t, Config{FS: Memory(), Sync: No})
	defer l.Close()
	deliver := func(records int) {
		for i := range records {
			if err := l.Add("b", uint64(i), fmt.Appendf(nil, "k%d", i), []byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		out, err := l.Next("b", 1<<30)
		if err != nil || len(out) != records {
			t.Fatalf("%d records, %v", len(out), err)
		}
		for _, r := range out {
			l.Ack("b", r.ID)
		}
	}
	for range 3 * chunkSlots {
		deliver(1)
	}
	q := l.queues["b"]
	if n := len(q.slots.chunks); n != 1 {
		t.Errorf("%d chunks for one record at a time", n)
	}
	deliver(3 * chunkSlots)
	if n := len(q.slots.chunks); n != 0 {
		t.Errorf("%d chunks are left of a long queue", n)
	}
}
