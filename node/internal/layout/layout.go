package layout

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"sort"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/tokenring"
)

// Format is the version of the encoding.
const Format = 1

// Node is one node of a layout.
type Node struct {
	ID         string `json:"id"`
	Datacenter string `json:"datacenter"`
	Rack       string `json:"rack"`
	// Slot is the node's place in the numbering of writers: its node number
	// is made of the slot and of a generation that grows with each unclean start.
	Slot uint32 `json:"slot"`
	// PeerAddr is where peers reach the node, ClientAddr where clients do.
	PeerAddr   string `json:"peer_addr"`
	ClientAddr string `json:"client_addr"`
}

// Layout is immutable once it is made.
type Layout struct {
	Format       int    `json:"format"`
	Cluster      string `json:"cluster"`
	Epoch        uint64 `json:"epoch"`
	Parent       uint64 `json:"parent"`
	Hash         string `json:"hash"`
	Distribution string `json:"distribution"`
	// Tokens is how many tokens each node has.
	Tokens   int    `json:"tokens"`
	Replicas int    `json:"replicas"`
	Nodes    []Node `json:"nodes"`
	// DigestKey keys the record digests that replicas compare.
	DigestKey uint64 `json:"digest_key"`
}

// Settings are what all nodes of a cluster must agree in before a first
// layout can be made of them.
type Settings struct {
	Cluster  string `json:"c"`
	Hash     string `json:"h"`
	Tokens   int    `json:"t"`
	Replicas int    `json:"r"`
	Expect   int    `json:"e"`
}

// First makes the layout of epoch 1 out of the nodes. It is a function of its
// arguments alone: the order of nodes does not matter.
func First(s Settings, nodes []Node) (*Layout, error) {
	l := &Layout{
		Format: Format, Cluster: s.Cluster, Epoch: 1, Hash: s.Hash,
		Distribution: "vnode", Tokens: s.Tokens, Replicas: s.Replicas,
		Nodes: append([]Node(nil), nodes...),
	}
	sort.Slice(l.Nodes, func(i, j int) bool { return l.Nodes[i].ID < l.Nodes[j].ID })
	for i := range l.Nodes {
		l.Nodes[i].Slot = uint32(i + 1)
	}
	sum := sha256.Sum256([]byte("digest key of " + s.Cluster))
	l.DigestKey = binary.BigEndian.Uint64(sum[:])
	if _, err := l.Ring(); err != nil {
		return nil, err
	}
	return l, nil
}

// Encode returns the layout as JSON.
func (l *Layout) Encode() []byte {
	b, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		panic(err) // no field can fail to encode
	}
	return b
}

// Decode reads what Encode wrote and checks it.
func Decode(b []byte) (*Layout, error) {
	var l Layout
	if err := json.Unmarshal(b, &l); err != nil {
		return nil, fmt.Errorf("layout: %w", err)
	}
	switch {
	case l.Format > Format:
		return nil, fmt.Errorf("layout: format %d is newer than this node's %d: upgrade it", l.Format, Format)
	case l.Format < 1 || l.Epoch == 0 || len(l.Nodes) == 0:
		return nil, errors.New("layout: incomplete")
	}
	slots := map[uint32]string{}
	for _, n := range l.Nodes {
		if n.Slot == 0 || n.Slot > maxSlot {
			return nil, fmt.Errorf("layout: node %s has slot %d, want 1 to %d", n.ID, n.Slot, maxSlot)
		}
		if other, taken := slots[n.Slot]; taken {
			return nil, fmt.Errorf("layout: nodes %s and %s share slot %d", other, n.ID, n.Slot)
		}
		slots[n.Slot] = n.ID
	}
	if _, err := l.Ring(); err != nil {
		return nil, err
	}
	return &l, nil
}

// ContentHash names the layout's content together with its epoch.
func (l *Layout) ContentHash() uint64 {
	sum := sha256.Sum256(l.Encode())
	return binary.BigEndian.Uint64(sum[:])
}

// Node returns the node with the id.
func (l *Layout) Node(id string) (Node, bool) {
	for _, n := range l.Nodes {
		if n.ID == id {
			return n, true
		}
	}
	return Node{}, false
}

// HashFunc is the layout's hash function.
func (l *Layout) HashFunc() (func([]byte) hashkit.Token, error) {
	return hashkit.Lookup(l.Hash)
}

// Ring builds the ring of owners.
func (l *Layout) Ring() (*tokenring.Ring, error) { return ring(l) }

// A node number is the writer's identity in every version: slotBits of slot,
// the rest generation.
const (
	slotBits = 8
	maxSlot  = 1<<slotBits - 1
	// MaxGeneration is the last generation that a node number can hold.
	MaxGeneration = 1<<(32-slotBits) - 1
)

// Number makes the node number of a slot and a generation.
func Number(slot, generation uint32) uint32 { return generation<<slotBits | slot }

// Generation is the generation of a node number, Slot its slot.
func Generation(number uint32) uint32 { return number >> slotBits }

// Slot is the slot of a node number.
func Slot(number uint32) uint32 { return number & maxSlot }
