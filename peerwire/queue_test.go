package peerwire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestQueue_SlowPeer_IsShedAtTheBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pn := newPipes(t, ServerConfig{})
		g := newGate()
		pn.wrap = g.wrap
		const bound = 100_000
		p := newPeer(t, PeerConfig{Dial: pn.dial, MaxQueueBytes: bound, CutAfter: time.Hour})
		if err := p.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		g.close()
		payload := make([]byte, 1000)
		var outs []<-chan result
		for range 200 {
			outs = append(outs, send(t, p, Request{Payload: payload}))
		}
		synctest.Wait()
		if st := p.State(); st.QueueBytes < bound || st.QueueBytes > bound+1000+firstLen {
			t.Errorf("%d bytes are queued, the bound is %d", st.QueueBytes, bound)
		}
		full := 0
		for _, out := range outs {
			select {
			case r := <-out:
				full++
				if !errors.Is(r.err, ErrQueueFull) || Sent(r.err) {
					t.Errorf("full: %v", r.err)
				}
			default:
			}
		}
		if full < 95 || full > 105 {
			t.Errorf("%d of 200 were shed, want about 100", full)
		}
		if err := p.Notify(Request{Payload: payload}); !errors.Is(err, ErrQueueFull) {
			t.Errorf("full: notify: %v", err)
		}
		// Large messages have a bound of their own.
		large := send(t, p, Request{Payload: make([]byte, 2*bound)})
		if r := <-send(t, p, Request{Payload: make([]byte, 2*bound)}); !errors.Is(r.err, ErrQueueFull) {
			t.Errorf("second large one: %v", r.err)
		}
		g.open()
		if r := <-large; r.err != nil {
			t.Error(r.err)
		}
		// All is sent, and there is room again.
		synctest.Wait()
		if st := p.State(); st.QueueBytes != 0 || st.Pending != 0 {
			t.Errorf("state %+v", st)
		}
		if _, err := p.Call(t.Context(), Request{Payload: payload}); err != nil {
			t.Error(err)
		}
		pn.stop(t, p)
	})
}

func TestQueue_MaxPending_Refuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pn := newPipes(t, ServerConfig{Handler: stuck})
		p := newPeer(t, PeerConfig{Dial: pn.dial, MaxPending: 10})
		if err := p.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			send(t, p, Request{})
		}
		if r := <-send(t, p, Request{}); !errors.Is(r.err, ErrQueueFull) || Sent(r.err) {
			t.Errorf("too many: %v", r.err)
		}
		if err := p.Notify(Request{}); err != nil {
			t.Errorf("a message without reply is not pending: %v", err)
		}
		pn.stopNow(t, p)
	})
}

func TestQueue_TooLarge_Refused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pn := newPipes(t, ServerConfig{MaxMessageBytes: 100_000, Handler: HandlerFunc(func(in *Incoming) {
			in.Reply(bytes.Repeat([]byte("r"), int(in.Kind)*10_000))
		})})
		p := newPeer(t, PeerConfig{Dial: pn.dial, MaxMessageBytes: 200_000})
		if err := p.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		for size, fits := range map[int]bool{100_000: true, 100_001: false, 200_001: false} {
			r := <-send(t, p, Request{Payload: make([]byte, size)})
			if fits != (r.err == nil) || !fits && (!errors.Is(r.err, ErrTooLarge) || Sent(r.err)) {
				t.Errorf("%d bytes: %v", size, r.err)
			}
		}
		// The reply obeys our limit.
		if r := <-send(t, p, Request{Kind: 20}); r.err != nil || len(r.reply) != 200_000 {
			t.Errorf("%d bytes, %v", len(r.reply), r.err)
		}
		if r := <-send(t, p, Request{Kind: 21}); !errors.Is(r.err, ErrReplyDropped) || !Sent(r.err) {
			t.Errorf("too large a reply: %v", r.err)
		}
		pn.stop(t, p)
	})
}

func TestServer_ClientDoesNotRead_RepliesDroppedThenCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var handled atomic.Int32
		pn := newPipes(t, ServerConfig{MaxQueueBytes: 1 << 20, Handler: HandlerFunc(func(in *Incoming) {
			handled.Add(1)
			in.Reply(make([]byte, 10_000))
		})})
		conn, err := pn.dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		conn.Write(Preface{Version: Version, MaxMessage: 1 << 20, Cluster: ClusterHash("")}.Append(nil))
		if _, err := ReadPreface(conn); err != nil {
			t.Fatal(err)
		}
		// From here on it only writes.
		request := (&frame{typ: frameRequest, flags: flagFirst | flagLast}).appendHeader(nil, 0)
		for i := 0; ; i++ {
			if _, err := conn.Write(request); err != nil {
				break
			}
			if i > 1_000_000 {
				t.Fatal("it is never cut off")
			}
		}
		if err := <-pn.errs; !errors.Is(err, ErrUnresponsive) {
			t.Errorf("client that does not read: %v", err)
		}
		if n := handled.Load(); n < 10_000 || n > 50_000 {
			t.Errorf("cut after %d requests", n)
		}
		pn.stop(t)
	})
}

