package peerwire

import (
	"context"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// stalled is the connection of a process that can stand still: what it has
// read it gets to see only when it goes on.
type stalled struct {
	net.Conn
	still chan chan struct{} // holds what is closed when it goes on
}

func newStalled(conn net.Conn) *stalled {
	s := &stalled{conn, make(chan chan struct{}, 1)}
	s.standStill()()
	return s
}

func (s *stalled) standStill() (goOn func()) {
	select {
	case <-s.still:
	default:
	}
	over := make(chan struct{})
	s.still <- over
	return func() { close(over) }
}

func (s *stalled) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	over := <-s.still
	s.still <- over
	<-over
	return n, err
}

// What waits in the socket of a server that stands still grows old there, and so
// does what comes before it can know better.
func TestDeadline_ServerStoodStill_CountsFromItsLastRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const remain = 3 * time.Second
		deadlines := map[uint64]time.Time{}
		srv, err := NewServer(ServerConfig{Handler: HandlerFunc(func(in *Incoming) { deadlines[in.id] = in.Deadline })})
		if err != nil {
			t.Fatal(err)
		}
		near, far := net.Pipe()
		conn := newStalled(far)
		served := make(chan error, 1)
		go func() { served <- srv.ServeConn(conn) }()
		go near.Write(preface(""))
		if _, err := ReadPreface(near); err != nil {
			t.Fatal(err)
		}
		pings := make(chan uint64, 100)
		go func() {
			r := frameReader{r: near}
			for r.fill() == nil {
				for {
					var f frame
					if ok, err := r.next(&f); err != nil || !ok {
						break
					}
					if f.typ == framePing {
						pings <- f.id
					}
				}
			}
		}()
		request := func(id uint64, left time.Duration) []byte {
			f := frame{typ: frameRequest, flags: flagFirst | flagLast, id: id, remain: uint32(left.Milliseconds())}
			return f.appendHeader(nil, 0)
		}
		expect := func(id uint64, want time.Time) {
			t.Helper()
			synctest.Wait()
			if got, ok := deadlines[id]; !ok || !got.Equal(want) {
				t.Errorf("request %d: %v before what it should be", id, want.Sub(got))
			}
		}
		var last time.Time
		for range 5 { // quiet, but for pings
			near.Write(appendSmall(nil, framePing, 7, nil))
			last = time.Now()
			time.Sleep(time.Second)
		}
		near.Write(request(1, remain))
		expect(1, time.Now().Add(remain))
		last = time.Now()
		goOn := conn.standStill()
		go near.Write(append(request(2, remain), request(3, 0)...))
		time.Sleep(5 * time.Second)
		go near.Write(request(4, remain)) // has come just now, but who knows
		goOn()
		expect(2, last.Add(remain))
		expect(3, time.Time{})
		expect(4, last.Add(remain))
		time.Sleep(time.Second)
		near.Write(appendSmall(nil, framePong, 99, nil))
		near.Write(request(5, remain))
		expect(5, last.Add(remain))
		if len(pings) != 1 {
			t.Fatalf("%d pings", len(pings))
		}
		near.Write(append(append(request(6, remain), appendSmall(nil, framePong, <-pings, nil)...), request(7, remain)...))
		expect(6, last.Add(remain))
		expect(7, time.Now().Add(remain))
		near.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

// A Peer answers the ping, so that a server that stood still once is not late
// for ever.
func TestDeadline_ServerStoodStill_ThePeerTellsWhatIsYoung(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := make(chan time.Duration, 10)
		srv, err := NewServer(ServerConfig{Handler: HandlerFunc(func(in *Incoming) {
			left <- time.Until(in.Deadline)
			in.Reply(nil)
		})})
		if err != nil {
			t.Fatal(err)
		}
		near, far := net.Pipe()
		conn := newStalled(far)
		served := make(chan error, 1)
		go func() { served <- srv.ServeConn(conn) }()
		dialed := false
		p := newPeer(t, PeerConfig{Dial: func(context.Context) (net.Conn, error) {
			if dialed {
				return nil, io.EOF
			}
			dialed = true
			return near, nil
		}})
		if err := p.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			goOn := conn.standStill()
			time.Sleep(4 * time.Second)
			goOn()
			synctest.Wait()
			if r := <-send(t, p, Request{Deadline: time.Now().Add(time.Second)}); r.err != nil {
				t.Error(r.err)
			}
			if d := <-left; d < 900*time.Millisecond {
				t.Errorf("%v were left of a second", d)
			}
			time.Sleep(10 * time.Second)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := p.Stop(ctx); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}
