package layout

import (
	"github.com/dynomite-go/dynomite/tokenring"
)

// ring translates a layout into the ring's terms: the replica count of the
// whole becomes one per datacenter, and never more than it has racks.
func ring(l *Layout) (*tokenring.Ring, error) {
	cfg := tokenring.Config{Distribution: l.Distribution, TokensPerNode: l.Tokens, Replicas: map[string]int{}}
	racks := map[string]map[string]bool{}
	for _, n := range l.Nodes {
		cfg.Nodes = append(cfg.Nodes, tokenring.Node{ID: n.ID, Datacenter: n.Datacenter, Rack: n.Rack, Addr: n.PeerAddr})
		if racks[n.Datacenter] == nil {
			racks[n.Datacenter] = map[string]bool{}
		}
		racks[n.Datacenter][n.Rack] = true
	}
	for dc, r := range racks {
		cfg.Replicas[dc] = min(l.Replicas, len(r))
	}
	return tokenring.New(cfg)
}
