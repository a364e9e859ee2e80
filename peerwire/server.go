package peerwire

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"sync"
	"time"
)

// Handler receives requests. Handle runs on the goroutine that reads the
// connection: while it works, nothing else of that connection is read, so it
// must not block. What takes time is handed on, with [Incoming.Retain], and
// replied to later. Handle may run at once for different connections.
type Handler interface {
	Handle(in *Incoming)
}

// HandlerFunc is a function as a [Handler].
type HandlerFunc func(in *Incoming)

// Handle calls f.
func (f HandlerFunc) Handle(in *Incoming) { f(in) }

// ServerConfig says how connections are served. Only Handler is required.
type ServerConfig struct {
	// Handler takes every request. Required.
	Handler Handler
	// Cluster is our cluster's name. Connections of another one are closed.
	Cluster string
	// Node is our node id, at most MaxNode bytes; clients see it.
	Node string
	// Admit, if not nil, decides whether a client may speak, by its connection (as
	// given to ServeConn) and the preface that it sent. The node id in there is a
	// claim; a certificate can prove it. The text of the error is sent back.
	Admit func(conn net.Conn, client Preface) error
	// MaxMessageBytes is the largest request that is accepted; default 1 GiB,
	// as in PeerConfig. It is allocated only as its bytes come in. One
	// connection can make the server hold twice that.
	MaxMessageBytes int
	// MaxQueueBytes bounds the replies that wait to be written, per connection,
	// counted as in PeerConfig; default 256 MiB. Beyond it replies are dropped
	// and the client is told so ([ErrReplyDropped]); a client that does not even
	// take that is cut off.
	MaxQueueBytes int
	// MaxRequests bounds the requests of one connection that are not replied
	// to; default 65,536. More are refused.
	MaxRequests int
	// Stops, if not nil, is how often this process went on after it stood still
	// (a SIGSTOP, say), a stop that ends now included. It is called after every
	// read, by all connections at once. The deadlines of what is read after a stop are counted from the last
	// read before it, until a ping is answered.
	Stops func() uint64
	// IdleTimeout is after how long without a byte a connection is closed;
	// default 30 s. Clients ping every second.
	IdleTimeout time.Duration
	// HandshakeTimeout bounds the exchange of prefaces; default 3 s.
	HandshakeTimeout time.Duration
	// Cork gathers what is replied while it is held; see [Cork]. Default: one of
	// the Server's own, which its readers hold.
	Cork *Cork
}

func (c *ServerConfig) defaults() {
	def(&c.MaxMessageBytes, 1<<30)
	def(&c.MaxQueueBytes, 256<<20)
	def(&c.MaxRequests, 1<<16)
	def(&c.IdleTimeout, 30*time.Second)
	def(&c.HandshakeTimeout, 3*time.Second)
	if c.Cork == nil {
		c.Cork = new(Cork)
	}
}

// Validate reports the first field that makes no sense.
func (c ServerConfig) Validate() error {
	switch {
	case c.Handler == nil:
		return errors.New("peerwire: Handler is missing")
	case len(c.Node) > MaxNode:
		return fmt.Errorf("peerwire: Node has %d bytes, at most %d", len(c.Node), MaxNode)
	case c.MaxMessageBytes < 0 || c.MaxMessageBytes > math.MaxInt32:
		return errors.New("peerwire: MaxMessageBytes is not within 1 byte and 2 GiB")
	case c.MaxQueueBytes < 0 || c.MaxRequests < 0:
		return errors.New("peerwire: MaxQueueBytes or MaxRequests is negative")
	case c.IdleTimeout < 0 || c.HandshakeTimeout < 0:
		return errors.New("peerwire: IdleTimeout or HandshakeTimeout is negative")
	}
	return nil
}

// Server serves connections that other nodes' Peers opened.
type Server struct {
	cfg ServerConfig
	wg  sync.WaitGroup // of ServeConn calls

	mu       sync.Mutex
	stopping bool
	conns    map[*serverConn]struct{}
}

// NewServer makes a Server. It starts nothing.
func NewServer(cfg ServerConfig) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg.defaults()
	return &Server{cfg: cfg, conns: make(map[*serverConn]struct{})}, nil
}

// ServeConn serves one connection until it ends, and closes it. It returns nil
// when the other end or Stop closed it in an orderly way, and otherwise what was
// wrong: [ErrProtocol], [ErrVersion], [ErrCluster], [ErrUnresponsive], Admit's error or
// the connection's own.
func (s *Server) ServeConn(conn net.Conn) error {
	c := newServerConn(s, conn)
	s.mu.Lock()
	if s.stopping {
		s.mu.Unlock()
		conn.Close()
		return ErrStopped
	}
	s.conns[c] = struct{}{}
	s.wg.Add(1)
	s.mu.Unlock()
	defer s.wg.Done()
	err := c.serve()
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	return err
}

// Stop refuses new requests, waits until those under way are replied to and
// written, or ctx ends, then closes every connection and waits for every
// ServeConn to return. Twice is fine. It returns ctx's cause if it did not wait
// for all replies.
func (s *Server) Stop(ctx context.Context) error {
	s.mu.Lock()
	s.stopping = true
	for c := range s.conns {
		c.drain()
	}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.wg.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	for c := range s.conns {
		c.end(ErrStopped)
	}
	s.mu.Unlock()
	<-done
	return context.Cause(ctx)
}
