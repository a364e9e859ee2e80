package node

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dynomite-go/dynomite/node/internal/coordinator"
	"github.com/dynomite-go/dynomite/node/internal/layout"
	"github.com/dynomite-go/dynomite/peerwire"
)

// How soon a silent peer is noticed: a ping each 200 ms, unresponsive after
// three without an answer, so that requests go around a dead or stopped node
// well within a second, but not before a node that stands still would notice that
// itself (coordinator.stillTime, 300 ms); cut after 1.5 s, so that what waits for it fails
// before most deadlines.
const (
	pingInterval = 200 * time.Millisecond
	missedPings  = 3
	cutAfter     = 1500 * time.Millisecond
)

// Message kinds of the node's own housekeeping; the coordinator's begin at 16.
const (
	kindStatus byte = iota + 1 // one way: how the sender is
	kindPropose
	kindCommit
	kindBypassed // one way: somebody else wrote keys that the receiver is primary of
	kindHints    // what the receiver keeps for others
	kindFloors   // one way: what the sender has agreed to forget
	kindGives    // whether what the receiver holds may be taken
)

// peers holds a connection to each other node of the layout. It implements
// coordinator.Peers.
type peers struct {
	n       *Node
	mu      sync.RWMutex
	byIndex []*peer
}

// peer is one other node of the layout.
type peer struct {
	member *coordinator.Member
	info   layout.Node
	wire   *peerwire.Peer

	mu sync.Mutex
	// up: connected and answering. told: a status came since it is up, and not
	// long ago: it reaches us too.
	up, told bool
	heard    time.Time
	complete bool
	floors   bool   // it agrees on floors
	behind   bool   // it catches up
	owes     uint32 // hints that it has for us

	ups      atomic.Uint64 // how often it came up, or was heard again
	wake     chan struct{} // something is to be handed over, or can be now
	delivery delivery
	compared compared
	bad      atomic.Uint64 // messages from it that could not be read or served
}

// returns is a number that grows when it came back, be it for a moment that it was
// away.
func (q *peer) returns() uint64 { return q.ups.Load() + q.wire.State().Connections }

var errNoPeer = errors.New("node: no such peer")

// errSilent is why a peer is down whose connection is there.
var errSilent = errors.New("its connection is there, but it does not answer pings")

