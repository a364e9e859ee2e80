package gossip

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// Membership is this node's part in the cluster's gossip. All methods are safe
// for concurrent use.
type Membership struct {
	cfg    Config
	tuning Tuning
	log    *slog.Logger
	view   *view

	metaMu      sync.Mutex
	meta        []byte
	leaving     bool
	metaChanged chan struct{} // capacity 1

	mu        sync.Mutex // of what follows
	started   bool
	stopped   bool
	transport *transport
	list      *memberlist.Memberlist
	listeners []net.Listener
	cancel    context.CancelFunc // ends the goroutines that join and update
	work      sync.WaitGroup     // of these
	handled   sync.WaitGroup     // of Serve, and of the streams it accepted
	tell      sync.WaitGroup     // of the goroutine that tells events
	told      chan struct{}      // closed to end it
	over      chan struct{}      // closed when Stop is through
}

// New makes a Membership. It starts nothing.
func New(cfg Config) (*Membership, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	m := &Membership{
		cfg:         cfg,
		tuning:      cfg.Tuning.withDefaults(),
		log:         cfg.Logger,
		view:        newView(cfg.Name),
		meta:        append([]byte(nil), cfg.Meta...),
		metaChanged: make(chan struct{}, 1),
		told:        make(chan struct{}),
		over:        make(chan struct{}),
	}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	return m, nil
}

// Start begins to gossip and to join the seeds. It does not wait for them: until
// one answers, this is a cluster of one, and OnEvent tells when it is not any
// more. On failure Packets is closed and nothing is left behind.
func (m *Membership) Start(ctx context.Context) error {
	if err := m.startable(); err != nil {
		return err
	}
	advertise, err := resolveOne(ctx, m.cfg.Advertise)
	if err != nil {
		m.cfg.Packets.Close()
		return fmt.Errorf("gossip: advertise %s: %w", m.cfg.Advertise, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.startableLocked(); err != nil {
		return err
	}
	t := newTransport(m.cfg.Packets, m.cfg.Dial, advertise, m.tuning.StreamTimeout)
	list, err := memberlist.Create(m.memberlistConfig(t))
	if err != nil {
		t.Shutdown()
		return fmt.Errorf("gossip: %w", err)
	}
	m.started, m.transport, m.list = true, t, list
	work, cancel := context.WithCancel(context.Background())
	m.cancel = cancel
	m.tell.Go(m.tellEvents)
	m.work.Go(func() { m.keepJoined(work) })
	m.work.Go(func() { m.spreadMeta(work) })
	return nil
}

func (m *Membership) startable() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.startableLocked()
}

func (m *Membership) startableLocked() error {
	if m.stopped {
		return ErrStopped
	}
	if m.started {
		return errors.New("gossip: started already")
	}
	return nil
}

func (m *Membership) memberlistConfig(t *transport) *memberlist.Config {
	c := memberlist.DefaultLANConfig()
	c.Name = m.cfg.Name
	c.Label = m.cfg.Cluster
	c.Transport = t
	c.Delegate, c.Events = delegate{m}, delegate{m}
	c.Logger = newLineLogger(m.log)
	if len(m.cfg.Keys) > 0 {
		// The lengths were checked, so this does not fail.
		c.Keyring, _ = memberlist.NewKeyring(m.cfg.Keys, m.cfg.Keys[0])
	}
	c.BindPort = int(t.advertise.Port())
	c.AdvertisePort = c.BindPort
	tn := &m.tuning
	c.ProbeInterval, c.ProbeTimeout = tn.ProbeInterval, tn.ProbeTimeout
	c.SuspicionMult, c.SuspicionMaxTimeoutMult = tn.SuspicionMult, tn.SuspicionMaxMult
	c.AwarenessMaxMultiplier = tn.MaxSlowdown
	c.IndirectChecks = tn.IndirectChecks
	c.GossipInterval, c.GossipNodes = tn.GossipInterval, tn.GossipNodes
	c.RetransmitMult = tn.RetransmitMult
	c.PushPullInterval = tn.PushPullInterval
	c.TCPTimeout = tn.StreamTimeout
	c.GossipToTheDeadTime = tn.DeadNodeGossip
	c.DeadNodeReclaimTime = tn.DeadNodeReclaim
	return c
}

// Stop says goodbye to the others, ends gossip, closes Packets, all streams and
// the listeners of Serve, and waits for our goroutines; events that are queued
// are told first. Twice, or without Start, is fine. memberlist's own goroutines
// that wait for an answer end with its timeout, within a few seconds. An error
// is ctx's: the goodbye was cut short, and the others will notice on their own.
func (m *Membership) Stop(ctx context.Context) error {
	m.mu.Lock()
	first := !m.stopped
	m.stopped = true
	started := m.started
	m.mu.Unlock()
	if !started {
		if first {
			m.cfg.Packets.Close()
			close(m.over)
		}
		return nil
	}
	if !first {
		<-m.over
		return nil
	}
	defer close(m.over)
	m.cancel()
	m.mu.Lock()
	for _, l := range m.listeners {
		l.Close()
	}
	m.mu.Unlock()
	m.transport.closeStreams()
	m.work.Wait()
	m.goodbye(ctx)
	m.list.Shutdown()
	m.handled.Wait()
	close(m.told)
	m.tell.Wait()
	return context.Cause(ctx)
}

// goodbye tells the others that we leave: first that it is no failure, each of
// them by a packet and, as packets get lost, by our metadata too; then by
// memberlist's own message. The metadata alone is not enough: it spreads at
// random, and memberlist's message displaces it and can come first.
func (m *Membership) goodbye(ctx context.Context) {
	m.metaMu.Lock()
	m.leaving = true
	m.metaMu.Unlock()
	for _, other := range m.view.list() {
		if ctx.Err() != nil {
			return
		}
		if other.State != StateAlive || other.Name == m.cfg.Name {
			continue
		}
		to := memberlist.Address{Addr: other.Addr, Name: other.Name}
		if err := m.list.SendToAddress(to, encodeLeaving(m.cfg.Name)); err != nil {
			m.log.Debug("goodbye was not sent", "peer", other.Name, "err", err)
		}
	}
	for _, say := range []func(time.Duration) error{m.list.UpdateNode, m.list.Leave} {
		wait := m.tuning.LeaveTimeout / 2
		if d, ok := ctx.Deadline(); ok {
			wait = min(wait, time.Until(d))
		}
		if ctx.Err() != nil || wait <= 0 {
			return
		}
		if err := say(wait); err != nil {
			m.log.Debug("goodbye may not have been heard", "err", err)
		}
	}
}

// Members returns everybody we know, this node included, by name: who is alive,
// and who failed within the last day. It is a hint for routing, and what two
// nodes return can differ at any time.
func (m *Membership) Members() []Member { return m.view.list() }

// UpdateMeta changes what the others see of us. It returns at once; gossip takes
// about a second to spread it. The slice is copied.
func (m *Membership) UpdateMeta(meta []byte) error {
	if err := checkMeta(meta); err != nil {
		return err
	}
	m.metaMu.Lock()
	m.meta = append([]byte(nil), meta...)
	m.metaMu.Unlock()
	select {
	case m.metaChanged <- struct{}{}:
	default:
	}
	return nil
}

// spreadMeta announces changed metadata. memberlist blocks while it does.
func (m *Membership) spreadMeta(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.metaChanged:
		}
		if err := m.list.UpdateNode(metaTimeout); err != nil {
			m.log.Debug("metadata spreads slowly", "err", err)
		}
	}
}

