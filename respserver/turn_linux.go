package respserver

import (
	"io"
	"os"
	"syscall"
	"time"
)

// turn serves one connection. It returns false if that one has left and
// kept the goroutine for itself.
func (l *eventLoop) turn(t task) bool {
	c := t.conn
	if t.called {
		return l.visit(c)
	}
	if l.conns[t.fd] != c {
		return true // it has ended in this round
	}
	l.count(c)
	if !c.more {
		if l.load.give > 0 && l.move(c) {
			return true
		}
		c.asleep.Store(false)
		c.makeRoom()
		room := c.in[c.end:]
		n, err := readNow(c.fd, room)
		switch {
		case n > 0:
			c.took(n, len(room))
		case err == syscall.EAGAIN, err == syscall.EINTR:
			return l.rest(c)
		case n == 0:
			c.readErr = io.EOF
			return l.over(c, false)
		default:
			c.readErr = os.NewSyscallError("read", err)
			return l.over(c, false)
		}
	}
	c.more = false
	l.see(c)
	l.beginRound()
	return l.goOn(c, c.step())
}

// goOn does what the end of a step calls for. It returns what turn does.
func (l *eventLoop) goOn(c *Conn, o outcome) bool {
	switch {
	case o == away:
		return true
	case o == over, o == overGently:
		return l.over(c, o == overGently)
	case c.home != l:
		c.proceed(o == more)
		return false
	case o == more && !c.stop.Load():
		c.more = true
		l.again = append(l.again, task{conn: c, fd: c.fd})
		return true
	}
	return l.rest(c)
}

// visit is the turn of a connection that was called.
func (l *eventLoop) visit(c *Conn) bool {
	c.place.Lock()
	mine := c.home == l
	c.place.Unlock()
	if !mine || c.more {
		return true // it left before, or sees to it after its requests
	}
	switch c.where.Load() {
	case hereNow:
	case called:
		return l.greet(c)
	default:
		return true // Resume sees to it
	}
	if c.fd >= len(l.conns) {
		l.conns = append(l.conns, make([]*Conn, c.fd+1-len(l.conns))...)
	}
	if l.conns[c.fd] != c { // it is new
		if err := l.poll.add(c.fd); err != nil {
			l.part(c)
			go c.proceed(false)
			return true
		}
		l.conns[c.fd] = c
	}
	return l.rest(c)
}

// rest ends a turn: from now on wake calls the connection.
func (l *eventLoop) rest(c *Conn) bool {
	c.queryBytes.Store(int64(c.end - c.start))
	for {
		c.asleep.Store(true)
		if !c.wanted.Load() {
			break
		}
		c.asleep.Store(false)
		if err := c.attend(); err != nil {
			return l.over(c, c.lingers(err))
		}
		if c.home != l {
			c.proceed(false)
			return false
		}
	}
	l.see(c)
	return true
}

// see notes that c may be timed.
func (l *eventLoop) see(c *Conn) {
	if l.sweepAt.IsZero() && c.timed() {
		l.sweepAt = l.now.Add(sweepEvery)
	}
}

// over ends the connection, on a goroutine of its own: that may take a while.
func (l *eventLoop) over(c *Conn, linger bool) bool {
	if c.home != l {
		c.finish(linger)
		return false
	}
	l.part(c)
	go c.finish(linger)
	return true
}

// sweep looks at the connections that are timed.
func (l *eventLoop) sweep() {
	l.sweepAt = time.Time{}
	for _, c := range l.conns {
		if c == nil {
			continue
		}
		if c.where.Load() != hereNow {
			l.sweepAt = l.now.Add(sweepEvery) // it may be timed when it is back
			continue
		}
		if !c.timed() {
			continue
		}
		if !c.more {
			if _, err := c.expire(c.since()); err != nil {
				c.asleep.Store(false)
				l.over(c, false)
				continue
			}
		}
		if c.timed() {
			l.sweepAt = l.now.Add(sweepEvery)
		}
	}
}

// part makes c a connection with a goroutine of its own, which the caller sees
// to.
func (l *eventLoop) part(c *Conn) {
	l.poll.remove(c.fd)
	l.conns[c.fd] = nil
	s := &socket{File: os.NewFile(uintptr(c.fd), "socket"), local: c.local, remote: c.remote}
	c.place.Lock()
	c.net, c.home = s, nil
	c.place.Unlock()
	c.muted = false
	c.direct.use(s)
	c.readBy, c.writeBy = time.Time{}, 0
	c.server.mu.Lock()
	l.size--
	c.server.mu.Unlock()
}
