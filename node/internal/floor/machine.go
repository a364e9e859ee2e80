package floor

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/dynomite-go/dynomite/node/datastore"
)

var (
	errGroup = errors.New("floor: of another group of owners")
	errOwner = errors.New("floor: not an owner of this group")
)

// Config configures a Machine.
type Config struct {
	// Self is this owner, and Owners are all of them, Self too, in any order:
	// node ids as the layout has them.
	Self   string
	Owners []string
	// Life is greater at each start than at any before, also when what was saved
	// is an old copy: the milliseconds of the wall clock, say. What others have
	// heard of earlier lives is told apart by it.
	Life uint64
	// Lost says that this owner may lack what it had said to hold: the end of
	// its log was lost.
	Lost bool
	// Empty says that the store holds nothing, and so nothing old.
	Empty bool
	// Lag is how long ago the version is that is proposed, so that frames under
	// way are not refused; zero means five seconds.
	Lag time.Duration
	// Away is after how long without a message an owner counts as away; zero
	// means ten seconds.
	Away time.Duration
}

// Now is what the caller knows at a moment.
type Now struct {
	// Time is the wall clock's.
	Time time.Time
	// High is the greatest version that the store's clock has stamped or seen.
	High datastore.Version
	// Period is how long after a round this owner begins the next; zero means a
	// minute.
	Period time.Duration
	// Idle says that a higher floor would let nothing go here, so that this owner
	// begins no round.
	Idle bool
	// Unswept says that the store has not yet purged all that the floor lets go:
	// what it holds must not be given in a new round before (Memory.Swept).
	Unswept bool
	// Busy says that an owner is about to get what it missed by a shorter road than a
	// round, as hints: no round is begun meanwhile, for it would bring the same once more,
	// in haste.
	Busy bool
}

// Floors are what the store has to be told, in this order; telling it again
// does no harm. Zero versions need not be told.
type Floors struct {
	Promised, Closed, Floor, Before datastore.Version
	// Lapsed is Before, and as soon as this owner is done with a round, the floor
	// on which that stands (Memory.Lapse).
	Lapsed datastore.Version
}

// Later are the greater of both, one by one.
func (f Floors) Later(o Floors) Floors {
	return Floors{
		later(f.Promised, o.Promised), later(f.Closed, o.Closed), later(f.Floor, o.Floor),
		later(f.Before, o.Before), later(f.Lapsed, o.Lapsed),
	}
}

// Actions are what the caller has to do: see the package documentation.
type Actions struct {
	Save     bool
	Floors   Floors
	Exchange []Exchange
	Return   *Return
}

// Exchange names an owner from which everything is to be taken, and the round.
type Exchange struct {
	Owner string
	Round datastore.Version
}

// Return says from where an old copy returns: its floor is to be Floor, with
// Before as the one before.
type Return struct {
	Floors
	// Source is a complete owner at that floor; Others are those that are
	// taken from afterwards.
	Source string
	Others []string
}

// other is what is known of another owner.
type other struct {
	state
	known bool
	stale bool      // this life of it began from an old copy
	knows uint64    // the life of ours that it knows
	heard time.Time // the last message since the start
	// got is the round in which everything was taken from it, and asked
	// the one in which that is under way.
	got, asked datastore.Version
	// sawReturning is the life in which it was heard to return.
	sawReturning uint64
}

// counts says whether what an owner has promised, closed and done may be relied
// on.
func (o *other) counts() bool { return o.known && !o.stale && !o.returns() }

// Machine is one owner's part in the rounds of its group. It is not safe for
// concurrent use.
type Machine struct {
	cfg    Config
	self   int
	owners []string
	group  uint64
	others []other // by owner; that of self is not used

	now, said state // said is what has been saved: others may know it
	saving    state // what AppendState encoded last
	began     time.Time
	since     time.Time // of the last change of state
	latest    id        // of ours that another owner knows
	told      bool      // that we began from an old copy
	return_   *Return   // under way
	returned  bool
}

// New returns a Machine of what was saved (empty: nothing). Bytes that are
// damaged, or that were saved for other owners, are an error.
func New(cfg Config, saved []byte, start time.Time) (*Machine, error) {
	if cfg.Lag == 0 {
		cfg.Lag = 5 * time.Second
	}
	if cfg.Away == 0 {
		cfg.Away = 10 * time.Second
	}
	m := &Machine{cfg: cfg, owners: slices.Sorted(slices.Values(cfg.Owners)), began: start, since: start}
	if len(slices.Compact(slices.Clone(m.owners))) != len(m.owners) {
		return nil, fmt.Errorf("floor: an owner is named twice in %q", m.owners)
	}
	var mine bool
	if m.self, mine = slices.BinarySearch(m.owners, cfg.Self); !mine {
		return nil, fmt.Errorf("%w: %q", errOwner, cfg.Self)
	}
	m.others = make([]other, len(m.owners))
	h := fnv.New64a()
	for _, id := range m.owners {
		h.Write(binary.AppendUvarint(nil, uint64(len(id))))
		h.Write([]byte(id))
	}
	m.group = h.Sum64()
	lost := cfg.Lost || len(saved) == 0
	if len(saved) > 0 {
		b, err := unseal(saved, formatSaved, m.group)
		if err != nil {
			return nil, err
		}
		if len(b) != stateSize {
			return nil, errDamaged
		}
		if err := m.now.decode(b); err != nil {
			return nil, err
		}
	}
	m.said = m.now
	if lost && len(m.owners) > 1 {
		m.goBack()
		if cfg.Empty {
			m.now.standing = joining
		}
	} else {
		m.now.prev, m.now.life = m.now.id, max(m.now.life+1, cfg.Life)
	}
	return m, nil
}

