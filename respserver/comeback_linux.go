package respserver

import "time"

// Where a connection of a loop is, in Conn.where. The loop changes away and
// returning to their muted forms, all else is changed by who has the
// connection.
const (
	hereNow        int32 = iota // the loop may serve it
	awayNow                     // suspended
	awayMuted                   // the same, and not polled
	returning                   // Resume writes the replies
	returningMuted              // the same, and not polled
	called                      // the loop is to see to it first
)

// present says whether the loop may serve c, which can be read. If not,
// because the client goes on before it has its replies, c is not polled until
// it is back.
func (l *eventLoop) present(c *Conn) bool {
	for {
		switch c.where.Load() {
		case hereNow:
			c.early = 0
			return true
		case awayNow:
			if c.where.CompareAndSwap(awayNow, awayMuted) {
				l.mute(c)
				return false
			}
		case returning:
			// The client was quicker than Resume, which is done in a moment.
			if c.early++; c.early < 3 {
				return false
			}
			if c.where.CompareAndSwap(returning, returningMuted) {
				l.mute(c)
				return false
			}
		default:
			return false
		}
	}
}

func (l *eventLoop) mute(c *Conn) {
	c.early, c.muted = 0, true
	l.poll.remove(c.fd)
}

// comeBack is Resume for a connection of a loop: the replies are written here
// and now if the socket takes them; all else is left to the loop.
func (c *Conn) comeBack() {
	if !c.where.CompareAndSwap(awayNow, returning) {
		c.where.Store(returningMuted)
	}
	if c.writeBack() && !c.full && !c.closing && c.broken == nil && !c.stop.Load() {
		c.asleep.Store(true)
		if c.where.CompareAndSwap(returning, hereNow) {
			// From here on the loop may serve it.
			if c.wanted.Load() {
				c.wake()
			}
			return
		}
		c.asleep.Store(false)
	}
	// A call of wake may have the loop see to it before this one comes. It must
	// not end it, and itself, before the bell is rung: hence place.
	c.place.Lock()
	defer c.place.Unlock()
	c.where.Store(called)
	c.home.call(c)
}

// writeBack writes the replies without waiting. It reports whether nothing is
// left to do about them.
func (c *Conn) writeBack() bool {
	if len(c.Out) > min(writeChunk, c.server.cfg.Limits.MaxOutput) {
		return false
	}
	c.lastActive.Store(int64(time.Since(c.created)))
	n, err := writeNow(c.fd, c.Out)
	if err != nil {
		return len(c.Out) == 0
	}
	c.bytesOut.Add(uint64(n))
	if n < len(c.Out) {
		c.Out = c.Out[:copy(c.Out, c.Out[n:])]
		return false
	}
	c.outUse.note(len(c.Out), cap(c.Out), keepBuffer, c.lastActive.Load())
	c.argsUse.note(len(c.args), cap(c.args), keepArgs, c.lastActive.Load())
	c.Out = c.Out[:0]
	return !c.large() // the loop has to know when to trim
}

// greet is the turn of a connection that is called, after it was away. It
// returns what turn does.
func (l *eventLoop) greet(c *Conn) bool {
	c.where.Store(hereNow)
	if c.muted {
		c.muted = false
		if err := l.poll.add(c.fd); err != nil {
			c.server.log.Warn("connection cannot be polled", "conn", c.id, "err", err)
			return l.over(c, false)
		}
	}
	return l.goOn(c, c.settle())
}
