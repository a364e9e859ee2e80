package respserver

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// later is a handler that answers from other goroutines, as often as not after
// Serve has returned.
func later(c *Conn, batch []Command) {
	c.Suspend()
	go func() {
		for range rand.N(20) {
			runtime.Gosched()
		}
		for _, cmd := range batch {
			echo(c, cmd)
		}
		c.Resume()
	}()
}

func TestSuspend_ManyClients(t *testing.T) {
	_, addr := start(t, Config{Handler: hooks{serve: later}})
	var wg sync.WaitGroup
	for k := range 20 {
		c := dial(t, addr)
		wg.Go(func() {
			for i := range 300 {
				var sent strings.Builder
				for j := range 1 + (i*k)%7 {
					sent.WriteString(request("echo", fmt.Sprint(k, " ", i, " ", j)))
				}
				if _, err := io.WriteString(c, sent.String()); err != nil {
					t.Error(err)
					return
				}
				got := make([]byte, sent.Len())
				if _, err := io.ReadFull(c, got); err != nil || string(got) != sent.String() {
					t.Errorf("client %d, round %d: got %.100q (%v), want %.100q", k, i, got, err, sent.String())
					return
				}
			}
		})
	}
	wg.Wait()
}

// The replies come in order though the client sends on without them, in pieces
// that end anywhere.
func TestSuspend_ClientGoesOn(t *testing.T) {
	_, addr := start(t, Config{Handler: hooks{serve: later}})
	c := dial(t, addr)
	warmUp(t, c)
	var all strings.Builder
	for i := range 2000 {
		all.WriteString(request("echo", strings.Repeat(fmt.Sprint(i), 1+i%20)))
	}
	go func() {
		rest := all.String()
		for len(rest) > 0 {
			n := min(len(rest), 1+rand.N(400))
			if _, err := io.WriteString(c, rest[:n]); err != nil {
				return
			}
			rest = rest[n:]
		}
	}()
	expect(t, c, all.String())
}

// warmUp has the connection calm enough to share a goroutine, where it can.
func warmUp(t testing.TB, c net.Conn) {
	t.Helper()
	for i := range 4 {
		m := request("echo", fmt.Sprint(i))
		send(t, c, m)
		expect(t, c, m)
	}
}

// held answers when it is told to, but for "echo", which it answers at once.
type held struct {
	came chan *Conn
	do   chan func(*Conn)
}

func newHeld() *held { return &held{came: make(chan *Conn), do: make(chan func(*Conn))} }

func (h *held) serve(c *Conn, batch []Command) {
	if string(batch[0].Args[0]) == "echo" {
		for _, cmd := range batch {
			echo(c, cmd)
		}
		return
	}
	c.Suspend()
	go func() {
		h.came <- c
		(<-h.do)(c)
	}()
}

func ok(c *Conn) {
	c.Out = AppendOK(c.Out)
	c.Resume()
}

func TestSuspend_Kill(t *testing.T) {
	h := newHeld()
	s, addr := start(t, Config{Handler: hooks{serve: h.serve}})
	c := dial(t, addr)
	warmUp(t, c)
	send(t, c, request("wait"))
	conn := <-h.came
	conn.Kill()
	<-conn.Done()
	expectEnd(t, c, "")
	h.do <- ok
	waitFor(t, func() bool { return s.Len() == 0 })
}

func TestSuspend_StopWaits(t *testing.T) {
	h := newHeld()
	s := mustNew(t, Config{Handler: hooks{serve: h.serve}})
	addr := listen(t, s)
	c := dial(t, addr)
	warmUp(t, c)
	send(t, c, request("wait"))
	<-h.came
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		stop(t, s)
	}()
	<-s.ctx.Done()
	h.do <- ok
	expectEnd(t, c, "+OK\r\n")
	<-stopped
}

func TestSuspend_LargeReplies(t *testing.T) {
	const size = 20 << 20
	_, addr := start(t, Config{Handler: hooks{serve: func(c *Conn, batch []Command) {
		c.Suspend()
		go func() {
			for range batch {
				c.Out = AppendBulk(c.Out, bytes.Repeat([]byte("x"), size))
			}
			c.Resume()
		}()
	}}})
	c := dial(t, addr)
	for range 3 {
		send(t, c, request("get"))
		want := fmt.Sprintf("$%d\r\n", size)
		expect(t, c, want)
		n, err := io.CopyN(io.Discard, c, size+2)
		if err != nil {
			t.Fatalf("%d bytes, %v", n, err)
		}
	}
}

func TestSuspend_ResumeComesFirst(t *testing.T) {
	_, addr := start(t, Config{Handler: hooks{serve: func(c *Conn, batch []Command) {
		c.Suspend()
		for _, cmd := range batch {
			echo(c, cmd)
		}
		c.Resume()
	}}})
	c := dial(t, addr)
	for i := range 100 {
		m := request("echo", fmt.Sprint(i))
		send(t, c, m)
		expect(t, c, m)
	}
}

func TestSuspend_Panic(t *testing.T) {
	_, addr := start(t, Config{Handler: hooks{serve: func(c *Conn, batch []Command) {
		if string(batch[0].Args[0]) == "echo" {
			echo(c, batch[0])
			return
		}
		c.Suspend()
		panic("on purpose")
	}}})
	c := dial(t, addr)
	warmUp(t, c)
	send(t, c, request("fail"))
	expectEnd(t, c, "-ERR internal error\r\n")
	other := dial(t, addr)
	send(t, other, request("echo"))
	expect(t, other, request("echo"))
}

func TestSuspend_PushMeanwhile(t *testing.T) {
	h := newHeld()
	_, addr := start(t, Config{Handler: hooks{serve: h.serve}})
	c := dial(t, addr)
	warmUp(t, c)
	for range 50 {
		send(t, c, request("wait"))
		conn := <-h.came
		if err := conn.Push([]byte("+pushed\r\n")); err != nil {
			t.Fatal(err)
		}
		h.do <- ok
		expect(t, c, "+OK\r\n+pushed\r\n")
	}
}

func TestSuspend_CloseAfterReply(t *testing.T) {
	h := newHeld()
	_, addr := start(t, Config{Handler: hooks{serve: h.serve}})
	c := dial(t, addr)
	warmUp(t, c)
	send(t, c, request("wait")+request("wait"))
	<-h.came
	h.do <- func(c *Conn) {
		c.CloseAfterReply()
		ok(c)
	}
	expectEnd(t, c, "+OK\r\n")
}

// waitFor returns when the condition holds; ten seconds are too long.
func waitFor(t testing.TB, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited for ten seconds")
		}
	}
}
