package respserver

import (
	"context"
	"errors"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestStop_LetsTheBatchFinish(t *testing.T) {
	entered, proceed := make(chan struct{}), make(chan struct{})
	var closed atomic.Bool
	s, addr := start(t, Config{Handler: hooks{
		serve: func(c *Conn, batch []Command) {
			close(entered)
			<-proceed
			for _, cmd := range batch {
				echo(c, cmd)
			}
		},
		close: func(*Conn) { closed.Store(true) },
	}})
	c := dial(t, addr)
	send(t, c, "ONE\nTWO\n")
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- s.Stop(context.Background()) }()
	// The listener is closed before anybody waits.
	for {
		other, err := net.Dial("tcp", addr)
		if err != nil {
			break
		}
		other.Close()
	}
	select {
	case err := <-stopped:
		t.Fatalf("Stop did not wait for the batch: %v", err)
	default:
	}
	close(proceed)
	expectEnd(t, c, request("ONE")+request("TWO"))
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if !closed.Load() {
		t.Error("Close was not called")
	}
	if n := s.Len(); n != 0 {
		t.Errorf("%d connections stayed", n)
	}
}

func TestStop_EndsIdleConnectionsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, Config{Handler: hooks{}})
		for range 10 {
			pipe(t, s)
		}
		synctest.Wait()
		began := time.Now()
		if err := s.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("took %v", took)
		}
	})
}

func TestStop_AfterTheBatch_SendsPushesAndServesNoMore(t *testing.T) {
	entered, proceed := make(chan *Conn), make(chan struct{})
	s, addr := start(t, Config{MaxBatch: 1, Handler: hooks{serve: func(c *Conn, batch []Command) {
		entered <- c
		<-proceed
		c.Out = AppendOK(c.Out)
	}}})
	c := dial(t, addr)
	send(t, c, "ONE\nTWO\n")
	conn := <-entered
	conn.Push([]byte(">1\r\n+bye\r\n"))
	var wg sync.WaitGroup
	wg.Go(func() { stop(t, s) })
	for !conn.stop.Load() {
		runtime.Gosched()
	}
	// Unread input must not cost the client its replies.
	send(t, c, strings.Repeat("THREE\n", 10000))
	close(proceed)
	expectEnd(t, c, "+OK\r\n>1\r\n+bye\r\n")
	wg.Wait()
}

func TestStop_KillsWhenItsContextEnds(t *testing.T) {
	entered := make(chan struct{})
	s, addr := start(t, Config{Handler: hooks{serve: func(c *Conn, _ []Command) {
		close(entered)
		<-c.Done()
	}}})
	c := dial(t, addr)
	send(t, c, "BLPOP\n")
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Stop(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
	if n := s.Len(); n != 0 {
		t.Errorf("%d connections stayed", n)
	}
}

func TestStop_ReturnsThoughAHandlerNeverDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s := mustNew(t, Config{Handler: hooks{serve: func(*Conn, []Command) { <-release }}})
		c := pipe(t, s)
		send(t, c, "BLPOP\n")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		if err := s.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the context's error", err)
		}
		if took := time.Since(began); took != time.Minute+afterKill {
			t.Errorf("took %v", took)
		}
		close(release)
		if err := s.Stop(t.Context()); err != nil {
			t.Errorf("waiting longer: %v", err)
		}
	})
}

func TestStop_TwiceAndBeforeServe(t *testing.T) {
	s := mustNew(t, Config{Handler: hooks{}})
	for range 2 {
		if err := s.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(l); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve after Stop: got %v", err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the listener was left open: %v", err)
	}
	client, server := net.Pipe()
	s.ServeConn(server)
	if _, err := client.Read(make([]byte, 1)); err == nil {
		t.Error("ServeConn after Stop left the connection open")
	}
}

// gate is a connection that blocks the server between its counting and its
// listing of it.
type gate struct {
	net.Conn
	reached chan struct{}
	open    chan struct{}
}

func (g *gate) NetConn() net.Conn {
	select {
	case <-g.reached:
	default:
		close(g.reached)
		<-g.open
	}
	return g.Conn
}

func TestStop_WhileAConnectionIsAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, Config{Handler: hooks{}})
		client, server := net.Pipe()
		defer client.Close()
		g := &gate{server, make(chan struct{}), make(chan struct{})}
		go s.ServeConn(g)
		<-g.reached
		stopped := make(chan error, 1)
		go func() { stopped <- s.Stop(context.Background()) }()
		synctest.Wait()
		close(g.open)
		began := time.Now()
		if err := <-stopped; err != nil || time.Since(began) != 0 {
			t.Errorf("Stop: %v after %v", err, time.Since(began))
		}
	})
}

// Connections come and go while the server stops.
func TestStop_UnderFire(t *testing.T) {
	for range 20 {
		s := mustNew(t, Config{Handler: hooks{}})
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := s.Serve(l); err != nil {
				t.Error(err)
			}
		})
		var served atomic.Int32
		for range 4 {
			wg.Go(func() {
				for {
					c, err := net.Dial("tcp", l.Addr().String())
					if err != nil {
						return
					}
					buf := make([]byte, 100)
					for range 5 {
						if _, err := c.Write([]byte("PING\n")); err != nil {
							break
						}
						if _, err := c.Read(buf); err != nil {
							break
						}
						served.Add(1)
					}
					c.Close()
				}
			})
		}
		for served.Load() < 100 {
			runtime.Gosched()
		}
		stop(t, s)
		if n := s.Len(); n != 0 {
			t.Fatalf("%d connections stayed", n)
		}
		wg.Wait()
	}
}

func TestServe_ListenerClosedBySomebodyElse(t *testing.T) {
	s := mustNew(t, Config{Handler: hooks{}})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := s.Serve(l); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func TestServe_SeveralListeners(t *testing.T) {
	s, tcp := start(t, Config{Handler: hooks{}})
	unix, err := net.Listen("unix", t.TempDir()+"/sock")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Serve(unix); err != nil {
			t.Error(err)
		}
	})
	c, err := net.Dial("unix", unix.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, c := range []net.Conn{c, dial(t, tcp)} {
		send(t, c, "PING\n")
		expect(t, c, request("PING"))
	}
	if s.Len() != 2 {
		t.Errorf("Len is %d", s.Len())
	}
	stop(t, s)
	wg.Wait()
}

// sickListener fails so many times before each accept.
type sickListener struct {
	net.Listener
	tries atomic.Int32
}

func (l *sickListener) Accept() (net.Conn, error) {
	l.tries.Add(1)
	return nil, errors.New("too many open files")
}
func (*sickListener) Close() error   { return nil }
func (*sickListener) Addr() net.Addr { return &net.TCPAddr{} }

func TestServe_DoesNotSpinWhenAcceptFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, Config{Handler: hooks{}})
		l := new(sickListener)
		served := make(chan error, 1)
		go func() { served <- s.Serve(l) }()
		time.Sleep(time.Minute)
		if n := l.tries.Load(); n < 50 || n > 80 {
			t.Errorf("%d tries in a minute, want about one per second", n)
		}
		if err := s.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}