func TestServer_TooManyRequests_Refused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		held := make(chan *Incoming, 100)
		pn := newPipes(t, ServerConfig{MaxRequests: 10, Handler: HandlerFunc(func(in *Incoming) { held <- in })})
		p := newPeer(t, PeerConfig{Dial: pn.dial})
		if err := p.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		var outs []<-chan result
		for range 10 {
			outs = append(outs, send(t, p, Request{}))
		}
		if r := <-send(t, p, Request{}); !errors.Is(r.err, ErrUnavailable) || Sent(r.err) {
			t.Errorf("too many: %v", r.err)
		}
		for i := range 10 {
			in := <-held
			if i%2 == 0 {
				in.Reply([]byte("a"))
				in.Refuse() // too late to count
			} else {
				in.Refuse()
				in.Reply([]byte("a"))
			}
		}
		for i, out := range outs {
			r := <-out
			if i%2 == 0 && r.reply != "a" || i%2 == 1 && (!errors.Is(r.err, ErrUnavailable) || Sent(r.err)) {
				t.Errorf("request %d: %+v", i, r)
			}
		}
		if len(held) > 0 {
			t.Error("a refused request was handled")
		}
		for c := range pn.server.conns {
			if c.owed != 0 {
				t.Errorf("%d replies are owed after each request had one", c.owed)
			}
		}
		pn.stop(t, p)
	})
}

func TestServer_Stop_WaitsForRepliesUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		held := make(chan *Incoming, 100)
		pn := newPipes(t, ServerConfig{Handler: HandlerFunc(func(in *Incoming) { held <- in })})
		p := newPeer(t, PeerConfig{Dial: pn.dial})
		idle := newPeer(t, PeerConfig{Dial: pn.dial})
		for _, peer := range []*Peer{p, idle} {
			if err := peer.Ready(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		under := send(t, p, Request{})
		synctest.Wait()
		pn.down.Store(true)
		stopped := make(chan error, 1)
		go func() { stopped <- pn.server.Stop(t.Context()) }()
		synctest.Wait()
		if r := <-send(t, p, Request{}); !errors.Is(r.err, ErrUnavailable) || Sent(r.err) {
			t.Errorf("sent while stopping: %v", r.err)
		}
		time.Sleep(time.Minute)
		select {
		case err := <-stopped:
			t.Fatalf("stop did not wait: %v", err)
		default:
		}
		large := make([]byte, 10*MaxFrame)
		(<-held).Reply(large)
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		if r := <-under; r.err != nil || len(r.reply) != len(large) {
			t.Errorf("request under way: %d bytes, %v", len(r.reply), r.err)
		}
		for range 2 {
			if err := <-pn.errs; err != nil {
				t.Errorf("ServeConn returned %v", err)
			}
		}
		pn.stop(t, p, idle)
	})
}

func TestServer_Stop_ContextEnds_CutsOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pn := newPipes(t, ServerConfig{Handler: stuck})
		p := newPeer(t, PeerConfig{Dial: pn.dial})
		if err := p.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		out := send(t, p, Request{})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := pn.server.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("stop: %v", err)
		}
		if r := <-out; !errors.Is(r.err, ErrLost) || !Sent(r.err) {
			t.Errorf("request under way: %v", r.err)
		}
		a, b := net.Pipe()
		if err := pn.server.ServeConn(b); !errors.Is(err, ErrStopped) {
			t.Errorf("serve after stop: %v", err)
		}
		a.Close()
		pn.down.Store(true)
		pn.stop(t, p)
	})
}

