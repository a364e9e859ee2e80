package peerwire

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

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
	Connected   bool          // at least one connection is up
	Responsive  bool          // and has been heard lately, see MissedPings
	Node        string        // what the other end called itself, "" before the first connection
	QueueBytes  int           // queued and not yet written
	Pending     int           // requests that wait for a reply
	RTT         time.Duration // smoothed round trip of the pings, 0 when unknown
	LeastRTT    time.Duration // shortest round trip of a ping since the connections are up, 0 when unknown
	Connections uint64        // how many there have been
	LastError   error         // why the last connection or dial failed, nil since it is up again
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
