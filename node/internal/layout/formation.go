package layout

import (
	"errors"
	"fmt"
	"sort"
)

// Announcement is what a node tells the others of itself before there is a
// layout.
type Announcement struct {
	Node     Node
	Settings Settings
	// Formed says that the node has a layout already.
	Formed bool
}

// Formation decides when a first layout stands. Feed it with what gossip
// sees; it answers what to propose. It is not safe for concurrent use.
type Formation struct {
	self Announcement
	vote uint64 // content hash of the layout that this node agreed to; 0 if none
}

// NewFormation begins for the node self. vote is the hash that it agreed to
// before it was restarted, or zero.
func NewFormation(self Announcement, vote uint64) *Formation {
	return &Formation{self: self, vote: vote}
}

// Candidate returns the layout that the announcements (self excluded) make
// with this node's, or says what it waits for.
func (f *Formation) Candidate(others []Announcement) (*Layout, error) {
	s := f.self.Settings
	if s.Expect <= 0 {
		return nil, errors.New("waiting for a layout: no node count is expected here (setting expect), so it has to come from a seed")
	}
	nodes := []Node{f.self.Node}
	var ids []string
	for _, a := range others {
		if a.Formed {
			return nil, fmt.Errorf("waiting for the layout of %s: it is in a cluster already", a.Node.ID)
		}
		if a.Settings != s {
			return nil, fmt.Errorf("settings differ from those of %s: %s: make them equal", a.Node.ID, s.difference(f.self.Node.ID, a.Settings, a.Node.ID))
		}
		nodes = append(nodes, a.Node)
		ids = append(ids, a.Node.ID)
	}
	sort.Strings(ids)
	switch {
	case len(nodes) < s.Expect:
		return nil, fmt.Errorf("waiting for nodes: %d of %d are here; seen %v", len(nodes), s.Expect, ids)
	case len(nodes) > s.Expect:
		return nil, fmt.Errorf("%d nodes are here, but %d are expected; seen %v: stop one, or change expect", len(nodes), s.Expect, ids)
	}
	return First(s, nodes)
}

// Proposes says whether it is this node that proposes the layout.
func (f *Formation) Proposes(l *Layout) bool { return l.Nodes[0].ID == f.self.Node.ID }

// Agree says whether this node agrees to a proposed layout, given the one that
// it would make itself. The caller must make the vote durable before it tells
// anybody.
func (f *Formation) Agree(proposed, own *Layout) (vote uint64, err error) {
	h := proposed.ContentHash()
	if own.ContentHash() != h {
		return 0, errors.New("this node would make another layout")
	}
	if f.vote != 0 && f.vote != h {
		return 0, fmt.Errorf("this node has agreed to another first layout (%016x): if that cluster was given up, empty the data directory", f.vote)
	}
	f.vote = h
	return h, nil
}
