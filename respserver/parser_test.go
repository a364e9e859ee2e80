package respserver

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestFraming_AsRecordedFromRedis(t *testing.T) {
	for _, row := range append(recorded(t, "framing.txt"), recorded(t, "random.txt")...) {
		data, want := []byte(row[0]), row[1]
		for _, size := range []int{len(data), 1, 2, 3} {
			if got := play(t, Config{Handler: redisLike()}, cut(bytes.Clone(data), size)...); got != want {
				t.Errorf("%q in pieces of %d:\n got %q\nwant %q", data, size, got, want)
			}
		}
	}
}

func TestFraming_Unauthenticated_AsRecordedFromRedis(t *testing.T) {
	for _, row := range recorded(t, "auth.txt") {
		data, want := []byte(row[0]), row[1]
		for _, size := range []int{len(data), 1, 7} {
			cfg := Config{Handler: redisLike(), RequireAuth: true}
			if got := play(t, cfg, cut(bytes.Clone(data), size)...); got != want {
				t.Errorf("%q in pieces of %d:\n got %q\nwant %q", data, size, got, want)
			}
		}
	}
}

// Recorded from Redis too, but too long to be kept in a file.
func TestFraming_LongLines(t *testing.T) {
	a := strings.Repeat("A", 70000)
	ones := strings.Repeat("1", 70000)
	const ping = "*1\r\n$4\r\nPING\r\n"
	for _, c := range []struct{ name, data, want string }{
		{"inline too long", ping + a[:65537], "+PONG\r\n-ERR Protocol error: too big inline request\r\n"},
		{"inline as long as may be", "ECHO " + a[:65530] + "\r\n", "$65530\r\n" + a[:65530] + "\r\n"},
		{"inline one longer", "ECHO " + a[:65531] + "\r\n", "-ERR Protocol error: too big inline request\r\n"},
		{"count too long", ping + "*" + ones[:65536], "+PONG\r\n-ERR Protocol error: too big mbulk count string\r\n"},
		{"count without end", "*" + ones[:65535], ""},
		{"count long", "*" + ones[:65000] + "\r\n", "-ERR Protocol error: invalid multibulk length\r\n"},
		{"length too long", "*1\r\n$" + ones[:65536], "-ERR Protocol error: too big bulk count string\r\n"},
		{"length too long and no length", "*1\r\n" + a[:65537], "-ERR Protocol error: too big bulk count string\r\n"},
		{"length long", "*1\r\n$" + ones[:65000] + "\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
	} {
		for _, size := range []int{1 << 20, 1, 4096} {
			got := play(t, Config{Handler: redisLike()}, cut([]byte(c.data), size)...)
			if got != c.want {
				t.Errorf("%s in pieces of %d: got %.80q, want %.80q", c.name, size, got, c.want)
			}
		}
	}
}

func TestLimits(t *testing.T) {
	cfg := Config{Handler: hooks{}, Limits: Limits{MaxArgs: 3, MaxBulk: 10, MaxQuery: 60, MaxInline: 40}}
	ten, eleven := strings.Repeat("x", 10), strings.Repeat("x", 11)
	line := strings.Repeat("y", 40)
	for _, c := range []struct{ name, data, want string }{
		{"arguments at the limit", request("a", "b", "c"), request("a", "b", "c")},
		{"arguments", request("a", "b", "c", "d"), "-ERR Protocol error: invalid multibulk length\r\n"},
		{"bulk at the limit", request(ten), request(ten)},
		{"bulk", request(eleven), "-ERR Protocol error: invalid bulk length\r\n"},
		{"query at the limit", request(ten, ten, ten), request(ten, ten, ten)},
		{"query", "*3\r\n$10\r\n" + ten + "\r\n$10\r\n" + ten + "\r\n" + "$10" + "\r\n", ""},
		{"line at the limit", line + "\n", request(line)},
		{"count", "*" + strings.Repeat("1", 40) + "\r\n", "-ERR Protocol error: too big mbulk count string\r\n"},
		{"count one shorter", "*" + strings.Repeat("1", 39) + "\r\n", "-ERR Protocol error: invalid multibulk length\r\n"},
		{"line", line + "y\n", "-ERR Protocol error: too big inline request\r\n"},
	} {
		for _, size := range []int{100, 1} {
			if got := play(t, cfg, cut([]byte(c.data), size)...); got != c.want {
				t.Errorf("%s: got %q, want %q", c.name, got, c.want)
			}
		}
	}
	cfg.Limits.MaxQuery = 54 // request(ten, ten, ten) has 4+3*17 = 55 bytes
	got := play(t, cfg, []byte(request("a")+request(ten, ten, ten)))
	if want := request("a") + "-ERR Protocol error: too big request\r\n"; got != want {
		t.Errorf("query: got %q, want %q", got, want)
	}
}

func TestRequests_SplitAtEveryByte(t *testing.T) {
	requests := []string{
		request("PING"),
		request("SET", "key", ""),
		request("SET", "key", "a\r\nb\r\n*1\r\n$4\r\nPING\r\n"),
		request("MSET", strings.Repeat("k", 300), strings.Repeat("v", 1000), "x", strings.Repeat("$1\r\n", 600)),
		request("SET", strings.Repeat("z", 4060)),
		"\r\n*0\r\n*-1\r\nSET \"a b\" 'c\\'d' \\x \"\\x41\"\r\n",
		"SET " + strings.Repeat("w ", 2000) + "\n",
	}
	for _, r := range requests {
		want := play(t, Config{Handler: hooks{}}, []byte(r))
		if want == "" {
			t.Fatalf("no reply to %.40q", r)
		}
		// One connection for all places to cut at, so that the cuts meet
		// every state of the buffer.
		var chunks [][]byte
		for i := 1; i < len(r); i++ {
			chunks = append(chunks, []byte(r[:i]), []byte(r[i:]))
		}
		got := play(t, Config{Handler: hooks{}}, chunks...)
		if got != strings.Repeat(want, len(r)-1) {
			t.Errorf("%.40q: replies differ", r)
		}
	}
}

func TestPipeline_TenThousand(t *testing.T) {
	var data, want strings.Builder
	for i := range 10000 {
		r := request("SET", fmt.Sprint("key:", i), strings.Repeat("v", i%50))
		data.WriteString(r)
		want.WriteString(r)
	}
	for _, size := range []int{data.Len(), 16 << 10, 100, 1} {
		if got := play(t, Config{Handler: hooks{}}, cut([]byte(data.String()), size)...); got != want.String() {
			t.Errorf("pieces of %d: replies differ", size)
		}
	}
	most := 0
	cfg := Config{MaxBatch: 100, Handler: hooks{serve: func(c *Conn, batch []Command) {
		most = max(most, len(batch))
		for _, cmd := range batch {
			echo(c, cmd)
		}
	}}}
	if got := play(t, cfg, []byte(data.String())); got != want.String() {
		t.Error("replies differ")
	}
	if most != 100 {
		t.Errorf("largest batch is %d, want MaxBatch, which is 100", most)
	}
}

func TestLargeValue_SplitAtRandomPlaces(t *testing.T) {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	value := make([]byte, 64<<20)
	for i := 0; i < len(value); i += 1 << 10 {
		value[i] = byte(rng.Uint32())
	}
	data := []byte(request("BEFORE") + request("SET", "k", string(value)) + request("AFTER"))
	var sizes []int
	for range 100 {
		sizes = append(sizes, rng.IntN(2*len(data)/100))
	}
	var names []string
	var sum int
	cfg := Config{Handler: hooks{serve: func(c *Conn, batch []Command) {
		for _, cmd := range batch {
			names = append(names, string(cmd.Args[0]))
			if len(cmd.Args) == 3 {
				sum++
				if !bytes.Equal(cmd.Args[2], value) {
					t.Errorf("seed %d: the value differs", seed)
				}
				if extra := cap(c.in) - len(value); extra > 1000 {
					t.Errorf("seed %d: the buffer is %d bytes larger than the value", seed, extra)
				}
			}
		}
	}}}
	play(t, cfg, cut(data, sizes...)...)
	if got := strings.Join(names, " "); got != "BEFORE SET AFTER" || sum != 1 {
		t.Errorf("seed %d: served %q", seed, got)
	}
}

// What the parser has seen it does not look at again: the law behind linear
// time. Everything before its position is overwritten after each byte.
func TestParser_LooksAtEachByteOnce(t *testing.T) {
	data := []byte(request("SET", "key", strings.Repeat("v", 300)) + "SET a b c\r\n" + request("X"))
	p := newParser(Config{}.withDefaults().Limits)
	start, found := 0, 0
	buf := make([]byte, 0, len(data))
	for _, b := range data {
		buf = append(buf, b)
		n, err := p.next(buf[start:], true)
		if err != nil {
			t.Fatalf("after %d bytes: %v", len(buf), err)
		}
		if n > 0 {
			start += n
			found++
			continue
		}
		// An inline request is searched for its end; a length is read again
		// while it is incomplete.
		past, keep := buf[start:], p.pos
		if past[0] != '*' {
			keep = p.scan
		}
		for i := 1; i < keep; i++ {
			past[i] = '?'
		}
	}
	if found != 3 {
		t.Errorf("found %d requests, want 3", found)
	}
}

// Nor is the end of a line searched for again where it was not.
func TestParser_SearchesEachByteOnce(t *testing.T) {
	p := newParser(Config{}.withDefaults().Limits)
	buf := []byte("*1\r\n$1111111")
	for range 60000 {
		buf = append(buf, '1')
		if n, err := p.next(buf, true); n != 0 || err != nil || p.bulk >= 0 {
			t.Fatalf("after %d bytes: %d, %v, bulk %d", len(buf), n, err, p.bulk)
		}
		buf[len(buf)-1] = '\r' // it was seen as another byte
	}
}

func TestArguments_AreTheHandlersToChange(t *testing.T) {
	cfg := Config{Handler: hooks{serve: func(c *Conn, batch []Command) {
		for _, cmd := range batch {
			for i := range cmd.Args {
				cmd.Args[i] = append(cmd.Args[i], "!!!!!!!!"...)
			}
			cmd.Args = append(cmd.Args, []byte("more"))
			echo(c, cmd)
		}
	}}}
	// The second time nothing is allocated anymore.
	data := request("A", "b") + "C d\n" + request("E")
	got := play(t, cfg, []byte(data), []byte(data))
	want := request("A!!!!!!!!", "b!!!!!!!!", "more") + request("C!!!!!!!!", "d!!!!!!!!", "more") +
		request("E!!!!!!!!", "more")
	if got != want+want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestServe_NeverGetsAnEmptyRequest(t *testing.T) {
	cfg := Config{Handler: hooks{serve: func(c *Conn, batch []Command) {
		if len(batch) == 0 {
			t.Error("empty batch")
		}
		for _, cmd := range batch {
			if len(cmd.Args) == 0 {
				t.Error("no arguments")
			}
		}
	}}}
	play(t, cfg, []byte("\r\n*0\r\n  \n*-1\r\n"), []byte("*0\r\n"), []byte("PING\n\n"))
}

// Any split of a stream gives the same replies and errors.
func FuzzSplits(f *testing.F) {
	for _, row := range recorded(f, "framing.txt") {
		f.Add([]byte(row[0]), []byte{1}, true)
	}
	for _, row := range recorded(f, "auth.txt") {
		f.Add([]byte(row[0]), []byte{3, 1}, false)
	}
	f.Add([]byte("*1\r\n$9223372036854775807\r\n"), []byte{1}, true)
	f.Add([]byte(request("AUTH", "pw")+request("SET", strings.Repeat("x", 200))), []byte{200, 1, 5}, false)
	handler := redisLike()
	handler.serve = func(next func(*Conn, []Command)) func(*Conn, []Command) {
		return func(c *Conn, batch []Command) {
			for _, cmd := range batch {
				echo(c, cmd)
			}
			next(c, batch)
		}
	}(func(c *Conn, batch []Command) {
		for _, cmd := range batch {
			if bytes.EqualFold(cmd.Args[0], []byte("AUTH")) {
				c.SetAuthenticated(true)
			}
		}
	})
	f.Fuzz(func(t *testing.T, data, sizes []byte, trusted bool) {
		cfg := Config{
			Handler:     handler,
			RequireAuth: !trusted,
			MaxBatch:    4,
			Limits:      Limits{MaxArgs: 20, MaxBulk: 20000, MaxQuery: 40000, MaxInline: 100},
		}
		want := play(t, cfg, bytes.Clone(data))
		steps := []int{1}
		for _, s := range sizes {
			steps = append(steps, int(s))
		}
		for _, split := range [][]int{{1}, steps, {4096, 1}} {
			if got := play(t, cfg, cut(bytes.Clone(data), split...)...); got != want {
				t.Fatalf("%q cut at %v:\n got %q\nwant %q", data, split, got, want)
			}
		}
	})
}

func TestParseInteger(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "1": 1, "-1": -1, "9223372036854775807": 1<<63 - 1, "-9223372036854775808": -1 << 63,
	} {
		if got, ok := parseInteger([]byte(text)); !ok || got != want {
			t.Errorf("%q: got %d, %t", text, got, ok)
		}
	}
	for _, text := range []string{
		"", "-", "+1", "01", "-0", "00", " 1", "1 ", "1a", "9223372036854775808",
		"-9223372036854775809", "18446744073709551616", "99999999999999999999", "0x1", "1\x00",
	} {
		if got, ok := parseInteger([]byte(text)); ok {
			t.Errorf("%q: got %d, want none", text, got)
		}
	}
}

// half sends data and closes the sending side.
func half(t testing.TB, c io.Writer, data string) {
	t.Helper()
	if _, err := io.WriteString(c, data); err != nil {
		t.Fatal(err)
	}
	if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
}
