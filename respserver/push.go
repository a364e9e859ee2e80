package respserver

import "time"

// Push sends whole frames that are no reply to a request: RESP3 push data,
// or the messages of a RESP2 subscriber. They are copied, and written after
// the running batch's replies, or at once if there is none, by the
// connection's own goroutine: Push never waits for the client. When more than
// Limits.MaxPush bytes wait, the client is cut off and ErrOutputLimit
// returned; ErrClosed when the connection is closed already.
func (c *Conn) Push(frames []byte) error {
	c.mu.Lock()
	switch {
	case c.sealed:
		c.mu.Unlock()
		return ErrClosed
	case c.writing+len(c.pushed)+len(frames) > c.server.cfg.Limits.MaxPush:
		c.sealed, c.pushed = true, nil
		c.mu.Unlock()
		c.server.log.Warn("client reads its messages too slowly, cut off",
			"conn", c.id, "remote", c.RemoteAddr())
		c.Kill()
		return ErrOutputLimit
	}
	c.pushed = append(c.pushed, frames...)
	c.mu.Unlock()
	c.wake()
	return nil
}

// wake makes the connection's goroutine see to pushes and stop. It may come
// late and interrupt a later read, which then simply starts again. It cannot
// be lost: wanted is set before asleep is read here, and asleep before wanted
// in fill, so one of the two sees the other.
func (c *Conn) wake() {
	c.wanted.Store(true)
	if c.asleep.Load() {
		c.place.Lock()
		defer c.place.Unlock()
		if c.home != nil {
			c.home.call(c)
			return
		}
		_ = c.net.SetReadDeadline(longAgo)
	}
}

// longAgo as a deadline interrupts a read in progress.
var longAgo = time.Unix(1, 0)

// writePushed writes the waiting frames.
func (c *Conn) writePushed() error {
	c.mu.Lock()
	frames := c.pushed
	c.pushed = c.spare[:0]
	c.spare = nil
	c.writing = len(frames)
	c.mu.Unlock()
	err := c.write(frames)
	if cap(frames) > keepBuffer {
		frames = nil
	}
	c.mu.Lock()
	c.spare = frames[:0]
	c.writing = 0
	c.mu.Unlock()
	return err
}

// seal refuses further pushes.
func (c *Conn) seal() {
	c.mu.Lock()
	c.sealed, c.pushed, c.spare = true, nil, nil
	c.mu.Unlock()
}
