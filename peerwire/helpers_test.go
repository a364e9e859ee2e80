package peerwire

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pipes connects Peers to a Server by net.Pipe, within a synctest bubble.
type pipes struct {
	server *Server
	wg     sync.WaitGroup
	down   atomic.Bool // dials fail
	dials  atomic.Int32
	wrap   func(client net.Conn) net.Conn
	errs   chan error // what ServeConn returned

	mu   sync.Mutex
	last net.Conn // the client's end
}

func newPipes(t testing.TB, cfg ServerConfig) *pipes {
	t.Helper()
	if cfg.Handler == nil {
		cfg.Handler = echo
	}
	s, err := NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &pipes{server: s, errs: make(chan error, 1000)}
}

func (p *pipes) dial(context.Context) (net.Conn, error) {
	p.dials.Add(1)
	if p.down.Load() {
		return nil, errors.New("nobody listens")
	}
	a, b := net.Pipe()
	p.wg.Go(func() { p.errs <- p.server.ServeConn(b) })
	p.mu.Lock()
	p.last = a
	p.mu.Unlock()
	if p.wrap != nil {
		return p.wrap(a), nil
	}
	return a, nil
}

// cut closes the newest connection.
func (p *pipes) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last.Close()
}

// stop ends everything.
func (p *pipes) stop(t testing.TB, peers ...*Peer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, peer := range peers {
		if err := peer.Stop(ctx); err != nil {
			t.Error("peer:", err)
		}
	}
	if err := p.server.Stop(ctx); err != nil {
		t.Error("server:", err)
	}
	p.wg.Wait()
}

// newPeer makes a started Peer that is not waited for.
func newPeer(t testing.TB, cfg PeerConfig) *Peer {
	t.Helper()
	p, err := NewPeer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	return p
}

// stuck is a handler that never replies.
var stuck = HandlerFunc(func(*Incoming) {})

// outcome is what a callback was told.
type result struct {
	reply string
	err   error
	at    time.Time
}

// send sends and returns where the outcome arrives; a second callback fails the
// test.
func send(t testing.TB, p *Peer, req Request) <-chan result {
	out := make(chan result, 1)
	var times atomic.Int32
	p.Send(req, func(reply []byte, err error) {
		if times.Add(1) > 1 {
			t.Error("a callback was called twice")
			return
		}
		out <- result{string(reply), err, time.Now()}
	})
	return out
}

// stopNow ends everything without waiting for replies.
func (p *pipes) stopNow(t testing.TB, peers ...*Peer) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, peer := range peers {
		peer.Stop(ctx)
	}
	p.server.Stop(ctx)
	p.wg.Wait()
}

// gate lets a test hold up what a client writes.
type gate struct {
	mu     sync.Mutex
	cond   sync.Cond
	writes int // that may still pass
}

const always = 1 << 60

func newGate() *gate {
	g := &gate{writes: always}
	g.cond.L = &g.mu
	return g
}

func (g *gate) open()  { g.after(always) }
func (g *gate) close() { g.after(0) }

func (g *gate) after(writes int) {
	g.mu.Lock()
	g.writes = writes
	g.mu.Unlock()
	g.cond.Broadcast()
}

func (g *gate) pass(closed *atomic.Bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.writes == 0 && !closed.Load() {
		g.cond.Wait()
	}
	g.writes--
}

func (g *gate) wrap(c net.Conn) net.Conn { return &gatedConn{Conn: c, gate: g} }

type gatedConn struct {
	net.Conn
	gate   *gate
	closed atomic.Bool
}

func (c *gatedConn) Write(b []byte) (int, error) {
	c.gate.pass(&c.closed)
	return c.Conn.Write(b)
}

func (c *gatedConn) Close() error {
	c.closed.Store(true)
	c.gate.cond.Broadcast()
	return c.Conn.Close()
}
