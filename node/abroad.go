package node

import (
	"context"
	"sync"
)

// abroad remembers the nodes of other datacenters whose deltas may not have
// reached this one. A majority at home does not help with these: no node here
// may have them. So this node compares with the sender itself, both ways.
type abroad struct {
	mu    sync.Mutex
	nodes map[int]bool
}

// note adds the node with the id if it is in another datacenter.
func (a *abroad) note(n *Node, id string) {
	cl := n.coord.Cluster()
	if cl == nil {
		return
	}
	i, ok := cl.Ring.Index(id)
	if !ok || cl.Members[i].Datacenter == cl.SelfMember().Datacenter {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.nodes == nil {
		a.nodes = map[int]bool{}
	}
	a.nodes[i] = true
}

// pending are the nodes that were noted and not compared with yet.
func (a *abroad) pending() []int {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []int
	for i := range a.nodes {
		out = append(out, i)
	}
	return out
}

// compareAbroad compares with every node that was noted, in the tokens that
// both own. One that fails stays noted and is tried again by the slow tick.
func (c *catchUp) compareAbroad(ctx context.Context) (fetched, pushed int) {
	cl := c.n.coord.Cluster()
	for _, node := range c.abroad.pending() {
		// What is missed from here on is noted anew.
		c.abroad.mu.Lock()
		delete(c.abroad.nodes, node)
		c.abroad.mu.Unlock()
		for _, a := range cl.Ring.Arcs(cl.Members[node].Datacenter) {
			if !cl.Ring.Owns(node, a.From) {
				continue
			}
			for _, r := range ownedRanges(cl) {
				from, to := max(a.From, r.from), min(a.To, r.to)
				if from > to {
					continue
				}
				got, err := c.n.coord.Compare(ctx, c.n.peers.call, node, from, to)
				fetched += got.Fetched
				pushed += got.Pushed
				if err != nil {
					c.n.log.Info("comparison with another datacenter", "peer", cl.Members[node].ID, "err", err)
					c.abroad.note(c.n, cl.Members[node].ID)
					return fetched, pushed
				}
			}
		}
	}
	return fetched, pushed
}
