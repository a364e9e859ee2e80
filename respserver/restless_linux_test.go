package respserver

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// restless lets connections wander: between loops, to goroutines of their own
// and back, away and back.
func restless(c *Conn, batch []Command) {
	if l := c.home; l != nil && rand.N(16) == 0 {
		s := c.server
		s.mu.Lock()
		if !s.stopping {
			s.newLoop()
		}
		for _, to := range s.loops {
			if to != l {
				l.load.to, l.load.give = to, 4
			}
		}
		s.mu.Unlock()
	}
	switch rand.N(8) {
	case 0:
		c.Alone()
		fallthrough
	case 1, 2, 3:
		later(c, batch)
	default:
		for _, cmd := range batch {
			echo(c, cmd)
		}
	}
}

// Whatever connections do and have done to them, each reply comes once and in
// order, and nothing is left when the server has stopped.
func TestShare_Restless(t *testing.T) {
	before := descriptors(t)
	var open atomic.Int32
	s := mustNew(t, Config{Share: true, MaxBatch: 4, IdleTimeout: time.Minute, Begin: func() { open.Add(1) }, End: func() { open.Add(-1) }, Handler: hooks{serve: restless}})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	go s.Serve(l)
	over := make(chan struct{})
	var fiddling, clients sync.WaitGroup
	fiddling.Go(func() {
		for {
			select {
			case <-over:
				return
			case <-time.After(time.Millisecond):
			}
			s.Conns(func(c *Conn) bool {
				switch rand.N(5) {
				case 0:
					_ = c.Push([]byte("+p\r\n"))
				case 1:
					c.SetIdleTimeout(time.Duration(rand.N(2)) * time.Hour)
				case 2:
					if c.BytesRead() > 60000 && rand.N(200) == 0 {
						c.Kill()
					}
				}
				return true
			})
		}
	})
	end := time.Now().Add(time.Second)
	for k := range 24 {
		clients.Go(func() {
			for time.Now().Before(end) {
				visitor(t, addr, k)
			}
		})
	}
	clients.Wait()
	close(over)
	fiddling.Wait()
	c := dial(t, addr) // it is in the middle of something
	send(t, c, strings.Repeat(request("echo", "x"), 1000))
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Error(err)
	}
	c.Close()
	if n := open.Load(); n != 0 {
		t.Errorf("%d rounds have not ended", n)
	}
	waitFor(t, func() bool { return descriptors(t) <= before })
}

// visitor is a client's life. It may be killed when it has sent 60 KB.
func visitor(t *testing.T, addr string, k int) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	r := bufio.NewReader(c)
	sent := 0
	for i := range 20 + rand.N(200) {
		n := 1 + rand.N(9)
		var m, want strings.Builder
		for j := range n {
			m.WriteString(request("echo", fmt.Sprint(k, " ", i, " ", j)))
		}
		want.WriteString(m.String())
		sent += m.Len()
		text := m.String()
		cut := rand.N(len(text))
		if _, err = io.WriteString(c, text[:cut]); err == nil {
			_, err = io.WriteString(c, text[cut:])
		}
		if err != nil && sent <= 60000 {
			t.Errorf("write: %v after %d", err, sent)
		}
		if err != nil {
			return
		}
		last := false
		switch rand.N(100) {
		case 0:
			return // without the replies
		case 1:
			_ = c.(*net.TCPConn).CloseWrite()
			last = true
		}
		for rest := want.String(); rest != ""; {
			line, err := r.ReadString('\n')
			if err != nil {
				if sent <= 60000 {
					t.Errorf("client %d: %v after %d bytes, want %.60q", k, err, sent, rest)
				}
				return
			}
			if line == "+p\r\n" {
				continue
			}
			if !strings.HasPrefix(rest, line) {
				t.Errorf("client %d: got %q, want %.60q", k, line, rest)
				return
			}
			rest = rest[len(line):]
		}
		if last {
			for {
				line, err := r.ReadString('\n')
				if err != nil {
					return
				}
				if line != "+p\r\n" {
					t.Errorf("client %d: %q at the end", k, line)
				}
			}
		}
	}
}

func descriptors(t *testing.T) int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}
