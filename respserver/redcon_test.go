package respserver

import (
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Each test here is something that redcon's own server does wrong when it is
// used as it is. Only its writers are used in this package.

func TestRedcon_HugeBulkLengthPanics(t *testing.T) {
	s, addr := start(t, Config{Handler: hooks{}})
	healthy := dial(t, addr)
	c := dial(t, addr)
	send(t, c, "*1\r\n$9223372036854775807\r\n")
	expectEnd(t, c, "-ERR Protocol error: invalid bulk length\r\n")
	send(t, healthy, "PING\n")
	expect(t, healthy, request("PING"))
	if s.Len() != 1 {
		t.Errorf("Len is %d", s.Len())
	}
}

func TestRedcon_NoLimitOnBulkLength(t *testing.T) {
	got := play(t, Config{Handler: hooks{}}, []byte("*1\r\n$536870913\r\n"))
	if want := "-ERR Protocol error: invalid bulk length\r\n"; got != want {
		t.Errorf("got %q", got)
	}
}

func TestRedcon_NoLimitOnArguments(t *testing.T) {
	got := play(t, Config{Handler: hooks{}}, []byte("*1048577\r\n"))
	if want := "-ERR Protocol error: invalid multibulk length\r\n"; got != want {
		t.Errorf("got %q", got)
	}
	many := "*1048576\r\n" + strings.Repeat("$0\r\n\r\n", 1<<20)
	count := 0
	play(t, Config{Handler: hooks{serve: func(_ *Conn, batch []Command) { count = len(batch[0].Args) }}}, []byte(many))
	if count != 1<<20 {
		t.Errorf("%d arguments, want as many as may be", count)
	}
}

func TestRedcon_NoLimitOnQueryBuffer(t *testing.T) {
	half := "$536870912\r\n"
	conn := &script{chunks: [][]byte{[]byte("*3\r\n" + half)}}
	// The second half gigabyte is refused when it is announced. The first
	// would have to be sent, so a smaller bound stands in for 1 GB.
	s := mustNew(t, Config{Handler: hooks{}, Limits: Limits{MaxQuery: 1 << 20}})
	s.ServeConn(conn)
	if want := "-ERR Protocol error: too big request\r\n"; conn.out.String() != want {
		t.Errorf("got %q", conn.out.String())
	}
}

func TestRedcon_AllocatesWhatIsAnnounced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, Config{Handler: hooks{}})
		c := pipe(t, s)
		send(t, c, "*2\r\n$536870912\r\n")
		send(t, c, strings.Repeat("x", 100))
		synctest.Wait()
		s.Conns(func(c *Conn) bool {
			if cap(c.in) > maxRead {
				t.Errorf("%d bytes of buffer for 100 bytes of 512 MB", cap(c.in))
			}
			return true
		})
		send(t, c, strings.Repeat("x", 1<<20))
		synctest.Wait()
		s.Conns(func(c *Conn) bool {
			if cap(c.in) > 4<<20 {
				t.Errorf("%d bytes of buffer for 1 MB of 512 MB", cap(c.in))
			}
			return true
		})
	})
}

func TestRedcon_NoLimitOnOutput(t *testing.T) {
	conn := &script{chunks: [][]byte{[]byte(strings.Repeat("GET\n", 100))}}
	mustNew(t, Config{Limits: Limits{MaxOutput: 1000}, Handler: hooks{serve: func(c *Conn, batch []Command) {
		for range batch {
			c.Out = append(c.Out, strings.Repeat("x", 100)...)
		}
	}}}).ServeConn(conn)
	if conn.out.Len() != 0 {
		t.Errorf("%d bytes sent", conn.out.Len())
	}
}

