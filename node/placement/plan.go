package placement

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/node/internal/layout"
	"github.com/dynomite-go/dynomite/tokenring"
)

// Change is what would become of a layout's nodes, all at once.
type Change struct {
	// Add are nodes that join.
	Add []Addition
	// Remove are the IDs of nodes that leave.
	Remove []string
	// Weights are new weights by ID; 1 or more.
	Weights map[string]int64
}

// Addition is a node that joins.
type Addition struct {
	ID string
	// Datacenter may be empty if there is only one.
	Datacenter string
	Rack       string
	// Weight is the node's; 0 means 1.
	Weight int64
	// Tokens are the node's, where the others of its rack have given theirs.
	Tokens []hashkit.Token
}

// Plan is what a change would move.
type Plan struct {
	// Transfers are what moves, by rack, donor and receiver.
	Transfers []Transfer `json:"transfers"`
	// Moved is the sum of their shares; Minimum is the least that any way to the
	// new shares could move.
	Moved   float64 `json:"moved"`
	Minimum float64 `json:"minimum"`
	// Before and After are the nodes with their shares.
	Before []Node `json:"before"`
	After  []Node `json:"after"`
}

// Transfer is what one node would get from another.
type Transfer struct {
	Datacenter string `json:"datacenter"`
	Rack       string `json:"rack"`
	// From is empty if the rack is new, or kept no copy before: then another
	// rack's owners provide it.
	From string `json:"from"`
	To   string `json:"to"`
	// Share is the part of all keys that is copied, in so many ranges of tokens.
	Share  float64 `json:"share"`
	Ranges int     `json:"ranges"`
}

// Plan says what a change would move. Its errors name the nodes with whom
// something is wrong, all of them.
func (l *Layout) Plan(c Change) (*Plan, error) {
	nodes, err := l.changed(c)
	if err != nil {
		return nil, err
	}
	next, err := l.layout.RingWith(nodes, l.ring)
	if err != nil {
		return nil, fmt.Errorf("placement: %w", err)
	}
	p := &Plan{
		Minimum: tokenring.Minimum(l.ring, next),
		Before:  nodesOf(l.ring, l.layout), After: nodesOf(next, l.layout),
	}
	type route struct{ dc, rack, from, to string }
	sum := make(map[route]*Transfer)
	for _, m := range tokenring.Diff(l.ring, next) {
		r := route{m.Place.Datacenter, m.Place.Rack, m.Donor, m.Receiver}
		if sum[r] == nil {
			sum[r] = &Transfer{Datacenter: r.dc, Rack: r.rack, From: r.from, To: r.to}
		}
		sum[r].Share += m.Size().Fraction()
		sum[r].Ranges++
	}
	for _, t := range sum {
		p.Transfers = append(p.Transfers, *t)
	}
	slices.SortFunc(p.Transfers, func(a, b Transfer) int {
		return cmp.Or(cmp.Compare(a.Datacenter, b.Datacenter), cmp.Compare(a.Rack, b.Rack), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	for _, t := range p.Transfers {
		p.Moved += t.Share
	}
	return p, nil
}

// changed are the nodes as they would be.
func (l *Layout) changed(c Change) ([]layout.Node, error) {
	var wrong []error
	report := func(format string, args ...any) {
		wrong = append(wrong, fmt.Errorf("placement: "+format, args...))
	}
	nodes := slices.Clone(l.layout.Nodes)
	at := func(id string) int { return slices.IndexFunc(nodes, func(n layout.Node) bool { return n.ID == id }) }
	for _, id := range slices.Sorted(maps.Keys(c.Weights)) {
		switch i := at(id); {
		case i < 0:
			report("there is no node %q to give a weight to, there are %s", id, l.names())
		case slices.Contains(c.Remove, id):
			report("node %q is given a weight and removed", id)
		case c.Weights[id] < 1:
			report("node %q: weight %d, want 1 or more", id, c.Weights[id])
		default:
			nodes[i].Weight = c.Weights[id]
		}
	}
	for k, id := range c.Remove {
		switch i := at(id); {
		case slices.Contains(c.Remove[:k], id):
			report("node %q is removed twice", id)
		case i < 0:
			report("there is no node %q to remove, there are %s", id, l.names())
		default:
			nodes = slices.Delete(nodes, i, i+1)
		}
	}
	datacenters := l.ring.Datacenters()
	for _, a := range c.Add {
		if a.Datacenter == "" && len(datacenters) == 1 {
			a.Datacenter = datacenters[0]
		}
		switch {
		case a.ID == "":
			report("a node that joins has no name")
		case at(a.ID) >= 0:
			report("node %q is there already", a.ID)
		case slices.Contains(c.Remove, a.ID):
			report("node %q is removed and added: what it owned does not move if it is only replaced", a.ID)
		case a.Rack == "":
			report("node %q has no rack", a.ID)
		case a.Datacenter == "":
			report("node %q has no datacenter, there are %s", a.ID, strings.Join(datacenters, ", "))
		case a.Weight < 0:
			report("node %q: weight %d, want 1 or more", a.ID, a.Weight)
		}
		nodes = append(nodes, layout.Node{ID: a.ID, Datacenter: a.Datacenter, Rack: a.Rack, Weight: a.Weight, Tokens: a.Tokens})
	}
	if len(nodes) == 0 && len(wrong) == 0 {
		report("no node would be left")
	}
	return nodes, errors.Join(wrong...)
}

func (l *Layout) names() string {
	var names []string
	for _, n := range l.layout.Nodes {
		names = append(names, n.ID)
	}
	return strings.Join(names, ", ")
}
