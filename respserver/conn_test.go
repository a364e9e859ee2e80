package respserver

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestConn_FactsAndGauges(t *testing.T) {
	var facts struct {
		ids           []uint64
		query         int
		proto         [3]int
		local         net.Addr
		remote        net.Addr
		read, written uint64
	}
	served := make(chan struct{})
	s, addr := start(t, Config{Handler: hooks{
		open: func(c *Conn) error {
			facts.ids = append(facts.ids, c.ID())
			facts.proto[0] = c.Proto()
			facts.local, facts.remote = c.LocalAddr(), c.RemoteAddr()
			return nil
		},
		serve: func(c *Conn, batch []Command) {
			facts.query = c.QueryBytes()
			c.SetProto(3)
			facts.proto[1] = c.Proto()
			c.SetProto(7)
			facts.proto[2] = c.Proto()
			echo(c, batch[0])
			if err := c.Flush(); err != nil {
				t.Error(err)
			}
			facts.read, facts.written = c.BytesRead(), c.BytesWritten()
			served <- struct{}{}
		},
	}})
	before := time.Now()
	c := dial(t, addr)
	send(t, c, "PING\r\n*2\r\n")
	expect(t, c, request("PING"))
	<-served
	if facts.query != 10 || facts.read != 10 || facts.written != 14 {
		t.Errorf("gauges: %+v", facts)
	}
	if facts.proto != [3]int{2, 3, 2} {
		t.Errorf("protocols %v", facts.proto)
	}
	if facts.local.String() != addr || facts.remote.String() != c.LocalAddr().String() {
		t.Errorf("addresses %v and %v", facts.local, facts.remote)
	}
	s.Conns(func(sc *Conn) bool {
		if sc.Created().Before(before) || sc.LastActive().Before(sc.Created()) {
			t.Errorf("created %v, active %v, test began %v", sc.Created(), sc.LastActive(), before)
		}
		return true
	})
	c2 := dial(t, addr)
	send(t, c2, "PING\r\n")
	expect(t, c2, request("PING"))
	<-served
	if len(facts.ids) != 2 || facts.ids[0] != 1 || facts.ids[1] != 2 {
		t.Errorf("ids %v", facts.ids)
	}
}

func TestOpen_Refuses(t *testing.T) {
	var closed atomic.Int32
	handler := hooks{
		open:  func(*Conn) error { return errors.New("max number of clients reached") },
		close: func(*Conn) { closed.Add(1) },
	}
	s, addr := start(t, Config{Handler: handler})
	c := dial(t, addr)
	half(t, c, request("HELLO", "3"))
	expectEnd(t, c, "-ERR max number of clients reached\r\n")
	stop(t, s)
	if closed.Load() != 0 {
		t.Error("Close was called for a connection that Open refused")
	}
}

func TestOpen_RefusesWithItsOwnCode(t *testing.T) {
	got := play(t, Config{Handler: hooks{open: func(c *Conn) error {
		c.Out = AppendError(c.Out, "DENIED protected mode")
		return errors.New("protected mode")
	}}})
	if want := "-DENIED protected mode\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLenAndConns(t *testing.T) {
	closed := make(chan struct{}, 2)
	var s *Server
	s = mustNew(t, Config{Handler: hooks{
		open: func(c *Conn) error {
			c.Data = c.ID()
			if s.Len() > 2 {
				return errors.New("max number of clients reached")
			}
			return nil
		},
		close: func(*Conn) { closed <- struct{}{} },
	}})
	addr := listen(t, s)
	a, b := dial(t, addr), dial(t, addr)
	for _, c := range []net.Conn{a, b} {
		send(t, c, "PING\n")
		expect(t, c, request("PING"))
	}
	third := dial(t, addr)
	expectEnd(t, third, "-ERR max number of clients reached\r\n")
	seen := map[any]bool{}
	s.Conns(func(c *Conn) bool { seen[c.Data] = true; return true })
	if len(seen) != 2 || !seen[uint64(1)] || !seen[uint64(2)] {
		t.Errorf("saw %v", seen)
	}
	visits := 0
	s.Conns(func(*Conn) bool { visits++; return false })
	if visits != 1 {
		t.Errorf("%d visits after false", visits)
	}
	a.Close()
	<-closed
	s.Conns(func(c *Conn) bool {
		if c.RemoteAddr().String() == a.LocalAddr().String() {
			t.Error("a closed connection is shown")
		}
		return true
	})
}