// Owners are the ids of the owners, sorted.
func (m *Machine) Owners() []string { return slices.Clone(m.owners) }

// Group names the set of owners: other sets have, but for chance, other names.
func (m *Machine) Group() uint64 { return m.group }

// Floors is what the store has to be told before anything else, at the start.
func (m *Machine) Floors() Floors {
	f := Floors{m.now.promised, m.now.closed, m.now.floor, m.now.before, m.now.before}
	if m.inRound() && m.now.done == m.now.promised {
		f.Lapsed = m.now.base
	}
	return f
}

// Returning says that this owner has to return before it takes part in a round.
func (m *Machine) Returning() bool { return m.now.returns() }

// Old says that what this owner holds may have died long ago, and that the
// others have forgotten how: it must not serve, send or vote before it has returned.
func (m *Machine) Old() bool {
	return m.now.standing == returning && m.now.floor.Less(m.highest().Floor)
}

// Joining says that this owner began with nothing and has not returned. What it
// holds is not old as long as its store goes by the floors of the others:
// Highest.
func (m *Machine) Joining() bool { return m.now.standing == joining }

// Ready says that our copy and that of another owner may be compared, and serve
// each other: both know of each other in this life, neither is an old copy, and
// the floors are the same, or will be with the store told Highest. Digests at
// different floors mean nothing.
func (m *Machine) Ready(owner string) bool {
	i, ok := slices.BinarySearch(m.owners, owner)
	if !ok || i == m.self {
		return false
	}
	o := &m.others[i]
	if !o.known || o.heard.IsZero() || o.knows != m.now.life || o.stale || m.told || m.latest.later(m.now.id) {
		return false
	}
	high := m.highest().Floor
	if m.now.standing == joining {
		return o.standing == joining || o.floor == high || o.counts() && !o.done.Less(high)
	}
	return !m.said.floor.Less(high) && (o.standing == joining || o.floor == m.said.floor)
}

// Gives says whether others may take from this owner what it held when it
// closed a round.
func (m *Machine) Gives(round datastore.Version) bool {
	return !m.now.returns() && !m.said.returns() && !m.said.closed.Less(round)
}

// AppendState appends what has to be durable before Saved is called.
func (m *Machine) AppendState(dst []byte) []byte {
	m.saving = m.now
	mark := len(dst)
	dst = binary.BigEndian.AppendUint64(append(dst, formatSaved), m.group)
	return seal(m.now.append(dst), mark)
}

// Saved says that what AppendState appended last is durable, and that the store was
// told its Floors.
func (m *Machine) Saved() { m.said = m.saving }

// AppendMessage appends what is to be sent to every other owner: what was saved
// of our state, and which of each other's we know.
func (m *Machine) AppendMessage(dst []byte) []byte {
	mark := len(dst)
	dst = binary.BigEndian.AppendUint64(append(dst, formatMessage), m.group)
	dst = m.said.append(dst)
	for i := range m.others {
		dst = m.others[i].id.append(dst)
		var stale byte
		if m.others[i].stale {
			stale = 1
		}
		dst = append(dst, stale)
	}
	return seal(dst, mark)
}

// Receive takes in a message of another owner, and says whether it was any news:
// then Step may have something to do. An error says that it was of no use: damaged, of
// another format or another group.
func (m *Machine) Receive(from string, msg []byte, now time.Time) (news bool, err error) {
	i, ok := slices.BinarySearch(m.owners, from)
	if !ok || i == m.self {
		return false, fmt.Errorf("%w: %q", errOwner, from)
	}
	b, err := unseal(msg, formatMessage, m.group)
	if err != nil {
		return false, err
	}
	if len(b) != stateSize+(idSize+1)*len(m.owners) {
		return false, errDamaged
	}
	var s state
	if err := s.decode(b[:stateSize]); err != nil {
		return false, err
	}
	b = b[stateSize+(idSize+1)*m.self:]
	mine := loadID(b)
	if mine.later(m.latest) {
		m.latest = mine
	}
	m.told = m.told || mine.life == m.now.life && b[idSize] != 0
	o := &m.others[i]
	news = o.heard.IsZero() || o.knows < mine.life
	o.heard, o.knows = now, max(o.knows, mine.life)
	if o.known && !s.later(o.id) {
		return news, nil
	}
	if o.life != s.life {
		o.got, o.asked = datastore.Version{}, datastore.Version{}
		o.stale = o.known && s.standing != returning && o.id.later(s.prev)
	}
	o.known, o.state = true, s
	if s.returns() {
		o.sawReturning = s.life
	}
	return true, nil
}

// changed makes the state a later one.
func (m *Machine) changed(now time.Time) {
	m.now.seq++
	m.since = now
}

// every says whether something is true of every other owner.
func (m *Machine) every(fn func(*other) bool) bool {
	for i := range m.others {
		if i != m.self && !fn(&m.others[i]) {
			return false
		}
	}
	return true
}

// some says whether something is true of some other owner.
func (m *Machine) some(fn func(*other) bool) bool {
	return !m.every(func(o *other) bool { return !fn(o) })
}

// present says whether an owner was heard of lately.
func (m *Machine) present(o *other, now time.Time) bool {
	return o.known && !o.heard.IsZero() && now.Sub(o.heard) <= m.cfg.Away
}
