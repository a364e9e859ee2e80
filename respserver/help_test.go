package respserver

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hooks is a Handler of functions; a missing one does nothing, a missing
// serve echoes.
type hooks struct {
	open  func(c *Conn) error
	serve func(c *Conn, batch []Command)
	close func(c *Conn)
}

func (h hooks) Open(c *Conn) error {
	if h.open != nil {
		return h.open(c)
	}
	return nil
}

func (h hooks) Serve(c *Conn, batch []Command) {
	if h.serve != nil {
		h.serve(c, batch)
		return
	}
	for _, cmd := range batch {
		echo(c, cmd)
	}
}

func (h hooks) Close(c *Conn) {
	if h.close != nil {
		h.close(c)
	}
}

// echo answers with the request itself.
func echo(c *Conn, cmd Command) {
	c.Out = AppendArray(c.Out, len(cmd.Args))
	for _, arg := range cmd.Args {
		c.Out = AppendBulk(c.Out, arg)
	}
}

// request is a request on the wire.
func request(args ...string) string {
	var b []byte
	b = AppendArray(b, len(args))
	for _, arg := range args {
		b = AppendBulkString(b, arg)
	}
	return string(b)
}

// start runs a server on a loopback port until the test ends.
func start(t testing.TB, cfg Config) (*Server, string) {
	t.Helper()
	s := mustNew(t, cfg)
	return s, listen(t, s)
}

// listen serves a loopback port until the test ends.
func listen(t testing.TB, s *Server) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		stop(t, s)
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return l.Addr().String()
}

// stop stops a server that has five seconds for it.
func stop(t testing.TB, s *Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Errorf("Stop: %v", err)
	}
}

// dial connects until the test ends. What takes a minute has failed.
func dial(t testing.TB, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(time.Minute))
	return c
}

// shared makes the tests' servers share goroutines as soon as they can.
var shared bool

// pipe serves one end of an in-memory connection and returns the other. It
// works within a synctest bubble; the server must be stopped there.
func pipe(t testing.TB, s *Server) net.Conn {
	t.Helper()
	client, server := net.Pipe()
	var wg sync.WaitGroup
	wg.Go(func() { s.ServeConn(server) })
	t.Cleanup(func() {
		client.Close()
		wg.Wait()
	})
	return client
}

func mustNew(t testing.TB, cfg Config) *Server {
	t.Helper()
	cfg.Share = cfg.Share || shared
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Share {
		s.calmBatches = 1
	}
	return s
}

func send(t testing.TB, c net.Conn, data string) {
	t.Helper()
	if _, err := io.WriteString(c, data); err != nil {
		t.Fatalf("send: %v", err)
	}
}

// expect reads exactly want.
func expect(t testing.TB, c io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	n, err := io.ReadFull(c, got)
	if string(got[:n]) != want {
		t.Fatalf("got %.200q (%v), want %.200q", got[:n], err, want)
	}
}

// expectEnd reads want, then the end of the stream.
func expectEnd(t testing.TB, c io.Reader, want string) {
	t.Helper()
	got, err := io.ReadAll(c)
	if err != nil && !errors.Is(err, io.ErrClosedPipe) {
		t.Fatalf("after %.200q: %v", got, err)
	}
	if string(got) != want {
		t.Fatalf("got %.200q, want %.200q", got, want)
	}
}

// line reads a line without its end.
func line(t testing.TB, r *bufio.Reader) string {
	t.Helper()
	s, err := r.ReadString('\n')
	if err != nil {
		t.Fatalf("line: %v", err)
	}
	return strings.TrimRight(s, "\r\n")
}
