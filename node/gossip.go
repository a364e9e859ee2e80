package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/dynomite-go/dynomite/gossip"
	"github.com/dynomite-go/dynomite/node/internal/layout"
	"github.com/dynomite-go/dynomite/peerwire"
)

// gossipLink joins the node to the cluster's membership: it announces the
// node, learns of others, and carries the layout to who has none.
type gossipLink struct {
	n       *Node
	members *gossip.Membership
}

// seenMember is a node that gossip sees alive.
type seenMember struct {
	name, addr string
	meta       []byte
}

func (n *Node) startGossip(ctx context.Context, r *running) error {
	g := &gossipLink{n: n}
	cfg := gossip.Config{
		Name: n.id, Cluster: n.cfg.Cluster, Advertise: n.address().advertise,
		Meta:    n.announcement(),
		Packets: r.packets,
		Dial:    n.dialPeer,
		FindSeeds: func(ctx context.Context) ([]string, error) {
			return n.seeds.Addresses(ctx)
		},
		OnEvent: g.event,
		LocalState: func() []byte {
			if l := n.layout.Load(); l != nil {
				return l.Encode()
			}
			return nil
		},
		MergeRemoteState: func(b []byte) {
			l, err := layout.Decode(b)
			if err != nil {
				n.log.Warn("gossip brought a layout that cannot be read", "err", err)
				return
			}
			n.learn(l)
		},
		Logger: n.log,
	}
	if n.auth != nil {
		cfg.Keys = [][]byte{n.auth.GossipKey()}
	}
	var err error
	if g.members, err = gossip.New(cfg); err != nil {
		return fmt.Errorf("node: %w", err)
	}
	if err := g.members.Start(ctx); err != nil {
		return fmt.Errorf("node: %w", err)
	}
	r.gossip = g
	return nil
}

// handle takes the streams that other nodes' gossip opens to us.
func (g *gossipLink) handle(mux *peerwire.Mux) {
	mux.Handle(peerwire.Magic(gossip.Magic), func(conn net.Conn) { _ = g.members.HandleStream(conn) })
}

// announce spreads what we are now.
func (g *gossipLink) announce() {
	if g == nil {
		return
	}
	if err := g.members.UpdateMeta(g.n.announcement()); err != nil && !errors.Is(err, gossip.ErrStopped) {
		g.n.log.Warn("announcement", "err", err)
	}
}

func (g *gossipLink) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if err := g.members.Stop(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// event hears of other nodes: one that joined is dialed at once, without
// waiting for the next attempt.
func (g *gossipLink) event(e gossip.Event) {
	n := g.n
	n.log.Debug("gossip", "event", e.Kind.String(), "peer", e.Member.Name)
	if q := n.peers.find(e.Member.Name); q != nil && e.Kind != gossip.Failed && e.Kind != gossip.Left {
		q.wire.Reconnect()
	}
}

// gossipMembers are the nodes that gossip sees alive, this one included.
func (n *Node) gossipMembers() []seenMember {
	r := n.runtime()
	if r == nil || r.gossip == nil {
		return nil
	}
	var out []seenMember
	for _, m := range r.gossip.members.Members() {
		if m.State == gossip.StateAlive {
			out = append(out, seenMember{m.Name, m.Addr, m.Meta})
		}
	}
	return out
}

func (n *Node) announcement() []byte {
	a := announce(n.selfInfo(), n.settings())
	if l := n.layout.Load(); l != nil {
		a.Epoch, a.Hash = l.Epoch, l.ContentHash()
	}
	b, err := json.Marshal(a)
	if err != nil {
		panic(err) // no field can fail to encode
	}
	return b
}
