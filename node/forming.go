package node

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"sync"
	"time"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/node/internal/layout"
)

// announcement is what a node tells of itself by gossip, within the 512 bytes
// that gossip carries.
type announcement struct {
	Datacenter string          `json:"d"`
	Rack       string          `json:"k"`
	ClientAddr string          `json:"a"`
	Settings   layout.Settings `json:"s"`
	Weight     int64           `json:"w,omitempty"`
	Tokens     []byte          `json:"o,omitempty"` // those given, 8 bytes each
	// Epoch and Hash name the layout that the node has; zero if none.
	Epoch uint64 `json:"n,omitempty"`
	Hash  uint64 `json:"x,omitempty"`
}

// announce is what a node announces before it has a layout.
func announce(self layout.Node, s layout.Settings) announcement {
	a := announcement{Datacenter: self.Datacenter, Rack: self.Rack, ClientAddr: self.ClientAddr, Settings: s, Weight: self.Weight}
	for _, token := range self.Tokens {
		a.Tokens = binary.BigEndian.AppendUint64(a.Tokens, uint64(token))
	}
	return a
}

// tokens are those given; a rest of less than 8 bytes is not one.
func (a announcement) tokens() []hashkit.Token {
	var tokens []hashkit.Token
	for b := a.Tokens; len(b) >= 8; b = b[8:] {
		tokens = append(tokens, hashkit.Token(binary.BigEndian.Uint64(b)))
	}
	return tokens
}

// forming brings the first layout about, see package layout. It is driven by
// the node's ticker and by messages.
type forming struct {
	n      *Node
	mu     sync.Mutex
	f      *layout.Formation
	agreed uint64 // the layout that this process voted for
}

func newForming(n *Node) *forming { return &forming{n: n} }

func (f *forming) start(vote uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.f = layout.NewFormation(layout.Announcement{Node: f.n.selfInfo(), Settings: f.n.settings()}, vote)
}

// others are the announcements of the nodes that gossip sees alive.
func (f *forming) others() ([]layout.Announcement, error) {
	var out []layout.Announcement
	for _, m := range f.n.gossipMembers() {
		if m.name == f.n.id {
			continue
		}
		var a announcement
		if err := json.Unmarshal(m.meta, &a); err != nil {
			return nil, fmt.Errorf("node %s announces itself in a form that this version does not know", m.name)
		}
		out = append(out, layout.Announcement{
			Node: layout.Node{
				ID: m.name, Datacenter: a.Datacenter, Rack: a.Rack, PeerAddr: m.addr, ClientAddr: a.ClientAddr,
				Weight: a.Weight, Tokens: a.tokens(),
			},
			Settings: a.Settings,
			Formed:   a.Epoch > 0,
		})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Node.ID < out[j].Node.ID })
	return out, nil
}

func (f *forming) candidate() (*layout.Layout, error) {
	others, err := f.others()
	if err != nil {
		return nil, err
	}
	return f.f.Candidate(others)
}

// tick tries to form a layout. It may wait for the others' answers.
func (f *forming) tick() {
	n := f.n
	f.mu.Lock()
	if f.f == nil || n.layout.Load() != nil {
		f.mu.Unlock()
		return
	}
	l, err := f.candidate()
	if err != nil {
		f.mu.Unlock()
		n.waiting.set(err.Error())
		return
	}
	if !f.f.Proposes(l) {
		f.mu.Unlock()
		n.waiting.set("waiting for node " + l.Nodes[0].ID + " to propose the first layout")
		return
	}
	err = f.agree(l, l)
	f.mu.Unlock()
	if err != nil {
		n.waiting.set(err.Error())
		return
	}
	msg := l.Encode()
	for _, m := range l.Nodes {
		if m.ID == n.id {
			continue
		}
		if err := n.callOnce(m, kindPropose, msg); err != nil {
			n.waiting.set(fmt.Sprintf("waiting for node %s to agree to the first layout: %v", m.ID, err))
			return
		}
	}
	if err := n.adopt(l, "formed"); err != nil {
		n.waiting.set(err.Error())
		n.log.Error("layout", "err", err)
		return
	}
	for _, m := range l.Nodes {
		if m.ID != n.id {
			// Who misses this learns the layout by gossip.
			_ = n.callOnce(m, kindCommit, msg)
		}
	}
}

// agree votes for a proposed layout and makes the vote durable.
func (f *forming) agree(proposed, own *layout.Layout) error {
	vote, err := f.f.Agree(proposed, own)
	if err != nil {
		return err
	}
	f.agreed = vote
	return f.n.identity.write("vote", binary.BigEndian.AppendUint64(nil, vote))
}

// brought says whether this process took part in making l: nothing was written
// under it before.
func (f *forming) brought(l *layout.Layout) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.agreed == l.ContentHash()
}

// proposed answers a proposal: an empty text agrees.
func (f *forming) proposed(b []byte) []byte {
	l, err := layout.Decode(b)
	if err == nil {
		err = f.consider(l)
	}
	if err != nil {
		return append([]byte{statusFormat}, err.Error()...)
	}
	return []byte{statusFormat}
}

func (f *forming) consider(l *layout.Layout) error {
	if have := f.n.layout.Load(); have != nil {
		if have.ContentHash() == l.ContentHash() {
			return nil
		}
		return errors.New("this node has a layout already")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.f == nil {
		return errors.New("this node is starting")
	}
	own, err := f.candidate()
	if err != nil {
		return err
	}
	return f.agree(l, own)
}

// committed takes a layout that every node of it agreed to.
func (f *forming) committed(b []byte) []byte {
	l, err := layout.Decode(b)
	if err == nil {
		f.n.learn(l)
		return []byte{statusFormat}
	}
	return append([]byte{statusFormat}, err.Error()...)
}

// learn takes a layout that stands, from a peer or by gossip, if this node
// has none and has a place in it.
func (n *Node) learn(l *layout.Layout) {
	if n.layout.Load() != nil || l.Cluster != n.cfg.Cluster {
		return
	}
	if _, ok := l.Node(n.id); !ok {
		n.waiting.set(fmt.Sprintf("the cluster's layout (epoch %d, %d nodes) has no place for node %s: wait for a release that can add nodes, or replace a dead node by starting this one under its name", l.Epoch, len(l.Nodes), n.id))
		return
	}
	n.spawn(func() {
		if err := n.adopt(l, "learnt"); err != nil {
			n.log.Error("layout", "err", err)
			n.waiting.set(err.Error())
		}
	})
}

const formationTick = 200 * time.Millisecond
