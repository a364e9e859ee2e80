package respserver

import (
	"errors"
	"os"
	"time"
)

// fill reads what there is, at least a byte, and sees to pushes meanwhile.
func (c *Conn) fill() error {
	c.queryBytes.Store(int64(c.end - c.start))
	for {
		if c.ahead.take(c) {
			c.queryBytes.Store(int64(c.end - c.start))
			return nil
		}
		if c.readErr != nil {
			return c.readErr
		}
		if err := c.armRead(); err != nil {
			return err
		}
		// From here on wake interrupts the read; what it asked for before
		// is seen now.
		c.asleep.Store(true)
		if c.wanted.Load() {
			c.asleep.Store(false)
			if err := c.attend(); err != nil {
				return err
			}
			continue
		}
		c.makeRoom()
		room := c.in[c.end:]
		n, err := c.net.Read(room)
		c.asleep.Store(false)
		if err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				c.readErr = err
			}
			c.readBy = longAgo
		}
		if n > 0 {
			c.took(n, len(room))
			return nil
		}
	}
}

// took takes note of n bytes that were read to c.in[c.end:], which had that
// much room.
func (c *Conn) took(n, room int) {
	c.noteRead(n)
	c.end += n
	c.overfull = n == room
	c.queryUse.note(c.end, len(c.in), keepBuffer, c.lastActive.Load())
	c.queryBytes.Store(int64(c.end - c.start))
}

// attend does what wake asked for.
func (c *Conn) attend() error {
	c.wanted.Store(false)
	if err := c.writePushed(); err != nil {
		return err
	}
	if c.stop.Load() {
		return errStop
	}
	return nil
}

// noteRead counts n bytes that arrived.
func (c *Conn) noteRead(n int) {
	if n > 0 {
		c.lastActive.Store(int64(c.since()))
		c.bytesIn.Add(uint64(n))
	}
}

// armRead sets the time at which the next read gives up, to end an idle
// connection or to trim buffers; if the time has come it does so. A deadline
// that is too early is left alone, for the read starts again after it: a busy
// connection moves its deadline rarely.
func (c *Conn) armRead() error {
	if !c.timed() {
		if !c.readBy.IsZero() {
			c.readBy = time.Time{}
			_ = c.net.SetReadDeadline(c.readBy)
		}
		return nil
	}
	now := c.since()
	want, err := c.expire(now)
	if err != nil {
		return err
	}
	if by := c.readBy.Sub(c.created); by <= now || by > want {
		c.readBy = c.created.Add(want)
		_ = c.net.SetReadDeadline(c.readBy)
	}
	return nil
}

// timed says whether there is something to see to at a time, if the client
// sends nothing.
func (c *Conn) timed() bool { return c.idleAfter.Load() != 0 || c.large() }

// expire ends an idle connection and trims buffers. It returns when it wants
// to be called again; zero is never.
func (c *Conn) expire(now time.Duration) (want time.Duration, err error) {
	idle := time.Duration(c.idleAfter.Load())
	c.trim(int64(now))
	if idle > 0 {
		want = time.Duration(c.lastActive.Load()) + idle
		if now >= want {
			c.server.log.Debug("idle client ended", "conn", c.id, "remote", c.RemoteAddr())
			return 0, os.ErrDeadlineExceeded
		}
	}
	if c.large() && (idle == 0 || now+trimAfter < want) {
		want = now + trimAfter
	}
	return want, nil
}
