package floor

import (
	"math"

	"github.com/dynomite-go/dynomite/node/datastore"
)

// outdated says that we hold an old copy: another owner has a floor that needed
// us to be done with a round that we know nothing of, or it knows something of us that
// we do not know ourselves.
func (m *Machine) outdated() bool {
	return m.told || m.latest.later(m.now.id) ||
		m.some(func(o *other) bool { return o.counts() && m.now.done.Less(o.floor) })
}

// goBack begins a life in which this owner has to return first.
func (m *Machine) goBack() {
	m.now.prev = id{life: max(m.now.life, m.latest.life, m.cfg.Life), seq: math.MaxUint64}
	m.now.life = m.now.prev.life + 1
	m.now.standing = returning
	m.told = false
	m.return_, m.returned = nil, false
}

// Highest are what the store of an owner that is Joining is told before it
// takes or is given anything: the greatest promise, closing and floor that others have.
// What they have closed it takes from complete owners alone, so that all it
// holds of that age is held by one of them.
func (m *Machine) Highest() Floors {
	f := m.highest()
	for i := range m.others {
		if o := &m.others[i]; i != m.self && o.known && !o.stale && o.floor == f.Floor {
			f.Before = later(f.Before, o.before)
		}
	}
	f.Lapsed = f.Before
	return f
}

// highest are the greatest promise, closing and floor that other owners have.
func (m *Machine) highest() (f Floors) {
	for i := range m.others {
		if o := &m.others[i]; i != m.self && o.known && !o.stale {
			f.Promised = later(f.Promised, o.promised)
			f.Closed = later(f.Closed, o.closed)
			f.Floor = later(f.Floor, o.floor)
		}
	}
	return f
}

func later(a, b datastore.Version) datastore.Version {
	if a.Less(b) {
		return b
	}
	return a
}

// sameBoat says that none of the owners with the greatest floor is better off than
// we are: each returns, or was heard to return and found nobody. A life in which somebody
// has closed a new round since is better off.
func (m *Machine) sameBoat(floor datastore.Version) bool {
	return m.every(func(o *other) bool {
		if o.floor != floor || o.returns() {
			return true
		}
		return o.standing == assumed && (o.sawReturning == o.life || o.closed == floor)
	})
}

// askReturn names an owner to return from, once until Returned says how it went;
// nil while somebody is away or nobody is there to return from.
func (m *Machine) askReturn(now Now) *Return {
	if m.return_ != nil || m.latest.later(m.now.id) || !m.every(func(o *other) bool { return m.present(o, now.Time) }) {
		return nil
	}
	r := &Return{Floors: m.highest()}
	source := -1
	for i := range m.others {
		o := &m.others[i]
		if i == m.self || !o.counts() || o.floor != r.Floor {
			continue
		}
		if source < 0 || o.standing < m.others[source].standing {
			source = i
		}
	}
	if source < 0 || r.Floor.Less(m.now.floor) {
		return nil
	}
	r.Source, r.Before = m.owners[source], m.others[source].before
	r.Lapsed = r.Before
	for i := range m.others {
		if i != m.self && i != source && m.others[i].counts() {
			r.Others = append(r.Others, m.owners[i])
		}
	}
	m.return_ = r
	return r
}

// Returned says how a return went: ok, if all is durable here.
func (m *Machine) Returned(ok bool) {
	m.returned = ok && m.return_ != nil
	if !m.returned {
		m.return_ = nil
	}
}

// comeBack ends the return: everything was taken, or there is nobody that is
// better off.
func (m *Machine) comeBack(now Now) {
	if m.told || m.latest.later(m.now.id) {
		m.goBack() // somebody knows a later life of ours
		m.changed(now.Time)
		return
	}
	r := m.return_
	high := m.highest()
	switch {
	case m.returned && r.Floor == high.Floor:
		m.now.standing = complete
		m.now.floor, m.now.before, m.now.done = r.Floor, r.Before, r.Floor
		m.now.closed = later(m.now.closed, later(r.Closed, r.Floor))
	case m.returned: // the others went on meanwhile
		m.return_, m.returned = nil, false
		return
	case r == nil && m.every(func(o *other) bool { return m.present(o, now.Time) }) &&
		!m.now.floor.Less(high.Floor) && m.sameBoat(m.now.floor):
		m.now.standing = assumed
		m.now.done = m.now.floor
	default:
		return
	}
	m.return_, m.returned = nil, false
	// A round that is still open is not joined: we may have written above its
	// version in ignorance of what we have taken just now.
	m.now.promised, m.now.base = m.now.closed, datastore.Version{}
	if m.inRound() {
		m.now.base = m.now.floor
	}
	m.now.doneAt = now.High
	for i := range m.others {
		m.others[i].got, m.others[i].asked = datastore.Version{}, datastore.Version{}
	}
	m.changed(now.Time)
}
