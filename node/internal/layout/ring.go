package layout

import (
	"fmt"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/slicing"
	"github.com/dynomite-go/dynomite/tokenring"
)

// Ring builds the ring of owners.
func (l *Layout) Ring() (*tokenring.Ring, error) {
	cfg := l.ringConfig(l.Nodes)
	if len(l.Tables) > 0 {
		cfg.Tables = make(map[tokenring.Place]*slicing.Table, len(l.Tables))
	}
	for _, t := range l.Tables {
		table, err := slicing.Decode(t.Slicing)
		if err != nil {
			return nil, fmt.Errorf("datacenter %q, rack %q: %w", t.Datacenter, t.Rack, err)
		}
		at := tokenring.Place{Datacenter: t.Datacenter, Rack: t.Rack}
		if cfg.Tables[at] != nil {
			return nil, fmt.Errorf("%v has two slicing tables", at)
		}
		cfg.Tables[at] = table
	}
	return tokenring.New(cfg)
}

// RingWith builds the ring that would follow with other nodes, given the ring of
// this layout: a dry run. Racks that are in both keep what they can.
func (l *Layout) RingWith(nodes []Node, ring *tokenring.Ring) (*tokenring.Ring, error) {
	return ring.Change(l.ringConfig(nodes))
}

// ringConfig translates a layout into the ring's terms: the replica count of the
// whole becomes one per datacenter, and never more than it has racks.
func (l *Layout) ringConfig(nodes []Node) tokenring.Config {
	cfg := tokenring.Config{Distribution: l.Distribution, TokensPerNode: l.Tokens, Replicas: map[string]int{}}
	racks := map[string]map[string]bool{}
	for _, n := range nodes {
		cfg.Nodes = append(cfg.Nodes, tokenring.Node{
			ID: n.ID, Datacenter: n.Datacenter, Rack: n.Rack, Addr: n.PeerAddr, Weight: n.Weight, Tokens: n.Tokens,
		})
		if racks[n.Datacenter] == nil {
			racks[n.Datacenter] = map[string]bool{}
		}
		racks[n.Datacenter][n.Rack] = true
	}
	for dc, r := range racks {
		cfg.Replicas[dc] = min(l.Replicas, len(r))
	}
	return cfg
}

// tablesOf are the tables that a layout has to carry; none unless the ring is sliced.
func tablesOf(ring *tokenring.Ring) ([]Table, error) {
	var tables []Table
	for _, dc := range ring.Datacenters() {
		for _, rack := range ring.Racks(dc) {
			table := ring.Table(tokenring.Place{Datacenter: dc, Rack: rack})
			if table == nil {
				continue
			}
			data, err := table.MarshalBinary()
			if err != nil {
				return nil, fmt.Errorf("layout: datacenter %q, rack %q: %w", dc, rack, err)
			}
			tables = append(tables, Table{Datacenter: dc, Rack: rack, Slicing: data})
		}
	}
	return tables, nil
}

// HashFunc is the layout's hash function, see the function of this name.
func (l *Layout) HashFunc() (hashkit.Func, error) {
	given := false
	for _, n := range l.Nodes {
		given = given || len(n.Tokens) > 0
	}
	return HashFunc(l.Hash, l.HashTag, given || l.Distribution == tokenring.Ketama || l.Format == formatVNodes)
}
