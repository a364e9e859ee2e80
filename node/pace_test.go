package node

import (
	"testing"
	"testing/synctest"
	"time"
)

// pauseAfter is how long a message of hints waits for a whole one before it.
func pauseAfter(t *testing.T, p *pace) time.Duration {
	t.Helper()
	var began time.Time
	for range 2 {
		began = time.Now()
		if err := p.budget.Take(t.Context(), 64<<10); err != nil {
			t.Fatal(err)
		}
	}
	return time.Since(began)
}

func TestPace_RestsAMultipleOfWhatAMessageTook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace()
		for range 20 {
			p.took(64<<10, 5*time.Millisecond, 50*time.Microsecond)
		}
		if got := pauseAfter(t, p); got < 9*time.Millisecond || got > 11*time.Millisecond {
			t.Errorf("an idle peer is sent a message each %v, want twice what it takes", got)
		}
		for range 20 {
			p.took(64<<10, 5*time.Millisecond, time.Millisecond)
		}
		if got := pauseAfter(t, p); got < 100*time.Millisecond {
			t.Errorf("a busy peer is sent a message each %v", got)
		}
	})
}

// What a hundred bytes take is the way there and back; taken for a rate, it would
// have a large record wait for minutes.
func TestPace_ASmallMessageSaysNothingOfALargeOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace()
		p.took(100, 5*time.Millisecond, 50*time.Microsecond)
		if got := pauseAfter(t, p); got > 50*time.Millisecond {
			t.Errorf("after a small message of 5 ms a large one delays the next by %v", got)
		}
	})
}

// A peer that stood still answers late. That says nothing of the time after.
func TestPace_AMessageThatTookSeconds_DelaysNothingForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace()
		p.took(64<<10, time.Millisecond, 50*time.Microsecond)
		for range 10 {
			p.took(64<<10, 4*time.Second, 500*time.Millisecond)
		}
		if got := pauseAfter(t, p); got > time.Second {
			t.Errorf("the next message waits for %v", got)
		}
		p.forget()
		if got := pauseAfter(t, p); got > 0 {
			t.Errorf("a peer that was away and is back waits for %v", got)
		}
	})
}
