package gossip

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// Magic is the first 4 bytes of every gossip stream, so that streams can share a
// port with other protocols.
var Magic = [4]byte{'D', 'Y', 'N', 'G'}

// maxPacket is the largest packet of UDP.
const maxPacket = 64 << 10

// transport carries memberlist over a PacketConn and streams.
type transport struct {
	packets   net.PacketConn
	open      func(ctx context.Context, addr string) (net.Conn, error)
	timeout   time.Duration // for the magic of an accepted stream
	advertise netip.AddrPort

	packetCh chan *memberlist.Packet
	streamCh chan net.Conn
	done     chan struct{} // closed by Shutdown
	wg       sync.WaitGroup

	ctx    context.Context // ends dials
	cancel context.CancelFunc

	mu      sync.Mutex
	closed  bool // no streams any more
	down    bool // Shutdown was called
	streams map[*stream]struct{}
}

var _ memberlist.NodeAwareTransport = (*transport)(nil)

func newTransport(packets net.PacketConn, dial func(context.Context, string) (net.Conn, error), advertise netip.AddrPort, timeout time.Duration) *transport {
	t := &transport{
		packets:   packets,
		open:      dial,
		timeout:   timeout,
		advertise: advertise,
		packetCh:  make(chan *memberlist.Packet),
		streamCh:  make(chan net.Conn),
		done:      make(chan struct{}),
		streams:   make(map[*stream]struct{}),
	}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	t.wg.Add(1)
	go t.receive()
	return t
}

// receive reads packets until the conn is closed.
func (t *transport) receive() {
	defer t.wg.Done()
	buf := make([]byte, maxPacket)
	for {
		n, from, err := t.packets.ReadFrom(buf)
		if err != nil {
			select {
			case <-t.done:
				return
			default:
			}
			if errors.Is(err, net.ErrClosed) {
				return
			}
			// Such as "connection refused", which UDP reports for an earlier
			// packet of ours.
			continue
		}
		if n == 0 {
			continue
		}
		p := &memberlist.Packet{Buf: append([]byte(nil), buf[:n]...), From: from, Timestamp: time.Now()}
		select {
		case t.packetCh <- p:
		case <-t.done:
			return
		}
	}
}

// FinalAdvertiseAddr returns the address that was configured.
func (t *transport) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	return t.advertise.Addr().AsSlice(), int(t.advertise.Port()), nil
}

// WriteTo sends one packet.
func (t *transport) WriteTo(b []byte, addr string) (time.Time, error) {
	to, err := netip.ParseAddrPort(addr)
	if err != nil {
		return time.Time{}, err
	}
	_, err = t.packets.WriteTo(b, net.UDPAddrFromAddrPort(to))
	return time.Now(), err
}

// WriteToAddress sends one packet; the name is not needed.
func (t *transport) WriteToAddress(b []byte, a memberlist.Address) (time.Time, error) {
	return t.WriteTo(b, a.Addr)
}

// PacketCh is where received packets come out.
func (t *transport) PacketCh() <-chan *memberlist.Packet { return t.packetCh }

// StreamCh is where accepted streams come out.
func (t *transport) StreamCh() <-chan net.Conn { return t.streamCh }

// DialTimeout opens a stream, sends its magic, and leaves the timeout set as the
// stream's deadline: memberlist writes its label without setting one.
func (t *transport) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(t.ctx, timeout)
	defer cancel()
	conn, err := t.open(ctx, addr)
	if err != nil {
		return nil, err
	}
	s, err := t.track(conn)
	if err != nil {
		return nil, err
	}
	if err := s.SetDeadline(time.Now().Add(timeout)); err != nil {
		s.Close()
		return nil, err
	}
	if _, err := s.Write(Magic[:]); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// DialAddressTimeout opens a stream; the name is not needed.
func (t *transport) DialAddressTimeout(a memberlist.Address, timeout time.Duration) (net.Conn, error) {
	return t.DialTimeout(a.Addr, timeout)
}

// accept checks the magic of a stream and hands it to memberlist.
func (t *transport) accept(conn net.Conn) error {
	s, err := t.track(conn)
	if err != nil {
		return err
	}
	var magic [4]byte
	s.SetReadDeadline(time.Now().Add(t.timeout))
	if _, err := io.ReadFull(s, magic[:]); err != nil {
		s.Close()
		return fmt.Errorf("gossip: stream without a beginning: %w", err)
	}
	if magic != Magic {
		s.Close()
		return fmt.Errorf("%w: begins with %q", ErrNotGossip, magic[:])
	}
	select {
	case t.streamCh <- s:
		return nil
	case <-t.done:
		s.Close()
		return ErrStopped
	}
}

// closeStreams ends all streams and dials, and refuses new ones.
func (t *transport) closeStreams() {
	t.cancel()
	t.mu.Lock()
	t.closed = true
	open := make([]*stream, 0, len(t.streams))
	for s := range t.streams {
		open = append(open, s)
	}
	t.mu.Unlock()
	for _, s := range open {
		s.Close()
	}
}

// Shutdown closes everything and waits for the reading goroutine.
func (t *transport) Shutdown() error {
	t.closeStreams()
	t.mu.Lock()
	down := t.down
	t.down = true
	t.mu.Unlock()
	if !down {
		close(t.done)
		t.packets.Close()
	}
	t.wg.Wait()
	return nil
}

// stream is a conn that can be closed by Shutdown.
type stream struct {
	net.Conn
	owner *transport
}

func (t *transport) track(conn net.Conn) (*stream, error) {
	s := &stream{Conn: conn, owner: t}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		conn.Close()
		return nil, ErrStopped
	}
	t.streams[s] = struct{}{}
	return s, nil
}

// Close closes the conn and forgets it.
func (s *stream) Close() error {
	s.owner.mu.Lock()
	delete(s.owner.streams, s)
	s.owner.mu.Unlock()
	return s.Conn.Close()
}
