package hints

import (
	"testing"
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
		{"many came", 10 * time.Millisecond, 200, true},
	} {
		var y yields
		if !y.may(began) {
			t.Fatalf("%s: may not yield at first", c.name)
		}
		if got := y.took(began, c.took, c.brought); got != c.worth {
			t.Errorf("%s: worth it %v, want %v", c.name, got, c.worth)
		}
		if got := y.may(began.Add(10*c.took - 1)); got != c.worth {
			t.Errorf("%s: may yield at once %v, want %v", c.name, got, c.worth)
		}
		if !y.may(began.Add(10 * c.took)) {
			t.Errorf("%s: may not yield after ten times as long", c.name)
		}
	}
}

func TestAppend_AfterADearYieldNobodyIsWaitedFor(t *testing.T) {
	l, _ := open(t, Config{FS: Memory(), Sync: Always})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.expected = 2
	now := time.Now()
	l.yields.took(now, time.Hour, 0)
	before := l.yields
	l.gather()
	if l.yields != before || l.yields.may(now) {
		t.Errorf("yields are %+v after gathering, want %+v: there was one", l.yields, before)
	}
}
