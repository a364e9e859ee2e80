package nodetest

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/dynomite-go/dynomite/node"
)

// Network connects hosts in memory. Its faults apply at once, to streams that
// are open too.
type Network struct {
	mu        sync.Mutex
	rng       *rand.Rand
	listeners map[string]*listener
	packets   map[string]*packetConn
	streams   map[*stream]bool
	cut       map[link]bool
	dead      map[string]bool // hosts that nothing comes from or gets to
	delay     time.Duration
	delays    map[link]time.Duration // besides
	rate      int                    // bytes a second of each stream's directions; 0 is any
	loss      float64
	changed   chan struct{} // closed and made anew when a cut is healed
}

// link is a pair of hosts; the lesser comes first.
type link struct{ a, b string }

func between(a, b string) link {
	if b < a {
		a, b = b, a
	}
	return link{a, b}
}

// NewNetwork returns a network without faults. Chance is drawn from seed.
func NewNetwork(seed uint64) *Network {
	return &Network{
		rng:       rand.New(rand.NewPCG(seed, 0)),
		listeners: map[string]*listener{},
		packets:   map[string]*packetConn{},
		streams:   map[*stream]bool{},
		cut:       map[link]bool{},
		dead:      map[string]bool{},
		delays:    map[link]time.Duration{},
		changed:   make(chan struct{}),
	}
}

// Cut lets nothing pass between two hosts until Heal: streams stall, as they
// do in a real network, and packets are lost.
func (n *Network) Cut(a, b string) {
	n.mu.Lock()
	n.cut[between(a, b)] = true
	n.mu.Unlock()
}

// Heal ends the cut between two hosts.
func (n *Network) Heal(a, b string) {
	n.mu.Lock()
	delete(n.cut, between(a, b))
	n.wake()
	n.mu.Unlock()
}

// Isolate cuts a host from all others; Rejoin ends every cut of it.
func (n *Network) Isolate(host string) {
	n.mu.Lock()
	n.cut[between(host, "*")] = true
	n.mu.Unlock()
}

// Rejoin ends what Isolate began, and every other cut of the host.
func (n *Network) Rejoin(host string) {
	n.mu.Lock()
	for l := range n.cut {
		if l.a == host || l.b == host {
			delete(n.cut, l)
		}
	}
	n.wake()
	n.mu.Unlock()
}

// SetDelay is how long everything takes from host to host.
func (n *Network) SetDelay(d time.Duration) {
	n.mu.Lock()
	n.delay = d
	n.mu.Unlock()
}

// SetDelayBetween is how much longer everything takes between two hosts, in
// each direction.
func (n *Network) SetDelayBetween(a, b string, d time.Duration) {
	n.mu.Lock()
	n.delays[between(a, b)] = d
	n.mu.Unlock()
}

// SetRate is how many bytes a second each direction of a stream takes; 0 is any
// number. What it has not taken waits with the sender.
func (n *Network) SetRate(bytes int) {
	n.mu.Lock()
	n.rate = bytes
	n.mu.Unlock()
}

// delayBetween is called with the lock held.
func (n *Network) delayBetween(a, b string) time.Duration { return n.delay + n.delays[between(a, b)] }

// SetLoss is the probability, 0 to 1, that a packet is lost. Streams lose
// nothing.
func (n *Network) SetLoss(p float64) {
	n.mu.Lock()
	n.loss = p
	n.mu.Unlock()
}

// Crash closes everything that the host has open, as the end of its process
// would.
func (n *Network) Crash(host string) {
	n.mu.Lock()
	var streams []*stream
	for s := range n.streams {
		if s.local == host || s.remote == host {
			streams = append(streams, s)
		}
	}
	n.mu.Unlock()
	for _, s := range streams {
		s.abort()
	}
}

func (n *Network) setDead(host string, dead bool) {
	n.mu.Lock()
	n.dead[host] = dead
	n.wake()
	n.mu.Unlock()
}

func (n *Network) wake() {
	close(n.changed)
	n.changed = make(chan struct{})
}

// open waits until nothing cuts a from b, or done is closed.
func (n *Network) open(a, b string, done <-chan struct{}) bool {
	for {
		n.mu.Lock()
		cut, changed := n.isCut(a, b), n.changed
		n.mu.Unlock()
		if !cut {
			return true
		}
		select {
		case <-changed:
		case <-done:
			return false
		}
	}
}

func (n *Network) isCut(a, b string) bool {
	return n.dead[a] || n.dead[b] || n.cut[between(a, b)] || n.cut[between(a, "*")] || n.cut[between(b, "*")]
}

// Transport is the network as one host sees it.
func (n *Network) Transport(host string) node.Transport { return transport{n, host} }

type transport struct {
	n    *Network
	host string
}

// Loopback is always true: what is in memory reaches no other machine.
func (t transport) Loopback(string) bool { return true }

// Listen opens addr, whose host has to be this one.
func (t transport) Listen(addr string) (net.Listener, net.PacketConn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil || host != t.host {
		return nil, nil, errors.New("nodetest: " + addr + " is no address of host " + t.host)
	}
	t.n.mu.Lock()
	defer t.n.mu.Unlock()
	if t.n.listeners[addr] != nil || t.n.packets[addr] != nil {
		return nil, nil, syscall.EADDRINUSE
	}
	udp, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		return nil, nil, err
	}
	l := &listener{n: t.n, addr: addr, conns: make(chan net.Conn, 16), done: make(chan struct{})}
	p := &packetConn{n: t.n, host: host, addr: udp, in: make(chan packet, 256), done: make(chan struct{})}
	t.n.listeners[addr], t.n.packets[addr] = l, p
	return l, p, nil
}

// Dial opens a stream to addr; while the hosts are cut off from each other it
// waits for ctx, as a connect that nobody answers does.
func (t transport) Dial(ctx context.Context, addr string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	t.n.mu.Lock()
	cut := t.n.isCut(t.host, host)
	l := t.n.listeners[addr]
	t.n.mu.Unlock()
	if cut {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if l == nil {
		return nil, syscall.ECONNREFUSED
	}
	near, far := t.n.pair(t.host, host, addr)
	select {
	case l.conns <- far:
		return near, nil
	case <-l.done:
		near.Close()
		return nil, syscall.ECONNREFUSED
	case <-ctx.Done():
		near.Close()
		return nil, ctx.Err()
	}
}

type listener struct {
	n     *Network
	addr  string
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() {
		l.n.mu.Lock()
		delete(l.n.listeners, l.addr)
		l.n.mu.Unlock()
		close(l.done)
		for {
			select {
			case c := <-l.conns:
				c.Close()
				continue
			default:
			}
			break
		}
	})
	return nil
}

func (l *listener) Addr() net.Addr { return address(l.addr) }

type address string

func (a address) Network() string { return "tcp" }
func (a address) String() string  { return string(a) }
