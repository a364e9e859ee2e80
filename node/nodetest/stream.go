package nodetest

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// stream is one end of a connection: a pipe whose bytes a pump carries to the
// other end's pipe, after the network's delay and only while nothing is cut.
// What was written before Close arrives, as with sockets.
type stream struct {
	net.Conn
	n             *Network
	local, remote string
	laddr, raddr  net.Addr
	shut          func() // this end
	abort         func() // both ends, with what is under way
}

func (s *stream) LocalAddr() net.Addr  { return s.laddr }
func (s *stream) RemoteAddr() net.Addr { return s.raddr }

func (s *stream) Close() error {
	s.shut()
	return nil
}

// pair makes a connection from host a to the address of host b.
func (n *Network) pair(a, b, addr string) (near, far *stream) {
	aUser, aWire := net.Pipe()
	bUser, bWire := net.Pipe()
	done := make(chan struct{})
	near = &stream{Conn: aUser, n: n, local: a, remote: b, laddr: address(a + ":0"), raddr: address(addr)}
	far = &stream{Conn: bUser, n: n, local: b, remote: a, laddr: address(addr), raddr: address(a + ":0")}
	end := sync.OnceFunc(func() {
		close(done)
		aWire.Close()
		bWire.Close()
		n.mu.Lock()
		delete(n.streams, near)
		delete(n.streams, far)
		n.mu.Unlock()
	})
	var shut atomic.Int32
	for _, s := range []*stream{near, far} {
		user := s.Conn
		s.abort = end
		s.shut = sync.OnceFunc(func() {
			user.Close()
			if shut.Add(1) == 2 {
				end() // nobody is there to wait for anything
			}
		})
	}
	n.mu.Lock()
	n.streams[near], n.streams[far] = true, true
	n.mu.Unlock()
	n.pump(aWire, bWire, a, b, done, end)
	n.pump(bWire, aWire, b, a, done, end)
	return near, far
}

type chunk struct {
	b  []byte
	at time.Time
}

// inFlight is how many writes may be under way in one direction, as a socket
// buffer bounds it.
const inFlight = 64

func (n *Network) pump(from, to net.Conn, a, b string, done chan struct{}, end func()) {
	queue := make(chan chunk, inFlight)
	go func() {
		defer close(queue)
		buf := make([]byte, 64<<10)
		for {
			k, err := from.Read(buf)
			if k > 0 {
				n.mu.Lock()
				at, rate := time.Now().Add(n.delayBetween(a, b)), n.rate
				n.mu.Unlock()
				if rate > 0 {
					takes := time.Duration(k) * time.Second / time.Duration(rate)
					time.Sleep(takes)
					at = at.Add(takes)
				}
				select {
				case queue <- chunk{append([]byte(nil), buf[:k]...), at}:
				case <-done:
					return
				}
			}
			if err != nil {
				return
			}
		}
	}()
	go func() {
		defer end()
		for c := range queue {
			if d := time.Until(c.at); d > 0 {
				t := time.NewTimer(d)
				select {
				case <-t.C:
				case <-done:
					t.Stop()
					return
				}
			}
			if !n.open(a, b, done) {
				return
			}
			// It fails when the receiver has closed its end, whose own last bytes
			// may be under way still.
			_, _ = to.Write(c.b)
		}
	}()
}

// packetConn is a host's packet socket. What does not fit its queue is lost.
type packetConn struct {
	n    *Network
	host string
	addr *net.UDPAddr
	in   chan packet
	once sync.Once
	done chan struct{}
}

type packet struct {
	b    []byte
	from net.Addr
}

func (p *packetConn) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case m := <-p.in:
		return copy(b, m.b), m.from, nil
	case <-p.done:
		return 0, nil, net.ErrClosed
	}
}

func (p *packetConn) WriteTo(b []byte, to net.Addr) (int, error) {
	host, _, err := net.SplitHostPort(to.String())
	if err != nil {
		return 0, err
	}
	n := p.n
	n.mu.Lock()
	target := n.packets[to.String()]
	lost := target == nil || n.isCut(p.host, host) || n.loss > 0 && n.rng.Float64() < n.loss
	delay := n.delayBetween(p.host, host)
	n.mu.Unlock()
	if lost {
		return len(b), nil
	}
	m := packet{append([]byte(nil), b...), p.addr}
	deliver := func() {
		select {
		case target.in <- m:
		default:
		}
	}
	if delay > 0 {
		time.AfterFunc(delay, deliver)
	} else {
		deliver()
	}
	return len(b), nil
}

func (p *packetConn) Close() error {
	p.once.Do(func() {
		p.n.mu.Lock()
		delete(p.n.packets, p.addr.String())
		p.n.mu.Unlock()
		close(p.done)
	})
	return nil
}

func (p *packetConn) LocalAddr() net.Addr              { return p.addr }
func (p *packetConn) SetDeadline(time.Time) error      { return nil }
func (p *packetConn) SetReadDeadline(time.Time) error  { return nil }
func (p *packetConn) SetWriteDeadline(time.Time) error { return nil }