func TestCloseAfterReply(t *testing.T) {
	_, addr := start(t, Config{Handler: hooks{serve: func(c *Conn, batch []Command) {
		for _, cmd := range batch {
			c.Out = AppendOK(c.Out)
			if string(cmd.Args[0]) == "QUIT" {
				c.CloseAfterReply()
				return
			}
		}
	}}})
	c := dial(t, addr)
	// What the client still sends must not cost it the replies.
	send(t, c, "PING\nQUIT\nPING\n"+strings.Repeat("PING\n", 20000))
	half(t, c, "")
	expectEnd(t, c, "+OK\r\n+OK\r\n")
}

func TestKill_EndsWaitingHandler(t *testing.T) {
	entered, left := make(chan *Conn), make(chan error, 1)
	_, addr := start(t, Config{Handler: hooks{serve: func(c *Conn, _ []Command) {
		entered <- c
		<-c.Done()
		c.Out = AppendOK(c.Out)
		left <- c.Flush()
	}}})
	c := dial(t, addr)
	send(t, c, "BLPOP\n")
	(<-entered).Kill()
	if err := <-left; err == nil {
		t.Error("Flush on a killed connection gave no error")
	}
	if n, err := c.Read(make([]byte, 1)); err == nil {
		t.Errorf("read %d bytes", n)
	}
}

func TestKill_EndsIdleConnection(t *testing.T) {
	closed := make(chan struct{})
	s, addr := start(t, Config{Handler: hooks{close: func(*Conn) { close(closed) }}})
	c := dial(t, addr)
	send(t, c, "PING\n")
	expect(t, c, request("PING"))
	s.Conns(func(c *Conn) bool { c.Kill(); c.Kill(); return true })
	<-closed
}

func TestPanic_EndsOneConnection(t *testing.T) {
	for name, handler := range map[string]hooks{
		"serve": {serve: func(c *Conn, batch []Command) {
			for _, cmd := range batch {
				if string(cmd.Args[0]) == "BOOM" {
					panic("boom")
				}
				echo(c, cmd)
			}
		}},
		"open": {open: func(c *Conn) error {
			if c.ID() == 2 {
				panic("boom")
			}
			return nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			log := new(lockedBuffer)
			var closes atomic.Int32
			handler.close = func(*Conn) { closes.Add(1) }
			s, addr := start(t, Config{Handler: handler, Logger: log.logger()})
			healthy := dial(t, addr)
			send(t, healthy, "PING\n")
			expect(t, healthy, request("PING"))
			bad := dial(t, addr)
			want := "-ERR internal error\r\n"
			if name == "serve" {
				want = request("PING") + want
			}
			send(t, bad, "PING\nBOOM\nPING\n")
			expectEnd(t, bad, want)
			send(t, healthy, "PING\n")
			expect(t, healthy, request("PING"))
			stop(t, s)
			if text := log.String(); !strings.Contains(text, "boom") || !strings.Contains(text, "conn_test.go") {
				t.Errorf("the log does not tell what happened where: %s", text)
			}
			if want := map[string]int32{"serve": 2, "open": 1}[name]; closes.Load() != want {
				t.Errorf("Close was called %d times, want %d", closes.Load(), want)
			}
		})
	}
}

func TestPanic_InClose(t *testing.T) {
	s, addr := start(t, Config{Handler: hooks{close: func(*Conn) { panic("boom") }}})
	c := dial(t, addr)
	half(t, c, "PING\n")
	expectEnd(t, c, request("PING"))
	stop(t, s)
	if s.Len() != 0 {
		t.Error("the connection stayed")
	}
}

func TestIdleTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, Config{Handler: hooks{}, IdleTimeout: time.Minute})
		began := time.Now()
		c := pipe(t, s)
		time.Sleep(50 * time.Second)
		send(t, c, "*1\r\n") // any byte counts
		expectEnd(t, c, "")
		if took := time.Since(began); took != 110*time.Second {
			t.Errorf("ended after %v, want a minute after the request at 50 s", took)
		}
	})
}

