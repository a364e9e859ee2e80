package respserver

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestSlowClient_IsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closed := make(chan time.Time, 1)
		s := mustNew(t, Config{WriteTimeout: 10 * time.Second, Handler: hooks{
			close: func(*Conn) { closed <- time.Now() },
		}})
		c := pipe(t, s)
		began := time.Now()
		send(t, c, "PING\n")
		took := (<-closed).Sub(began)
		if took < 10*time.Second || took > 12500*time.Millisecond {
			t.Errorf("cut off after %v, want 10 s to 12.5 s", took)
		}
	})
}

// A client that reads slowly but steadily is not cut off.
func TestSlowClient_ThatReads_IsServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, Config{Handler: hooks{}, WriteTimeout: 10 * time.Second})
		c := pipe(t, s)
		big := request("SET", strings.Repeat("x", 4*writeChunk))
		go io.WriteString(c, big)
		buf := make([]byte, writeChunk/4)
		for got := 0; got < len(big); {
			time.Sleep(2 * time.Second)
			n, err := c.Read(buf)
			if err != nil {
				t.Fatalf("after %d bytes: %v", got, err)
			}
			got += n
		}
	})
}

func TestSlowClient_FlushTellsTheHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := make(chan error, 2)
		s := mustNew(t, Config{WriteTimeout: time.Second, Handler: hooks{
			serve: func(c *Conn, _ []Command) {
				c.Out = AppendOK(c.Out)
				got <- c.Flush()
				select {
				case <-c.Done():
				default:
					t.Error("Done is open after the client was cut off")
				}
				got <- c.Flush()
			},
		}})
		c := pipe(t, s)
		send(t, c, "PING\n")
		for range 2 {
			if err := <-got; !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("got %v, want a timeout", err)
			}
		}
	})
}

func TestOutputLimit(t *testing.T) {
	for name, serve := range map[string]func(*Conn) error{
		"at the end": func(*Conn) error { return ErrOutputLimit },
		"by Flush":   (*Conn).Flush,
	} {
		served := 0
		conn := &script{chunks: [][]byte{[]byte("GET\n"), []byte("GET\n")}}
		mustNew(t, Config{Limits: Limits{MaxOutput: 100}, Handler: hooks{
			serve: func(c *Conn, _ []Command) {
				served++
				c.Out = append(c.Out, strings.Repeat("x", 101)...)
				if err := serve(c); !errors.Is(err, ErrOutputLimit) {
					t.Errorf("%s: got %v, want ErrOutputLimit", name, err)
				}
			},
		}}).ServeConn(conn)
		if conn.out.Len() != 0 || served != 1 {
			t.Errorf("%s: %d bytes sent, served %d times", name, conn.out.Len(), served)
		}
	}
}

// Many clients write a whole pipeline before they read anything.
func TestReadAhead_ClientThatWritesEverythingFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, Config{Handler: hooks{}})
		c := pipe(t, s)
		var all strings.Builder
		for i := range 3000 {
			r := request("ECHO", fmt.Sprint(i), strings.Repeat("x", i))
			all.WriteString(r)
			send(t, c, r)
		}
		expect(t, c, all.String())
		send(t, c, "PING\n")
		expect(t, c, request("PING"))
	})
}

func TestReadAhead_OverTCP(t *testing.T) {
	const count, size = 3000, 10 << 10
	value := strings.Repeat("v", size)
	_, addr := start(t, Config{Handler: hooks{serve: func(c *Conn, batch []Command) {
		for range batch {
			c.Out = AppendBulkString(c.Out, value)
		}
	}}})
	c := dial(t, addr)
	one := request("GET", strings.Repeat("k", 2000))
	half(t, c, strings.Repeat(one, count)) // its end is read ahead too
	expectEnd(t, c, strings.Repeat("$10240\r\n"+value+"\r\n", count))
}

func TestReadAhead_Bounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, Config{Handler: hooks{}, Limits: Limits{MaxQuery: 100_000, MaxBulk: 1000}, WriteTimeout: time.Second})
		c := pipe(t, s)
		sent := 0
		for one := request(strings.Repeat("x", 900)); ; sent += len(one) {
			if _, err := io.WriteString(c, one); err != nil {
				break
			}
		}
		if sent > 250_000 {
			t.Errorf("took %d bytes from a client that does not read, with MaxQuery 100,000", sent)
		}
	})
}

func TestReadAhead_UntrustedBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, Config{Handler: hooks{}, RequireAuth: true, WriteTimeout: time.Second})
		c := pipe(t, s)
		sent := 0
		for one := request(strings.Repeat("x", 900)); ; sent += len(one) {
			if _, err := io.WriteString(c, one); err != nil {
				break
			}
		}
		if sent > 1<<20 {
			t.Errorf("took %d bytes from a stranger who does not read", sent)
		}
	})
}

func TestWatch_TellsThatTheClientWent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := make(chan time.Duration, 1)
		s := mustNew(t, Config{Handler: hooks{serve: func(c *Conn, batch []Command) {
			began := time.Now()
			stop := c.Watch()
			<-c.Done()
			stop()
			left <- time.Since(began)
		}}})
		c := pipe(t, s)
		send(t, c, "BLPOP\n")
		time.Sleep(time.Minute)
		c.Close()
		if took := <-left; took != time.Minute {
			t.Errorf("the handler left after %v, want 1 min", took)
		}
	})
}

func TestWatch_KeepsWhatItReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ready := make(chan struct{})
		s := mustNew(t, Config{Handler: hooks{serve: func(c *Conn, batch []Command) {
			for _, cmd := range batch {
				if string(cmd.Args[0]) == "BLPOP" {
					stop := c.Watch()
					<-ready
					stop()
				}
				echo(c, cmd)
			}
		}}})
		c := pipe(t, s)
		send(t, c, "BLPOP a\n*2\r\n$4\r\nPI")
		synctest.Wait()
		send(t, c, "NG\r\n$1\r\nx\r\n")
		send(t, c, request("SET", strings.Repeat("y", 100_000))+"LAST\n")
		close(ready)
		expect(t, c, request("BLPOP", "a")+request("PING", "x")+request("SET", strings.Repeat("y", 100_000))+request("LAST"))
		for range 3 { // and reads go on as ever, with deadlines back in order
			send(t, c, "BLPOP b\n")
			expect(t, c, request("BLPOP", "b"))
			time.Sleep(time.Hour)
		}
	})
}
