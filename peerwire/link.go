package peerwire

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// link is one connection of a Peer, and the attempts to have it. Its run
// goroutine dials, then reads until the connection ends, and again; a writer
// goroutine lives as long as each connection.
type link struct {
	peer   *Peer
	redial chan struct{}
	up     atomic.Bool
	silent atomic.Bool
	reads  atomic.Uint64 // counts reads that brought something

	mu      sync.Mutex
	cond    sync.Cond // for the writer; uses mu
	idle    bool      // the writer waits, and nobody writes in its place
	corked  bool      // the cork is going to call flush
	direct  *direct   // nil if the writer has to write
	cut     *chunk    // begun by flush, to be finished by the writer
	cutAt   int       // how much of it is written
	out     outbox
	wait    pending
	conn    net.Conn      // nil when down
	closing bool          // the connection is to end
	down    *Error        // why there is no connection
	cause   error         // why conn was closed by us
	max     int           // largest message that the other end accepts
	rtt     time.Duration // smoothed
	least   time.Duration // the shortest, 0 before the first pong
	opened  uint64        // how many connections there were
	pinged  time.Duration // when the last ping was queued, since base
	pingID  uint64        // and its id

	// Of the timer goroutine alone:
	heard  uint64 // reads at the last ping
	missed int

	// Of the run goroutine alone:
	ready []ready
}

// ready is a reply that was read and whose callback is due.
type ready struct {
	id      uint64
	done    func([]byte, error)
	payload []byte
	err     error
}

func newLink(p *Peer) *link {
	l := &link{peer: p, redial: make(chan struct{}, 1), wait: newPending()}
	l.cond.L = &l.mu
	l.down = &Error{Peer: p.cfg.Remote, Err: fmt.Errorf("%w: not connected yet", ErrUnavailable)}
	return l
}

func (l *link) send(req *Request, due time.Duration, done func([]byte, error)) *Error {
	p := l.peer
	payload := req.Payload
	if len(payload) > MaxFrame && !req.Frozen {
		payload = append([]byte(nil), payload...)
	}
	f := frame{typ: frameOneWay, code: req.Kind, epoch: req.Epoch}
	l.mu.Lock()
	var refused *Error
	switch {
	case l.conn == nil || l.closing:
		refused = l.down
	case len(payload) > l.max:
		refused = p.errLarge
	case l.out.full(len(payload), p.cfg.MaxQueueBytes):
		refused = p.errFull
	case done != nil && l.wait.n >= p.cfg.MaxPending:
		refused = p.errPending
	}
	if refused != nil {
		l.mu.Unlock()
		return refused
	}
	var s *slot
	if done != nil {
		f.typ = frameRequest
		s, f.id = l.wait.add(done, due)
	} else {
		l.out.oneWays++
		f.id = oneWayID | l.out.oneWays
	}
	if len(payload) <= MaxFrame {
		at := l.out.putSmall(&f, dueMillis(due), payload)
		if s != nil {
			s.place = at
		}
	} else {
		st := l.out.putStream(f, dueMillis(due), payload)
		if s != nil {
			s.stream = st
		}
	}
	l.wakeLocked()
	l.mu.Unlock()
	return nil
}

// withdraw takes back what it can of a request and reports whether the other end
// may have it whole. The lock is held.
func (l *link) withdraw(s *slot) (sent bool) {
	if s.stream != nil {
		return !l.out.withdrawStream(s.stream)
	}
	return !l.out.withdraw(s.place)
}

// run keeps the connection up until the Peer stops.
func (l *link) run() {
	defer l.peer.wg.Done()
	cfg := &l.peer.cfg
	pause := cfg.BackoffMin
	for {
		conn, pre, err := l.dial()
		if err == nil {
			began := time.Now()
			_ = l.serve(conn, pre) // what ended it is in the Peer's state
			if time.Since(began) >= cfg.BackoffMax {
				pause = cfg.BackoffMin
			}
		} else {
			l.setDown(err)
		}
		if l.peer.ctx.Err() != nil {
			return
		}
		// Half of the pause is random, so that the nodes of a cluster do not all
		// come back in the same moment.
		t := time.NewTimer(pause/2 + rand.N(pause/2+1))
		select {
		case <-l.peer.ctx.Done():
		case <-l.redial:
			pause = cfg.BackoffMin
		case <-t.C:
			pause = min(2*pause, cfg.BackoffMax)
		}
		t.Stop()
		if l.peer.ctx.Err() != nil {
			return
		}
	}
}

