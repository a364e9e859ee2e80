package hints

import (
	"context"
	"sync"
	"time"
)

// Budget is how fast records may be handed over, in bytes a second; it may be
// changed while it is used. The zero Budget is unlimited.
type Budget struct {
	mu    sync.Mutex
	rate  float64
	batch int
	next  time.Time // when the last take is paid for
}

// Set changes the budget; zero or less means unlimited.
func (b *Budget) Set(bytesPerSecond float64) {
	b.mu.Lock()
	b.rate = bytesPerSecond
	b.mu.Unlock()
}

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
	now := time.Now()
	wait := b.next.Sub(now)
	if wait < 0 || b.rate <= 0 {
		wait, b.next = 0, now
	}
	if b.rate > 0 {
		b.next = b.next.Add(time.Duration(float64(n) / b.rate * float64(time.Second)))
	}
	b.mu.Unlock()
	if wait == 0 {
		return ctx.Err()
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// replayBytes is what Replay hands to deliver at a time by default: a frame.
const replayBytes = 64 << 10

// Replay hands a node's records to deliver, the oldest first and some at a
// time, until none is left, ctx ends, or deliver fails. What deliver took is
// acknowledged; when it fails its records come again, but for those that it
// has acknowledged itself. Run one for a node at a time. budget may be nil.
func (l *Log) Replay(ctx context.Context, node string, budget *Budget, deliver func(context.Context, []Record) error) error {
	for ctx.Err() == nil {
		records, err := l.Next(node, budget.Batch())
		if err != nil || len(records) == 0 {
			return err
		}
		ids := make([]uint64, len(records))
		bytes := 0
		for i, r := range records {
			ids[i] = r.ID
			bytes += len(r.Key) + len(r.Delta)
		}
		if budget != nil {
			err = budget.Take(ctx, bytes)
		}
		if err == nil {
			err = deliver(ctx, records)
		}
		if err != nil {
			l.Release(node, ids...)
			return err
		}
		l.Ack(node, ids...)
	}
	return ctx.Err()
}

// Wait returns when nothing is held for a node, or ctx ends.
func (l *Log) Wait(ctx context.Context, node string) error {
	l.mu.Lock()
	q := l.queues[node]
	if q == nil || q.records == 0 {
		l.mu.Unlock()
		return nil
	}
	if q.empty == nil {
		q.empty = make(chan struct{})
	}
	empty := q.empty
	l.mu.Unlock()
	select {
	case <-empty:
		l.mu.Lock()
		defer l.mu.Unlock()
		if q.records > 0 {
			return ErrClosed
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
