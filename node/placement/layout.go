package placement

import (
	"io"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/node/internal/layout"
	"github.com/dynomite-go/dynomite/tokenring"
)

// Layout is the nodes of a cluster and what each of them owns.
type Layout struct {
	layout *layout.Layout
	ring   *tokenring.Ring
	hash   hashkit.Func
}

// Decode reads a layout as a node encodes it: what its admin endpoint answers at
// /layout, and what layout.json in its data directory holds. It keeps nothing of b.
func Decode(b []byte) (*Layout, error) {
	l, err := layout.Decode(b)
	if err != nil {
		return nil, err
	}
	hash, err := l.HashFunc()
	if err != nil {
		return nil, err
	}
	ring, err := l.Ring()
	if err != nil {
		return nil, err
	}
	return &Layout{layout: l, ring: ring, hash: hash}, nil
}

// Node is a node of a layout with what it owns.
type Node struct {
	ID         string `json:"id"`
	Datacenter string `json:"datacenter"`
	Rack       string `json:"rack"`
	PeerAddr   string `json:"peer_addr,omitempty"`
	ClientAddr string `json:"client_addr,omitempty"`
	// Weight is 1 or more.
	Weight int64 `json:"weight"`
	// Share is the part of all keys that the node has a copy of, Primary the part
	// that it is the first owner of in its datacenter; 0 to 1.
	Share   float64 `json:"share"`
	Primary float64 `json:"primary"`
	// Ends are the last tokens of the node's ranges.
	Ends []hashkit.Token `json:"ends"`
}

// Nodes are all nodes, sorted by datacenter, rack and ID. The caller owns them.
func (l *Layout) Nodes() []Node { return nodesOf(l.ring, l.layout) }

func nodesOf(ring *tokenring.Ring, of *layout.Layout) []Node {
	shares := ring.Shares()
	nodes := make([]Node, len(shares))
	for i, n := range ring.Nodes() {
		known, _ := of.Node(n.ID)
		nodes[i] = Node{
			ID: n.ID, Datacenter: n.Datacenter, Rack: n.Rack, Weight: max(1, n.Weight),
			PeerAddr: n.Addr, ClientAddr: known.ClientAddr,
			Share: shares[i].Owned, Primary: shares[i].Primary,
		}
	}
	for _, at := range places(ring) {
		for _, r := range ring.Ranges(at) {
			nodes[r.Node].Ends = append(nodes[r.Node].Ends, r.To)
		}
	}
	return nodes
}

// places are the racks of a ring in its order.
func places(ring *tokenring.Ring) []tokenring.Place {
	var all []tokenring.Place
	for _, dc := range ring.Datacenters() {
		for _, rack := range ring.Racks(dc) {
			all = append(all, tokenring.Place{Datacenter: dc, Rack: rack})
		}
	}
	return all
}

// Describe draws the layout as text for a person; the form may change.
func (l *Layout) Describe(w io.Writer) error { return l.ring.Describe(w) }

// Key is a key with its place and its owners.
type Key struct {
	Key   string        `json:"key"`
	Token hashkit.Token `json:"token"`
	// Slot is the top 14 bits of the token; with the hash function slot, that of
	// Redis Cluster.
	Slot   uint16  `json:"slot"`
	Owners []Owner `json:"owners"`
}

// Owner is a node that has a copy of a key.
type Owner struct {
	Datacenter string `json:"datacenter"`
	Rack       string `json:"rack"`
	Node       string `json:"node"`
	PeerAddr   string `json:"peer_addr,omitempty"`
	// Order counts the owners of a datacenter from 1, the one that leads the key
	// while all are well.
	Order int `json:"order"`
}

// Owners finds a key's token and its owners in all datacenters, in their order.
func (l *Layout) Owners(key []byte) Key {
	token := l.hash(key)
	k := Key{Key: string(key), Token: token, Slot: token.Slot()}
	for _, dc := range l.ring.Datacenters() {
		for i, n := range l.ring.Owners(dc, token) {
			k.Owners = append(k.Owners, Owner{Datacenter: dc, Rack: n.Rack, Node: n.ID, PeerAddr: n.Addr, Order: i + 1})
		}
	}
	return k
}
