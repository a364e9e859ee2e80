package peerwire

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

// Call sends a request and waits for its reply, which belongs to the caller. The
// request's deadline is the earlier one of its own and ctx's. When ctx is
// canceled Call returns at once; the other end may execute the request all the
// same, and the error's Sent is true.
func (p *Peer) Call(ctx context.Context, req Request) ([]byte, error) {
	if d, ok := ctx.Deadline(); ok && (req.Deadline.IsZero() || d.Before(req.Deadline)) {
		req.Deadline = d
	}
	c := p.newCall()
	if err := p.send(&req, c.done); err != nil {
		p.calls.Put(c)
		return nil, err
	}
	select {
	case <-c.came:
	case <-ctx.Done():
		// A deadline is kept by the Peer, who knows whether the request was sent.
		if !errors.Is(ctx.Err(), context.DeadlineExceeded) && c.state.CompareAndSwap(callWaits, callLeft) {
			return nil, &Error{Peer: p.cfg.Remote, Sent: true, Err: context.Cause(ctx)}
		}
		<-c.came
	}
	reply, err := c.reply, c.err
	c.recycle()
	return reply, err
}

// call is the state between Call and its callback. It returns to the pool when
// both are through with it.
type call struct {
	pool  *sync.Pool
	came  chan struct{}
	state atomic.Int32
	done  func([]byte, error) // c.finish, bound once
	reply []byte
	err   error
}

const (
	callWaits int32 = iota
	callCame
	callLeft
)

// newCall takes a call from the Peer's pool. The pool is no package variable: a
// channel that was made in one synctest bubble must not be used in another.
func (p *Peer) newCall() *call {
	if c, ok := p.calls.Get().(*call); ok {
		return c
	}
	c := &call{pool: &p.calls, came: make(chan struct{}, 1)}
	c.done = c.finish
	return c
}

func (c *call) finish(reply []byte, err error) {
	if err == nil {
		c.reply = append(make([]byte, 0, len(reply)), reply...)
	}
	c.err = err
	if !c.state.CompareAndSwap(callWaits, callCame) {
		c.recycle()
		return
	}
	c.came <- struct{}{}
}

func (c *call) recycle() {
	c.reply, c.err = nil, nil
	c.state.Store(callWaits)
	c.pool.Put(c)
}
