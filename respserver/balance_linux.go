package respserver

import (
	"runtime"
	"sync/atomic"
	"time"
)

// One loop serves everybody as long as it finds time to sleep: a second one
// would only take a processor, and wake-ups, from those who produce the load.
// A loop that does not sleep anymore gives connections to the one that sleeps
// most, or to a new one; when two would have been one, the later gives all
// its busy connections to the earlier.
const (
	weighEvery  = 20 * time.Millisecond
	overloaded  = 970 // busy thousandths of the time, in each of overloads weighings
	overloads   = 2
	worthGiving = 200 // least difference
	mergeBelow  = 850 // sum of both
	mergeAfter  = time.Second
)

// load is what a loop knows of how busy it is.
type load struct {
	began  time.Time     // when the weighing in progress began
	slept  time.Duration // since then
	number uint32        // of the weighing
	active int           // connections that had a turn since then
	hot    int           // weighings in a row that found it overloaded

	to   *eventLoop // gets every second connection that had a turn
	give int        // so many of them
	skip bool

	busy   int          // the last weighing's result; Server.mu guards it
	asleep atomic.Int64 // since when, in nanoseconds since the epoch; 0 is awake
}

// sleep waits for something to do.
func (l *eventLoop) sleep() int {
	from := time.Now()
	l.load.asleep.Store(from.UnixNano())
	n := l.poll.wait()
	l.load.asleep.Store(0)
	l.now = time.Now()
	l.load.slept += l.now.Sub(from)
	return n
}

// busyAt is how busy a loop is; Server.mu is held.
func (l *eventLoop) busyAt(now time.Time) int {
	if from := l.load.asleep.Load(); from != 0 && now.UnixNano()-from > int64(weighEvery) {
		return 0
	}
	return l.load.busy
}

// count notes that a connection has a turn.
func (l *eventLoop) count(c *Conn) {
	if c.weighed != l.load.number {
		c.weighed = l.load.number
		l.load.active++
	}
}

// weigh finds out how busy the loop was, from time to time, and what follows.
func (l *eventLoop) weigh() {
	d := &l.load
	took := l.now.Sub(d.began)
	if took < weighEvery {
		return
	}
	s := l.server
	s.mu.Lock()
	defer s.mu.Unlock()
	d.busy = int(1000 * (took - d.slept) / took)
	active := d.active
	d.began, d.slept, d.active = l.now, 0, 0
	d.number = s.weighing.Add(1)
	d.to, d.give = nil, 0
	if d.busy < overloaded {
		d.hot = 0
	} else {
		d.hot++
	}
	switch {
	case s.stopping:
	case d.hot >= overloads && active > 1:
		to := l.leastBusy()
		if to == nil || d.busy-to.busyAt(l.now) < worthGiving {
			to = s.newLoop()
		}
		if to != nil {
			d.to, d.give = to, active*(d.busy-to.busyAt(l.now))/(2*d.busy)
			d.hot = 0
			s.lastSplit = l.now
		}
	case l != s.loops[0] && l.now.Sub(s.lastSplit) > mergeAfter:
		if to := s.loops[0]; active > 0 && d.busy+to.busyAt(l.now) < mergeBelow {
			d.to, d.give = to, active
		}
	}
}

// leastBusy is the other loop that sleeps most; Server.mu is held.
func (l *eventLoop) leastBusy() (least *eventLoop) {
	for _, other := range l.server.loops {
		if other != l && (least == nil || other.busyAt(l.now) < least.busyAt(l.now)) {
			least = other
		}
	}
	return least
}

// newLoop starts a loop, unless there are as many as processors; s.mu is held.
func (s *Server) newLoop() *eventLoop {
	if len(s.loops) >= runtime.GOMAXPROCS(0) {
		return nil
	}
	p, err := newEpoll()
	if err != nil {
		s.log.Warn("no event loop", "err", err)
		return nil
	}
	l := &eventLoop{server: s, poll: p, now: time.Now()}
	l.load.began = l.now
	s.loops = append(s.loops, l)
	s.running++
	go l.run()
	return l
}

// move gives c, whose turn it is, to another loop if it is one that should
// go there, and reports whether it did.
func (l *eventLoop) move(c *Conn) bool {
	d := &l.load
	if d.skip = !d.skip; d.skip {
		return false
	}
	d.give--
	s := l.server
	s.mu.Lock()
	if s.stopping {
		s.mu.Unlock()
		return false
	}
	l.size--
	d.to.size++
	s.mu.Unlock()
	c.asleep.Store(false)
	l.poll.remove(c.fd)
	l.conns[c.fd] = nil
	c.place.Lock()
	defer c.place.Unlock()
	c.home = d.to
	d.to.call(c)
	return true
}
