package peerwire

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// queueSlack is how much beyond MaxQueueBytes the small frames that say
	// "dropped" may take before the client is cut off.
	queueSlack = 1 << 20
	// lastWords bounds how long a client that broke the protocol is given to
	// take what is queued for it.
	lastWords = time.Second
)

// serverConn is one connection of a Server: the goroutine of ServeConn reads, a
// second one writes.
type serverConn struct {
	srv   *Server
	conn  net.Conn
	from  string
	reads atomic.Uint64

	mu      sync.Mutex
	cond    sync.Cond // for the writer; uses mu
	idle    bool      // the writer waits, and nobody writes in its place
	corked  bool      // the cork is going to call flush
	direct  *direct   // nil if the writer has to write
	cut     *chunk    // begun by flush, to be finished by the writer
	cutAt   int       // how much of it is written
	out     outbox
	max     int // largest message that the client accepts
	owed    int // requests without a reply
	drained bool
	closing bool // write what is queued and the last word, then close
	word    []byte
	closed  bool  // the connection is closed
	cause   error // why it is closing

	// Of the reading goroutine alone: Incomings are made in groups and never
	// reused, so a handler that replies twice harms nobody.
	group []Incoming
}

const (
	incomingGroup = 32
	maxReason     = 1000 // bytes of a reason that is sent
)

func newServerConn(s *Server, conn net.Conn) *serverConn {
	c := &serverConn{srv: s, conn: conn}
	c.cond.L = &c.mu
	return c
}

func (c *serverConn) serve() error {
	defer c.conn.Close()
	theirs, err := c.greet()
	if err != nil {
		return c.verdict(err)
	}
	c.from = theirs.Node
	c.mu.Lock()
	c.max = int(theirs.MaxMessage)
	c.out.maxMessage = c.max
	c.direct = newDirect(c.conn)
	c.mu.Unlock()
	written := make(chan struct{})
	go func() {
		defer close(written)
		c.write()
	}()
	watch := c.watch()
	err = c.read()
	watch.Stop()
	c.finish(err)
	<-written
	return c.verdict(err)
}

// verdict is what ServeConn returns for a connection that ended with err.
func (c *serverConn) verdict(err error) error {
	c.mu.Lock()
	cause := c.cause
	c.mu.Unlock()
	if cause != nil {
		err = cause
	}
	if errors.Is(err, ErrStopped) || errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// greet is the server's side of the handshake. We always say who we are, so that
// the client can tell what does not fit.
func (c *serverConn) greet() (Preface, error) {
	cfg := &c.srv.cfg
	c.conn.SetDeadline(time.Now().Add(cfg.HandshakeTimeout))
	theirs, err := ReadPreface(c.conn)
	ours := Preface{
		Version:    Version,
		Cluster:    ClusterHash(cfg.Cluster),
		MaxMessage: uint32(cfg.MaxMessageBytes),
		Node:       cfg.Node,
	}
	ours.refused = errors.Is(err, ErrVersion)
	switch {
	case err != nil:
	case theirs.Cluster != ours.Cluster:
		ours.refused, err = true, ErrCluster
	case cfg.Admit != nil:
		err = cfg.Admit(c.conn, theirs)
		ours.refused = err != nil
	}
	if ours.refused {
		reason := err.Error()
		reason = reason[:min(len(reason), maxReason)]
		c.conn.Write(appendSmall(ours.Append(nil), frameClose, 0, []byte(reason)))
	}
	if err != nil {
		return Preface{}, err
	}
	if _, err := c.conn.Write(ours.Append(nil)); err != nil {
		return Preface{}, err
	}
	return theirs, c.conn.SetDeadline(time.Time{})
}

// read handles requests until the connection ends.
func (c *serverConn) read() error {
	r := frameReader{r: reader(c.conn, c.direct)}
	in := inbox{max: c.srv.cfg.MaxMessageBytes}
	came := newArrival(c.srv.cfg.Stops)
	var f frame
	for {
		if err := r.fill(); err != nil {
			return err
		}
		c.reads.Add(1)
		c.srv.cfg.Cork.Hold()
		if came.read(time.Now()) {
			c.control(framePing, came.ping)
		}
		var err error
		for {
			var ok bool
			if ok, err = r.next(&f); err != nil || !ok {
				break
			}
			if err = c.handle(&f, &in, &came); err != nil {
				break
			}
		}
		c.srv.cfg.Cork.Release()
		if err != nil {
			return err
		}
	}
}

func (c *serverConn) handle(f *frame, in *inbox, came *arrival) error {
	switch f.typ {
	case frameRequest, frameOneWay:
		f.came = came.at()
		whole, err := in.add(f, func(*frame) bool { return true })
		if err != nil || !whole {
			return err
		}
		c.dispatch(f)
	case frameAbort:
		in.drop(f.id)
	case framePing:
		if c.control(framePong, f.id) > queueSlack {
			return fmt.Errorf("%w: pings are not read back", ErrProtocol)
		}
	case frameClose:
		return io.EOF
	case framePong:
		came.pong(f.id)
	case frameVoid:
	default:
		return fmt.Errorf("%w: a client sent frame type %d", ErrProtocol, f.typ)
	}
	return nil
}

// control queues a ping or a pong and returns how many bytes of such wait.
func (c *serverConn) control(typ frameType, id uint64) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out.control = appendSmall(c.out.control, typ, id, nil)
	c.wakeLocked()
	return len(c.out.control)
}

func (c *serverConn) dispatch(f *frame) {
	oneWay := f.typ == frameOneWay
	if !oneWay && !c.admit() {
		c.reply(f.id, statusRefused, nil)
		return
	}
	if len(c.group) == 0 {
		c.group = make([]Incoming, incomingGroup)
	}
	in := &c.group[0]
	c.group = c.group[1:]
	in.Kind, in.OneWay, in.Epoch, in.From, in.Payload = f.code, oneWay, f.epoch, c.from, f.payload
	in.id, in.conn = f.id, c
	if f.remain != 0 {
		in.Deadline = f.came.Add(time.Duration(f.remain) * time.Millisecond)
	}
	c.srv.cfg.Handler.Handle(in)
}

// admit counts a request that will be replied to. It reports false when the
// request is to be refused.
func (c *serverConn) admit() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	// Also a refusal is a reply that is owed.
	c.owed++
	return !c.drained && c.owed <= c.srv.cfg.MaxRequests
}

// watch closes the connection when nothing is read for the idle timeout.
func (c *serverConn) watch() *time.Timer {
	idle := c.srv.cfg.IdleTimeout
	var last atomic.Uint64
	var t atomic.Pointer[time.Timer]
	timer := time.AfterFunc(idle, func() {
		if now := c.reads.Load(); last.Swap(now) == now {
			c.end(ErrUnresponsive)
		} else if t := t.Load(); t != nil {
			t.Reset(idle)
		}
	})
	t.Store(timer)
	return timer
}
