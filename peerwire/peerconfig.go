package peerwire

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"time"
)

// PeerConfig says how to reach another node. Only Dial is required.
type PeerConfig struct {
	// Dial opens a connection. It is called by one goroutine per connection,
	// again and again with a backoff while it fails, with a ctx that ends after
	// HandshakeTimeout and on Stop. TLS belongs in here.
	Dial func(ctx context.Context) (net.Conn, error)
	// Cluster is our cluster's name. The other end must have the same.
	Cluster string
	// Node is our node id, at most MaxNode bytes; the server sees it as From.
	Node string
	// Remote is the node id that must answer; empty accepts any. It guards
	// against an address that meanwhile belongs to another node.
	Remote string
	// Conns is how many connections are kept; default 1. With more than one,
	// requests are spread and their order is lost.
	Conns int
	// MaxQueueBytes bounds what is queued and not yet written, per connection;
	// default 64 MiB. It holds for messages of up to MaxFrame and for larger ones
	// apart, so that a huge message does not crowd out the small ones. A message
	// is refused once that much is queued, so one may exceed it.
	MaxQueueBytes int
	// MaxPending bounds the requests that wait for a reply, per connection;
	// default 65,536.
	MaxPending int
	// MaxMessageBytes is the largest reply that is accepted and the largest
	// request that is sent (the server's own limit counts too); default 1 GiB:
	// a Redis value is at most 512 MiB, and a record has more than its value.
	MaxMessageBytes int
	// PingInterval is how often a connection is asked for a sign of life;
	// default 1 s.
	PingInterval time.Duration
	// MissedPings is after how many intervals without a byte from the other end
	// the Peer is no longer Responsive; default 2.
	MissedPings int
	// CutAfter is after how long without a byte a connection is cut and dialed
	// again; default 10 s. Requests without a deadline fail then at the latest.
	CutAfter time.Duration
	// HandshakeTimeout bounds dialing and the exchange of prefaces; default 3 s.
	HandshakeTimeout time.Duration
	// BackoffMin and BackoffMax bound the pause before the next dial, which
	// doubles from one to the other and has a random half; defaults 50 ms and
	// 1 s: a node that returned is found again within a second.
	BackoffMin, BackoffMax time.Duration
	// Cork gathers what is sent while it is held; see [Cork]. Default: one of the
	// Peer's own, which its readers hold.
	Cork *Cork
	// OnState, if not nil, is called by the Peer's own goroutine after Connected
	// or Responsive changed; a change that is taken back at once may be left out.
	// It must not block and must not call Stop.
	OnState func(PeerState)
}

func (c *PeerConfig) defaults() {
	def(&c.Conns, 1)
	def(&c.MaxQueueBytes, 64<<20)
	def(&c.MaxPending, 1<<16)
	def(&c.MaxMessageBytes, 1<<30)
	def(&c.PingInterval, time.Second)
	def(&c.MissedPings, 2)
	def(&c.CutAfter, 10*time.Second)
	def(&c.HandshakeTimeout, 3*time.Second)
	def(&c.BackoffMin, 50*time.Millisecond)
	def(&c.BackoffMax, time.Second)
	if c.Cork == nil {
		c.Cork = new(Cork)
	}
}

func def[T int | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

// Validate reports the first field that makes no sense.
func (c PeerConfig) Validate() error {
	c.defaults()
	switch {
	case c.Dial == nil:
		return errors.New("peerwire: Dial is missing")
	case len(c.Node) > MaxNode:
		return fmt.Errorf("peerwire: Node has %d bytes, at most %d", len(c.Node), MaxNode)
	case c.Conns < 0:
		return errors.New("peerwire: Conns is negative")
	case c.MaxQueueBytes < 0:
		return errors.New("peerwire: MaxQueueBytes is negative")
	case c.MaxPending < 0:
		return errors.New("peerwire: MaxPending is negative")
	case c.MaxMessageBytes < 0 || c.MaxMessageBytes > math.MaxInt32:
		return errors.New("peerwire: MaxMessageBytes is not within 1 byte and 2 GiB")
	case c.PingInterval < 0 || c.MissedPings < 0 || c.CutAfter < 0 || c.HandshakeTimeout < 0:
		return errors.New("peerwire: PingInterval, MissedPings, CutAfter or HandshakeTimeout is negative")
	case c.BackoffMin < 0 || c.BackoffMax < c.BackoffMin:
		return errors.New("peerwire: BackoffMin is not within 0 and BackoffMax")
	}
	return nil
}
