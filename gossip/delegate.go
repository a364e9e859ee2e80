package gossip

import "github.com/hashicorp/memberlist"

// delegate is what memberlist calls. Event methods run under its lock: they copy
// and return.
type delegate struct{ m *Membership }

var (
	_ memberlist.Delegate      = delegate{}
	_ memberlist.EventDelegate = delegate{}
)

func (d delegate) NodeMeta(int) []byte {
	d.m.metaMu.Lock()
	defer d.m.metaMu.Unlock()
	return encodeMeta(d.m.meta, d.m.leaving)
}

func (d delegate) NotifyMsg(b []byte) {
	if name, ok := decodeLeaving(b); ok {
		d.m.view.leaving(name)
	}
}

func (d delegate) GetBroadcasts(_, _ int) [][]byte { return nil }

func (d delegate) LocalState(bool) []byte {
	if d.m.cfg.LocalState == nil {
		return nil
	}
	return d.m.cfg.LocalState()
}

func (d delegate) MergeRemoteState(b []byte, _ bool) {
	if d.m.cfg.MergeRemoteState != nil && len(b) > 0 {
		d.m.cfg.MergeRemoteState(b)
	}
}

func (d delegate) NotifyJoin(n *memberlist.Node)   { d.alive(n) }
func (d delegate) NotifyUpdate(n *memberlist.Node) { d.alive(n) }
func (d delegate) NotifyLeave(n *memberlist.Node)  { d.m.view.gone(n.Name) }

func (d delegate) alive(n *memberlist.Node) {
	meta, leaving, err := decodeMeta(n.Meta)
	if err != nil {
		d.m.log.Warn("member's metadata is not understood", "peer", n.Name, "err", err)
	}
	d.m.view.alive(n.Name, n.Address(), meta, leaving)
}
