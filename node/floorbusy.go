package node

import "time"

// busy is who of a set of owners is about to get what it missed by another road
// than a round: it catches up, or takes hints. A round begun meanwhile would bring the
// same once more, and as fast as it can, and refuse the hints that are still to come.
type busy struct {
	owner string // empty if nobody is
	since time.Time
}

// manyHints is how many are worth waiting for. Fewer cost a round nothing, and
// under faults there are always some.
const manyHints = 1000

// look finds out who of a group is busy. Hints are not waited for beyond
// hintsWithin: if there are many for longer, new ones come as fast as they go.
func (b *busy) look(n *Node, g *floorGroup, now time.Time) {
	behind, hinted := n.behind(g)
	owner := behind
	if owner == "" {
		owner = hinted
	}
	if owner == "" || b.since.IsZero() {
		b.since = now
	}
	if behind == "" && now.Sub(b.since) > hintsWithin {
		b.owner = ""
		return
	}
	b.owner = owner
}

// behind names an owner of a group that is not complete, or has not said how it is
// since it was away, and one that many hints are on the way to.
func (n *Node) behind(g *floorGroup) (incomplete, hinted string) {
	if !n.caughtUp.Load() || n.cutOff.Load() {
		incomplete = n.id
	}
	owed := uint64(0)
	for _, o := range g.others {
		q := n.peers.at(o)
		if q == nil {
			continue // the peers are not there yet
		}
		if !q.member.Complete() {
			incomplete = q.member.ID
		}
		owed += q.owing()
		if n.handoff.owed(q.member.ID) > manyHints {
			hinted = q.member.ID
		}
	}
	if owed > manyHints {
		hinted = n.id
	}
	return incomplete, hinted
}
