package hints

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
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

// A batch that was synced before an earlier one is not committed before that:
// some of what its callers added may be in the earlier one.
func TestCommit_BatchesEndInTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &slowFS{FS: Memory()}
		l, _ := open(t, Config{FS: disk, Sync: Always})
		add(t, l, "b", "k1", "1")
		first := hold(&disk.syncs)
		var ended atomic.Int32
		commit := func() {
			if err := l.Commit(); err != nil {
				t.Error(err)
			}
			ended.Add(1)
		}
		go commit()
		synctest.Wait()
		disk.syncs.Store(nil)
		add(t, l, "c", "k2", "2")
		go commit() // its own sync is over at once
		synctest.Wait()
		if n := ended.Load(); n != 0 {
			t.Errorf("%d commits returned before the first sync", n)
		}
		first()
		synctest.Wait()
		if n := ended.Load(); n != 2 {
			t.Errorf("%d commits returned", n)
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
