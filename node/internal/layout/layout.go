package layout

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"sort"

	"github.com/dynomite-go/dynomite/hashkit"
)

// Format is the version of the encoding that is written. Format 1 had generated
// tokens (vnode) alone, and hash functions of 32 bits as they are; a layout that
// came in it is written in it, for its hash names it.
const (
	Format       = 2
	formatVNodes = 1
)

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
	// Weight is how large the node's share of its rack is, beside the others';
	// 0 means 1.
	Weight int64 `json:"weight,omitempty"`
	// Tokens end the node's ranges, where the operator gave them.
	Tokens []hashkit.Token `json:"tokens,omitempty"`
}

// Layout is immutable once it is made.
type Layout struct {
	Format       int    `json:"format"`
	Cluster      string `json:"cluster"`
	Epoch        uint64 `json:"epoch"`
	Parent       uint64 `json:"parent"`
	Hash         string `json:"hash"`
	HashTag      string `json:"hash_tag,omitempty"` // both delimiters
	Distribution string `json:"distribution"`
	// Tokens is how many tokens are generated for a node, or with how many
	// ranges it begins.
	Tokens   int    `json:"tokens"`
	Replicas int    `json:"replicas"`
	Nodes    []Node `json:"nodes"`
	// Tables are the slicing tables of all racks, by datacenter and rack; only
	// random slicing has any. They depend on what the racks were before, so
	// they are state, and the layout carries them.
	Tables []Table `json:"tables,omitempty"`
	// DigestKey keys the record digests that replicas compare.
	DigestKey uint64 `json:"digest_key"`
}

// Table is the slicing table of a rack in its own encoding, which has a version
// and a checksum.
type Table struct {
	Datacenter string `json:"datacenter"`
	Rack       string `json:"rack"`
	Slicing    []byte `json:"slicing"`
}

// First makes the layout of epoch 1 out of the nodes. It is a function of its
// arguments alone: the order of nodes does not matter.
func First(s Settings, nodes []Node) (*Layout, error) {
	l := &Layout{
		Format: Format, Cluster: s.Cluster, Epoch: 1, Hash: s.Hash, HashTag: s.HashTag,
		Distribution: s.Distribution, Tokens: s.Tokens, Replicas: s.Replicas,
		Nodes: append([]Node(nil), nodes...),
	}
	sort.Slice(l.Nodes, func(i, j int) bool { return l.Nodes[i].ID < l.Nodes[j].ID })
	for i := range l.Nodes {
		l.Nodes[i].Slot = uint32(i + 1)
	}
	sum := sha256.Sum256([]byte("digest key of " + s.Cluster))
	l.DigestKey = binary.BigEndian.Uint64(sum[:])
	ring, err := l.Ring()
	if err != nil {
		return nil, err
	}
	l.Tables, err = tablesOf(ring)
	return l, err
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
	if err := l.check(); err != nil {
		return nil, fmt.Errorf("layout: %w", err)
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
