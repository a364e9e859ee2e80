package hints

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

type hookFS struct {
	FS
	sync  func()
	write func(name string) error
}
type hookFile struct {
	File
	fs   *hookFS
	name string
}

func (h *hookFS) Create(n string) (File, error) {
	f, err := h.FS.Create(n)
	return hookFile{f, h, n}, err
}

func (f hookFile) Sync() error {
	if f.fs.sync != nil && strings.HasSuffix(f.name, segmentSuffix) {
		f.fs.sync()
	}
	return f.File.Sync()
}

func (f hookFile) WriteAt(b []byte, o int64) (int, error) {
	if f.fs.write != nil && strings.HasSuffix(f.name, segmentSuffix) {
		if err := f.fs.write(f.name); err != nil {
			return 0, err
		}
	}
	return f.File.WriteAt(b, o)
}

func TestForgetThenAppend_Survives(t *testing.T) {
	fs := Memory()
	l, _ := open(t, Config{FS: fs, Sync: Always})
	l.Append("b", 1, []byte("old"), []byte("x"))
	l.Forget("b")
	if err := l.Append("b", 2, []byte("new"), []byte("y")); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l2, rec := open(t, Config{FS: fs})
	if rec.Records != 1 || rec.Unclean {
		t.Errorf("lost: %+v dirty %v", rec, l2.Dirty("b"))
	}
}

func TestExpireOfSeveralSegmentsInAdd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := Memory()
		cfg := Config{FS: fs, Window: time.Hour, SegmentBytes: 1000}
		l, _ := open(t, cfg)
		for i := range 100 {
			l.Append("b", uint64(i), fmt.Appendf(nil, "k%d", i), make([]byte, 200))
		}
		l.Close()
		time.Sleep(2 * time.Hour)
		l, _ = open(t, cfg)
		if err := l.Append("b", 777, []byte("new"), make([]byte, 10)); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if p := recover(); p != nil {
				t.Errorf("panic: %v", p)
			}
		}()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l, rec := open(t, cfg)
		if rec.Records != 1 {
			t.Errorf("lost: %+v, dirty has 777: %v", rec, l.Dirty("b"))
		}
		l.Close()
	})
}

func tornSegment(t *testing.T, cut func(size int64) int64) FS {
	fs := Memory()
	l, _ := open(t, Config{FS: fs})
	l.Append("b", 1, []byte("k"), make([]byte, 100))
	l.Append("b", 1, []byte("k2"), make([]byte, 100))
	l.Close()
	names, _ := fs.List()
	for _, n := range names {
		f, _ := fs.Open(n)
		s, _ := f.Size()
		f.Truncate(cut(s))
	}
	return fs
}

func TestTornTail_IsCutOnce(t *testing.T) {
	fs := tornSegment(t, func(s int64) int64 { return s - 5 })
	for i := range 3 {
		l, rec := open(t, Config{FS: fs})
		d := l.Dirty("b")
		l.Clean("b", All)
		l.Close()
		if i > 0 && (rec.Cut != 0 || d != nil) {
			t.Errorf("clean open %d again: %+v dirty %v", i, rec, d)
		}
	}
}

func TestTornHeader_IsNotUncleanForEver(t *testing.T) {
	fs := tornSegment(t, func(int64) int64 { return 9 })
	for i := range 3 {
		l, rec := open(t, Config{FS: fs})
		l.Close()
		if i > 0 && rec.Unclean {
			t.Errorf("clean open %d again unclean: %+v", i, rec)
		}
	}
}

func TestBundleRefused_IsMarked(t *testing.T) {
	for _, rs := range [][]Range{nil, {{9, 3}}} {
		l, _ := open(t, Config{MaxBytes: 50})
		err := l.AddBundle("b", rs, make([]byte, 100))
		if d := l.Dirty("b"); d == nil {
			t.Errorf("%v: err %v but nothing is dirty", rs, err)
		}
	}
}

func TestMarkDirtyWrapped_IsNotLost(t *testing.T) {
	l, _ := open(t, Config{})
	if err := l.MarkDirty("b", Range{9, 3}); err == nil && l.Dirty("b") == nil {
		t.Error("nil error, no mark")
	}
}

func TestAddWhileClosing(t *testing.T) {
	mem := Memory()
	h := &hookFS{FS: mem}
	l, _ := open(t, Config{FS: h, Sync: Always})
	l.Add("b", 1, []byte("k1"), []byte("x"))
	var added error = errors.New("not called")
	h.sync = func() { h.sync = nil; added = l.Add("b", 2, []byte("k2"), []byte("y")) }
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l2, rec := open(t, Config{FS: mem})
	if added == nil && rec.Records != 2 && !rec.Unclean && l2.Dirty("b") == nil {
		t.Errorf("Add said nil, record lost after a clean close: %+v", rec)
	}
}

