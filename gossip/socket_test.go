package gossip_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dynomite-go/dynomite/gossip"
)

// listen returns a UDP and a TCP socket on one free loopback port.
func listen(t *testing.T) (*net.UDPConn, net.Listener) {
	t.Helper()
	for range 50 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		udp, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(l.Addr().(*net.TCPAddr).AddrPort()))
		if err == nil {
			return udp, l
		}
		l.Close() // somebody else has the UDP port
	}
	t.Fatal("no port is free for both")
	return nil, nil
}

func dial(ctx context.Context, addr string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", addr)
}

// noLeaks fails the test if goroutines are left some seconds after it.
func noLeaks(t *testing.T) {
	old := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		var err error
		for until := time.Now().Add(10 * time.Second); time.Now().Before(until); {
			if err = goleak.Find(old); err == nil { // waits a little itself
				return
			}
		}
		t.Error(err)
	})
}

func TestMembership_RealSockets_JoinFailLeave(t *testing.T) {
	noLeaks(t)
	type told struct {
		by int
		gossip.Event
	}
	events := make(chan told, 100)
	var seed string
	var members []*gossip.Membership
	for i := range 3 {
		udp, l := listen(t)
		cfg := gossip.Config{
			Name:      fmt.Sprint("n", i),
			Cluster:   "sockets",
			Advertise: l.Addr().String(),
			Packets:   udp,
			Dial:      dial,
			Keys:      [][]byte{[]byte("0123456789abcdef")},
			OnEvent:   func(e gossip.Event) { events <- told{i, e} },
		}
		if seed == "" {
			seed = l.Addr().String()
		}
		cfg.Seeds = []string{seed}
		m, err := gossip.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		served := make(chan error, 1)
		go func() { served <- m.Serve(l) }()
		t.Cleanup(func() {
			if err := m.Stop(context.Background()); err != nil {
				t.Error(err)
			}
			if err := <-served; err != nil {
				t.Error(err)
			}
		})
		members = append(members, m)
	}
	type seen struct {
		kind gossip.EventKind
		name string
		by   int
	}
	before := map[seen]bool{} // told while something else was waited for
	expect := func(what gossip.EventKind, name string, by ...int) {
		t.Helper()
		waiting := map[int]bool{}
		for _, b := range by {
			if k := (seen{what, name, b}); before[k] {
				delete(before, k)
				continue
			}
			waiting[b] = true
		}
		timeout := time.After(20 * time.Second)
		for len(waiting) > 0 {
			select {
			case e := <-events:
				if e.Kind == what && e.Member.Name == name {
					delete(waiting, e.by)
					continue
				}
				before[seen{e.Kind, e.Member.Name, e.by}] = true
			case <-timeout:
				t.Fatalf("%s %s was not told by %v", name, what, waiting)
			}
		}
	}
	// Who knows n1 before it changes is told that it did.
	expect(gossip.Joined, "n1", 0, 2)
	expect(gossip.Joined, "n2", 0, 1)
	if err := members[1].UpdateMeta([]byte("new")); err != nil {
		t.Fatal(err)
	}
	expect(gossip.Updated, "n1", 0, 2)
	if err := members[2].Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(gossip.Left, "n2", 0, 1)
	// A goodbye without time is no goodbye.
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := members[1].Stop(canceled); !errors.Is(err, context.Canceled) {
		t.Errorf("stop without time: %v", err)
	}
	expect(gossip.Failed, "n1", 0)
	for _, k := range members[0].Members() {
		if k.Name == "n1" && k.State != gossip.StateFailed {
			t.Errorf("n1 is %v", k.State)
		}
	}
}

func TestHandleStream_Garbage_Refused(t *testing.T) {
	noLeaks(t)
	udp, l := listen(t)
	l.Close()
	m, err := gossip.New(gossip.Config{
		Name: "a", Advertise: l.Addr().String(), Packets: udp, Dial: dial,
		Tuning: gossip.Tuning{StreamTimeout: 100 * time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	a, b := net.Pipe()
	defer a.Close()
	if err := m.HandleStream(b); !errors.Is(err, gossip.ErrStopped) {
		t.Errorf("before Start: %v", err)
	}
	if err := m.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, first := range []string{"", "DY", "DYNW", "GET / HTTP/1.0\r\n\r\n", "DYNGgarbage"} {
		a, b := net.Pipe()
		result := make(chan error, 1)
		go func() { result <- m.HandleStream(b) }()
		a.SetDeadline(time.Now().Add(10 * time.Second))
		io.WriteString(a, first)
		err := <-result
		if strings.HasPrefix(first, "DYNG") {
			if err != nil {
				t.Errorf("%q: %v", first, err)
			}
		} else if err == nil {
			t.Errorf("%q was taken", first)
		}
		// Whatever it was, its end comes.
		if _, err := io.Copy(io.Discard, a); err != nil {
			t.Errorf("%q: stream stays open: %v", first, err)
		}
		a.Close()
	}
	for range 2 {
		if err := m.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if err := m.Start(t.Context()); !errors.Is(err, gossip.ErrStopped) {
		t.Errorf("start after stop: %v", err)
	}
}

func TestStop_WithoutStart_Fine(t *testing.T) {
	udp, l := listen(t)
	l.Close()
	m, err := gossip.New(gossip.Config{Name: "a", Advertise: l.Addr().String(), Packets: udp, Dial: dial})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := m.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if _, err := udp.WriteTo([]byte("x"), udp.LocalAddr()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Packets is still open: %v", err)
	}
}
