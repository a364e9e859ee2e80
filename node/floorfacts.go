package node

import (
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dynomite-go/dynomite/node/internal/floor"
)

// FloorInfo is how far the owners of some keys have agreed what may be
// forgotten of deleted ones.
type FloorInfo struct {
	// Owners are the ids of the nodes that hold these keys, this one too.
	Owners []string
	// Floor is the time up to which deletions may be forgotten; zero before there is a floor.
	Floor time.Time
	// Old says that this node holds an old copy, which it has to compare with all
	// other owners before it serves.
	Old bool
	// Peer and Waits are who keeps the floor from rising and what is waited for,
	// since Since: "present" (it is away), "whole" (it catches up or takes hints), "return",
	// "promise", "close", "exchange" or "done". They are empty if nothing does.
	Peer, Waits string
	Since       time.Time
}

// Floors says for each set of owners that this node is one of what they have
// agreed on; nil for a node alone.
func (n *Node) Floors() []FloorInfo {
	f := n.floors
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.store == nil {
		return nil
	}
	now := time.UnixMilli(n.wall())
	var out []FloorInfo
	for _, g := range f.groups {
		info := FloorInfo{Owners: g.machine.Owners(), Old: g.machine.Old()}
		if v := g.machine.Floors().Floor; !v.IsZero() {
			info.Floor = time.UnixMilli(v.Millis())
		}
		s := g.machine.Stalled(now)
		if b := g.busy; b.owner != "" && (s.Owner == "" || s.Waits == "promise") {
			s = floor.Stall{Owner: b.owner, Waits: "whole", Since: b.since}
		}
		if s.Owner != "" && now.Sub(s.Since) >= stallPatience {
			info.Peer, info.Waits, info.Since = s.Owner, s.Waits, s.Since
		}
		out = append(out, info)
	}
	return out
}

// stallPatience is how long each step of a round may take.
const stallPatience = 15 * time.Second

// oldestFloor is that of the set of owners that is the furthest behind.
func oldestFloor(all []FloorInfo) (oldest FloorInfo) {
	for i, info := range all {
		if i == 0 || info.Floor.Before(oldest.Floor) {
			oldest = info
		}
	}
	return oldest
}

func (m *metrics) collectFloors(gauge func(*prometheus.Desc, float64, ...string), count func(*prometheus.Desc, uint64, ...string)) {
	n := m.n
	all := n.Floors()
	if all == nil {
		return
	}
	now := time.UnixMilli(n.wall())
	age := 0.0
	if at := oldestFloor(all).Floor; !at.IsZero() {
		age = now.Sub(at).Seconds()
	}
	gauge(mFloorAge, age)
	count(mFloorRounds, n.floors.rounds.Load())
	count(mFloorTaken, n.floors.taken.Load())
	for _, q := range n.peers.all() {
		stalled := time.Duration(0)
		for _, info := range all {
			if info.Peer == q.member.ID {
				stalled = max(stalled, now.Sub(info.Since))
			}
		}
		gauge(mFloorStalled, stalled.Seconds(), q.member.ID, q.member.Datacenter, q.member.Rack)
	}
}

// stalled says in words what keeps floors from rising; empty if nothing does.
func (n *Node) stalled() string {
	now := time.UnixMilli(n.wall())
	var parts []string
	for _, info := range n.Floors() {
		if info.Peer == "" {
			continue
		}
		what := map[string]string{
			"present": "is away", "whole": "gets what it missed", "return": "holds an old copy", "promise": "has not promised the next floor",
			"close": "has not closed", "exchange": "has not given what it holds", "done": "has not taken what the others hold",
		}[info.Waits]
		text := fmt.Sprintf("node %s %s, for %s", info.Peer, what, now.Sub(info.Since).Round(time.Second))
		if len(parts) == 0 || parts[len(parts)-1] != text {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, "; ")
}

// alarm is what an operator is told about the memory of the dead.
type alarm struct{ said time.Time }

// alarmAgain is how often it is said again.
const alarmAgain = 10 * time.Minute

// look warns if what is remembered of deleted and expired keys takes more than
// it may, and says why and what to do.
func (a *alarm) look(n *Node) {
	s, ok := n.storeStats()
	if !ok || s.DeadBytes <= n.cfg.DeadBytes {
		a.said = time.Time{}
		return
	}
	now := time.Now()
	if !a.said.IsZero() && now.Sub(a.said) < alarmAgain {
		return
	}
	a.said = now
	why := n.stalled()
	switch {
	case n.floors.off.Load():
		why = "for ever: the ring has too many ranges for floors"
	case why == "":
		why = "the owners are about to agree; more is deleted between two floors than dead_bytes allows"
	}
	n.log.Warn("deleted and expired keys take much memory, which goes when all their owners are there for a while: bring back the node that is waited for, or start a new one in its place with its name and address",
		"bytes", s.DeadBytes, "dead_bytes", n.cfg.DeadBytes, "records", s.Records-s.Keys, "waiting for", why)
}