func TestCommitOfWhatAFailingFlushTookAlong(t *testing.T) {
	h := &hookFS{FS: Memory()}
	l, _ := open(t, Config{FS: h, Sync: Always})
	var added error
	h.write = func(string) error {
		h.write = nil
		added = l.Add("b", 2, []byte("k2"), []byte("y"))
		return errors.New("no space")
	}
	l.Append("b", 1, []byte("k1"), []byte("x"))
	if err := l.Commit(); added == nil && err == nil && l.Stats("b").Records == 0 {
		t.Errorf("Commit said nil; records 0, dirty %v", l.Dirty("b"))
	}
}

func TestWaitEndsWithClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := open(t, Config{})
		add(t, l, "b", "k", "x")
		done := make(chan error, 1)
		ctx := t.Context()
		go func() { done <- l.Wait(ctx, "b") }()
		synctest.Wait()
		l.Close()
		synctest.Wait()
		select {
		case <-done:
		default:
			t.Error("Wait still blocks after Close")
		}
	})
}

func TestMarksOfANodeWithoutRecords_SurviveACrash(t *testing.T) {
	fs := Memory()
	l, _ := open(t, Config{FS: fs, Sync: Always})
	l.MarkDirty("c", Range{3, 7})
	l.Commit()
	l2, rec := open(t, Config{FS: fs})
	if l2.Dirty("c") == nil {
		t.Errorf("gone; %+v nodes %v", rec, l2.Nodes())
	}
}

// A file that was refused keeps its name, and its content.
func TestRefusedFile_IsNotOverwritten(t *testing.T) {
	fs := Memory()
	name := segmentName("b", 1)
	f, _ := fs.Create(name)
	newer := appendHeader(nil, "self", "b")
	newer[len(magic)+1] = format + 1
	f.WriteAt(newer, 0)
	for range 2 {
		l, rec := open(t, Config{FS: fs})
		if len(rec.Refused) != 1 || rec.Refused[0].File != name || !errors.Is(rec.Refused[0].Err, errNewer) || !rec.Unclean {
			t.Errorf("%+v", rec)
		}
		if err := l.Append("b", 1, []byte("k"), []byte("x")); err != nil {
			t.Error(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	b := make([]byte, len(newer))
	if _, err := f.ReadAt(b, 0); err != nil || string(b) != string(newer) {
		t.Errorf("%x, %v", b, err)
	}
	if again, err := fs.Open(name); err != nil || again != f {
		t.Errorf("it was replaced: %v", err)
	}
}

// Of damage in the middle one start tells, and marks, and no further one.
func TestDamage_IsReportedOnce(t *testing.T) {
	fs := Memory()
	l, _ := open(t, Config{FS: fs})
	for i := range 3 {
		add(t, l, "b", fmt.Sprintf("k%d", i), "x")
	}
	l.Close()
	f, _ := fs.Open(segmentName("b", 1))
	size, _ := f.Size()
	f.WriteAt([]byte{1, 2, 3}, size/2+10)
	for i := range 3 {
		l, rec := open(t, Config{FS: fs})
		if rec.Damaged != 1-min(i, 1) || rec.Records != 2 || (l.Dirty("b") != nil) != (i == 0) {
			t.Errorf("start %d: %+v, dirty %v", i, rec, l.Dirty("b"))
		}
		l.Clean("b", All)
		l.Close()
	}
}

// What is in flight does not keep what is behind it from expiring.
func TestExpiry_PassesWhatIsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := open(t, Config{Window: time.Hour})
		add(t, l, "b", "k", "1")
		add(t, l, "b", "k22", "2")
		if rs, err := l.Next("b", 1); err != nil || len(rs) != 1 {
			t.Fatalf("%v, %v", rs, err)
		}
		time.Sleep(2 * time.Hour)
		add(t, l, "b", "k333", "3")
		if s := l.Stats("b"); s.Expired != 1 || s.InFlight != 1 || s.Records != 2 {
			t.Errorf("%+v", s)
		}
		l.Close()
	})
}

// Files go without a Commit.
func TestGarbage_GoesWithinASecond(t *testing.T) {
	for _, policy := range []Sync{EverySecond, Always, No} {
		synctest.Test(t, func(t *testing.T) {
			fs := Memory()
			l, _ := open(t, Config{FS: fs, Sync: policy})
			if err := l.Append("b", 1, []byte("k"), nil); err != nil {
				t.Fatal(err)
			}
			_, ids := texts(t, l, "b")
			l.Ack("b", ids...)
			time.Sleep(2 * time.Second)
			if names, _ := fs.List(); len(names) != 1 {
				t.Errorf("%v with Sync %d", names, policy)
			}
			l.Close()
		})
	}
}
