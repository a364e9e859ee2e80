package frontend

import (
	"bytes"
	"context"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dynomite-go/dynomite/respserver"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a router with a handful of commands on one map. It remembers the
// groups that it was given.
type fake struct {
	mu     sync.Mutex
	data   map[string]string
	groups [][]string
	// reply, if set, answers instead.
	reply func(s *Session, cmd Request, out []byte) []byte
}

func (r *fake) Run(s *Session, cmds []Request, out []byte) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	var group []string
	for _, cmd := range cmds {
		name := cmd.Spec.Name
		group = append(group, name)
		if r.reply != nil {
			out = r.reply(s, cmd, out)
			continue
		}
		switch name {
		case "set":
			r.store(string(cmd.Args[1]), string(cmd.Args[2]))
			out = respserver.AppendOK(out)
		case "get":
			if value, ok := r.data[string(cmd.Args[1])]; ok {
				out = respserver.AppendBulkString(out, value)
			} else {
				out = respserver.AppendNull(out, s.Proto())
			}
		case "mset":
			for i := 1; i < len(cmd.Args); i += 2 {
				r.store(string(cmd.Args[i]), string(cmd.Args[i+1]))
			}
			out = respserver.AppendOK(out)
		case "mget":
			out = respserver.AppendArray(out, len(cmd.Args)-1)
			for _, key := range cmd.Args[1:] {
				out = respserver.AppendBulkString(out, r.data[string(key)])
			}
		case "dbsize":
			out = respserver.AppendInt(out, int64(len(r.data)))
		case "incr":
			n, err := strconv.Atoi(r.data[string(cmd.Args[1])])
			if err != nil && r.data[string(cmd.Args[1])] != "" {
				out = respserver.AppendError(out, errNotInteger)
				break
			}
			r.store(string(cmd.Args[1]), strconv.Itoa(n+1))
			out = respserver.AppendInt(out, int64(n+1))
		default:
			out = respserver.AppendError(out, "WRONGTYPE the fake does not know "+name)
		}
	}
	r.groups = append(r.groups, group)
	return out
}

func (r *fake) store(key, value string) {
	if r.data == nil {
		r.data = make(map[string]string)
	}
	r.data[key] = value
}

func (r *fake) taken() [][]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	groups := r.groups
	r.groups = nil
	return groups
}

