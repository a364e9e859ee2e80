package peerwire

import (
	"context"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// stalled is the connection of a process that can stand still: what it has
// read it gets to see only when it goes on.
type stalled struct {
	net.Conn
	stops atomic.Uint64
	still chan chan struct{} // holds what is closed when it goes on
}

func newStalled(conn net.Conn) *stalled {
	s := &stalled{Conn: conn, still: make(chan chan struct{}, 1)}
	over := make(chan struct{})
	close(over)
	s.still <- over
	return s
}

func (s *stalled) standStill() (goOn func()) {
	<-s.still
	over := make(chan struct{})
	s.still <- over
	return func() {
		s.stops.Add(1)
		close(over)
		synctest.Wait()
	}
}

func (s *stalled) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	over := <-s.still
	s.still <- over
	<-over
	return n, err
}

// remain is what the requests of a stallable server's client say.
const remain = 3 * time.Second

// stallable is a server that can stand still, and a client that writes by hand.
type stallable struct {
	net.Conn // the client's end
	t        *testing.T
	server   *stalled
	got      map[uint64]time.Time // deadlines by the ids of requests
	pings    chan uint64
	served   chan error
}

func newStallable(t *testing.T) *stallable {
	t.Helper()
	s := &stallable{t: t, got: map[uint64]time.Time{}, pings: make(chan uint64, 100), served: make(chan error, 1)}
	near, far := net.Pipe()
	s.Conn, s.server = near, newStalled(far)
	srv, err := NewServer(ServerConfig{
		Stops:   s.server.stops.Load,
		Handler: HandlerFunc(func(in *Incoming) { s.got[in.id] = in.Deadline }),
	})
	if err != nil {
		t.Fatal(err)
	}
	go func() { s.served <- srv.ServeConn(s.server) }()
	go near.Write(preface(""))
	if _, err := ReadPreface(near); err != nil {
		t.Fatal(err)
	}
	go func() {
		r := frameReader{r: near}
		for r.fill() == nil {
			for {
				var f frame
				if ok, err := r.next(&f); err != nil || !ok {
					break
				}
				if f.typ == framePing {
					s.pings <- f.id
				}
			}
		}
	}()
	return s
}

func request(id uint64, left time.Duration) []byte {
	f := frame{typ: frameRequest, flags: flagFirst | flagLast, id: id, remain: uint32(left.Milliseconds())}
	return f.appendHeader(nil, 0)
}

// send writes what the server gets to see at once, or when it goes on.
func (s *stallable) send(parts ...[]byte) {
	var all []byte
	for _, p := range parts {
		all = append(all, p...)
	}
	go s.Write(all)
	synctest.Wait()
}

func (s *stallable) pong(id uint64) []byte { return appendSmall(nil, framePong, id, nil) }

func (s *stallable) expect(id uint64, want time.Time) {
	s.t.Helper()
	synctest.Wait()
	if got, ok := s.got[id]; !ok || !got.Equal(want) {
		s.t.Errorf("request %d: its deadline is %v before what it should be", id, want.Sub(got))
	}
}

func (s *stallable) end() {
	s.Close()
	if err := <-s.served; err != nil {
		s.t.Error(err)
	}
}

// What waits in the socket of a server that stands still grows old there, and so
// does what comes before it can know better.
func TestDeadline_ServerStoodStill_CountsFromItsLastRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStallable(t)
		time.Sleep(20 * time.Second) // a client may be quiet for long
		s.send(request(1, remain))
		s.expect(1, time.Now().Add(remain))
		last := time.Now()
		goOn := s.server.standStill()
		s.send(request(2, remain), request(3, 0))
		time.Sleep(5 * time.Second)
		s.send(request(4, remain)) // has come just now, but who knows
		goOn()
		s.expect(2, last.Add(remain))
		s.expect(3, time.Time{})
		s.expect(4, last.Add(remain))
		time.Sleep(time.Second)
		s.send(s.pong(99), request(5, remain))
		s.expect(5, last.Add(remain))
		if len(s.pings) != 1 {
			t.Fatalf("%d pings", len(s.pings))
		}
		s.send(request(6, remain), s.pong(<-s.pings), request(7, remain))
		s.expect(6, last.Add(remain))
		s.expect(7, time.Now().Add(remain))
		s.end()
	})
}

// The pong to the first ping waits through a second stop, and what is behind it.
func TestDeadline_ServerStoodStillTwice_TheFirstPongProvesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStallable(t)
		s.send(request(1, remain))
		last := time.Now()
		goOn := s.server.standStill()
		s.send(request(2, remain))
		time.Sleep(5 * time.Second)
		goOn()
		first := <-s.pings
		goOn = s.server.standStill()
		s.send(s.pong(first), request(3, remain))
		time.Sleep(10 * time.Second)
		goOn()
		s.expect(3, last.Add(remain))
		s.send(s.pong(<-s.pings), request(4, remain))
		s.expect(4, time.Now().Add(remain))
		s.end()
	})
}

// A message of several frames is as old as its first.
func TestDeadline_ServerStoodStillWithinAMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStallable(t)
		first := frame{typ: frameRequest, flags: flagFirst, id: 1, total: 2, remain: uint32(remain.Milliseconds())}
		s.send(first.appendHeader(nil, 1), []byte("a"))
		began := time.Now()
		goOn := s.server.standStill()
		s.send(appendSmall(nil, framePing, 8, nil))
		time.Sleep(5 * time.Second)
		goOn()
		rest := frame{typ: frameRequest, flags: flagLast, id: 1}
		s.send(s.pong(<-s.pings), rest.appendHeader(nil, 1), []byte("b"))
		s.expect(1, began.Add(remain))
		s.end()
	})
}

// A Peer answers the ping, so that a server that stood still once is not late
// for ever.
func TestDeadline_ServerStoodStill_ThePeerTellsWhatIsYoung(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := make(chan time.Duration, 10)
		near, far := net.Pipe()
		conn := newStalled(far)
		srv, err := NewServer(ServerConfig{Stops: conn.stops.Load, Handler: HandlerFunc(func(in *Incoming) {
			left <- time.Until(in.Deadline)
			in.Reply(nil)
		})})
		if err != nil {
			t.Fatal(err)
		}
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
			if r := <-send(t, p, Request{Deadline: time.Now().Add(time.Second)}); r.err != nil {
				t.Error(r.err)
			}
			if d := <-left; d != time.Second {
				t.Errorf("%v were left of a second", d)
			}
			time.Sleep(10 * time.Second)
		}
		time.Sleep(300 * time.Millisecond) // between two pings
		synctest.Wait()
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