// metaTimeout bounds the wait for one announcement; it goes on spreading after
// that.
const metaTimeout = time.Second

// tellEvents calls OnEvent until Stop, and then for what is still queued.
func (m *Membership) tellEvents() {
	for last := false; ; {
		for _, e := range m.view.events() {
			m.log.Debug("member", "peer", e.Member.Name, "addr", e.Member.Addr, "event", e.Kind.String())
			if m.cfg.OnEvent != nil {
				m.cfg.OnEvent(e)
			}
		}
		if last {
			return
		}
		select {
		case <-m.view.wake:
		case <-m.told:
			last = true
		}
	}
}

// HandleStream takes over a stream that another node opened to us, beginning
// with its [Magic]. It returns once the stream is handed on, at the latest after
// StreamTimeout, and closes it if that fails.
func (m *Membership) HandleStream(conn net.Conn) error {
	m.mu.Lock()
	t := m.transport
	m.mu.Unlock()
	if t == nil {
		conn.Close()
		return ErrStopped
	}
	return t.accept(conn)
}

// Serve accepts streams from a listener that gossip has for itself, until Stop,
// which closes it. It must be called after Start.
func (m *Membership) Serve(l net.Listener) error {
	m.mu.Lock()
	if !m.started || m.stopped {
		m.mu.Unlock()
		l.Close()
		return ErrStopped
	}
	m.listeners = append(m.listeners, l)
	m.handled.Add(1)
	m.mu.Unlock()
	defer m.handled.Done()
	for {
		conn, err := l.Accept()
		if err != nil {
			m.mu.Lock()
			stopped := m.stopped
			m.mu.Unlock()
			if stopped {
				return nil
			}
			return fmt.Errorf("gossip: accept: %w", err)
		}
		m.handled.Go(func() {
			if err := m.HandleStream(conn); err != nil {
				m.log.Debug("stream refused", "err", err)
			}
		})
	}
}

// splitAddr takes "host:port" apart.
func splitAddr(addr string) (host string, port uint16, err error) {
	host, service, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, err
	}
	n, err := net.LookupPort("tcp", service)
	if err != nil {
		return "", 0, err
	}
	if host == "" || n == 0 {
		return "", 0, fmt.Errorf("address %q needs a host and a port", addr)
	}
	return host, uint16(n), nil
}

// resolve returns the addresses behind "host:port".
func resolve(ctx context.Context, addr string) ([]netip.AddrPort, error) {
	host, port, err := splitAddr(addr)
	if err != nil {
		return nil, err
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.AddrPort{netip.AddrPortFrom(ip.Unmap(), port)}, nil
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	all := make([]netip.AddrPort, len(ips))
	for i, ip := range ips {
		all[i] = netip.AddrPortFrom(ip.Unmap(), port)
	}
	return all, nil
}

func resolveOne(ctx context.Context, addr string) (netip.AddrPort, error) {
	all, err := resolve(ctx, addr)
	if err != nil {
		return netip.AddrPort{}, err
	}
	if len(all) == 0 || all[0].Addr().IsUnspecified() {
		return netip.AddrPort{}, errors.New("others cannot reach that")
	}
	return all[0], nil
}
