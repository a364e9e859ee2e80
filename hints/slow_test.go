package hints

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// slowFS has operations on segments wait until they are let go.
type slowFS struct {
	FS
	reads, syncs atomic.Pointer[chan struct{}] // nil: they do not wait
}

type slowFile struct {
	File
	fs      *slowFS
	segment bool
}

func (s *slowFS) Create(name string) (File, error) {
	f, err := s.FS.Create(name)
	return slowFile{f, s, strings.HasSuffix(name, segmentSuffix)}, err
}

func (f slowFile) wait(p *atomic.Pointer[chan struct{}]) {
	if ch := p.Load(); ch != nil && f.segment {
		<-*ch
	}
}

func (f slowFile) ReadAt(b []byte, off int64) (int, error) {
	f.wait(&f.fs.reads)
	return f.File.ReadAt(b, off)
}

func (f slowFile) Sync() error {
	f.wait(&f.fs.syncs)
	return f.File.Sync()
}

// hold makes operations wait, and returns what lets those go that wait by then.
func hold(p *atomic.Pointer[chan struct{}]) (release func()) {
	ch := make(chan struct{})
	p.Store(&ch)
	return func() {
		p.CompareAndSwap(&ch, nil)
		close(ch)
	}
}

func TestAdd_DoesNotWaitForADiskThatIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &slowFS{FS: Memory()}
		l, _ := open(t, Config{FS: disk, Sync: Always, Join: concat})
		add(t, l, "b", "k", "1")
		if err := l.Commit(); err != nil {
			t.Fatal(err)
		}
		readable, syncable := hold(&disk.reads), hold(&disk.syncs)
		handed := make(chan []Record)
		go func() {
			rs, err := l.Next("b", 1000)
			if err != nil {
				t.Error(err)
			}
			handed <- rs
		}()
		go func() {
			if err := l.Append("c", 1, []byte("k"), nil); err != nil {
				t.Error(err)
			}
		}()
		synctest.Wait() // one reads now, one syncs
		add(t, l, "b", "k", "2")
		add(t, l, "c", "k2", "3")
		if s := l.Stats("b"); s.Records != 2 || s.InFlight != 1 {
			t.Errorf("%+v", s)
		}
		readable()
		if rs := <-handed; len(rs) != 1 || string(rs[0].Delta) != "1" {
			t.Errorf("%+v", rs)
		}
		syncable()
		synctest.Wait()
		wantTexts(t, l, "c", "k=", "k2=3")
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// While a record is read to be joined, it is delivered: the new delta must not
// go with it.
func TestAdd_JoinsNothingToWhatLeftMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &slowFS{FS: Memory()}
		l, _ := open(t, Config{FS: disk, Join: concat})
		l.maxRecent = 0
		add(t, l, "b", "k", "1")
		if err := l.Commit(); err != nil {
			t.Fatal(err)
		}
		readable := hold(&disk.reads)
		done := make(chan struct{})
		go func() {
			defer close(done)
			add(t, l, "b", "k", "2")
		}()
		synctest.Wait()
		go func() {
			rs, _ := l.Next("b", 1000)
			l.Ack("b", rs[0].ID)
		}()
		synctest.Wait() // both read
		readable()
		<-done
		synctest.Wait()
		wantTexts(t, l, "b", "k=2")
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// What is added during a sync was not written before it: its commit waits for
// the next one, which serves all who came meanwhile.
func TestCommit_DuringASync_WaitsForTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &slowFS{FS: Memory()}
		l, _ := open(t, Config{FS: disk, Sync: Always})
		var ended atomic.Int32
		appends := func(from, to int) {
			for i := from; i < to; i++ {
				go func() {
					if err := l.Append("b", 1, fmt.Appendf(nil, "k%d", i), nil); err != nil {
						t.Error(err)
					}
					ended.Add(1)
				}()
			}
			synctest.Wait()
		}
		first := hold(&disk.syncs)
		appends(0, 1)
		second := hold(&disk.syncs)
		appends(1, 10)
		first()
		synctest.Wait()
		if n := ended.Load(); n != 1 {
			t.Errorf("%d appends returned after the first sync, want 1", n)
		}
		third := hold(&disk.syncs)
		second()
		synctest.Wait()
		if n := ended.Load(); n != 10 {
			t.Errorf("%d appends returned after the second sync, want 10", n)
		}
		third()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// countingFS counts the syncs of its files, each of which takes a millisecond.
type countingFS struct {
	FS
	syncs atomic.Int32
}

type countingFile struct {
	File
	fs *countingFS
}

func (c *countingFS) Create(name string) (File, error) {
	f, err := c.FS.Create(name)
	return countingFile{f, c}, err
}

func (f countingFile) Sync() error {
	f.fs.syncs.Add(1)
	time.Sleep(time.Millisecond)
	return f.File.Sync()
}

// Those who are woken by a sync and append again share the next one, all of
// them: the first to come waits for the others, not for a disk that is idle.
func TestAppend_ThoseWhoWereWokenTogetherShareTheNextSync(t *testing.T) {
	const appenders, each = 64, 50
	synctest.Test(t, func(t *testing.T) {
		disk := &countingFS{FS: Memory()}
		l, _ := open(t, Config{FS: disk, Sync: Always})
		var all sync.WaitGroup
		for g := range appenders {
			all.Go(func() {
				for i := range each {
					if err := l.Append("b", 1, fmt.Appendf(nil, "k%d-%d", g, i), nil); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		if n := disk.syncs.Load(); n > each*3/2 {
			t.Errorf("%d syncs for %d appends of each of %d", n, each, appenders)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestForget_LeavesNothingOfTheNode(t *testing.T) {
	disk := Memory()
	l, _ := open(t, Config{FS: disk})
	add(t, l, "b", "k", "x")
	if err := l.Commit(); err != nil {
		t.Fatal(err)
	}
	l.Forget("b")
	if nodes := l.Nodes(); len(nodes) != 0 {
		t.Errorf("%q are known", nodes)
	}
	add(t, l, "b", "k", "y")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l, rec := open(t, Config{FS: disk})
	if rec.Unclean || rec.Records != 1 {
		t.Errorf("%+v", rec)
	}
	wantTexts(t, l, "b", "k=y")
}
