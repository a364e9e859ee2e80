package frontend

import (
	"sync/atomic"
	"time"
)

const (
	// rateSlot and rateSlots span 1.6 seconds, the window over which Redis
	// averages instantaneous_ops_per_sec.
	rateSlot  = 100 * time.Millisecond
	rateSlots = 16
)

// rate counts events of the last moments in a ring of time slots. Nothing
// runs while nothing happens: a slot is taken over when its time comes again.
// Two goroutines that take one over at the same moment may lose an event.
type rate struct {
	// One slot more than is summed up: the current one is not full yet.
	slots [rateSlots + 1]struct{ when, count atomic.Int64 }
}

func (r *rate) add(now time.Time, n int) {
	when := now.UnixNano() / int64(rateSlot)
	slot := &r.slots[when%(rateSlots+1)]
	if old := slot.when.Load(); old != when && slot.when.CompareAndSwap(old, when) {
		slot.count.Store(0)
	}
	slot.count.Add(int64(n))
}

// perSecond is the mean rate over the full slots before now.
func (r *rate) perSecond(now time.Time) float64 {
	current := now.UnixNano() / int64(rateSlot)
	var sum int64
	for i := range r.slots {
		slot := &r.slots[i]
		if when := slot.when.Load(); when < current && when >= current-rateSlots {
			sum += slot.count.Load()
		}
	}
	return float64(sum) / (rateSlots * rateSlot).Seconds()
}

func (r *rate) reset() {
	for i := range r.slots {
		r.slots[i].count.Store(0)
	}
}
