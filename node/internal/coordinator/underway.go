package coordinator

import (
	"context"
	"sync/atomic"
	"time"
)

// underway counts messages to owners that are not answered yet, so that one can
// wait for those that were sent before a moment while others go on being sent.
// There are two counts: new messages go to the one of the present generation,
// and who waits begins another generation and waits for the last one to end (the
// grace period of read-copy-update).
type underway struct {
	generation atomic.Uint64
	open       [2]atomic.Int64
	turn       chan struct{} // held by the one who waits
}

func newUnderway() *underway { return &underway{turn: make(chan struct{}, 1)} }

// begin counts a message, and returns what end wants.
func (u *underway) begin() uint64 {
	for {
		g := u.generation.Load()
		u.open[g%2].Add(1)
		if u.generation.Load() == g {
			return g
		}
		u.open[g%2].Add(-1) // somebody may not wait for it any more
	}
}

func (u *underway) end(g uint64) { u.open[g%2].Add(-1) }

// settle returns when what was begun before has ended, or with an error when ctx
// does.
func (u *underway) settle(ctx context.Context) error {
	select {
	case u.turn <- struct{}{}:
		defer func() { <-u.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	g := u.generation.Load()
	// Who gave up waiting may have left some of the generation before.
	if err := u.ended(ctx, g+1); err != nil {
		return err
	}
	u.generation.Add(1)
	return u.ended(ctx, g)
}

// settleEvery is how often it is looked whether messages are answered, which
// takes a millisecond or, where an owner is silent, seconds.
const settleEvery = time.Millisecond

func (u *underway) ended(ctx context.Context, g uint64) error {
	var tick *time.Ticker
	for u.open[g%2].Load() > 0 {
		if tick == nil {
			tick = time.NewTicker(settleEvery)
			defer tick.Stop()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// AwaitWrites returns when every write that was replied to before is either with all
// owners or kept for them, or with an error when ctx ends first.
func (c *Coordinator) AwaitWrites(ctx context.Context) error { return c.underway.settle(ctx) }
