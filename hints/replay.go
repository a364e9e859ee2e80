package hints

import "context"

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