// start serves a Frontend on a loopback port until the test ends. The router
// is a fake if there is none.
func start(t testing.TB, cfg Config) (*Frontend, string) {
	t.Helper()
	if cfg.Router == nil {
		cfg.Router = &fake{}
	}
	f, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server, err := respserver.New(respserver.Config{Handler: f})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := server.Stop(ctx); err != nil {
			t.Errorf("Stop: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return f, l.Addr().String()
}

// one starts a Frontend and a client of it.
func one(t testing.TB, cfg Config) (*Frontend, *wire) {
	t.Helper()
	f, addr := start(t, cfg)
	return f, dial(t, "tcp", addr)
}

func TestServe_DataCommandsBetweenOthers_ComeInGroups(t *testing.T) {
	router := &fake{}
	_, w := one(t, Config{Router: router})
	w.write(request("SET", "a", "1") + request("get", "a") + request("CLIENT", "GETNAME") +
		request("MGET", "a", "b") + request("NOSUCH", "x") + request("GET") + request("INCR", "a") +
		request("PING") + request("DBSIZE"))
	for _, want := range []string{
		`+OK`, `"1"`, `nil`, `["1", ""]`,
		`-ERR unknown command 'NOSUCH', with args beginning with: 'x' `,
		`-ERR wrong number of arguments for 'get' command`, `:2`, `+PONG`, `:1`,
	} {
		if got := w.reply(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	// The server may cut a pipeline wherever a read ends, but no group may
	// reach over a command that is answered here.
	var all []string
	for _, group := range router.taken() {
		all = append(all, group...)
		if slices.Contains(group, "get") && slices.Contains(group, "mget") {
			t.Errorf("group %v reaches over CLIENT", group)
		}
	}
	if want := []string{"set", "get", "mget", "incr", "dbsize"}; !slices.Equal(all, want) {
		t.Errorf("router got %v, want %v", all, want)
	}
}

func TestServe_PipelineOf10000_KeepsOrderAndGroupLimit(t *testing.T) {
	router := &fake{}
	_, w := one(t, Config{Router: router})
	go func() {
		var b []byte
		for i := range 10000 {
			b = append(b, request("SET", "k"+strconv.Itoa(i%7), strconv.Itoa(i))...)
			b = append(b, request("GET", "k"+strconv.Itoa(i%7))...)
		}
		w.conn.Write(b)
	}()
	for i := range 10000 {
		if got := w.reply(); got != "+OK" {
			t.Fatalf("SET %d: %s", i, got)
		}
		if got := w.reply(); got != strconv.Quote(strconv.Itoa(i)) {
			t.Fatalf("GET %d: %s", i, got)
		}
	}
	for _, group := range router.taken() {
		if len(group) > MaxGroup {
			t.Errorf("group of %d", len(group))
		}
	}
}

func TestServe_LargeReplies_AreWrittenEarly(t *testing.T) {
	value := bytes.Repeat([]byte{'x'}, 300<<10)
	const replies = 60
	most := 0
	router := &fake{reply: func(s *Session, _ Request, out []byte) []byte {
		if len(out) > flushBytes {
			out = s.Flush(out)
		}
		out = respserver.AppendBulk(out, value)
		most = max(most, len(out))
		return out
	}}
	_, w := one(t, Config{Router: router})
	go func() {
		var b []byte
		for range replies {
			b = append(b, request("GET", "a")...)
		}
		w.conn.Write(b)
	}()
	if _, err := w.in.Discard(replies * len(respserver.AppendBulk(nil, value))); err != nil {
		t.Fatal(err)
	}
	if limit := flushBytes + 2*len(value); most > limit {
		t.Errorf("%d bytes of output gathered, want at most %d", most, limit)
	}
}

func TestServe_ManyLargeReplies_AreWrittenInBetween(t *testing.T) {
	most := 0
	_, w := one(t, Config{Router: &fake{reply: func(_ *Session, _ Request, out []byte) []byte {
		most = max(most, len(out))
		return respserver.AppendOK(out)
	}}})
	go func() {
		var b []byte
		for range 100 {
			b = append(b, request("COMMAND", "DOCS")+request("GET", "a")...)
		}
		w.conn.Write(b)
	}()
	docs := len(w.reply())
	for range 199 {
		w.reply()
	}
	if limit := flushBytes + 2*docs; most > limit || 100*docs < 4*limit {
		t.Errorf("%d bytes of output gathered, want at most %d", most, limit)
	}
}

func TestSession_ErrorsInFlushedGroups_AreCounted(t *testing.T) {
	n := 0
	router := &fake{reply: func(s *Session, _ Request, out []byte) []byte {
		if n++; n%3 == 0 {
			out = s.Flush(out)
		}
		if n%2 == 0 {
			return respserver.AppendError(out, "WRONGTYPE "+strconv.Itoa(n))
		}
		out = respserver.AppendMap(out, 3, 1)
		return respserver.AppendNull(respserver.AppendBulkString(out, "-ERR in data\r\n-ERR"), 3)
	}}
	f, w := one(t, Config{Router: router})
	var b []byte
	for range 100 {
		b = append(b, request("GET", "a")...)
	}
	w.write(string(b))
	for i := range 100 {
		if got := w.reply(); (got[0] == '-') != (i%2 == 1) {
			t.Fatalf("reply %d: %s", i, got)
		}
	}
	w.expect("PING", "+PONG") // now the group's counters are complete
	snap := f.Snapshot()
	if snap.Errors["WRONGTYPE"] != 50 || snap.Errors["ERR"] != 0 || snap.ErrorReplies != 50 {
		t.Errorf("errors %v, %d in all", snap.Errors, snap.ErrorReplies)
	}
	if c := snap.Commands[0]; c.Name != "get" || c.Calls != 100 || c.Failed != 50 {
		t.Errorf("got %+v", c)
	}
}

func TestServe_SteadyState_AllocatesNothing(t *testing.T) {
	router := &fake{reply: func(_ *Session, _ Request, out []byte) []byte {
		return respserver.AppendOK(out)
	}}
	f, err := New(Config{Router: silent{router}})
	if err != nil {
		t.Fatal(err)
	}
	conn := &respserver.Conn{}
	conn.Data = &Session{front: f, conn: conn, stats: f.stats.shard(0)}
	get := respserver.Command{Args: [][]byte{[]byte("GET"), []byte("a")}}
	set := respserver.Command{Args: [][]byte{[]byte("set"), []byte("a"), []byte("b")}}
	ping := respserver.Command{Args: [][]byte{[]byte("PING")}}
	batch := []respserver.Command{get, get, set, ping, set, get}
	if n := testing.AllocsPerRun(1000, func() {
		f.Serve(conn, batch)
		conn.Out = conn.Out[:0]
	}); n != 0 {
		t.Errorf("%v allocations per batch", n)
	}
}

// silent answers without remembering.
type silent struct{ *fake }

func (r silent) Run(s *Session, cmds []Request, out []byte) []byte {
	for _, cmd := range cmds {
		out = r.reply(s, cmd, out)
	}
	return out
}

func BenchmarkServe(b *testing.B) {
	for _, n := range []int{1, 32} {
		b.Run("pipeline="+strconv.Itoa(n), func(b *testing.B) {
			f, err := New(Config{Router: silent{&fake{reply: func(_ *Session, _ Request, out []byte) []byte {
				return respserver.AppendOK(out)
			}}}})
			if err != nil {
				b.Fatal(err)
			}
			conn := &respserver.Conn{}
			conn.Data = &Session{front: f, conn: conn, stats: f.stats.shard(0)}
			var batch []respserver.Command
			for range n {
				batch = append(batch, respserver.Command{Args: [][]byte{[]byte("GET"), []byte("a")}})
			}
			b.ReportAllocs()
			for b.Loop() {
				f.Serve(conn, batch)
				conn.Out = conn.Out[:0]
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/command")
		})
	}
}

// A web page can have a browser send to us: the lines of its body would be
// commands. Redis ends such connections, and so do we, before any line behind
// the request's first.
func TestServe_HTTP_EndsTheConnection(t *testing.T) {
	for _, head := range []string{
		"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: 127.0.0.1:8102\r\n\r\n",
		"PUT / HTTP/1.1\r\nhost: x\r\n\r\n",
	} {
		router := &fake{}
		_, w := one(t, Config{Router: router})
		w.write(head + "SET a b\r\nQUIT\r\n")
		rest, _ := io.ReadAll(w.in) // a reset will do: the rest was not read
		if strings.Contains(string(rest), "OK") || len(router.groups) > 0 {
			t.Errorf("%q: answered %q, ran %v", head, rest, router.groups)
		}
	}
}
