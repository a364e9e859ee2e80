package coordinator

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/node/internal/command"
	"github.com/dynomite-go/dynomite/node/internal/frontend"
	"github.com/dynomite-go/dynomite/quorum"
	"github.com/dynomite-go/dynomite/respserver"
	"github.com/dynomite-go/dynomite/tokenring"
)

// bench is a cluster of coordinators that call each other directly: a message
// is delivered within Send, unless a test holds it back or fails it.
type bench struct {
	t      *testing.T
	coords []*Coordinator
	stores []*datastore.Memory
	clocks []*datastore.Clock
	wall   int64

	mu sync.Mutex
	// fault decides what happens to a message: nil delivers it.
	fault func(from, to int, kind byte) error
}

type benchError struct{ sent bool }

func (e benchError) Error() string { return fmt.Sprintf("no answer (sent %v)", e.sent) }

type benchPeers struct {
	b    *bench
	from int
}

func (p benchPeers) MaybeSent(err error) bool {
	var e benchError
	return errors.As(err, &e) && e.sent
}

// Send delivers in another goroutine, as a network does: never inside Send.
func (p benchPeers) Send(to int, kind byte, payload []byte, deadline time.Time, done func([]byte, error)) {
	b := p.b
	b.mu.Lock()
	fault := b.fault
	b.mu.Unlock()
	msg := append([]byte(nil), payload...)
	go func() {
		if fault != nil {
			if err := fault(p.from, to, kind); err != nil {
				done(nil, err)
				return
			}
		}
		c := b.coords[to]
		var out []byte
		var err error
		switch kind {
		case KindExec:
			switch err := c.ServeExec(msg, deadline, func(reply []byte) { done(reply, nil) }); {
			case errors.Is(err, ErrGivenUp):
				done(nil, benchError{sent: false})
			case err != nil:
				done(nil, nil)
			}
			return
		case KindApply:
			out, err = c.ServeApply(fmt.Sprintf("n%d", p.from), msg, nil)
		case KindReset:
			out, err = c.ServeReset(msg)
		case KindKeyspace:
			out, err = c.ServeKeyspace(msg)
		case KindCompare:
			out, err = c.ServeCompare(fmt.Sprintf("n%d", p.from), msg)
		case KindReconcile:
			out, err = c.ServeReconcile(msg)
		}
		if err != nil {
			out = nil
		}
		done(out, nil)
	}()
}

func newBench(t *testing.T, n int) *bench {
	t.Helper()
	return newBenchIn(t, n, n)
}

// newBenchIn puts the nodes into as many racks, in turn.
func newBenchIn(t *testing.T, n, racks int) *bench {
	t.Helper()
	return newBenchHashed(t, n, racks, hashkit.SlotHash)
}

func newBenchHashed(t *testing.T, n, racks int, hash hashkit.Func) *bench {
	t.Helper()
	b := &bench{t: t, wall: 1_000_000}
	var nodes []tokenring.Node
	for i := range n {
		nodes = append(nodes, tokenring.Node{ID: fmt.Sprintf("n%d", i), Datacenter: "dc", Rack: fmt.Sprintf("r%d", i%racks)})
	}
	ring, err := tokenring.New(tokenring.Config{Nodes: nodes})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		c := New(Config{Peers: benchPeers{b, i}, Timeout: 10 * time.Second})
		clock := datastore.NewClock(uint32(i+1), nil)
		store, err := datastore.Open(context.Background(), datastore.Config{
			Clock: clock, Token: func(k []byte) uint64 { return uint64(hash(k)) },
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close() })
		cl, err := NewCluster(Epoch{1, 1}, ring, hash, fmt.Sprintf("n%d", i))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range cl.Members {
			m.SetHealth(true, true)
		}
		c.Install(cl, store, clock.Observe)
		c.cautiousUntil.Store(0)
		b.coords, b.stores, b.clocks = append(b.coords, c), append(b.stores, store), append(b.clocks, clock)
	}
	return b
}

