package respserver

import (
	"errors"
	"os"
	"sync/atomic"
	"time"
)

// stalledAfter is how long a write may wait before requests are read ahead.
const stalledAfter = 100 * time.Millisecond

// readAhead reads while the connection's goroutine cannot, because it waits
// for the client to read or in the handler. At most one goroutine per
// connection does so, and who started it waits for its end.
type readAhead struct {
	timer *time.Timer
	halt  atomic.Bool
	done  chan struct{} // one value per start that was not taken back
	buf   []byte        // what was read; whose turn it is owns it
}

// arm starts reading ahead if disarm does not follow soon.
func (r *readAhead) arm(c *Conn) {
	if r.timer != nil {
		r.timer.Reset(stalledAfter)
		return
	}
	r.timer = time.AfterFunc(stalledAfter, func() { r.run(c) })
}

// disarm returns when nobody reads ahead anymore.
func (r *readAhead) disarm(c *Conn) {
	if !r.timer.Stop() {
		r.join(c)
	}
}

// join ends the reading and waits for it. The deadline that it leaves costs the
// next read a second try.
func (r *readAhead) join(c *Conn) {
	r.halt.Store(true)
	_ = c.net.SetReadDeadline(longAgo)
	<-r.done
	r.halt.Store(false)
}

// run reads until halt, an error, or the limit.
func (r *readAhead) run(c *Conn) {
	defer func() { r.done <- struct{}{} }()
	limit := c.server.cfg.Limits.MaxQuery
	if !c.Trusted() {
		limit = maxArgsUntrusted * maxBulkUntrusted
	}
	for c.readErr == nil && len(r.buf) < limit {
		// The order matters: join sets halt before the deadline.
		_ = c.net.SetReadDeadline(time.Time{})
		if r.halt.Load() {
			return
		}
		if cap(r.buf)-len(r.buf) < minRead {
			r.buf = grow(r.buf, max(2*cap(r.buf), startBuffer))
		}
		n, err := c.net.Read(r.buf[len(r.buf):cap(r.buf)])
		r.buf = r.buf[:len(r.buf)+n]
		c.noteRead(n)
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			c.readErr = err
			c.hangUp()
		}
	}
}

// take hands what was read ahead to the parser.
func (r *readAhead) take(c *Conn) bool {
	b := r.buf
	if len(b) == 0 {
		return false
	}
	if c.start == c.end {
		c.in, r.buf = b[:cap(b)], c.in[:0]
		c.start, c.end = 0, len(b)
	} else {
		if len(c.in)-c.end < len(b) {
			c.in = grow(c.in[c.start:c.end], c.end-c.start+len(b)+minRead)
			c.start, c.end, c.in = 0, len(c.in), c.in[:cap(c.in)]
		}
		c.end += copy(c.in[c.end:], b)
		r.buf = b[:0]
	}
	if cap(r.buf) > keepBuffer {
		r.buf = nil
	}
	c.queryUse.note(c.end, len(c.in), keepBuffer, c.lastActive.Load())
	return true
}

// Watch reads ahead while the handler waits for something else than the
// client, as BLPOP does, so that Done tells when the client went away. The
// handler calls the returned function before it returns or uses c again:
//
//	stop := c.Watch()
//	select {
//	case <-ready:
//	case <-c.Done():
//	}
//	stop()
func (c *Conn) Watch() (stop func()) {
	c.Alone()
	go c.ahead.run(c)
	return func() { c.ahead.join(c) }
}