// dial connects and exchanges prefaces.
func (l *link) dial() (net.Conn, Preface, error) {
	cfg := &l.peer.cfg
	ctx, cancel := context.WithTimeout(l.peer.ctx, cfg.HandshakeTimeout)
	defer cancel()
	conn, err := cfg.Dial(ctx)
	if err != nil {
		return nil, Preface{}, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	pre, err := greet(conn, Preface{
		Version:    Version,
		Cluster:    ClusterHash(cfg.Cluster),
		MaxMessage: uint32(cfg.MaxMessageBytes),
		Node:       cfg.Node,
	})
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err == nil && cfg.Remote != "" && pre.Node != cfg.Remote {
		err = fmt.Errorf("%w: reached node %q, want %q", ErrProtocol, pre.Node, cfg.Remote)
	}
	if err != nil {
		conn.Close()
		return nil, Preface{}, err
	}
	return conn, pre, nil
}

// greet is the client's side of the handshake.
func greet(conn net.Conn, ours Preface) (Preface, error) {
	if _, err := conn.Write(ours.Append(nil)); err != nil {
		return Preface{}, err
	}
	theirs, err := ReadPreface(conn)
	if err != nil {
		return Preface{}, noEOF(err)
	}
	if theirs.Cluster != ours.Cluster {
		return Preface{}, ErrCluster
	}
	if theirs.refused {
		return Preface{}, refusal(conn)
	}
	return theirs, nil
}

// refusal reads why a server refused us.
func refusal(conn net.Conn) error {
	r := frameReader{r: conn}
	var f frame
	for {
		if err := r.fill(); err != nil {
			return noEOF(err)
		}
		ok, err := r.next(&f)
		switch {
		case err != nil:
			return err
		case ok && f.typ == frameClose:
			return &ClosedError{Reason: string(f.payload)}
		case ok:
			return fmt.Errorf("%w: refused without a reason", ErrProtocol)
		}
	}
}

// setDown notes why there is no connection.
func (l *link) setDown(err error) {
	e := &Error{Peer: l.peer.cfg.Remote, Err: fmt.Errorf("%w: %w", ErrUnavailable, err)}
	l.mu.Lock()
	l.down = e
	l.mu.Unlock()
}

// serve runs an open connection until it ends and fails what was pending on it.
func (l *link) serve(conn net.Conn, pre Preface) error {
	p := l.peer
	l.mu.Lock()
	l.out = outbox{maxMessage: int(pre.MaxMessage), stamp: true}
	l.max = int(pre.MaxMessage)
	l.conn, l.closing, l.cause, l.idle = conn, false, nil, false
	l.cut = nil
	l.direct = newDirect(conn)
	l.rtt, l.least, l.pinged, l.pingID = 0, 0, 0, 0
	l.opened++
	l.ping(time.Since(p.base))
	l.silent.Store(false)
	l.reads.Add(1)
	l.up.Store(true)
	l.mu.Unlock()
	if p.ctx.Err() != nil {
		l.close(ErrStopped) // Stop may have come before conn was known
	}
	p.noteState(true, pre.Node)
	written := make(chan struct{})
	go func() {
		defer close(written)
		l.write(conn)
	}()
	err := l.read(conn)
	l.close(err)
	<-written
	return l.teardown(err)
}

// close ends the connection, if there is one; the read loop notices.
func (l *link) close(cause error) {
	l.mu.Lock()
	conn := l.conn
	if conn == nil || l.closing {
		l.mu.Unlock()
		return
	}
	l.closing, l.cause = true, cause
	l.down = &Error{Peer: l.peer.cfg.Remote, Err: fmt.Errorf("%w: %w", ErrUnavailable, cause)}
	l.idle = false
	l.cond.Signal()
	l.mu.Unlock()
	conn.Close() // TLS may write, and wait
}

// teardown fails everything that was pending, on the run goroutine.
func (l *link) teardown(err error) error {
	p := l.peer
	l.mu.Lock()
	if l.cause != nil {
		err = l.cause
	}
	lost := &Error{Peer: p.cfg.Remote, Sent: true, Err: fmt.Errorf("%w: %w", ErrLost, err)}
	unsent := l.down
	failed := l.ready[:0]
	l.wait.each(func(id uint64, s *slot) {
		e := unsent
		if l.withdraw(s) {
			e = lost
		}
		failed = append(failed, ready{done: l.wait.remove(id), err: e})
	})
	l.conn = nil
	l.out = outbox{}
	l.up.Store(false)
	l.mu.Unlock()
	for i, r := range failed {
		r.done(nil, r.err)
		failed[i] = ready{}
	}
	l.ready = failed[:0]
	p.noteState(false, "")
	p.checkDrained()
	return err
}

// wakeLocked has the writer, or the cork, write what is queued; the lock is held.
func (l *link) wakeLocked() {
	switch {
	case !l.idle:
		return
	case l.corked:
		if l.out.bytes() < eagerBytes {
			return
		}
	case l.peer.cfg.Cork.note(l):
		l.corked = true
		return
	}
	l.idle = false
	l.cond.Signal()
}

func (l *link) busy() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.conn != nil && (l.wait.n > 0 || l.out.bytes() > 0)
}

func (l *link) addState(st *PeerState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	st.Connections += l.opened
	if l.conn == nil || l.closing {
		st.LastError = errors.Unwrap(l.down)
		return
	}
	st.Connected = true
	st.Responsive = st.Responsive || !l.silent.Load()
	st.QueueBytes += l.out.bytes()
	st.Pending += l.wait.n
	st.RTT = max(st.RTT, l.rtt)
	if l.least > 0 && (st.LeastRTT == 0 || l.least < st.LeastRTT) {
		st.LeastRTT = l.least
	}
}
