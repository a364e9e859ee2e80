package peerwire

import (
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// silentServer completes the handshake and then reads but never answers, like a
// process that is stopped while its kernel goes on.
func silentServer(conn net.Conn) {
	if _, err := ReadPreface(conn); err != nil {
		return
	}
	conn.Write(Preface{Version: Version, MaxMessage: 1 << 20, Cluster: ClusterHash("")}.Append(nil))
	io.Copy(io.Discard, conn)
	conn.Close()
}

func TestHealth_SilentPeer_NoticedAndCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pn := newPipes(t, ServerConfig{})
		var frozen atomic.Bool
		changes := make(chan PeerState, 100)
		p, err := NewPeer(PeerConfig{
			Dial: func(ctx context.Context) (net.Conn, error) {
				if !frozen.Load() {
					return pn.dial(ctx)
				}
				a, b := net.Pipe()
				pn.wg.Go(func() { silentServer(b) })
				return a, nil
			},
			OnState: func(st PeerState) { changes <- st },
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if st := <-changes; !st.Responsive {
			t.Errorf("connected: %+v", st)
		}
		// A healthy idle connection stays so.
		time.Sleep(10 * time.Minute)
		if len(changes) > 0 || !p.Responsive() || pn.dials.Load() != 1 {
			t.Errorf("idle: %+v, %d dials", p.State(), pn.dials.Load())
		}

		frozen.Store(true)
		pn.cut()
		<-changes // down
		<-changes // up, and silent from now on
		start := time.Now()
		noDeadline := send(t, p, Request{})
		shortly := send(t, p, Request{Deadline: start.Add(500 * time.Millisecond)})
		if r := <-shortly; !errors.Is(r.err, ErrDeadline) || r.at.Sub(start) > 505*time.Millisecond {
			t.Errorf("silent: %v after %v", r.err, r.at.Sub(start))
		}
		st := <-changes
		if took := time.Since(start); !st.Connected || st.Responsive || p.Responsive() || took < time.Second || took > 3*time.Second {
			t.Errorf("silent for %v: %+v", took, st)
		}
		r := <-noDeadline
		if !errors.Is(r.err, ErrLost) || !errors.Is(r.err, ErrUnresponsive) || !Sent(r.err) {
			t.Errorf("cut: %v", r.err)
		}
		if took := r.at.Sub(start); took < 9*time.Second || took > 12*time.Second {
			t.Errorf("cut after %v", took)
		}
		pn.stopNow(t, p)
	})
}

func TestHealth_ShortPauses_AreForgiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pn := newPipes(t, ServerConfig{})
		g := newGate()
		pn.wrap = g.wrap
		changes := make(chan PeerState, 100)
		p := newPeer(t, PeerConfig{Dial: pn.dial, OnState: func(st PeerState) { changes <- st }})
		<-changes
		for range 20 {
			g.close()
			time.Sleep(1500 * time.Millisecond)
			g.open()
			time.Sleep(2500 * time.Millisecond)
		}
		if len(changes) > 0 {
			t.Errorf("pauses of 1.5 s made it %+v", <-changes)
		}
		pn.stop(t, p)
	})
}

func TestHealth_RTT_IsMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pn := newPipes(t, ServerConfig{})
		var delay atomic.Int64
		delay.Store(int64(40 * time.Millisecond))
		pn.wrap = func(c net.Conn) net.Conn { return slowConn{c, &delay} }
		p := newPeer(t, PeerConfig{Dial: pn.dial})
		time.Sleep(time.Minute)
		if rtt := p.State().RTT; rtt < 40*time.Millisecond || rtt > 60*time.Millisecond {
			t.Errorf("round trip %v, want 40 ms", rtt)
		}
		pn.stop(t, p)
	})
}

// What held up single pings does not show in the shortest round trip; a new connection
// may go another way.
func TestHealth_LeastRTT_IsThatOfTheWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var delay atomic.Int64
		pn := newPipes(t, ServerConfig{})
		pn.wrap = func(c net.Conn) net.Conn { return slowConn{c, &delay} }
		p := newPeer(t, PeerConfig{Dial: pn.dial})
		connections := uint64(1)
		for _, phase := range []struct {
			delay time.Duration
			cut   bool
			least time.Duration
		}{
			{delay: 400 * time.Millisecond, least: 400 * time.Millisecond},
			{delay: 40 * time.Millisecond, least: 40 * time.Millisecond},
			{delay: 200 * time.Millisecond, least: 40 * time.Millisecond},
			{delay: 80 * time.Millisecond, cut: true, least: 80 * time.Millisecond},
		} {
			delay.Store(int64(phase.delay))
			if phase.cut {
				pn.cut()
				connections++
			}
			time.Sleep(10 * time.Second)
			if got := p.State().Connections; got != connections {
				t.Errorf("%+v: connection %d", phase, got)
			}
			if got := p.State().LeastRTT; got < phase.least || got > phase.least+time.Millisecond {
				t.Errorf("%+v: %v", phase, got)
			}
		}
		pn.stop(t, p)
	})
}

// slowConn delays writes.
type slowConn struct {
	net.Conn
	delay *atomic.Int64
}

func (c slowConn) Write(b []byte) (int, error) {
	time.Sleep(time.Duration(c.delay.Load()))
	return c.Conn.Write(b)
}

func TestServer_IdleClient_IsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pn := newPipes(t, ServerConfig{IdleTimeout: 5 * time.Second})
		conn, err := pn.dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		go io.Copy(io.Discard, conn)
		conn.Write(Preface{Version: Version, Cluster: ClusterHash("")}.Append(nil))
		start := time.Now()
		if err := <-pn.errs; !errors.Is(err, ErrUnresponsive) {
			t.Errorf("idle client: %v", err)
		}
		if took := time.Since(start); took < 5*time.Second || took > 10*time.Second {
			t.Errorf("closed after %v", took)
		}
		// And one that does not even begin.
		if conn, err = pn.dial(t.Context()); err != nil {
			t.Fatal(err)
		}
		start = time.Now()
		if err := <-pn.errs; err == nil || time.Since(start) != 3*time.Second {
			t.Errorf("silent client: %v after %v", err, time.Since(start))
		}
		conn.Close()
		pn.stop(t)
	})
}
