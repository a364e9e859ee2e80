package peerwire

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// echo replies with the request's own payload.
var echo = HandlerFunc(func(in *Incoming) { in.Reply(in.Payload) })

// serveTCP serves h on a loopback port and returns its address.
func serveTCP(t testing.TB, cfg ServerConfig) (string, *Server) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Handler == nil {
		cfg.Handler = echo
	}
	s, err := NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	m := NewMux(l, 0)
	m.Handle(MagicPeer, func(c net.Conn) { s.ServeConn(c) })
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := m.Serve(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := m.Stop(ctx); err != nil {
			t.Error("mux:", err)
		}
		if err := s.Stop(ctx); err != nil {
			t.Error("server:", err)
		}
		wg.Wait()
	})
	return l.Addr().String(), s
}

func dialTCP(addr string) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", addr)
	}
}

// startPeer starts a Peer and waits for its connection.
func startPeer(t testing.TB, cfg PeerConfig) *Peer {
	t.Helper()
	p, err := NewPeer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := p.Stop(ctx); err != nil {
			t.Error("peer:", err)
		}
	})
	if err := p.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestCall_EveryField_Arrives(t *testing.T) {
	got := make(chan *Incoming, 1)
	addr, _ := serveTCP(t, ServerConfig{Node: "b", Cluster: "c", Handler: HandlerFunc(func(in *Incoming) {
		in.Retain()
		got <- in
		in.Reply([]byte("yes"))
		in.Reply([]byte("twice"))
	})})
	p := startPeer(t, PeerConfig{Dial: dialTCP(addr), Cluster: "c", Node: "a", Remote: "b"})
	deadline := time.Now().Add(10 * time.Second)
	reply, err := p.Call(t.Context(), Request{Kind: 7, Epoch: Epoch{3, 4}, Deadline: deadline, Payload: []byte("hello")})
	if err != nil || string(reply) != "yes" {
		t.Fatalf("reply %q, %v", reply, err)
	}
	in := <-got
	if in.Kind != 7 || in.OneWay || in.Epoch != (Epoch{3, 4}) || in.From != "a" || string(in.Payload) != "hello" {
		t.Errorf("arrived %+v", in)
	}
	if off := in.Deadline.Sub(deadline).Abs(); off > time.Second {
		t.Errorf("deadline is off by %v", off)
	}
	if err := p.Notify(Request{Kind: 8}); err != nil {
		t.Fatal(err)
	}
	if in := <-got; in.Kind != 8 || !in.OneWay || !in.Deadline.IsZero() {
		t.Errorf("one-way arrived as %+v", in)
	}
	if st := p.State(); !st.Connected || !st.Responsive || st.Node != "b" || st.LastError != nil {
		t.Errorf("state %+v", st)
	}
}

func TestCall_ManyGoroutines_RandomSizes(t *testing.T) {
	calls := 100_000
	const workers = 64
	// Some replies come at once and some later from other goroutines.
	var late sync.WaitGroup
	defer late.Wait()
	addr, _ := serveTCP(t, ServerConfig{Handler: HandlerFunc(func(in *Incoming) {
		if in.Kind == 0 {
			in.Reply(in.Payload)
			return
		}
		in.Retain()
		late.Go(func() { in.Reply(in.Payload) })
	})})
	for _, conns := range []int{1, 3} {
		p := startPeer(t, PeerConfig{Dial: dialTCP(addr), Conns: conns})
		var wg sync.WaitGroup
		for w := range workers {
			wg.Go(func() {
				r := rand.New(rand.NewPCG(1, uint64(w)))
				for i := range calls / workers / 2 {
					n := r.IntN(600)
					if r.IntN(100) == 0 {
						n = r.IntN(200_000)
					}
					payload := make([]byte, 16+n)
					binary.BigEndian.PutUint64(payload, uint64(w))
					binary.BigEndian.PutUint64(payload[8:], uint64(i))
					payload[len(payload)-1] ^= byte(i)
					reply, err := p.Call(t.Context(), Request{
						Kind:     byte(r.IntN(8) / 7),
						Frozen:   r.IntN(2) == 0,
						Deadline: time.Now().Add(time.Minute),
						Payload:  payload,
					})
					if err != nil || !bytes.Equal(reply, payload) {
						t.Errorf("worker %d call %d: %d bytes back for %d, %v", w, i, len(reply), len(payload), err)
						return
					}
				}
			})
		}
		wg.Wait()
		if st := p.State(); st.Pending != 0 {
			t.Errorf("state after all calls %+v", st)
		}
	}
}

func TestSend_HugeMessage_SmallCallsPass(t *testing.T) {
	addr, _ := serveTCP(t, ServerConfig{})
	p := startPeer(t, PeerConfig{Dial: dialTCP(addr)})
	huge := make([]byte, 64<<20)
	for i := range huge {
		huge[i] = byte(i >> 8)
	}
	var small atomic.Int32
	done := make(chan error, 1)
	before := make(chan int32, 1)
	p.Send(Request{Payload: huge, Frozen: true}, func(reply []byte, err error) {
		before <- small.Load()
		if err == nil && !bytes.Equal(reply, huge) {
			err = errors.New("the huge message changed on its way")
		}
		done <- err
	})
	for range 10 { // one after the other, and ten at once
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				if _, err := p.Call(t.Context(), Request{Payload: []byte("small")}); err != nil {
					t.Error(err)
				}
				small.Add(1)
			})
		}
		wg.Wait()
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n := <-before; n < 100 {
		t.Errorf("%d of 100 small calls were over before the huge message", n)
	}
}

func BenchmarkSend(b *testing.B) {
	for _, inflight := range []int{1, 50, 500} {
		b.Run(fmt.Sprintf("inflight=%d", inflight), func(b *testing.B) {
			addr, _ := serveTCP(b, ServerConfig{})
			p := startPeer(b, PeerConfig{Dial: dialTCP(addr)})
			payload := make([]byte, 150)
			b.ReportAllocs()
			b.SetBytes(150)
			var left atomic.Int64
			left.Store(int64(b.N))
			var over sync.WaitGroup
			over.Add(inflight)
			deadline := time.Now().Add(time.Hour)
			b.ResetTimer()
			for range inflight {
				var done func([]byte, error)
				done = func(_ []byte, err error) {
					if err != nil {
						b.Error(err)
					}
					if left.Add(-1) < 0 {
						over.Done()
						return
					}
					p.Send(Request{Payload: payload, Deadline: deadline}, done)
				}
				done(nil, nil)
			}
			over.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
		})
	}
}

func BenchmarkCall(b *testing.B) {
	for _, callers := range []int{1, 50, 500} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			addr, _ := serveTCP(b, ServerConfig{})
			p := startPeer(b, PeerConfig{Dial: dialTCP(addr)})
			payload := make([]byte, 150)
			ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
			defer cancel()
			b.ReportAllocs()
			b.SetBytes(150)
			var left atomic.Int64
			left.Store(int64(b.N))
			b.ResetTimer()
			var wg sync.WaitGroup
			for range callers {
				wg.Go(func() {
					for left.Add(-1) >= 0 {
						if _, err := p.Call(ctx, Request{Payload: payload}); err != nil {
							b.Error(err)
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
		})
	}
}
