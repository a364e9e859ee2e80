//go:build unix

package respserver

import (
	"io"
	"strings"
	"testing"
)

// What the socket takes at once needs no timer; a reply too large for it does,
// and arrives whole.
func TestDirect_OnlyAWaitingWriteArmsReadAhead(t *testing.T) {
	armed := make(chan bool, 1)
	_, addr := start(t, Config{Handler: hooks{serve: func(c *Conn, batch []Command) {
		echo(c, batch[0])
		if err := c.Flush(); err != nil {
			t.Error(err)
		}
		armed <- c.ahead.timer != nil
	}}})
	c := dial(t, addr)
	for range 10 {
		send(t, c, "PING\n")
		expect(t, c, request("PING"))
		if <-armed {
			t.Fatal("a small reply armed the timer")
		}
	}
	large := request("SET", strings.Repeat("x", 32<<20))
	go io.WriteString(c, large)
	expect(t, c, large)
	if !<-armed {
		t.Error("32 MB went without waiting?")
	}
}
