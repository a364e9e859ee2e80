package respserver

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// afterKill is how long Stop waits for connections that it had to kill.
const afterKill = time.Second

// Server serves any number of listeners with one handler.
type Server struct {
	cfg    Config
	log    *slog.Logger
	ctx    context.Context // ends handshakes and pauses when Stop begins
	cancel context.CancelFunc
	lastID atomic.Uint64

	mu        sync.Mutex
	listeners map[net.Listener]struct{}
	conns     map[*Conn]bool // true when Open accepted it
	running   int            // within Serve and ServeConn, served connections, loops
	loops     []*eventLoop
	lastSplit time.Time     // when a loop gave connections to another
	weighing  atomic.Uint32 // the last weighing's number
	stopping  bool
	// calmBatches is how many batches in a row a connection must have been
	// calm before it shares a goroutine; see Conn.Alone.
	calmBatches int
	idle        chan struct{} // closed when stopping and nothing is running
}

// New returns a server that does nothing yet.
func New(cfg Config) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	s := &Server{
		cfg:       cfg,
		log:       cfg.Logger,
		listeners: make(map[net.Listener]struct{}),
		conns:     make(map[*Conn]bool),
		idle:      make(chan struct{}),

		calmBatches: calmBatches,
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s, nil
}

// enter counts one more that runs, unless the server stops.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return false
	}
	s.running++
	return true
}

// leave is called once for each enter that succeeded.
func (s *Server) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running--; s.running == 0 && s.stopping {
		close(s.idle)
	}
}

// ServeConn serves one connection and returns when it has ended. The server
// owns it and closes it.
func (s *Server) ServeConn(conn net.Conn) {
	if !s.enter() {
		conn.Close()
		return
	}
	defer s.leave()
	s.newConn(conn).run()
}

// newConn makes ready to serve a connection.
func (s *Server) newConn(conn net.Conn) *Conn {
	c := &Conn{
		server:  s,
		net:     conn,
		local:   conn.LocalAddr(),
		remote:  conn.RemoteAddr(),
		id:      s.lastID.Add(1),
		created: time.Now(),
		parser:  newParser(s.cfg.Limits),
		gone:    make(chan struct{}),
		resumed: make(chan struct{}, 1),
	}
	c.ahead.done = make(chan struct{}, 1)
	c.direct.init(conn)
	c.hangUp = sync.OnceFunc(func() { close(c.gone) })
	c.proto.Store(2)
	c.trusted.Store(!s.cfg.RequireAuth)
	c.idleAfter.Store(int64(s.cfg.IdleTimeout))
	s.keepAlive(conn)

	s.mu.Lock()
	s.conns[c] = false
	if s.stopping { // after the Stop that would have told it
		c.stop.Store(true)
		c.wanted.Store(true)
	}
	s.mu.Unlock()
	return c
}

// keepAlive sets up TCP's own probing for dead peers.
func (s *Server) keepAlive(conn net.Conn) {
	if t, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = t.NetConn()
	}
	tcp, ok := conn.(*net.TCPConn)
	if !ok || s.cfg.KeepAlive < 0 {
		return
	}
	err := tcp.SetKeepAliveConfig(net.KeepAliveConfig{
		Enable:   true,
		Idle:     s.cfg.KeepAlive,
		Interval: max(s.cfg.KeepAlive/3, time.Second),
		Count:    3,
	})
	if err != nil {
		s.log.Debug("keep-alive not set", "remote", conn.RemoteAddr(), "err", err)
	}
}

// list lets Conns show c.
func (s *Server) list(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns[c] = true
}

// unlist forgets c.
func (s *Server) unlist(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// Conns calls visit for each connection that Open took and Close was not
// called for, in no order, until visit returns false. It works on a copy made
// at the start: visit may kill and push.
func (s *Server) Conns(visit func(*Conn) bool) {
	s.mu.Lock()
	conns := make([]*Conn, 0, len(s.conns))
	for c, open := range s.conns {
		if open {
			conns = append(conns, c)
		}
	}
	s.mu.Unlock()
	for _, c := range conns {
		if !visit(c) {
			return
		}
	}
}

// Len counts the connections, also those within Open: a handler that refuses
// when Len exceeds a limit never admits too many.
func (s *Server) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Stop closes the listeners, lets each connection finish its running batch
// and write the replies, closes them, and returns when all goroutines have
// ended. When ctx ends first, the connections still there are killed and,
// after a second more for their handlers to notice, an error tells how many
// stayed. It may be called again, to wait longer; it must not be called by a
// handler.
func (s *Server) Stop(ctx context.Context) error {
	s.cancel()
	s.mu.Lock()
	if !s.stopping {
		s.stopping = true
		if s.running == 0 {
			close(s.idle)
		}
	}
	for l := range s.listeners {
		l.Close()
	}
	conns := s.all()
	for _, l := range s.loops {
		l.ring() // those without connections too have to notice
	}
	s.mu.Unlock()
	for _, c := range conns {
		c.stop.Store(true)
		c.wake()
	}
	select {
	case <-s.idle:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	conns = s.all()
	s.mu.Unlock()
	for _, c := range conns {
		c.Kill()
	}
	grace := time.NewTimer(afterKill)
	defer grace.Stop()
	select {
	case <-s.idle:
		return fmt.Errorf("respserver: %d connections killed: %w", len(conns), ctx.Err())
	case <-grace.C:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Errorf("respserver: %d handlers still run: %w", len(s.conns), ctx.Err())
}

// all returns the connections; s.mu is held.
func (s *Server) all() []*Conn {
	conns := make([]*Conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	return conns
}
