package hints

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// held is what a log holds for b, as it is, without asking it.
func held(l *Log) (records int, dirty []Range, expired uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	q := l.queues["b"]
	return q.records, slices.Clone(q.dirty), q.total.Expired
}

// expires says whether one is set for what expires.
func (l *Log) expires() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.expiry != nil
}

// What is older than the window ends though nobody adds, asks or delivers.
func TestExpiry_NobodyDoesAnything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := Memory()
		cfg := Config{FS: fs, Window: time.Hour}
		l, _ := open(t, cfg)
		add(t, l, "b", "k", "1")
		time.Sleep(40 * time.Minute)
		add(t, l, "b", "k22", "2")
		waited := make(chan time.Duration)
		ctx, began := t.Context(), time.Now()
		go func() {
			if err := l.Wait(ctx, "b"); err != nil {
				t.Error(err)
			}
			waited <- time.Since(began)
		}()
		time.Sleep(20*time.Minute + time.Millisecond)
		synctest.Wait()
		if n, dirty, expired := held(l); n != 1 || !slices.Equal(dirty, []Range{{1, 1}}) || expired != 1 {
			t.Errorf("after an hour: %d records, %v, %d expired", n, dirty, expired)
		}
		if took := <-waited; took != time.Hour+time.Millisecond {
			t.Errorf("they were held for %v", took)
		}
		if n, dirty, _ := held(l); n != 0 || !slices.Equal(dirty, []Range{{1, 1}, {3, 3}}) {
			t.Errorf("at the end: %d records, %v", n, dirty)
		}
		time.Sleep(2 * time.Second) // the files go
		if names, _ := fs.List(); slices.Contains(names, segmentName("b", 1)) {
			t.Errorf("%q are left", names)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// So does what an earlier log left, and what comes back from a flight that took
// too long.
func TestExpiry_OfWhatWasThereBefore_AndOfWhatComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := Config{FS: Memory(), Window: time.Hour}
		l, _ := open(t, cfg)
		add(t, l, "b", "k", "1")
		time.Sleep(30 * time.Minute)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l, _ = open(t, cfg)
		add(t, l, "b", "k22", "2")
		rs, err := l.Next("b", 1)
		if err != nil || len(rs) != 1 {
			t.Fatalf("%v, %v", rs, err)
		}
		time.Sleep(2 * time.Hour)
		if n, dirty, _ := held(l); n != 1 || !slices.Equal(dirty, []Range{{3, 3}}) {
			t.Errorf("%d records, %v", n, dirty)
		}
		if l.expires() {
			t.Error("a timer is set for what is in flight")
		}
		l.Release("b", rs[0].ID)
		time.Sleep(time.Second)
		synctest.Wait()
		if n, dirty, _ := held(l); n != 0 || !slices.Equal(dirty, []Range{{1, 1}, {3, 3}}) {
			t.Errorf("after its release: %d records, %v", n, dirty)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		l, rec := open(t, cfg)
		if rec.Records != 0 || rec.Unclean {
			t.Errorf("%+v", rec)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// What came between two expiries goes in one.
func TestExpiry_OfWhatCameOneByOne_IsOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := open(t, Config{Window: time.Hour})
		for i := range 1000 { // in two seconds
			add(t, l, "b", fmt.Sprint(i), "x")
			time.Sleep(2 * time.Millisecond)
		}
		rounds, last := 0, uint64(0)
		time.Sleep(time.Hour - 2*time.Second)
		for range 4000 {
			time.Sleep(time.Millisecond)
			synctest.Wait()
			if _, _, n := held(l); n != last {
				rounds, last = rounds+1, n
			}
		}
		if rounds > 3 || last != 1000 {
			t.Errorf("%d expired, %d times some", last, rounds)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// There is a timer while there is something to expire, and none else.
func TestExpiry_TheTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		never, _ := open(t, Config{Window: -1})
		add(t, never, "b", "k", "1")
		l, _ := open(t, Config{Window: time.Hour})
		wants := func(when string, want bool) {
			t.Helper()
			if got := l.expires(); got != want {
				t.Errorf("%s: a timer: %v", when, got)
			}
		}
		wants("new", false)
		add(t, l, "b", "k", "1")
		add(t, l, "c", "k", "1")
		wants("with records", true)
		l.Forget("c")
		wants("with one record", true)
		l.Ack("b", wantTexts(t, l, "b", "k=1")...)
		wants("delivered", false)
		add(t, l, "b", "k", "1")
		wants("again", true)
		time.Sleep(2 * time.Hour)
		wants("expired", false)
		add(t, l, "b", "k", "1")
		l.Forget("b")
		wants("forgotten", false)
		add(t, l, "b", "k", "1")
		for _, log := range []*Log{l, never} {
			if log.expires() != (log == l) {
				t.Error("a timer, and a window of ever; or none")
			}
			began := time.Now()
			if err := log.Close(); err != nil {
				t.Fatal(err)
			}
			if log.expires() || !time.Now().Equal(began) {
				t.Error("Close left a timer, or waited for it")
			}
			if n := log.Stats("b").Records; n != 1 {
				t.Errorf("Close left %d records", n)
			}
		}
		time.Sleep(2 * time.Hour)
		if n := l.Stats("b").Records; n != 1 {
			t.Errorf("a log that is closed expired what it left: %d", n)
		}
	})
}

// Who looks sees what is left, though the timer comes a second later; and what
// expires at once, however much it is, is more than one round of it.
func TestExpiry_OfMuchAtOnce(t *testing.T) {
	const many = 3*expiresAtOnce + 1
	fill := func(t *testing.T) (*Log, Config) {
		cfg := Config{FS: Memory(), Window: time.Hour}
		l, _ := open(t, cfg)
		for i := range many {
			add(t, l, "b", fmt.Sprint(i), "x")
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		l, _ = open(t, cfg) // the timer is set for a second from now
		return l, cfg
	}
	wants := func(t *testing.T, l *Log, cfg Config) {
		t.Helper()
		if n, _, expired := held(l); n != 0 || expired != many {
			t.Errorf("%d records, %d expired", n, expired)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l, rec := open(t, cfg)
		if rec.Records != 0 || rec.Unclean {
			t.Errorf("%+v", rec)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for name, look := range map[string]func(*testing.T, *Log){
		"timer": func(*testing.T, *Log) { time.Sleep(time.Second); synctest.Wait() },
		"Next":  func(t *testing.T, l *Log) { wantTexts(t, l, "b") },
		"Stats": func(t *testing.T, l *Log) {
			if s := l.Stats("b"); s.Records != 0 || s.Expired != many || !s.Oldest.IsZero() || s.Dirty == nil {
				t.Errorf("%+v", s)
			}
		},
		"Add": func(t *testing.T, l *Log) {
			add(t, l, "b", "k", "x")
			if _, _, expired := held(l); expired != expiresAtOnce {
				t.Errorf("one call had %d expire", expired)
			}
			l.Ack("b", wantTexts(t, l, "b", "k=x")...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, cfg := fill(t)
				look(t, l)
				wants(t, l, cfg)
			})
		})
	}
}
