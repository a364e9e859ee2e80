package hints

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestYields_NoneForAWhileAfterOneThatWasDear(t *testing.T) {
	began := time.Unix(1, 0)
	for _, c := range []struct {
		name    string
		took    time.Duration
		brought int
		worth   bool
	}{
		{"nobody runs", time.Microsecond, 0, true},
		{"a few run", dear, 0, true},
		{"the scheduler's turn", 10 * time.Millisecond, 0, false},
		{"one came, at last", 10 * time.Millisecond, 1, false},
		{"all stood still", time.Minute, 0, false},
		{"many came", 10 * time.Millisecond, 200, true},
	} {
		var y yields
		if !y.may(began) {
			t.Fatalf("%s: may not yield at first", c.name)
		}
		if got := y.took(began, c.took, c.brought); got != c.worth {
			t.Errorf("%s: worth it %v, want %v", c.name, got, c.worth)
		}
		pause := min(10*c.took, time.Second)
		if got := y.may(began.Add(pause - 1)); got != c.worth {
			t.Errorf("%s: may yield at once %v, want %v", c.name, got, c.worth)
		}
		if !y.may(began.Add(pause)) {
			t.Errorf("%s: may not yield after %v", c.name, pause)
		}
	}
}

// A yield takes ten milliseconds here, as it does while every processor is busy.
func TestAppend_YieldsTakeATenthOfTheTimeAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &slowFS{FS: Memory()}
		l, _ := open(t, Config{FS: disk, Sync: Always})
		yielded := 0
		l.yields.gosched = func() {
			yielded++
			time.Sleep(10 * time.Millisecond)
		}
		began := time.Now()
		for time.Since(began) < 10*time.Second {
			release := hold(&disk.syncs)
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() { appendOne(t, l) })
			}
			time.Sleep(time.Millisecond)
			release()
			all.Wait()
		}
		if yielded < 5 || yielded > 100 {
			t.Errorf("%d yields of 10ms in 10s, want some, and 100 at most", yielded)
		}
	})
}

func appendOne(t *testing.T, l *Log) {
	if err := l.Append("b", 1, []byte("k"), []byte("1")); err != nil {
		t.Error(err)
	}
}
