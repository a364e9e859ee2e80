package respserver

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// eventLoop serves many connections on one goroutine, one after the other.
// When one of them has to wait, it keeps the goroutine, and the loop goes on
// with another: see release.
type eventLoop struct {
	server *Server
	poll   *epoll
	size   int // connections that it has or is about to get; Server.mu guards it

	// The goroutine's own.
	now     time.Time // when this round began
	conns   []*Conn   // by descriptor
	ready   []task    // ready[next:] are to be served in this round
	next    int
	again   []task    // to be served in the next round whatever happens
	sweepAt time.Time // when timed connections are to be looked at; zero is never
	alarm   time.Time // the poller's deadline
	load    load
	inRound bool

	mu     sync.Mutex
	called []*Conn // new ones, and those that wake was called for
}

// task is a connection's turn.
type task struct {
	conn   *Conn
	fd     int  // the connection's, unless called
	called bool // not for requests, but by call
}

// sweepEvery is how long a timed connection may have to wait for its time.
const sweepEvery = 250 * time.Millisecond

// run is the loop, on whatever goroutine has it: perhaps in the middle of a
// round.
func (l *eventLoop) run() {
	for {
		for l.next < len(l.ready) {
			t := l.ready[l.next]
			l.ready[l.next] = task{}
			l.next++
			if !l.turn(t) {
				return // the connection has kept this goroutine
			}
		}
		l.endRound()
		if !l.gather() {
			return
		}
	}
}

// beginRound is called before a request is served.
func (l *eventLoop) beginRound() {
	if begin := l.server.cfg.Begin; begin != nil && !l.inRound {
		l.inRound = true
		begin()
	}
}

// endRound is called when nothing more is served for now.
func (l *eventLoop) endRound() {
	if l.inRound {
		l.inRound = false
		l.server.cfg.End()
	}
}

// gather finds out whose turn it is, and waits until it is somebody's. It
// returns false when the server has stopped and the last connection has left.
func (l *eventLoop) gather() bool {
	l.ready, l.again, l.next = l.again, l.ready[:0], 0
	n := l.poll.ready()
	if n == 0 && len(l.ready) == 0 {
		if l.ended() {
			return false
		}
		if !l.alarm.Equal(l.sweepAt) {
			l.alarm = l.sweepAt
			_ = l.poll.file.SetReadDeadline(l.alarm)
		}
		n = l.sleep()
	} else {
		l.now = time.Now()
	}
	for _, e := range l.poll.events[:n] {
		if int(e.Fd) == l.poll.bell {
			l.answer()
		} else if c := l.conns[e.Fd]; c != nil && !c.more && l.present(c) {
			l.ready = append(l.ready, task{conn: c, fd: c.fd})
		}
	}
	if !l.sweepAt.IsZero() && !l.now.Before(l.sweepAt) {
		l.sweep()
	}
	l.weigh()
	return true
}

// call gives c a turn. c.place is held.
func (l *eventLoop) call(c *Conn) {
	l.mu.Lock()
	l.called = append(l.called, c)
	first := len(l.called) == 1
	l.mu.Unlock()
	if first {
		l.ring()
	}
}

// ring wakes the loop.
func (l *eventLoop) ring() { l.poll.ring() }

// answer sees to the calls so far.
func (l *eventLoop) answer() {
	l.poll.hush()
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, c := range l.called {
		l.ready = append(l.ready, task{conn: c, called: true})
		l.called[i] = nil
	}
	l.called = l.called[:0]
}

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
	c.direct.init(s)
	c.readBy, c.writeBy = time.Time{}, 0
	c.server.mu.Lock()
	l.size--
	c.server.mu.Unlock()
}

// release lets c, whose turn it is, have this goroutine. The loop goes on with
// another.
func (l *eventLoop) release(c *Conn) {
	l.endRound()
	l.part(c)
	go l.run()
}

// cut ends both directions of c, as closing it would. c.place is held.
func (l *eventLoop) cut(c *Conn) { _ = syscall.Shutdown(c.fd, syscall.SHUT_RDWR) }

// ended closes the loop if nobody needs it anymore.
func (l *eventLoop) ended() bool {
	s := l.server
	s.mu.Lock()
	over := s.stopping && l.size == 0
	if over {
		for i := range s.loops {
			if s.loops[i] == l {
				s.loops = append(s.loops[:i], s.loops[i+1:]...)
				break
			}
		}
	}
	s.mu.Unlock()
	if over {
		l.poll.close()
		s.leave()
	}
	return over
}

// join finds a loop with room for one more connection, and counts it.
func (s *Server) join() *eventLoop {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return nil
	}
	if len(s.loops) == 0 && s.newLoop() == nil {
		return nil
	}
	now, least := time.Now(), s.loops[0]
	for _, l := range s.loops {
		if l.busyAt(now) < least.busyAt(now) && least.busyAt(now) >= overloaded {
			least = l
		}
	}
	least.size++
	return least
}

// share hands the connection to a loop if that is possible; then it is no
// longer the caller's.
func (c *Conn) share() bool {
	c.calm = 0 // if it fails, not again soon
	if !c.server.cfg.Share || !c.counted || c.readErr != nil || len(c.ahead.buf) > 0 {
		return false
	}
	switch c.net.(type) {
	case *net.TCPConn, *net.UnixConn, *socket:
	default:
		return false
	}
	l := c.server.join()
	if l == nil {
		return false
	}
	c.place.Lock()
	defer c.place.Unlock()
	fd, ok := detach(c.net)
	if !ok {
		c.server.mu.Lock()
		l.size--
		c.server.mu.Unlock()
		l.ring() // it may have been the last
		return false
	}
	c.fd, c.home = fd, l
	c.net = &socket{local: c.local, remote: c.remote}
	l.call(c)
	return true
}

// writeDirect writes what the socket takes at once; 0 if that is nothing.
func (c *Conn) writeDirect(b []byte) int {
	if c.home == nil {
		return c.direct.write(b)
	}
	n, err := writeNow(c.fd, b)
	if err != nil {
		return 0
	}
	return n
}

// readNow and writeNow are read(2) and write(2) on a socket that does not
// block. They take too little time for Go's scheduler to be told.
func readNow(fd int, b []byte) (int, error)  { return call(syscall.SYS_READ, fd, b) }
func writeNow(fd int, b []byte) (int, error) { return call(syscall.SYS_WRITE, fd, b) }

func call(trap uintptr, fd int, b []byte) (int, error) {
	n, _, errno := syscall.RawSyscall(trap, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
