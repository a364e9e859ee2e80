package node

import "time"

// busy is who of a set of owners is about to get what it missed by another road
// than a round: it catches up, or takes hints. A round begun meanwhile would bring the
// same once more, and as fast as it can, and refuse the hints that are still to come.
type busy struct {
	owner string    // empty if nobody is
	since time.Time // of that

	hinted time.Time // since when there are many hints for one that is there
}

// manyHints, or manyBytes of them, are worth waiting for. Fewer cost a round
// little, and under faults there are always some.
const (
	manyHints = 1000
	manyBytes = 1 << 20
)

// look finds out who of a group is busy. Hints are not waited for beyond
// hintsWithin: if there are many for longer, new ones come as fast as they go.
func (b *busy) look(n *Node, g *floorGroup, now time.Time) {
	owner := n.behind(g)
	if owner == "" {
		owner = n.hinted(g)
		if owner == "" || b.hinted.IsZero() {
			b.hinted = now
		}
		if now.Sub(b.hinted) > hintsWithin {
			owner = ""
		}
	} else {
		b.hinted = now
	}
	if b.owner == "" {
		b.since = now
	}
	b.owner = owner
}

// behind names an owner of a group that catches up, or has not said since it was away
// whether it does.
func (n *Node) behind(g *floorGroup) string {
	if !n.caughtUp.Load() || n.cutOff.Load() {
		return n.id
	}
	for _, o := range g.others {
		if q := n.peers.at(o); q != nil && q.isBehind() {
			return q.member.ID
		}
	}
	return ""
}

// hinted names an owner of a group that many hints are on the way to.
func (n *Node) hinted(g *floorGroup) string {
	owed := uint64(0)
	for _, o := range g.others {
		q := n.peers.at(o)
		if q == nil {
			continue
		}
		owed += q.owing()
		if n.handoff.owesMuch(q.member.ID) {
			return q.member.ID
		}
	}
	if owed > manyHints {
		return n.id
	}
	return ""
}
