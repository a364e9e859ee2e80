// Package gossiptest is a network in memory for tests of code that uses gossip:
// packets are channels that drop when full, streams are pipes. It works within
// testing/synctest, where real sockets do not.
//
//	var net gossiptest.Network
//	packets, _ := net.ListenPacket("10.0.0.1:8101")
//	m, _ := gossip.New(gossip.Config{
//		Name: "a", Advertise: "10.0.0.1:8101", Packets: packets,
//		Dial: net.Dialer("10.0.0.1:8101"), ...
//	})
//
// Addresses are "ip:port" and exist only here. There is no latency. Cut makes
// hosts unreachable, as if their cable was pulled, and Split parts the network.
package gossiptest

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// packetQueue is how many packets a receiver may be behind before they are
// dropped: about what a UDP socket holds by default.
const packetQueue = 256

// Network is a network in memory. The zero value is ready; all methods are safe
// for concurrent use.
type Network struct {
	mu        sync.Mutex
	packets   map[string]*packetConn
	listeners map[string]*listener
	streams   map[*stream]struct{}
	island    map[string]int // cut off addresses of one number reach each other
	islands   int
	dropped   uint64
}

// Cut makes addresses unreachable, each for all others: packets from and to them
// vanish, dials block until their ctx ends, and open streams break.
func (n *Network) Cut(addrs ...string) {
	for _, a := range addrs {
		n.Split(a)
	}
}

// Split cuts addresses off from all others, but not from each other.
func (n *Network) Split(addrs ...string) {
	n.mu.Lock()
	if n.island == nil {
		n.island = make(map[string]int)
	}
	n.islands++
	for _, a := range addrs {
		n.island[a] = n.islands
	}
	var broken []*stream
	for s := range n.streams {
		if !n.reachable(s.local, s.remote) {
			broken = append(broken, s)
		}
	}
	n.mu.Unlock()
	for _, s := range broken {
		s.Close()
	}
}

func (n *Network) reachable(a, b string) bool { return n.island[a] == n.island[b] }

// Heal makes addresses reachable again.
func (n *Network) Heal(addrs ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, a := range addrs {
		delete(n.island, a)
	}
}

// Dropped returns how many packets found a full queue.
func (n *Network) Dropped() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dropped
}

// ListenPacket returns a packet conn at addr, "ip:port".
func (n *Network) ListenPacket(addr string) (net.PacketConn, error) {
	local, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.packets[addr] != nil {
		return nil, fmt.Errorf("gossiptest: %s is in use", addr)
	}
	c := &packetConn{
		net:    n,
		addr:   net.UDPAddrFromAddrPort(local),
		in:     make(chan packet, packetQueue),
		closed: make(chan struct{}),
	}
	if n.packets == nil {
		n.packets = make(map[string]*packetConn)
	}
	n.packets[addr] = c
	return c, nil
}

// Listen returns a stream listener at addr, "ip:port".
func (n *Network) Listen(addr string) (net.Listener, error) {
	local, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listeners[addr] != nil {
		return nil, fmt.Errorf("gossiptest: %s is in use", addr)
	}
	l := &listener{net: n, addr: net.TCPAddrFromAddrPort(local), in: make(chan net.Conn), closed: make(chan struct{})}
	if n.listeners == nil {
		n.listeners = make(map[string]*listener)
	}
	n.listeners[addr] = l
	return l, nil
}

// Dialer returns a dial function for the host at from.
func (n *Network) Dialer(from string) func(ctx context.Context, addr string) (net.Conn, error) {
	return func(ctx context.Context, addr string) (net.Conn, error) {
		n.mu.Lock()
		l, lost := n.listeners[addr], !n.reachable(addr, from)
		n.mu.Unlock()
		if lost {
			<-ctx.Done()
			return nil, fmt.Errorf("gossiptest: dial %s: %w", addr, context.Cause(ctx))
		}
		if l == nil {
			return nil, fmt.Errorf("gossiptest: dial %s: connection refused", addr)
		}
		a, b := net.Pipe()
		here := n.stream(a, from, addr)
		there := n.stream(b, addr, from)
		select {
		case l.in <- there:
			return here, nil
		case <-l.closed:
			here.Close()
			there.Close()
			return nil, fmt.Errorf("gossiptest: dial %s: connection refused", addr)
		case <-ctx.Done():
			here.Close()
			there.Close()
			return nil, fmt.Errorf("gossiptest: dial %s: %w", addr, context.Cause(ctx))
		}
	}
}

func (n *Network) stream(conn net.Conn, local, remote string) *stream {
	s := &stream{Conn: conn, net: n, local: local, remote: remote}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.streams == nil {
		n.streams = make(map[*stream]struct{})
	}
	n.streams[s] = struct{}{}
	return s
}

type stream struct {
	net.Conn
	net           *Network
	local, remote string
}

func (s *stream) LocalAddr() net.Addr  { return name(s.local) }
func (s *stream) RemoteAddr() net.Addr { return name(s.remote) }

func (s *stream) Close() error {
	s.net.mu.Lock()
	delete(s.net.streams, s)
	s.net.mu.Unlock()
	return s.Conn.Close()
}

// name is the address of a stream's end.
type name string

func (name) Network() string  { return "memory" }
func (a name) String() string { return string(a) }

type listener struct {
	net    *Network
	addr   net.Addr
	in     chan net.Conn
	closed chan struct{}
}

func (l *listener) Addr() net.Addr { return l.addr }

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.in:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.net.mu.Lock()
	defer l.net.mu.Unlock()
	if l.net.listeners[l.addr.String()] != l {
		return net.ErrClosed
	}
	delete(l.net.listeners, l.addr.String())
	close(l.closed)
	return nil
}

type packet struct {
	data []byte
	from net.Addr
}

type packetConn struct {
	net    *Network
	addr   *net.UDPAddr
	in     chan packet
	closed chan struct{}

	mu       sync.Mutex
	deadline time.Time
}

func (c *packetConn) LocalAddr() net.Addr { return c.addr }

func (c *packetConn) ReadFrom(b []byte) (int, net.Addr, error) {
	c.mu.Lock()
	deadline := c.deadline
	c.mu.Unlock()
	var late <-chan time.Time
	if !deadline.IsZero() {
		t := time.NewTimer(time.Until(deadline))
		defer t.Stop()
		late = t.C
	}
	select {
	case p := <-c.in:
		return copy(b, p.data), p.from, nil
	case <-c.closed:
		return 0, nil, net.ErrClosed
	case <-late:
		return 0, nil, os.ErrDeadlineExceeded
	}
}

func (c *packetConn) WriteTo(b []byte, to net.Addr) (int, error) {
	select {
	case <-c.closed:
		return 0, net.ErrClosed
	default:
	}
	n := c.net
	n.mu.Lock()
	defer n.mu.Unlock()
	dest := n.packets[to.String()]
	if dest == nil || !n.reachable(to.String(), c.addr.String()) {
		return len(b), nil
	}
	select {
	case dest.in <- packet{append([]byte(nil), b...), c.addr}:
	default:
		n.dropped++
	}
	return len(b), nil
}

func (c *packetConn) Close() error {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	if c.net.packets[c.addr.String()] != c {
		return net.ErrClosed
	}
	delete(c.net.packets, c.addr.String())
	close(c.closed)
	return nil
}

// SetDeadline counts for later reads; writes never block.
func (c *packetConn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

func (c *packetConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	return nil
}

func (c *packetConn) SetWriteDeadline(time.Time) error { return nil }

var (
	_ net.PacketConn = (*packetConn)(nil)
	_ net.Listener   = (*listener)(nil)
)
