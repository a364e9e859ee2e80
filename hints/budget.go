package hints

import (
	"context"
	"sync"
	"time"
)

// Budget is how fast records may be handed over, in bytes a second; it may be
// changed while it is used. The zero Budget is unlimited.
type Budget struct {
	mu      sync.Mutex
	rate    float64
	batch   int
	next    time.Time               // when the last take is paid for
	waiting map[*time.Time]struct{} // when those may go who wait
	changed chan struct{}           // closed when that is another time; nil if nobody waits
}

// Set changes the budget; zero or less means unlimited. It holds at once: what
// was taken before and is not paid for, and those who wait for that, take as
// long as those bytes do at the new rate.
func (b *Budget) Set(bytesPerSecond float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if bytesPerSecond == b.rate {
		return
	}
	now := time.Now()
	b.next = b.moved(b.next, now, bytesPerSecond)
	for at := range b.waiting {
		*at = b.moved(*at, now, bytesPerSecond)
	}
	b.rate = bytesPerSecond
	if b.changed != nil {
		close(b.changed)
		b.changed = nil
	}
}

// moved is when what is paid for at a time will be if the rate changes now.
func (b *Budget) moved(at, now time.Time, rate float64) time.Time {
	left := at.Sub(now)
	switch {
	case left <= 0: // it is
		return at
	case rate <= 0:
		return now
	}
	return now.Add(duration(float64(left) * (b.rate / rate)))
}

// duration is so many nanoseconds, or as good as for ever.
func duration(ns float64) time.Duration { return time.Duration(min(ns, 1<<62)) }

// SetBatch changes how many bytes Replay hands over at a time: what is taken
// at once holds up whatever else the node does. Zero or less means 64 KiB.
func (b *Budget) SetBatch(bytes int) {
	b.mu.Lock()
	b.batch = bytes
	b.mu.Unlock()
}

// Batch is how many bytes Replay hands over at a time.
func (b *Budget) Batch() int {
	if b == nil {
		return replayBytes
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.batch <= 0 {
		return replayBytes
	}
	return b.batch
}

// Rate is the budget, 0 if it is unlimited.
func (b *Budget) Rate() float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return max(b.rate, 0)
}

// Take waits until n more bytes may go: as long as those before them cost.
func (b *Budget) Take(ctx context.Context, n int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if b.rate <= 0 || b.next.Before(now) {
		b.next = now
	}
	at := b.next
	if b.rate > 0 {
		b.next = at.Add(duration(float64(n) / b.rate * float64(time.Second)))
	}
	if !at.After(now) {
		return ctx.Err()
	}
	if b.waiting == nil {
		b.waiting = map[*time.Time]struct{}{}
	}
	b.waiting[&at] = struct{}{}
	defer delete(b.waiting, &at)
	for {
		wait := time.Until(at)
		if wait <= 0 {
			return nil
		}
		if b.changed == nil {
			b.changed = make(chan struct{})
		}
		changed := b.changed
		b.mu.Unlock()
		err := pause(ctx, wait, changed)
		b.mu.Lock()
		if err != nil {
			return err
		}
	}
}

// pause waits for d, or until changed is closed.
func pause(ctx context.Context, d time.Duration, changed <-chan struct{}) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-changed:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}
