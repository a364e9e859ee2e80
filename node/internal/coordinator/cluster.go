package coordinator

import (
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/quorum"
	"github.com/dynomite-go/dynomite/tokenring"
)

// maxOwners bounds the owners of one key over all datacenters; masks of owners
// are 32 bits wide.
const maxOwners = 32

// Epoch names a layout: its number and the hash of its content.
type Epoch struct{ Number, Hash uint64 }

// Cluster is a layout as the coordinator uses it. It is immutable but for
// what is known of the members' health, which routes and never moves
// ownership.
type Cluster struct {
	Epoch Epoch
	Ring  *tokenring.Ring
	Hash  func(key []byte) hashkit.Token
	// DigestKey keys the digests of the store's records, the same at all nodes.
	DigestKey uint64
	// Self is this node's index in Members.
	Self       int
	Members    []*Member
	datacenter string
	remote     []string        // the other datacenters
	arcs       []tokenring.Arc // of our datacenter
	ownsAll    bool            // this node owns every token
	rules      [8]rule         // by level
}

// rule is what a level needs of a key's owners.
type rule struct {
	quorum.Rule
	total int    // how many owners have to answer, over all datacenters
	spans []span // the positions of the owners that count, by datacenter
}

// span is the positions from up to, but not including, to.
type span struct{ from, to int }

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

// String names the member and its rack, for the texts of errors.
func (m *Member) String() string { return "rack " + m.Rack + " (node " + m.ID + ")" }

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

// owns says whether this node is an owner of a token.
func (cl *Cluster) owns(token hashkit.Token) bool { return cl.ownsAll || cl.Ring.Owns(cl.Self, token) }

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
	return c, c.makeRules()
}

// makeRules prepares what each level needs. Our owners come first in an
// operation; those of the other datacenters follow where the level counts them.
func (c *Cluster) makeRules() error {
	everywhere := []int{c.Ring.Replicas(c.datacenter)}
	all := everywhere[0]
	for _, dc := range c.remote {
		n := c.Ring.Replicas(dc)
		everywhere = append(everywhere, n)
		all += n
	}
	if all > maxOwners {
		return fmt.Errorf("coordinator: a key has %d owners over all datacenters, at most %d can be counted: lower replicas", all, maxOwners)
	}
	for l := quorum.DCOne; l <= quorum.DCEachSafeQuorum; l++ {
		counted := everywhere[:1]
		if l == quorum.DCEachSafeQuorum {
			counted = everywhere
		}
		made, err := quorum.NewRule(l, 0, counted...)
		if err != nil {
			return fmt.Errorf("coordinator: %w", err)
		}
		r := rule{Rule: made, total: made.Total()}
		from := 0
		for _, n := range counted {
			r.spans = append(r.spans, span{from, from + n})
			from += n
		}
		c.rules[l] = r
	}
	return nil
}

// rule is what a level needs; one that is none counts as DC_QUORUM.
func (c *Cluster) rule(l quorum.Level) *rule {
	if !l.Valid() {
		l = quorum.DCQuorum
	}
	return &c.rules[l]
}

// placeOwners sets the owners of o whose answers count, by its token and rule.
func (c *Cluster) placeOwners(o *op) {
	var buf [maxOwners]int
	owners := c.owners(o.token, buf[:0])
	o.nlocal = len(owners)
	if len(o.rule.spans) > 1 {
		for _, dc := range c.remote {
			owners = c.Ring.AppendOwners(owners, dc, o.token)
		}
	}
	o.nowners = len(owners)
	for p, n := range owners {
		o.owners[p] = uint16(n)
	}
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

// primaryOf is primary for an operation.
func (c *Cluster) primaryOf(o *op, last bool) int {
	var buf [maxOwners]int
	owners := buf[:0]
	for _, n := range o.owners[:o.nlocal] {
		owners = append(owners, int(n))
	}
	return c.primary(owners, last)
}

// nearestOf is the nearest complete owner for an operation; other if there is none.
func (c *Cluster) nearestOf(o *op, other int) int {
	var buf [maxOwners]int
	owners := buf[:0]
	for _, n := range o.owners[:o.nlocal] {
		if c.Members[n].Complete() {
			owners = append(owners, int(n))
		}
	}
	if len(owners) == 0 {
		return other
	}
	c.Ring.SortNearest(owners, c.Self)
	return owners[0]
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
			missing = append(missing, m.String())
		}
		if need := c.rule(quorum.DCQuorum).total; full < need {
			return fmt.Errorf("DC_QUORUM needs %d of %d owners, %d are complete; missing: %s", need, len(owners), full, strings.Join(missing, ", "))
		}
	}
	return nil
}