// The buffer of a large request must not grow in small steps either.
func TestRedcon_QuadraticGrowth(t *testing.T) {
	for name, data := range map[string]string{
		"one large argument":       request(strings.Repeat("x", 32<<20)),
		"many of 100 KB":           "*320\r\n" + strings.Repeat("$100000\r\n"+strings.Repeat("x", 100000)+"\r\n", 320),
		"a hundred thousand small": "*100000\r\n" + strings.Repeat("$3\r\nabc\r\n", 100000),
	} {
		for _, size := range []int{1 << 20, 1000} {
			conn := &script{chunks: cut([]byte(data), size), mute: true}
			s := mustNew(t, Config{Handler: hooks{serve: func(*Conn, []Command) {}}})
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			s.ServeConn(conn)
			runtime.ReadMemStats(&after)
			// Doubling allocates twice the size, arguments cost slices.
			most := uint64(4*len(data)) + 20<<20
			if got := after.TotalAlloc - before.TotalAlloc; got > most {
				t.Errorf("%s, %d at a time: allocated %d bytes for %d", name, size, got, len(data))
			}
		}
	}
}

// TestParser_LooksAtEachByteOnce has the exact law; this is the whole loop.
func TestRedcon_QuadraticTime(t *testing.T) {
	value := strings.Repeat("x", 32<<20)
	data := []byte(request("SET", value))
	served := 0
	cfg := Config{Handler: hooks{serve: func(_ *Conn, batch []Command) { served += len(batch[0].Args[1]) }}}
	// 128 KB at a time means 256 reads, which redcon would parse over 4 GB
	// in all, and 100 bytes at a time far beyond the test's patience.
	for _, size := range []int{128 << 10, 100} {
		play(t, cfg, cut(data, size)...)
	}
	if served != 2*len(value) {
		t.Errorf("served %d bytes", served)
	}
}

func TestRedcon_RecursionPerRead(t *testing.T) {
	defer debug.SetMaxStack(debug.SetMaxStack(256 << 10))
	data := request("SET", strings.Repeat("x", 1<<20))
	if got := play(t, Config{Handler: hooks{}}, cut([]byte(data), 1)...); got != data {
		t.Error("replies differ")
	}
}

func TestRedcon_NoWriteDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, Config{Handler: hooks{}})
		c := pipe(t, s)
		send(t, c, "PING\n")
		time.Sleep(time.Minute) // the default is half of it
		if s.Len() != 0 {
			t.Error("a client that does not read stayed for a minute")
		}
	})
}

func TestRedcon_SlowSubscriberBlocksAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, Config{Handler: hooks{}, Limits: Limits{MaxPush: 10_000}})
		pipe(t, s) // never reads
		fast := pipe(t, s)
		synctest.Wait()
		began := time.Now()
		frame := strings.Repeat("m", 100)
		for range 200 {
			s.Conns(func(c *Conn) bool { c.Push([]byte(frame)); return true })
			expect(t, fast, frame)
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("publishing took %v", took)
		}
		synctest.Wait()
		if s.Len() != 1 {
			t.Errorf("%d connections, want the fast one only", s.Len())
		}
	})
}

func TestRedcon_EmptyArraysAreErrors(t *testing.T) {
	got := play(t, Config{Handler: hooks{}}, []byte("*0\r\n*-1\r\n\r\n"+request("PING")))
	if got != request("PING") {
		t.Errorf("got %q", got)
	}
}

func TestRedcon_NothingRecovers(t *testing.T) {
	got := play(t, Config{Handler: hooks{serve: func(*Conn, []Command) { panic("boom") }}}, []byte("PING\n"))
	if want := "-ERR internal error\r\n"; got != want {
		t.Errorf("got %q", got)
	}
}

func TestRedcon_NoRESP3(t *testing.T) {
	got := play(t, Config{Handler: hooks{serve: func(c *Conn, batch []Command) {
		for range batch {
			c.Out = AppendMap(c.Out, c.Proto(), 1)
			c.Out = AppendBulkString(c.Out, "proto")
			c.Out = AppendNull(c.Out, c.Proto())
			c.SetProto(3)
		}
	}}}, []byte("HELLO 3\nHELLO 3\n"))
	if want := "*2\r\n$5\r\nproto\r\n$-1\r\n%1\r\n$5\r\nproto\r\n_\r\n"; got != want {
		t.Errorf("got %q", got)
	}
}

// Quotes that begin within a word are errors there.
func TestRedcon_InlineQuotes(t *testing.T) {
	got := play(t, Config{Handler: hooks{}}, []byte("SET k\"e y\" '\\'' \"\\x41\"\n"))
	if want := request("SET", "ke y", "'", "A"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
