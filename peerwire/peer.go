package peerwire

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"sync"
	"sync/atomic"
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

// Request is one message to another node.
type Request struct {
	// Kind is the application's own message type.
	Kind byte
	// Frozen promises that Payload is never modified again. A payload of more
	// than MaxFrame is then sent without a copy.
	Frozen bool
	// Epoch is the sender's layout.
	Epoch Epoch
	// Deadline is when the reply is worth nothing any more; zero for never. It
	// travels as remaining time, so the clocks of two nodes need not agree. It
	// is kept to within 5 ms, and never early.
	Deadline time.Time
	// Payload is copied before Send returns, unless Frozen.
	Payload []byte
}

// PeerState is a snapshot of a Peer.
type PeerState struct {
	Connected  bool          // at least one connection is up
	Responsive bool          // and has been heard lately, see MissedPings
	Node       string        // what the other end called itself, "" before the first connection
	QueueBytes int           // queued and not yet written
	Pending    int           // requests that wait for a reply
	RTT        time.Duration // smoothed round trip of the pings, 0 when unknown
	LastError  error         // why the last connection or dial failed, nil since it is up again
}

// Peer is another node as seen from here. It keeps its connections up and
// carries requests over them. All methods are safe for concurrent use.
type Peer struct {
	cfg   PeerConfig
	base  time.Time // deadlines are kept relative to it
	links []*link
	next  atomic.Uint32 // spreads requests over links

	ctx    context.Context // ends the goroutines
	cancel context.CancelFunc
	wg     sync.WaitGroup

	calls    sync.Pool // of *call
	timer    timer
	changed  atomic.Bool // a link came or went, OnState is due
	stopping atomic.Bool

	mu      sync.Mutex
	started bool
	stopped bool
	ready   chan struct{} // closed and replaced when a link comes up
	drained chan struct{} // closed when stopping and nothing is left
	node    string

	errFull, errLarge, errPending, errLate, errLateSent, errStopped, errRefused, errDropped *Error
}

// NewPeer makes a Peer. It starts nothing.
func NewPeer(cfg PeerConfig) (*Peer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg.defaults()
	p := &Peer{cfg: cfg, base: time.Now().Add(-time.Second), ready: make(chan struct{}), drained: make(chan struct{})}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	fail := func(sent bool, err error) *Error { return &Error{Peer: cfg.Remote, Sent: sent, Err: err} }
	p.errFull = fail(false, ErrQueueFull)
	p.errPending = fail(false, fmt.Errorf("%w: %d requests wait for a reply", ErrQueueFull, cfg.MaxPending))
	p.errLarge = fail(false, ErrTooLarge)
	p.errLate = fail(false, ErrDeadline)
	p.errLateSent = fail(true, ErrDeadline)
	p.errStopped = fail(false, ErrStopped)
	p.errRefused = fail(false, fmt.Errorf("%w: refused without execution", ErrUnavailable))
	p.errDropped = fail(true, ErrReplyDropped)
	p.timer.wake = make(chan struct{}, 1)
	for range cfg.Conns {
		p.links = append(p.links, newLink(p))
	}
	return p, nil
}

// Start begins to connect and returns at once: the other node may be down for
// long, and Send says so. Use Ready to wait. It fails after Stop and when called
// twice.
func (p *Peer) Start(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return p.errStopped
	}
	if p.started {
		return errors.New("peerwire: peer is started already")
	}
	p.started = true
	p.timer.mu.Lock()
	p.timer.running = true
	p.timer.mu.Unlock()
	p.wg.Add(1 + len(p.links))
	go p.runTimer()
	for _, l := range p.links {
		go l.run()
	}
	return nil
}

// Ready waits until a connection is up. It fails with ctx's cause, together with
// the reason why the last dial failed.
func (p *Peer) Ready(ctx context.Context) error {
	for {
		p.mu.Lock()
		ready := p.ready
		p.mu.Unlock()
		if p.State().Connected {
			return nil
		}
		select {
		case <-ready:
		case <-p.ctx.Done():
			return p.errStopped
		case <-ctx.Done():
			st := p.State()
			if st.Connected {
				return nil
			}
			return fmt.Errorf("peerwire: not connected: %w (%w)", context.Cause(ctx), st.LastError)
		}
	}
}

