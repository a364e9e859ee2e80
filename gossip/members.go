package gossip

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// State is what is believed of a member.
type State uint8

// States of a member. A suspected one is still StateAlive.
const (
	StateAlive  State = iota // answers, as far as is known
	StateFailed              // stopped answering; its address is tried from time to time
	StateLeft                // said goodbye
)

// String names the state in lower case.
func (s State) String() string {
	switch s {
	case StateAlive:
		return "alive"
	case StateFailed:
		return "failed"
	case StateLeft:
		return "left"
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

// Member is a node of the cluster as we know it.
type Member struct {
	Name  string
	Addr  string // "ip:port", where it takes packets and streams
	Meta  []byte // must not be modified
	State State
}

// EventKind is what happened to a member.
type EventKind uint8

// Kinds of events. For one member they alternate: Joined, then any number of
// Updated, then Left or Failed.
const (
	Joined  EventKind = iota // is alive now, for the first time or again
	Updated                  // its Meta or address changed
	Left                     // said goodbye
	Failed                   // stopped answering
)

// String names the kind in lower case.
func (k EventKind) String() string {
	switch k {
	case Joined:
		return "joined"
	case Updated:
		return "updated"
	case Left:
		return "left"
	case Failed:
		return "failed"
	}
	return fmt.Sprintf("EventKind(%d)", uint8(k))
}

// Event is a change of another member. Member is what it is since then.
type Event struct {
	Kind   EventKind
	Member Member
}

// keepFailed is how long a failed member is listed and tried again: as long as
// Serf does, a day. After that a machine is assumed to be gone for good.
const keepFailed = 24 * time.Hour

// view is what memberlist told us about members, and the events that follow
// from it and wait for their goroutine. memberlist calls in holding its own
// lock, so nothing here may block or call back.
type view struct {
	self string

	mu      sync.Mutex
	members map[string]*known
	queue   []Event
	wake    chan struct{} // capacity 1: the queue is not empty
}

type known struct {
	Member
	leaving bool      // says its metadata
	told    time.Time // when it said so itself, by a packet
	since   time.Time // of State
}

func newView(self string) *view {
	return &view{self: self, members: make(map[string]*known), wake: make(chan struct{}, 1)}
}

// alive notes that a member is alive, joined or updated.
func (v *view) alive(name, addr string, meta []byte, leaving bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	k := v.members[name]
	kind := Updated
	if k == nil || k.State != StateAlive {
		k = &known{since: time.Now()}
		v.members[name] = k
		kind = Joined
	} else if bytes.Equal(k.Meta, meta) && k.Addr == addr {
		k.leaving = leaving
		return
	}
	k.Member = Member{Name: name, Addr: addr, Meta: meta, State: StateAlive}
	k.leaving = leaving
	v.push(kind, k)
}

// leaveWithin is how long after its goodbye a member is taken to have left when it
// is gone. A packet of its last life must not make a failure of this one a leave.
const leaveWithin = 30 * time.Second

// leaving notes that a member is about to leave. Metadata that is still under way
// does not take it back.
func (v *view) leaving(name string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if k := v.members[name]; k != nil && k.State == StateAlive {
		k.told = time.Now()
	}
}

// gone notes that a member is not alive any more.
func (v *view) gone(name string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	k := v.members[name]
	if k == nil || k.State != StateAlive {
		return
	}
	kind := Failed
	k.State, k.since = StateFailed, time.Now()
	if k.leaving || !k.told.IsZero() && time.Since(k.told) < leaveWithin {
		kind, k.State = Left, StateLeft
		delete(v.members, name)
	}
	v.push(kind, k)
}

func (v *view) push(kind EventKind, k *known) {
	if k.Name == v.self {
		return
	}
	v.queue = append(v.queue, Event{Kind: kind, Member: k.Member})
	select {
	case v.wake <- struct{}{}:
	default:
	}
}

// events takes what is queued.
func (v *view) events() []Event {
	v.mu.Lock()
	defer v.mu.Unlock()
	q := v.queue
	v.queue = nil
	return q
}

// list returns all members by name, and forgets those that failed long ago.
func (v *view) list() []Member {
	v.mu.Lock()
	defer v.mu.Unlock()
	all := make([]Member, 0, len(v.members))
	for name, k := range v.members {
		if k.State == StateFailed && time.Since(k.since) > keepFailed {
			delete(v.members, name)
			continue
		}
		all = append(all, k.Member)
	}
	slices.SortFunc(all, func(a, b Member) int { return strings.Compare(a.Name, b.Name) })
	return all
}