func TestSetIdleTimeout_AtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, Config{Handler: hooks{}, IdleTimeout: time.Minute})
		subscriber := pipe(t, s)
		synctest.Wait()
		var conn *Conn
		s.Conns(func(c *Conn) bool { conn = c; return true })
		conn.SetIdleTimeout(0)
		time.Sleep(time.Hour)
		send(t, subscriber, "PING\n")
		expect(t, subscriber, request("PING"))
		began := time.Now()
		conn.SetIdleTimeout(time.Second)
		expectEnd(t, subscriber, "")
		if took := time.Since(began); took != time.Second {
			t.Errorf("ended after %v, want 1 s", took)
		}
	})
}

func TestIdleTimeout_CountsSending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, Config{IdleTimeout: time.Minute, Handler: hooks{
			serve: func(c *Conn, _ []Command) {
				time.Sleep(time.Hour) // a blocking command
				c.Out = AppendOK(c.Out)
			},
		}})
		c := pipe(t, s)
		send(t, c, "BLPOP\n")
		expect(t, c, "+OK\r\n")
		replied := time.Now()
		expectEnd(t, c, "")
		if took := time.Since(replied); took != time.Minute {
			t.Errorf("ended %v after the reply, want a minute", took)
		}
	})
}

func TestBuffers_ShrinkAfterUse(t *testing.T) {
	for _, idle := range []time.Duration{0, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			var used atomic.Int64
			s := mustNew(t, Config{IdleTimeout: idle, Handler: hooks{serve: func(c *Conn, batch []Command) {
				echo(c, batch[0])
				used.Store(int64(cap(c.Out)))
			}}})
			c := pipe(t, s)
			for _, big := range []string{
				request("SET", strings.Repeat("x", 8<<20)),
				request(strings.Split(strings.Repeat("a ", 50000), " ")...),
			} {
				go io.WriteString(c, big)
				expect(t, c, big)
				if used.Load() < int64(len(big)) {
					t.Errorf("Out had %d bytes for a reply of %d", used.Load(), len(big))
				}
				time.Sleep(3 * trimAfter)
				synctest.Wait()
				var conn *Conn
				s.Conns(func(c *Conn) bool { conn = c; return true })
				if cap(conn.in) > keepBuffer || cap(conn.Out) > keepBuffer || cap(conn.args) > keepArgs {
					t.Errorf("3 times trimAfter later: in %d, out %d, args %d", cap(conn.in), cap(conn.Out), cap(conn.args))
				}
				for _, arg := range conn.args[:cap(conn.args)] {
					if arg != nil {
						t.Error("an argument keeps the large buffer alive")
					}
				}
			}
		})
	}
}

func TestSteadyState_AllocatesNothing(t *testing.T) {
	batch := strings.Repeat(request("SET", "key:000001", strings.Repeat("v", 100)), 32)
	s := mustNew(t, Config{Handler: hooks{}, IdleTimeout: time.Hour})
	const rounds = 2000
	allocs := testing.AllocsPerRun(5, func() {
		s.ServeConn(&script{chunks: [][]byte{[]byte(batch)}, again: rounds, mute: true})
	})
	if allocs > 60 {
		t.Errorf("%v allocations for a connection of %d batches, want those for the connection only", allocs, rounds)
	}
}

func TestFewWritesForAPipeline(t *testing.T) {
	conn := &script{chunks: [][]byte{[]byte(strings.Repeat(request("GET", "k"), 100))}}
	mustNew(t, Config{Handler: hooks{}}).ServeConn(conn)
	if conn.writes != 1 {
		t.Errorf("%d writes for 100 replies", conn.writes)
	}
}

// lockedBuffer is a log that a test may read while it is written.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func TestValidate(t *testing.T) {
	for field, cfg := range map[string]Config{
		"Handler":          {},
		"Limits.MaxArgs":   {Handler: hooks{}, Limits: Limits{MaxArgs: -1}},
		"Limits.MaxInline": {Handler: hooks{}, Limits: Limits{MaxInline: 8}},
		"MaxBatch":         {Handler: hooks{}, MaxBatch: -1},
		"IdleTimeout":      {Handler: hooks{}, IdleTimeout: -1},
	} {
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: error %v does not name it", field, err)
		}
	}
	if err := (Config{Handler: hooks{}}).Validate(); err != nil {
		t.Error(err)
	}
}

func (b *lockedBuffer) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