// connect makes connections to the other nodes of the layout.
func (p *peers) connect(ctx context.Context, l *layout.Layout, cl *coordinator.Cluster) error {
	list := make([]*peer, len(cl.Members))
	for i, m := range cl.Members {
		if i == cl.Self {
			continue
		}
		info, _ := l.Node(m.ID)
		q := &peer{member: m, info: info, wake: make(chan struct{}, 1)}
		wire, err := peerwire.NewPeer(peerwire.PeerConfig{
			Dial:         func(ctx context.Context) (net.Conn, error) { return p.n.dialPeer(ctx, info.PeerAddr) },
			Cluster:      p.n.cfg.Cluster,
			Node:         p.n.id,
			Remote:       m.ID,
			PingInterval: pingInterval,
			MissedPings:  missedPings,
			CutAfter:     cutAfter,
			Cork:         &p.n.cork,
			OnState:      func(s peerwire.PeerState) { p.n.peerState(q, s) },
		})
		if err != nil {
			return err
		}
		q.wire = wire
		list[i] = q
	}
	p.mu.Lock()
	p.byIndex = list
	p.mu.Unlock()
	for _, q := range list {
		if q != nil {
			if err := q.wire.Start(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *peers) stop(ctx context.Context) error {
	var errs []error
	for _, q := range p.all() {
		errs = append(errs, q.wire.Stop(ctx))
	}
	return errors.Join(errs...)
}

// all are the peers of the layout.
func (p *peers) all() []*peer {
	p.mu.RLock()
	defer p.mu.RUnlock()
	var out []*peer
	for _, q := range p.byIndex {
		if q != nil {
			out = append(out, q)
		}
	}
	return out
}

func (p *peers) at(node int) *peer {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if node < 0 || node >= len(p.byIndex) {
		return nil
	}
	return p.byIndex[node]
}

func (p *peers) find(id string) *peer {
	for _, q := range p.all() {
		if q.member.ID == id {
			return q
		}
	}
	return nil
}

// Send implements coordinator.Peers.
func (p *peers) Send(node int, kind byte, payload []byte, deadline time.Time, done func([]byte, error)) {
	q := p.at(node)
	if q == nil {
		done(nil, errNoPeer)
		return
	}
	q.wire.Send(peerwire.Request{Kind: kind, Epoch: p.n.epoch(), Deadline: deadline, Payload: payload}, done)
}

// MaybeSent implements coordinator.Peers.
func (p *peers) MaybeSent(err error) bool { return peerwire.Sent(err) }

// call is one round trip with the coordinator's signature for catching up.
func (p *peers) call(ctx context.Context, node int, kind byte, payload []byte) ([]byte, error) {
	q := p.at(node)
	if q == nil {
		return nil, errNoPeer
	}
	return q.wire.Call(ctx, peerwire.Request{Kind: kind, Epoch: p.n.epoch(), Payload: payload})
}

// A status message: version, flags, generation, wall clock in ms, hints that
// the sender has for the receiver.
const (
	statusFormat   = 1
	statusComplete = 1 << 0
	statusLeaving  = 1 << 1
	statusFloors   = 1 << 2 // the sender agrees on floors
	statusBehind   = 1 << 3 // the sender catches up
)

type status struct {
	complete, leaving bool
	floors, behind    bool
	generation        uint32
	wall              int64
	owed              uint32
}

func (s status) append(dst []byte) []byte {
	var f byte
	if s.complete {
		f |= statusComplete
	}
	if s.leaving {
		f |= statusLeaving
	}
	if s.floors {
		f |= statusFloors
	}
	if s.behind {
		f |= statusBehind
	}
	dst = append(dst, statusFormat, f)
	dst = binary.BigEndian.AppendUint32(dst, s.generation)
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.wall))
	return binary.BigEndian.AppendUint32(dst, s.owed)
}

func readStatus(b []byte) (status, error) {
	if len(b) != 18 || b[0] != statusFormat {
		return status{}, fmt.Errorf("node: a status message of %d bytes is none that this version knows", len(b))
	}
	return status{
		complete:   b[1]&statusComplete != 0,
		leaving:    b[1]&statusLeaving != 0,
		floors:     b[1]&statusFloors != 0,
		behind:     b[1]&statusBehind != 0,
		generation: binary.BigEndian.Uint32(b[2:]),
		wall:       int64(binary.BigEndian.Uint64(b[6:])),
		owed:       binary.BigEndian.Uint32(b[14:]),
	}, nil
}

// peerState is called when a peer's connection went up or down.
func (n *Node) peerState(q *peer, s peerwire.PeerState) {
	up := s.Connected && s.Responsive
	q.mu.Lock()
	if up == q.up {
		q.mu.Unlock()
		return
	}
	q.up = up
	if up {
		q.ups.Add(1)
	} else {
		q.told = false
	}
	q.mu.Unlock()
	n.refresh(q)
	m := n.describe(q)
	n.coord.Caution()
	n.watchMajority()
	if up {
		n.log.Info("peer up", "peer", m.ID, "rack", m.Rack, "dc", m.Datacenter)
		if n.observer.MemberUp != nil {
			n.observer.MemberUp(m)
		}
		n.floors.say(q) // before anything that would be taken at the wrong floor
		n.sendStatus(q)
		q.rouse()
		return
	}
	err := s.LastError
	if err == nil {
		err = errSilent
	}
	n.log.Warn("peer down", "peer", m.ID, "rack", m.Rack, "dc", m.Datacenter, "err", err)
	if n.observer.MemberDown != nil {
		n.observer.MemberDown(m)
	}
}

// watchMajority notices that this node lost sight of the majority of its
// datacenter, and has it catch up when it sees it again: others may have gone
// on without it.
func (n *Node) watchMajority() {
	cl := n.coord.Cluster()
	if cl == nil {
		return
	}
	dc := cl.SelfMember().Datacenter
	reached, met, all := 1, 1, 1
	for _, q := range n.peers.all() {
		if q.member.Datacenter != dc {
			continue
		}
		all++
		q.mu.Lock()
		if q.up {
			reached++
		}
		if q.up && q.told {
			met++
		}
		q.mu.Unlock()
	}
	need := all/2 + 1
	n.deaf.Store(reached >= need && met < need)
	if met < need {
		n.cutOff.Store(true)
	} else if n.cutOff.Load() {
		n.catchUp.request("cut off from the majority")
		n.cutOff.Store(false)
	}
	n.refreshSelf()
}

// forgetSilent takes peers that have not said for a while how they are for
// such as do not reach us: what they write passes us by.
func (n *Node) forgetSilent(now time.Time) {
	for _, q := range n.peers.all() {
		q.mu.Lock()
		silent := q.told && now.Sub(q.heard) > cutAfter
		if silent {
			q.told = false
		}
		q.mu.Unlock()
		if silent {
			n.refresh(q)
			n.watchMajority()
		}
	}
}

// meets says that both sides reach each other: what the peer writes from now on
// is sent to us.
func (q *peer) meets() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.up && q.told
}

