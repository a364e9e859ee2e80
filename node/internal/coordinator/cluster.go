package coordinator

import (
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/quorum"
	"github.com/dynomite-go/dynomite/tokenring"
)

// maxOwners bounds the owners of one key in one datacenter; masks of owners
// are 16 bits wide.
const maxOwners = 16

// Epoch names a layout: its number and the hash of its content.
type Epoch struct{ Number, Hash uint64 }

// Cluster is a layout as the coordinator uses it. It is immutable but for
// what is known of the members' health, which routes and never moves
// ownership.
type Cluster struct {
	Epoch Epoch
	Ring  *tokenring.Ring
	Hash  func(key []byte) hashkit.Token
	// Self is this node's index in Members.
	Self       int
	Members    []*Member
	datacenter string
	remote     []string        // the other datacenters
	arcs       []tokenring.Arc // of our datacenter
	ownsAll    bool            // this node owns every token
	// needs is how many owners in our datacenter each level needs.
	needs [8]int
}

// Member is one node of the layout.
type Member struct {
	Index      int
	ID         string
	Datacenter string
	Rack       string
	health     atomic.Uint32
}

const (
	reachable = 1 << iota // requests reach it and are answered
	complete              // it is not catching up
)

// SetHealth records whether the member answers, and whether it holds
// everything that it owns (false while it catches up).
func (m *Member) SetHealth(isReachable, isComplete bool) {
	var h uint32
	if isReachable {
		h |= reachable
	}
	if isComplete {
		h |= complete
	}
	m.health.Store(h)
}

// Reachable says whether requests reach the member.
func (m *Member) Reachable() bool { return m.health.Load()&reachable != 0 }

// Complete says whether the member may vote in reads and be primary.
func (m *Member) Complete() bool { return m.health.Load() == reachable|complete }

// NewCluster prepares ring for the node self. The members are the ring's
// nodes in the ring's order; only self is taken to be healthy at first.
func NewCluster(epoch Epoch, ring *tokenring.Ring, hash func([]byte) hashkit.Token, self string) (*Cluster, error) {
	c := &Cluster{Epoch: epoch, Ring: ring, Hash: hash, Self: -1}
	for i, n := range ring.Nodes() {
		m := &Member{Index: i, ID: n.ID, Datacenter: n.Datacenter, Rack: n.Rack}
		if n.ID == self {
			c.Self = i
			c.datacenter = n.Datacenter
			m.SetHealth(true, false)
		}
		c.Members = append(c.Members, m)
	}
	if c.Self < 0 {
		return nil, fmt.Errorf("coordinator: node %s is not in the layout", self)
	}
	for _, dc := range ring.Datacenters() {
		if dc != c.datacenter {
			c.remote = append(c.remote, dc)
		}
	}
	c.arcs = ring.Arcs(c.datacenter)
	c.ownsAll = true
	for _, a := range c.arcs {
		c.ownsAll = c.ownsAll && ring.Owns(c.Self, a.From)
	}
	owners := ring.Replicas(c.datacenter)
	for _, l := range []quorum.Level{quorum.DCOne, quorum.DCQuorum} {
		rule, err := quorum.NewRule(l, 0, owners)
		if err != nil {
			return nil, fmt.Errorf("coordinator: %w", err)
		}
		c.needs[l] = rule.Need(0)
	}
	return c, nil
}

// need is how many owners of a key in our datacenter the level needs.
func (c *Cluster) need(l quorum.Level) int {
	if n := c.needs[l&7]; n > 0 {
		return n
	}
	return c.needs[quorum.DCQuorum]
}

// SelfMember is the member that is this node.
func (c *Cluster) SelfMember() *Member { return c.Members[c.Self] }

// owners fills dst with the indexes of the key's owners in our datacenter, in
// preference order.
func (c *Cluster) owners(token hashkit.Token, dst []int) []int {
	return c.Ring.AppendOwners(dst, c.datacenter, token)
}

// primary picks the first owner that is complete; failing that, and only if
// last is set, the first that is reachable. It returns -1 if there is none.
func (c *Cluster) primary(owners []int, last bool) int {
	for _, o := range owners {
		if c.Members[o].Complete() {
			return o
		}
	}
	if last {
		for _, o := range owners {
			if c.Members[o].Reachable() {
				return o
			}
		}
	}
	return -1
}

// alone says whether this node is the whole cluster.
func (c *Cluster) alone() bool { return len(c.Members) == 1 }

// Servable returns nil if DC_QUORUM can be met in this datacenter for every
// key; otherwise the error names the racks that miss.
func (c *Cluster) Servable() error {
	for _, a := range c.arcs {
		var buf [maxOwners]int
		owners := c.owners(a.From, buf[:0])
		full := 0
		var missing []string
		for _, o := range owners {
			m := c.Members[o]
			if m.Complete() {
				full++
				continue
			}
			missing = append(missing, fmt.Sprintf("rack %s (node %s)", m.Rack, m.ID))
		}
		if need := c.need(quorum.DCQuorum); full < need {
			return fmt.Errorf("DC_QUORUM needs %d of %d owners, %d are complete; missing: %s", need, len(owners), full, strings.Join(missing, ", "))
		}
	}
	return nil
}
