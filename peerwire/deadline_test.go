package peerwire

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestDeadline_NoReply_ErrorInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := make(chan *Incoming, 100)
		net := newPipes(t, ServerConfig{Handler: HandlerFunc(func(in *Incoming) { late <- in })})
		p := newPeer(t, PeerConfig{Dial: net.dial})
		if err := p.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		var outs []<-chan result
		// The later ones come first, so that an earlier deadline must wake the
		// timer.
		waits := []time.Duration{time.Hour, 3 * time.Second, 100 * time.Millisecond, 101 * time.Millisecond, time.Millisecond}
		for _, d := range waits {
			outs = append(outs, send(t, p, Request{Deadline: start.Add(d)}))
		}
		forever := send(t, p, Request{})
		for i := len(waits) - 1; i >= 0; i-- {
			r := <-outs[i]
			var e *Error
			if !errors.As(r.err, &e) || !e.Sent || !errors.Is(r.err, ErrDeadline) || !errors.Is(r.err, context.DeadlineExceeded) {
				t.Errorf("deadline %v: %v", waits[i], r.err)
			}
			if off := r.at.Sub(start) - waits[i]; off < 0 || off > 2*deadlineTick {
				t.Errorf("deadline %v was noticed %v late", waits[i], off)
			}
			in := <-late
			if i == len(waits)-1 {
				continue
			}
			_ = in
		}
		// Replies that come too late find nobody, and harm nobody.
		for len(late) > 0 {
			(<-late).Reply([]byte("late"))
		}
		if r := <-forever; r.err != nil || r.reply != "late" {
			t.Errorf("request without deadline: %+v", r)
		}
		if st := p.State(); st.Pending != 0 {
			t.Errorf("%d are still pending", st.Pending)
		}
		net.server.cfg.Handler = echo
		r := <-send(t, p, Request{Deadline: time.Now()})
		if !errors.Is(r.err, ErrDeadline) || Sent(r.err) {
			t.Errorf("deadline that is over: %v", r.err)
		}
		net.stopNow(t, p)
	})
}

func TestDeadline_TravelsAsRemainingTime_QueueingCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := make(chan time.Duration, 10)
		net := newPipes(t, ServerConfig{Handler: HandlerFunc(func(in *Incoming) {
			got <- time.Until(in.Deadline)
			in.Reply(nil)
		})})
		gate := newGate()
		net.wrap = gate.wrap
		p := newPeer(t, PeerConfig{Dial: net.dial, CutAfter: time.Hour})
		if err := p.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		gate.close()
		first := send(t, p, Request{Payload: []byte("blocks the writer"), Deadline: time.Now().Add(time.Minute)})
		synctest.Wait()
		second := send(t, p, Request{Deadline: time.Now().Add(time.Minute)})
		large := send(t, p, Request{Deadline: time.Now().Add(time.Minute), Payload: make([]byte, 3*MaxFrame)})
		soon := send(t, p, Request{Deadline: time.Now().Add(10 * time.Second)})
		soonLarge := send(t, p, Request{Deadline: time.Now().Add(10 * time.Second), Payload: make([]byte, 3*MaxFrame)})
		time.Sleep(20 * time.Second)
		for _, r := range []result{<-soon, <-soonLarge} {
			if !errors.Is(r.err, ErrDeadline) || Sent(r.err) {
				t.Errorf("deadline in the queue: %v", r.err)
			}
		}
		gate.open()
		for _, out := range []<-chan result{first, second, large} {
			if r := <-out; r.err != nil {
				t.Error(r.err)
			}
		}
		// The first had left already when its time was counted.
		for i, want := range []time.Duration{time.Minute, 40 * time.Second, 40 * time.Second} {
			if left := <-got; left != want {
				t.Errorf("request %d arrived with %v left, want %v", i, left, want)
			}
		}
		synctest.Wait()
		if len(got) > 0 {
			t.Error("a request that was given up with Sent false has been executed")
		}
		net.stop(t, p)
	})
}

func TestDeadline_InTheMiddleOfALargeMessage_IsWithdrawn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		executed := make(chan int, 10)
		net := newPipes(t, ServerConfig{Handler: HandlerFunc(func(in *Incoming) {
			executed <- len(in.Payload)
			in.Reply(nil)
		})})
		gate := newGate()
		net.wrap = gate.wrap
		p := newPeer(t, PeerConfig{Dial: net.dial, CutAfter: time.Hour})
		if err := p.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		gate.after(4) // let a part of it through
		out := send(t, p, Request{Payload: make([]byte, 100*MaxFrame), Deadline: time.Now().Add(time.Second)})
		if r := <-out; !errors.Is(r.err, ErrDeadline) || Sent(r.err) {
			t.Errorf("large message, half sent: %v", r.err)
		}
		if st := p.State(); st.Pending != 0 || st.QueueBytes > streamFrames*MaxFrame {
			t.Errorf("state %+v", st)
		}
		gate.open()
		// The connection goes on, and what was given up is never executed.
		if _, err := p.Call(t.Context(), Request{Payload: make([]byte, 5)}); err != nil {
			t.Fatal(err)
		}
		if n := <-executed; n != 5 || len(executed) > 0 {
			t.Errorf("a message of %d bytes was executed", n)
		}
		if _, err := p.Call(t.Context(), Request{Payload: make([]byte, 10*MaxFrame)}); err != nil {
			t.Fatal(err)
		}
		net.stop(t, p)
	})
}

func TestCall_ContextEnds_Returns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := make(chan *Incoming, 1)
		net := newPipes(t, ServerConfig{Handler: HandlerFunc(func(in *Incoming) { late <- in })})
		p := newPeer(t, PeerConfig{Dial: net.dial})
		if err := p.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		start := time.Now()
		_, err := p.Call(ctx, Request{})
		if !errors.Is(err, context.Canceled) || !Sent(err) || time.Since(start) != time.Second {
			t.Errorf("canceled after %v: %v", time.Since(start), err)
		}
		(<-late).Reply([]byte("nobody listens"))
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = p.Call(ctx, Request{Deadline: time.Now().Add(time.Hour)})
		if !errors.Is(err, ErrDeadline) || !Sent(err) {
			t.Errorf("timed out: %v", err)
		}
		(<-late).Reply(nil)
		net.server.cfg.Handler = echo
		if reply, err := p.Call(t.Context(), Request{Payload: []byte("x")}); err != nil || string(reply) != "x" {
			t.Errorf("%q, %v", reply, err)
		}
		net.stop(t, p)
	})
}