// isBehind says that the peer catches up, or has not said whether it does since
// it was away.
func (q *peer) isBehind() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return !q.up || !q.told || q.behind
}

// agreesOnFloors says whether the peer keeps floors; one with a store of another
// kind does not.
func (q *peer) agreesOnFloors() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.floors
}

// refresh hands what is known of the peer's health to the coordinator.
func (n *Node) refresh(q *peer) {
	q.mu.Lock()
	q.member.SetHealth(q.up, q.up && q.told && q.complete)
	q.mu.Unlock()
	n.coord.HealthChanged()
}

// isUp says whether the peer is connected and answers.
func (q *peer) isUp() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.up
}

// owing is how many hints the peer has for us, as far as it can hand them over.
func (q *peer) owing() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.up || !q.told {
		return 0
	}
	return uint64(q.owes)
}

// rouse has the handoff look at the peer.
func (q *peer) rouse() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// sendStatus tells a peer how we are, and how much we have for it.
func (n *Node) sendStatus(q *peer) {
	if !q.isUp() {
		return
	}
	s := status{
		complete: n.complete(), leaving: n.stopping.Load(), generation: n.identity.generation(),
		wall: n.wall(), owed: n.handoff.owed(q.member.ID), floors: n.floors.store != nil, behind: !n.caughtUp.Load(),
	}
	_ = q.wire.Notify(peerwire.Request{Kind: kindStatus, Epoch: n.epoch(), Payload: s.append(nil)})
}

// tellAll sends our status to every peer.
func (n *Node) tellAll() {
	for _, q := range n.peers.all() {
		n.sendStatus(q)
	}
}

// warnBypassed tells a primary that another node wrote keys of its.
func (n *Node) warnBypassed(node int) {
	if q := n.peers.at(node); q != nil {
		// If it does not arrive, the next delta brings the next warning.
		_ = q.wire.Notify(peerwire.Request{Kind: kindBypassed, Epoch: n.epoch()})
	}
}

// heardStatus takes a peer's status.
func (n *Node) heardStatus(from string, b []byte) {
	s, err := readStatus(b)
	q := n.peers.find(from)
	if err != nil || q == nil {
		return
	}
	q.mu.Lock()
	up, news := q.up, q.up && !q.told
	q.told, q.heard = up, time.Now()
	q.complete = s.complete && !s.leaving
	q.owes, q.floors, q.behind = s.owed, s.floors, s.behind
	q.mu.Unlock()
	q.rouse()
	if !up && !s.leaving {
		q.wire.Reconnect() // it lives, and waits to hear how we are
	}
	n.refresh(q)
	if news {
		n.watchMajority()
	}
	n.skew.heard(from, s.wall-n.wall())
}

func (n *Node) describe(q *peer) Member {
	return Member{
		ID: q.member.ID, Datacenter: q.member.Datacenter, Rack: q.member.Rack,
		PeerAddr: q.info.PeerAddr, ClientAddr: q.info.ClientAddr,
		Reachable: q.member.Reachable(), Complete: q.member.Complete(),
	}
}

// dialPeer opens a secured stream to a peer.
func (n *Node) dialPeer(ctx context.Context, addr string) (net.Conn, error) {
	conn, err := n.transport.Dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	if n.auth == nil {
		return conn, nil
	}
	secured, err := n.auth.Client(ctx, conn, addr)
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("node: peer %s: %w", addr, err)
	}
	return secured, nil
}