// hurry lets reads ask further owners at the next Tick. Call it before any.
func (c *Coordinator) hurry() {
	for _, n := range c.hedging.nodes {
		n.votes.Most, n.execs.Most = 1, 1
	}
	c.hedging.least.Store(1)
}

// run executes a pipeline on node i as a client's connection does.
func (b *bench) run(i int, lines ...string) []string { return b.runAt(i, quorum.DCQuorum, lines...) }

// capture is a frontend's router that lends the session of a connection.
type capture struct {
	s    chan *frontend.Session
	back chan struct{} // closed when it is not used anymore
}

func (r capture) Run(s *frontend.Session, cmds []frontend.Request, out []byte) []byte {
	r.s <- s
	<-r.back
	for range cmds {
		out = append(out, "+OK\r\n"...)
	}
	return out
}

// session returns a session of a real connection, which lives until the test ends.
func (b *bench) session() *frontend.Session {
	b.t.Helper()
	r := capture{make(chan *frontend.Session, 1), make(chan struct{})}
	f, err := frontend.New(frontend.Config{Router: r})
	if err != nil {
		b.t.Fatal(err)
	}
	srv, err := respserver.New(respserver.Config{Handler: f})
	if err != nil {
		b.t.Fatal(err)
	}
	near, far := net.Pipe()
	go srv.ServeConn(far)
	b.t.Cleanup(func() {
		close(r.back)
		near.Close()
	})
	if _, err := near.Write([]byte("GET k\r\n")); err != nil {
		b.t.Fatal(err)
	}
	go func() {
		buf := make([]byte, 64)
		for {
			if _, err := near.Read(buf); err != nil {
				return
			}
		}
	}()
	return <-r.s
}

func (b *bench) runAt(i int, level quorum.Level, lines ...string) []string {
	b.t.Helper()
	s := b.session()
	s.ReadLevel, s.WriteLevel = level, level
	var cmds []frontend.Request
	for _, line := range lines {
		var args [][]byte
		for _, w := range strings.Fields(line) {
			args = append(args, []byte(w))
		}
		spec := command.Lookup(args[0])
		if spec == nil {
			b.t.Fatalf("no command %s", line)
		}
		cmds = append(cmds, frontend.Request{Spec: spec, Args: args})
	}
	out := b.coords[i].Run(s, cmds, nil)
	var replies []string
	for text := string(out); text != ""; {
		end := strings.Index(text, "\r\n")
		line := text[:end]
		text = text[end+2:]
		if line[0] == '$' && line != "$-1" {
			end = strings.Index(text, "\r\n")
			line, text = text[:end], text[end+2:]
		}
		replies = append(replies, line)
	}
	return replies
}

func (b *bench) expect(i int, line, want string) {
	b.t.Helper()
	got := b.run(i, line)
	if len(got) != 1 || got[0] != want {
		b.t.Fatalf("node %d: %s: got %q, want %q", i, line, got, want)
	}
}

func (b *bench) setFault(f func(from, to int, kind byte) error) {
	b.mu.Lock()
	b.fault = f
	b.mu.Unlock()
}

// keyOf returns a key whose owners are in the given order.
func (b *bench) keyOf(order ...int) string {
	cl := b.coords[0].Cluster()
	for i := range 100_000 {
		key := fmt.Sprintf("key%d", i)
		owners := cl.owners(cl.Hash([]byte(key)), nil)
		if fmt.Sprint(owners) == fmt.Sprint(order) {
			return key
		}
	}
	b.t.Fatalf("no key with owners %v", order)
	return ""
}

// waitFor waits until every node's own copy of key shows want.
func (b *bench) waitFor(key, want string) {
	b.t.Helper()
	deadline := time.Now().Add(30 * time.Second) // against hanging
	for i := range b.coords {
		for b.run(i, "DYN.LOCAL GET "+key)[0] != want {
			if time.Now().After(deadline) {
				b.t.Fatalf("node %d never showed %s", i, want)
			}
			time.Sleep(time.Millisecond)
		}
	}
}
