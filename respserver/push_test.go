package respserver

import (
	"bufio"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

func TestPush_ReachesIdleClient(t *testing.T) {
	s, addr := start(t, Config{Handler: hooks{}})
	c := dial(t, addr)
	send(t, c, "PING\n")
	expect(t, c, request("PING"))
	for i := range 100 {
		frame := fmt.Sprintf(">1\r\n:%d\r\n", i)
		s.Conns(func(conn *Conn) bool {
			if err := conn.Push([]byte(frame)); err != nil {
				t.Error(err)
			}
			return true
		})
		expect(t, c, frame)
	}
	send(t, c, "PING\n")
	expect(t, c, request("PING"))
}

func TestPush_FollowsTheRepliesOfItsBatch(t *testing.T) {
	_, addr := start(t, Config{Handler: hooks{serve: func(c *Conn, batch []Command) {
		c.Out = append(c.Out, "*2\r\n:1\r\n"...)
		c.Push([]byte(">1\r\n+news\r\n"))
		if err := c.Flush(); err != nil { // in the middle of the reply
			t.Error(err)
		}
		c.Out = append(c.Out, ":2\r\n"...)
	}}})
	c := dial(t, addr)
	send(t, c, "GET\n")
	expect(t, c, "*2\r\n:1\r\n:2\r\n>1\r\n+news\r\n")
}

// Frames come whole and, from each goroutine, in order, while requests are
// served.
func TestPush_FromManyGoroutines(t *testing.T) {
	s, addr := start(t, Config{Handler: hooks{}})
	c := dial(t, addr)
	send(t, c, "PING\n")
	expect(t, c, request("PING"))
	var conn *Conn
	s.Conns(func(c *Conn) bool { conn = c; return true })
	const writers, each = 8, 500
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				if err := conn.Push(fmt.Appendf(nil, ">%d:%d\n", w, i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() {
		for i := range each {
			send(t, c, fmt.Sprintf("x%d\n", i))
		}
	})
	var next [writers]int
	replies := 0
	for r := bufio.NewReader(c); replies < each || sum(next[:]) < writers*each; {
		text := line(t, r)
		var w, i int
		if n, _ := fmt.Sscanf(text, ">%d:%d", &w, &i); n == 2 {
			if i != next[w] {
				t.Fatalf("writer %d: frame %d, want %d", w, i, next[w])
			}
			next[w]++
			continue
		}
		if size := line(t, r); text != "*1" || size[0] != '$' {
			t.Fatalf("reply %q %q", text, size)
		}
		if got, want := line(t, r), fmt.Sprint("x", replies); got != want {
			t.Fatalf("reply %q, want %q", got, want)
		}
		replies++
	}
	wg.Wait()
}

func sum(values []int) (total int) {
	for _, v := range values {
		total += v
	}
	return total
}

func TestPush_AfterTheEnd(t *testing.T) {
	conns := make(chan *Conn, 1)
	play(t, Config{Handler: hooks{open: func(c *Conn) error { conns <- c; return nil }}})
	if err := (<-conns).Push([]byte("x")); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
}

func TestPush_CountsAsOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, Config{Handler: hooks{}, Limits: Limits{MaxPush: 1000}})
		pipe(t, s) // nobody reads
		synctest.Wait()
		s.Conns(func(c *Conn) bool {
			for range 4 {
				if err := c.Push([]byte(strings.Repeat("x", 250))); err != nil {
					t.Error(err)
				}
				synctest.Wait()
			}
			if got := c.OutputBytes(); got != 1000 {
				t.Errorf("OutputBytes is %d, want 1000", got)
			}
			if err := c.Push([]byte("x")); !errors.Is(err, ErrOutputLimit) {
				t.Errorf("over the limit: got %v", err)
			}
			if err := c.Push([]byte("x")); !errors.Is(err, ErrClosed) {
				t.Errorf("after that: got %v", err)
			}
			return true
		})
		synctest.Wait()
		if s.Len() != 0 {
			t.Error("the connection stayed")
		}
	})
}