// Stop refuses new requests, waits until those under way have their reply or
// ctx ends, fails the rest, closes the connections and waits for every
// goroutine. Twice, or without Start, is fine. It returns ctx's cause if it did
// not wait to the end. It must not be called from a callback.
func (p *Peer) Stop(ctx context.Context) error {
	p.mu.Lock()
	started := p.started
	p.stopped = true
	p.mu.Unlock()
	p.stopping.Store(true)
	var err error
	if started {
		p.checkDrained()
		select {
		case <-p.drained:
		case <-p.ctx.Done():
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
	}
	p.cancel()
	for _, l := range p.links {
		l.close(ErrStopped)
	}
	p.wg.Wait()
	return err
}

// checkDrained ends the wait of Stop once nothing is pending or queued.
func (p *Peer) checkDrained() {
	if !p.stopping.Load() {
		return
	}
	for _, l := range p.links {
		if l.busy() {
			return
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.drained:
	default:
		close(p.drained)
	}
}

// Send sends a request and never blocks. done is called exactly once, never
// within Send: on the goroutine that reads the connection, or, when there is no
// reply, possibly on the Peer's timer goroutine. It must not block, for later
// replies wait behind it. reply is valid until done returns. err is an [*Error].
//
// Requests of at most [MaxFrame] bytes are handled by the server in the order of
// Send (with Conns 1); larger ones when their last frame has come.
//
// After Stop, and before Start, a goroutine is spent on every refusal.
func (p *Peer) Send(req Request, done func(reply []byte, err error)) {
	if err := p.send(&req, done); err != nil {
		p.refuse(done, err)
	}
}

// Notify sends a message that has no reply. A nil error says that it was queued;
// whether it arrives remains unknown. The Deadline tells the receiver how long
// the message is of use; it is not enforced here.
func (p *Peer) Notify(req Request) error {
	if err := p.send(&req, nil); err != nil {
		return err
	}
	return nil
}

func (p *Peer) send(req *Request, done func([]byte, error)) *Error {
	if p.stopping.Load() {
		return p.errStopped
	}
	var due time.Duration
	if !req.Deadline.IsZero() {
		due = req.Deadline.Sub(p.base)
		now := time.Since(p.base)
		if due <= now {
			return p.errLate
		}
		// The wire has 32 bits of milliseconds, and comparing needs one of them.
		due = min(due, now+maxRemaining)
	}
	if len(req.Payload) > p.cfg.MaxMessageBytes {
		return p.errLarge
	}
	if err := p.pick().send(req, due, done); err != nil {
		return err
	}
	if due != 0 && done != nil {
		p.timer.want(due)
	}
	return nil
}

// maxRemaining is the longest deadline that is kept, 20 days.
const maxRemaining = 20 * 24 * time.Hour

// pick chooses the connection for a request: the next one that is up.
func (p *Peer) pick() *link {
	if len(p.links) == 1 {
		return p.links[0]
	}
	n := uint32(len(p.links))
	at := p.next.Add(1)
	for i := range n {
		if l := p.links[(at+i)%n]; l.up.Load() {
			return l
		}
	}
	return p.links[at%n]
}

// Responsive reports whether a connection is up and something was heard on it
// within the last MissedPings intervals. It costs a few atomic loads.
func (p *Peer) Responsive() bool {
	for _, l := range p.links {
		if l.up.Load() && !l.silent.Load() {
			return true
		}
	}
	return false
}

// State describes the Peer. It takes locks: for routing use Responsive.
func (p *Peer) State() PeerState {
	var st PeerState
	for _, l := range p.links {
		l.addState(&st)
	}
	if st.Connected {
		st.LastError = nil
	}
	p.mu.Lock()
	st.Node = p.node
	p.mu.Unlock()
	return st
}

// Reconnect ends the pause before the next dial. Call it when something else
// knows that the node has returned.
func (p *Peer) Reconnect() {
	for _, l := range p.links {
		select {
		case l.redial <- struct{}{}:
		default:
		}
	}
}

// noteState is called when a link came up, went down, fell silent or was heard
// again.
func (p *Peer) noteState(up bool, node string) {
	if up {
		p.mu.Lock()
		p.node = node
		close(p.ready)
		p.ready = make(chan struct{})
		p.mu.Unlock()
	}
	p.changed.Store(true)
	p.timer.kick()
}
