package node

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/dynomite-go/dynomite/node/internal/layout"
	"github.com/dynomite-go/dynomite/peerwire"
)

// callOnce makes one call to a node that no layout connects us to yet.
func (n *Node) callOnce(to layout.Node, kind byte, payload []byte) error {
	r := n.runtime()
	if r == nil {
		return errors.New("not running")
	}
	ctx, cancel := context.WithTimeout(r.ctx, 3*time.Second)
	defer cancel()
	wire, err := peerwire.NewPeer(peerwire.PeerConfig{
		Dial:    func(ctx context.Context) (net.Conn, error) { return n.dialPeer(ctx, to.PeerAddr) },
		Cluster: n.cfg.Cluster, Node: n.id, Remote: to.ID,
	})
	if err != nil {
		return err
	}
	if err := wire.Start(ctx); err != nil {
		return err
	}
	defer func() { _ = wire.Stop(context.WithoutCancel(ctx)) }()
	if err := wire.Ready(ctx); err != nil {
		return err
	}
	reply, err := wire.Call(ctx, peerwire.Request{Kind: kind, Epoch: n.epoch(), Payload: payload})
	switch {
	case err != nil:
		return err
	case len(reply) == 0 || reply[0] != statusFormat:
		return errors.New("an answer that this version does not know")
	case len(reply) > 1:
		return errors.New(string(reply[1:]))
	}
	return nil
}
