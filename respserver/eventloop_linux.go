package respserver

import (
	"sync"
	"syscall"
	"time"
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
