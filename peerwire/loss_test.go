package peerwire

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// cutConn closes itself once so many bytes have been written or read.
type cutConn struct {
	net.Conn
	mu     sync.Mutex
	writes int // bytes that still pass
	reads  int
}

func (c *cutConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	n := min(len(b), c.writes)
	c.writes -= n
	c.mu.Unlock()
	n, err := c.Conn.Write(b[:n])
	if n < len(b) {
		c.Close()
		return n, errors.Join(errors.New("cut"), err)
	}
	return n, err
}

func (c *cutConn) Read(b []byte) (int, error) {
	c.mu.Lock()
	room := min(len(b), c.reads)
	c.mu.Unlock()
	if room == 0 {
		c.Close()
		return 0, errors.New("cut")
	}
	n, err := c.Conn.Read(b[:room])
	c.mu.Lock()
	c.reads -= n
	c.mu.Unlock()
	return n, err
}

// TestLoss_AtEveryByte cuts the connection after every possible number of bytes
// in either direction. Every callback comes once, what is said to be unsent was
// never executed, and nothing is executed twice.
func TestLoss_AtEveryByte(t *testing.T) {
	large := bytes.Repeat([]byte("large"), 2*MaxFrame/5+3)
	requests := []Request{
		{Payload: []byte("0")},
		{Payload: []byte("1-a little more")},
		{Payload: append([]byte("2"), large...)},
		{Payload: append([]byte("3"), large...), Frozen: true},
		{Payload: []byte("4"), Deadline: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)},
	}
	small := prefaceLen + 1 + headerLen + 3*firstLen + 40
	var cuts []int
	for n := range small {
		cuts = append(cuts, n)
	}
	for frame := 1; frame < 8; frame++ {
		for d := -60; d <= 120; d += 3 {
			cuts = append(cuts, frame*(MaxFrame+headerLen)+d)
		}
	}
	run := func(t *testing.T, writes, reads int) (lost int) {
		executed := make(map[byte]int)
		var mu sync.Mutex
		pn := newPipes(t, ServerConfig{Node: "b", Handler: HandlerFunc(func(in *Incoming) {
			mu.Lock()
			executed[in.Payload[0]]++
			mu.Unlock()
			in.Reply(in.Payload)
		})})
		pn.wrap = func(c net.Conn) net.Conn {
			pn.down.Store(true)
			return &cutConn{Conn: c, writes: writes, reads: reads}
		}
		p := newPeer(t, PeerConfig{Dial: pn.dial, Node: "a", Remote: "b"})
		synctest.Wait()
		var outs []<-chan result
		for _, r := range requests {
			outs = append(outs, send(t, p, r))
		}
		synctest.Wait()
		for i, out := range outs {
			var r result
			select {
			case r = <-out:
			default:
				t.Fatalf("cut after %d/%d bytes: request %d has no outcome", writes, reads, i)
			}
			mu.Lock()
			n := executed['0'+byte(i)]
			mu.Unlock()
			switch {
			case r.err == nil && (n != 1 || r.reply != string(requests[i].Payload)):
				t.Errorf("cut after %d/%d bytes: request %d succeeded, executed %d times", writes, reads, i, n)
			case r.err != nil && n > 0 && !Sent(r.err):
				t.Errorf("cut after %d/%d bytes: request %d was executed, and %v", writes, reads, i, r.err)
			case r.err != nil && !errors.Is(r.err, ErrLost) && !errors.Is(r.err, ErrUnavailable):
				t.Errorf("cut after %d/%d bytes: request %d: %v", writes, reads, i, r.err)
			case n > 1:
				t.Errorf("cut after %d/%d bytes: request %d was executed %d times", writes, reads, i, n)
			}
			if r.err != nil {
				lost++
			}
		}
		pn.stopNow(t, p)
		return lost
	}
	for _, side := range []string{"writes", "reads"} {
		t.Run(side, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for _, n := range cuts {
					if side == "writes" {
						run(t, n, 1<<30)
					} else {
						run(t, 1<<30, n)
					}
				}
				if lost := run(t, 1<<30, 1<<30); lost > 0 {
					t.Errorf("without a cut %d were lost", lost)
				}
				if lost := run(t, 30, 1<<30); lost != len(requests) {
					t.Errorf("with an early cut only %d were lost", lost)
				}
			})
		})
	}
}

