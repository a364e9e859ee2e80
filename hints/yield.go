package hints

import "time"

// yields says whether it is worth it to let other goroutines run before going
// on. While processors have nothing better to do, that takes as long as those
// do who are waited for. While all of them are busy it may take ten
// milliseconds, the scheduler's turn, and a sync is lost in them. So after a
// yield that was dear there are none for ten times as long as it took, a second
// at most: it may have been the whole process that stood still.
type yields struct {
	gosched func() // runtime.Gosched, or a test's
	again   time.Time
}

// may says whether to yield now.
func (y *yields) may(now time.Time) bool { return !now.Before(y.again) }

// took takes note of a yield that ended now, took d and brought so many of those
// who were waited for. It says whether it was worth it.
func (y *yields) took(now time.Time, d time.Duration, brought int) bool {
	if d <= dear*time.Duration(1+brought) {
		return true
	}
	y.again = now.Add(min(10*d, time.Second))
	return false
}

// dear is what a yield may take, and once more for each goroutine that it
// brought: some hundred times what these take.
const dear = 100 * time.Microsecond

// yield lets others run, and returns when that was over and how long it took.
func (y *yields) yield() (now time.Time, took time.Duration) {
	began := time.Now()
	y.gosched()
	now = time.Now()
	return now, now.Sub(began)
}
