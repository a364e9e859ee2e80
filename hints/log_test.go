package hints

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// concat is a join whose result shows what went into it.
func concat(dst, _, older, newer []byte) ([]byte, error) {
	return append(append(append(dst, older...), '+'), newer...), nil
}

func open(t testing.TB, cfg Config) (*Log, Recovery) {
	t.Helper()
	if cfg.Self == "" {
		cfg.Self = "self"
	}
	l, rec, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, rec
}

func add(t testing.TB, l *Log, node, key, delta string) {
	t.Helper()
	if err := l.Add(node, uint64(len(key)), []byte(key), []byte(delta)); err != nil {
		t.Fatal(err)
	}
}

// texts are what Next hands out, as key=delta.
func texts(t testing.TB, l *Log, node string) (out []string, ids []uint64) {
	t.Helper()
	rs, err := l.Next(node, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rs {
		out = append(out, fmt.Sprintf("%s=%s", r.Key, r.Delta))
		ids = append(ids, r.ID)
	}
	return out, ids
}

func wantTexts(t testing.TB, l *Log, node string, want ...string) []uint64 {
	t.Helper()
	got, ids := texts(t, l, node)
	if !slices.Equal(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	return ids
}

func TestNext_OldestFirst_OnceUntilReleased(t *testing.T) {
	l, rec := open(t, Config{})
	if rec.Unclean || rec.Records != 0 {
		t.Errorf("a new log: %+v", rec)
	}
	add(t, l, "b", "k1", "x")
	add(t, l, "b", "k2", "y")
	add(t, l, "c", "k1", "z")
	ids := wantTexts(t, l, "b", "k1=x", "k2=y")
	wantTexts(t, l, "b")
	l.Release("b", ids[1])
	wantTexts(t, l, "b", "k2=y")
	l.Ack("b", ids...)
	l.Ack("b", ids...) // again: nothing
	l.Release("b", ids...)
	wantTexts(t, l, "b")
	wantTexts(t, l, "c", "k1=z")
	if s := l.Stats("b"); s.Records != 0 || s.Bytes != 0 || s.DiskBytes != 0 || s.Delivered != 2 {
		t.Errorf("%+v", s)
	}
}

func TestAdd_SameKey_IsJoinedUnlessInFlight(t *testing.T) {
	l, _ := open(t, Config{Join: concat})
	add(t, l, "b", "k", "1")
	add(t, l, "b", "other", "o")
	add(t, l, "b", "k", "2")
	ids := wantTexts(t, l, "b", "k=1+2", "other=o")
	add(t, l, "b", "k", "3") // the first is on its way
	add(t, l, "b", "k", "4")
	l.Ack("b", ids[0])
	wantTexts(t, l, "b", "k=3+4")
	if s := l.Stats("b"); s.Queued != 3 || s.Coalesced != 2 {
		t.Errorf("%+v", s)
	}
}

func TestAdd_JoinThatFails_KeepsBoth(t *testing.T) {
	l, _ := open(t, Config{Join: func(dst, _, _, _ []byte) ([]byte, error) { return dst, errors.New("no") }})
	add(t, l, "b", "k", "1")
	add(t, l, "b", "k", "2")
	wantTexts(t, l, "b", "k=1", "k=2")
}

func TestBundle_IsKeptWhole(t *testing.T) {
	l, _ := open(t, Config{Join: concat})
	for range 2 {
		if err := l.AddBundle("b", []Range{{1, 2}, {9, 9}}, []byte("whole")); err != nil {
			t.Fatal(err)
		}
	}
	rs, err := l.Next("b", 1)
	if err != nil || len(rs) != 1 || !rs[0].Bundle || string(rs[0].Delta) != "whole" || !slices.Equal(rs[0].Ranges, []Range{{1, 2}, {9, 9}}) {
		t.Errorf("%+v, %v", rs, err)
	}
	if n := l.Stats("b").Records; n != 2 {
		t.Errorf("%d records", n)
	}
}

func TestReopen_AfterClose_HasTheRestAndTheMarks(t *testing.T) {
	fs := Memory()
	l, _ := open(t, Config{FS: fs, Join: concat})
	for i := range 5 {
		add(t, l, "b", fmt.Sprintf("k%d", i), "x")
	}
	_, ids := texts(t, l, "b")
	l.Ack("b", ids[0], ids[3])
	add(t, l, "b", "k4", "again") // in flight: another record
	add(t, l, "b", "k4", "more")
	l.MarkDirty("c", Range{3, 7})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l, rec := open(t, Config{FS: fs, Join: concat})
	if rec.Unclean || rec.Records != 4 || rec.Cut+rec.Damaged+len(rec.Refused) != 0 {
		t.Errorf("%+v", rec)
	}
	if got := l.Dirty("b"); got != nil {
		t.Errorf("b is dirty: %v", got)
	}
	if got := l.Dirty("c"); !slices.Equal(got, []Range{{3, 7}}) {
		t.Errorf("c is dirty: %v", got)
	}
	add(t, l, "b", "k1", "new")
	wantTexts(t, l, "b", "k1=x+new", "k2=x", "k4=x", "k4=again+more")
}

func TestReopen_WithoutClose_MarksEveryNodeItKnows(t *testing.T) {
	fs := Memory()
	l, _ := open(t, Config{FS: fs})
	add(t, l, "b", "k", "x")
	if err := l.Commit(); err != nil {
		t.Fatal(err)
	}
	l2, rec := open(t, Config{FS: fs})
	if !rec.Unclean || rec.Records != 1 {
		t.Errorf("%+v", rec)
	}
	if got := l2.Dirty("b"); !slices.Equal(got, []Range{All}) {
		t.Errorf("dirty: %v", got)
	}
	wantTexts(t, l2, "b", "k=x")
}

func TestLimits_MarkTheRangeInstead(t *testing.T) {
	l, _ := open(t, Config{MaxBytes: 200, MaxRecord: 150, Join: concat})
	var dirty *DirtyError
	err := l.Add("b", 7, []byte("k"), make([]byte, 200))
	if !errors.As(err, &dirty) || !errors.Is(err, ErrTooLarge) || !slices.Equal(dirty.Ranges, []Range{{7, 7}}) {
		t.Errorf("too large: %v", err)
	}
	add(t, l, "b", "k1", string(make([]byte, 100)))
	if err := l.Add("b", 9, []byte("k2"), make([]byte, 100)); !errors.Is(err, ErrFull) {
		t.Errorf("full: %v", err)
	}
	if err := l.AddBundle("b", []Range{{9, 9}}, make([]byte, 60)); !errors.Is(err, ErrFull) {
		t.Errorf("full: %v", err)
	}
	if got := l.Dirty("b"); !slices.Equal(got, []Range{{7, 7}, {9, 9}}) {
		t.Errorf("dirty: %v", got)
	}
	if s := l.Stats("b"); s.Refused != 3 || s.Queued != 1 {
		t.Errorf("%+v", s)
	}
	l.Clean("b", Range{8, 9})
	if got := l.Dirty("b"); !slices.Equal(got, []Range{{7, 7}}) {
		t.Errorf("dirty: %v", got)
	}
	// What is queued stays, and another node has its own limit.
	add(t, l, "c", "k2", string(make([]byte, 100)))
	wantTexts(t, l, "b", "k1="+string(make([]byte, 100)))
}

func TestWindow_WhatIsOlderIsMarked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := open(t, Config{Window: time.Hour, Join: concat})
		add(t, l, "b", "k", "1")
		time.Sleep(40 * time.Minute)
		add(t, l, "b", "k", "2") // as old as its oldest part
		add(t, l, "b", "later", "3")
		time.Sleep(30 * time.Minute)
		wantTexts(t, l, "b", "later=3")
		if s := l.Stats("b"); s.Expired != 1 || !slices.Equal(s.Dirty, []Range{{1, 1}}) {
			t.Errorf("%+v", s)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestReplay_HandsOverEverything_PacedByTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := open(t, Config{})
		for i := range 1000 {
			add(t, l, "b", fmt.Sprintf("key%03d", i), string(make([]byte, 994)))
		}
		var budget Budget
		budget.Set(100_000)
		began := time.Now()
		got := 0
		done := make(chan error, 1)
		go func() { done <- l.Wait(t.Context(), "b") }()
		err := l.Replay(t.Context(), "b", &budget, func(_ context.Context, rs []Record) error {
			got += len(rs)
			return nil
		})
		if err != nil || got != 1000 {
			t.Errorf("%d records, %v", got, err)
		}
		if took := time.Since(began); took < 9*time.Second || took > 10*time.Second {
			t.Errorf("a megabyte at 100 kB/s took %v", took)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestReplay_DeliveryThatFails_ComesAgain(t *testing.T) {
	l, _ := open(t, Config{})
	add(t, l, "b", "k1", "x")
	add(t, l, "b", "k2", "y")
	fail := errors.New("gone")
	err := l.Replay(t.Context(), "b", nil, func(_ context.Context, rs []Record) error {
		l.Ack("b", rs[0].ID) // this one it took
		return fail
	})
	if !errors.Is(err, fail) {
		t.Error(err)
	}
	wantTexts(t, l, "b", "k2=y")
}

func TestForget_DropsAll(t *testing.T) {
	fs := Memory()
	l, _ := open(t, Config{FS: fs})
	add(t, l, "b", "k", "x")
	l.Commit()
	l.MarkDirty("b", All)
	l.Forget("b")
	if s := l.Stats("b"); s.Records != 0 || s.Dirty != nil {
		t.Errorf("%+v", s)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if names, _ := fs.List(); len(names) != 0 {
		t.Errorf("left behind: %v", names)
	}
}

func TestClosed_RefusesAndStaysClosed(t *testing.T) {
	l, _ := open(t, Config{})
	for range 2 {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := l.Add("b", 1, nil, nil); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if _, err := l.Next("b", 1); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

func TestHostileNodeIDs_StayInTheDirectory(t *testing.T) {
	fs := OS(t.TempDir() + "/hints")
	l, _ := open(t, Config{FS: fs, Sync: Always})
	ids := []string{"../../etc/passwd", "a/b", "a_b", "a\x00b", string(bytes.Repeat([]byte("x"), maxID))}
	for _, id := range ids {
		if err := l.Append(id, 1, []byte("k"), []byte(id)); err != nil {
			t.Errorf("%q: %v", id, err)
		}
	}
	for _, id := range []string{"", string(make([]byte, maxID+1))} {
		if err := l.Append(id, 1, []byte("k"), nil); err == nil {
			t.Errorf("an id of %d bytes was taken", len(id))
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l, rec := open(t, Config{FS: fs})
	if rec.Unclean || rec.Records != len(ids) {
		t.Errorf("%+v", rec)
	}
	for _, id := range ids {
		wantTexts(t, l, id, "k="+id)
	}
}

func TestAppend_ManyAtOnce_NothingIsLost(t *testing.T) {
	fs := OS(t.TempDir())
	l, _ := open(t, Config{FS: fs, Sync: Always, SegmentBytes: 32 << 10})
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			for i := range 100 {
				if err := l.Append("b", uint64(i), fmt.Appendf(nil, "k%d-%d", g, i), make([]byte, 50)); err != nil {
					t.Error(err)
				}
				if i%10 == 9 {
					rs, _ := l.Next("b", 1000)
					for _, r := range rs {
						l.Ack("b", r.ID)
					}
				}
			}
		})
	}
	wg.Wait()
	left := l.Stats("b")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l, rec := open(t, Config{FS: fs})
	if rec.Unclean || rec.Records != left.Records || left.Queued-left.Delivered != uint64(left.Records) {
		t.Errorf("%+v, before %+v", rec, left)
	}
	if names, err := fs.List(); err != nil || len(names) > 10 {
		t.Errorf("%d files, %v", len(names), err)
	}
}

func TestReplay_HandsOverBatchesOfTheBudget(t *testing.T) {
	l, _ := open(t, Config{})
	for i := range 100 {
		if err := l.Append("b", uint64(i), fmt.Appendf(nil, "k%02d", i), make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
	}
	var budget Budget
	budget.SetBatch(1000)
	if got := budget.Batch(); got != 1000 {
		t.Errorf("a batch of %d bytes, not 1000", got)
	}
	batches := 0
	if err := l.Replay(t.Context(), "b", &budget, func(_ context.Context, records []Record) error {
		if batches++; len(records) > 9 {
			t.Errorf("%d records of 100 bytes at a time", len(records))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if batches < 12 || batches > 20 {
		t.Errorf("%d batches", batches)
	}
	budget.SetBatch(0)
	if got := budget.Batch(); got != 64<<10 {
		t.Errorf("a batch of %d bytes by default", got)
	}
}