func TestPeer_Stop_WaitsForReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		held := make(chan *Incoming, 100)
		pn := newPipes(t, ServerConfig{Handler: HandlerFunc(func(in *Incoming) {
			if in.OneWay {
				in.Retain()
			}
			held <- in
		})})
		p := newPeer(t, PeerConfig{Dial: pn.dial})
		if err := p.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		under := send(t, p, Request{})
		time.AfterFunc(time.Minute, func() { (<-held).Reply([]byte("late but fine")) })
		if err := p.Notify(Request{Payload: make([]byte, 10*MaxFrame)}); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if err := p.Stop(t.Context()); err != nil || time.Since(start) != time.Minute {
			t.Errorf("stop: %v after %v", err, time.Since(start))
		}
		if r := <-under; r.reply != "late but fine" {
			t.Errorf("request under way: %+v", r)
		}
		if in := <-held; len(in.Payload) != 10*MaxFrame {
			t.Errorf("the one-way message has %d bytes", len(in.Payload))
		}
		if err := p.Stop(t.Context()); err != nil {
			t.Error("second stop:", err)
		}
		pn.stop(t)

		never, err := NewPeer(PeerConfig{Dial: pn.dial})
		if err != nil {
			t.Fatal(err)
		}
		if r := <-send(t, never, Request{}); !errors.Is(r.err, ErrUnavailable) {
			t.Errorf("before start: %v", r.err)
		}
		if err := never.Stop(t.Context()); err != nil {
			t.Error("stop without start:", err)
		}
	})
}

func TestPeer_Stop_CallsWhatIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		huge := make([]byte, 1001)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		for range 100 {
			pn := newPipes(t, ServerConfig{Handler: stuck})
			// The goroutine that would tell is held up until Stop has begun.
			hold := make(chan struct{})
			p := newPeer(t, PeerConfig{Dial: pn.dial, MaxMessageBytes: 1000, OnState: func(PeerState) { <-hold }})
			if err := p.Ready(t.Context()); err != nil {
				t.Fatal(err)
			}
			under := send(t, p, Request{})
			synctest.Wait()
			refused := send(t, p, Request{Payload: huge, Frozen: true})
			time.AfterFunc(time.Millisecond, func() { close(hold) })
			if err := p.Stop(ended); !errors.Is(err, context.Canceled) {
				t.Errorf("stop: %v", err)
			}
			// All callbacks are over when Stop returns.
			for _, out := range []<-chan result{under, refused} {
				select {
				case r := <-out:
					if r.err == nil {
						t.Error("success")
					}
				default:
					t.Fatal("a request has no outcome after Stop")
				}
			}
			pn.stopNow(t)
		}
	})
}

func TestSend_OneConnection_KeepsTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := 0
		pn := newPipes(t, ServerConfig{Handler: HandlerFunc(func(in *Incoming) {
			if got := string(in.Payload); got != fmt.Sprint(next) {
				t.Errorf("arrived %s, want %d", got, next)
			}
			next++
			in.Reply(nil)
		})})
		p := newPeer(t, PeerConfig{Dial: pn.dial})
		if err := p.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		for i := range 10_000 {
			if err := p.Notify(Request{Payload: []byte(fmt.Sprint(i))}); err != nil {
				t.Fatal(err)
			}
		}
		pn.stop(t, p)
		if next != 10_000 {
			t.Errorf("%d arrived", next)
		}
	})
}

func TestConfig_Validate_NamesTheField(t *testing.T) {
	dial := func(context.Context) (net.Conn, error) { return nil, nil }
	long := string(make([]byte, MaxNode+1))
	for field, c := range map[string]PeerConfig{
		"Dial":            {},
		"Node":            {Dial: dial, Node: long},
		"Conns":           {Dial: dial, Conns: -1},
		"MaxQueueBytes":   {Dial: dial, MaxQueueBytes: -1},
		"MaxPending":      {Dial: dial, MaxPending: -1},
		"MaxMessageBytes": {Dial: dial, MaxMessageBytes: -1},
		"PingInterval":    {Dial: dial, PingInterval: -1},
		"BackoffMin":      {Dial: dial, BackoffMin: 2 * time.Second},
	} {
		if _, err := NewPeer(c); err == nil || !bytes.Contains([]byte(err.Error()), []byte(field)) {
			t.Errorf("Peer, %s: %v", field, err)
		}
	}
	for field, c := range map[string]ServerConfig{
		"Handler":         {},
		"Node":            {Handler: echo, Node: long},
		"MaxMessageBytes": {Handler: echo, MaxMessageBytes: -1},
		"MaxQueueBytes":   {Handler: echo, MaxQueueBytes: -1},
		"IdleTimeout":     {Handler: echo, IdleTimeout: -1},
	} {
		if _, err := NewServer(c); err == nil || !bytes.Contains([]byte(err.Error()), []byte(field)) {
			t.Errorf("Server, %s: %v", field, err)
		}
	}
}