// TestLoss_Random_ExactlyOnce keeps cutting a connection under load.
func TestLoss_Random_ExactlyOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		executed := make(map[uint64]bool)
		var mu sync.Mutex
		net := newPipes(t, ServerConfig{Handler: HandlerFunc(func(in *Incoming) {
			id := binary.BigEndian.Uint64(in.Payload)
			mu.Lock()
			if executed[id] {
				t.Errorf("request %d was executed twice", id)
			}
			executed[id] = true
			mu.Unlock()
			if id%2 == 0 {
				in.Reply(in.Payload[:8])
				return
			}
			in.Retain()
			time.AfterFunc(time.Duration(id%7)*300*time.Microsecond, func() { in.Reply(in.Payload[:8]) })
		})})
		p := newPeer(t, PeerConfig{Dial: net.dial, Conns: 2})
		const workers, each = 8, 400
		var wg sync.WaitGroup
		var done sync.WaitGroup
		var ok, unknown, unsent atomic.Int32
		for w := range workers {
			wg.Go(func() {
				for i := range each {
					id := uint64(w*each + i)
					payload := binary.BigEndian.AppendUint64(nil, id)
					if i%50 == 0 {
						payload = append(payload, make([]byte, 3*MaxFrame)...)
					}
					done.Add(1)
					times := 0
					back := make(chan struct{}, 2)
					p.Send(Request{Payload: payload, Deadline: time.Now().Add(time.Second)}, func(reply []byte, err error) {
						defer done.Done()
						if times++; times > 1 {
							t.Errorf("request %d has two outcomes", id)
						}
						mu.Lock()
						ran := executed[id]
						mu.Unlock()
						switch {
						case err == nil:
							ok.Add(1)
							if binary.BigEndian.Uint64(reply) != id {
								t.Errorf("request %d got another's reply", id)
							}
						case Sent(err):
							unknown.Add(1)
						default:
							unsent.Add(1)
							if ran {
								t.Errorf("request %d was executed, and %v", id, err)
							}
						}
						back <- struct{}{}
					})
					if i%3 == 0 {
						<-back
					}
					if i%5 == 0 {
						time.Sleep(time.Millisecond)
					}
				}
			})
		}
		stop := make(chan struct{})
		var cutter sync.WaitGroup
		cutter.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				case <-time.After(time.Duration(1+i%5) * 700 * time.Microsecond):
					net.cut()
					if i%3 == 0 { // or else it stays away for a while
						p.Reconnect()
					}
				}
			}
		})
		wg.Wait()
		done.Wait()
		close(stop)
		cutter.Wait()
		t.Logf("%d ok, %d unknown, %d not sent, %d dials", ok.Load(), unknown.Load(), unsent.Load(), net.dials.Load())
		if ok.Load() == 0 || unknown.Load() == 0 {
			t.Error("this run tested nothing")
		}
		net.stop(t, p)
	})
}

func TestReconnect_ServerReturns_WithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newPipes(t, ServerConfig{Node: "b"})
		var states []string
		var mu sync.Mutex
		p := newPeer(t, PeerConfig{Dial: net.dial, OnState: func(st PeerState) {
			mu.Lock()
			defer mu.Unlock()
			states = append(states, fmt.Sprint(st.Connected, st.Responsive))
		}})
		if err := p.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		if r := <-send(t, p, Request{Payload: []byte("x")}); r.err != nil {
			t.Fatal(r.err)
		}
		synctest.Wait() // states that last for no time may be left out
		net.down.Store(true)
		net.cut()
		synctest.Wait()
		// Down: requests fail at once and say that they were not sent.
		start := time.Now()
		r := <-send(t, p, Request{Deadline: start.Add(time.Minute)})
		if !errors.Is(r.err, ErrUnavailable) || Sent(r.err) || r.at != start {
			t.Errorf("down: %v after %v", r.err, r.at.Sub(start))
		}
		if err := p.Notify(Request{}); !errors.Is(err, ErrUnavailable) {
			t.Errorf("down: notify: %v", err)
		}
		if st := p.State(); st.Connected || st.Responsive || st.LastError == nil || p.Responsive() {
			t.Errorf("down: %+v", st)
		}
		before := net.dials.Load()
		time.Sleep(time.Minute)
		if n := net.dials.Load() - before; n < 50 || n > 150 {
			t.Errorf("%d dials in a minute", n)
		}
		net.down.Store(false)
		start = time.Now()
		if err := p.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("found again after %v", took)
		}
		if r := <-send(t, p, Request{Payload: []byte("x")}); r.err != nil {
			t.Error(r.err)
		}
		synctest.Wait()
		mu.Lock()
		if got := fmt.Sprint(states); got != "[true true false false true true]" {
			t.Errorf("states %v", got)
		}
		mu.Unlock()

		// Reconnect spares the pause.
		net.down.Store(true)
		net.cut()
		time.Sleep(10 * time.Second)
		net.down.Store(false)
		start = time.Now()
		p.Reconnect()
		if err := p.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took > 0 {
			t.Errorf("reconnected after %v", took)
		}
		net.stop(t, p)
		if err := p.Ready(t.Context()); !errors.Is(err, ErrStopped) {
			t.Errorf("ready after stop: %v", err)
		}
		if r := <-send(t, p, Request{}); !errors.Is(r.err, ErrStopped) || Sent(r.err) {
			t.Errorf("send after stop: %v", r.err)
		}
		if err := p.Start(t.Context()); !errors.Is(err, ErrStopped) {
			t.Errorf("start after stop: %v", err)
		}
	})
}

func TestReady_NobodyThere_SaysWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newPipes(t, ServerConfig{})
		net.down.Store(true)
		p := newPeer(t, PeerConfig{Dial: net.dial})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := p.Ready(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || err == nil || !bytes.Contains([]byte(err.Error()), []byte("nobody listens")) {
			t.Errorf("not ready: %v", err)
		}
		net.stop(t, p)
	})
}
