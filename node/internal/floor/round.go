package floor

import (
	"time"

	"github.com/dynomite-go/dynomite/node/datastore"
)

// Step decides what comes next. It takes one step at a time: what has to be
// saved is saved before the next.
func (m *Machine) Step(now Now) Actions {
	if m.now == m.said {
		m.decide(now)
	}
	if m.now != m.said {
		return Actions{Save: true, Floors: m.Floors()}
	}
	a := Actions{Floors: m.Floors()}
	if m.now.returns() {
		a.Return = m.askReturn(now)
		return a
	}
	a.Exchange = m.askExchanges()
	return a
}

// decide changes the state, if something follows from what is known.
func (m *Machine) decide(now Now) {
	switch {
	case m.now.returns():
		m.comeBack(now)
	case m.outdated():
		m.goBack()
		m.changed(now.Time)
	case m.follow():
		m.changed(now.Time)
	case !m.every(func(o *other) bool { return o.knows == m.now.life }):
		// Somebody has not yet seen in which life we are, and from what it began.
	case m.raise(), m.finish(now), m.close(), !now.Unswept && (m.promise(now) || m.propose(now)):
		m.changed(now.Time)
	}
}

// inRound says whether a round is under way.
func (m *Machine) inRound() bool { return m.now.floor.Less(m.now.promised) }

// raise raises the floor when all are done.
func (m *Machine) raise() bool {
	return m.raiseIf(m.every, func(o *other) bool { return o.counts() && !o.done.Less(m.now.promised) })
}

// follow raises the floor when somebody else has: all were done then. It does
// not wait for those who are away, for until then our copy and that one are
// not compared.
func (m *Machine) follow() bool {
	return m.raiseIf(m.some, func(o *other) bool { return o.counts() && !o.floor.Less(m.now.promised) })
}

func (m *Machine) raiseIf(of func(func(*other) bool) bool, done func(*other) bool) bool {
	if !m.inRound() || m.now.done != m.now.promised || !of(done) {
		return false
	}
	m.now.floor, m.now.before = m.now.promised, m.now.base
	m.now.standing = complete
	return true
}

// finish is done when everything was taken from everybody.
func (m *Machine) finish(now Now) bool {
	r := m.now.promised
	if !m.inRound() || m.now.closed != r || m.now.done == r {
		return false
	}
	if !m.every(func(o *other) bool { return o.got == r }) {
		return false
	}
	m.now.done, m.now.doneAt = r, now.High
	return true
}

// close closes when all have promised the same.
func (m *Machine) close() bool {
	r, base := m.now.promised, m.now.base
	if !m.inRound() || m.now.closed == r {
		return false
	}
	if !m.every(func(o *other) bool { return o.counts() && o.promised == r && o.base == base }) {
		return false
	}
	m.now.closed = r
	return true
}

// open says whether another version can still be promised on this floor.
func (m *Machine) open() bool { return m.now.closed == m.now.floor }

// promise promises the greatest version that was proposed on top of our floor.
// It must not be below the clock at which we were done with that: what we wrote
// in ignorance would be above it. Where somebody has closed, there is no choice:
// we have promised that in an earlier life.
func (m *Machine) promise(now Now) bool {
	if !m.open() {
		return false
	}
	best := m.now.promised
	for i := range m.others {
		o := &m.others[i]
		if i == m.self || !m.proposes(o) {
			continue
		}
		if o.closed == o.promised {
			best = o.promised
			break
		}
		if !now.Busy && best.Less(o.promised) && !o.promised.Less(m.now.doneAt) {
			best = o.promised
		}
	}
	if best == m.now.promised {
		return false
	}
	m.now.promised, m.now.base = best, m.now.floor
	return true
}

// propose begins a round when it is time and everybody is there. The owners
// take turns to be late, so that seldom two begin at once.
func (m *Machine) propose(now Now) bool {
	if now.Busy || m.inRound() || len(m.owners) < 2 {
		return false
	}
	period := now.Period
	if period == 0 {
		period = time.Minute
	}
	due := period + time.Duration(m.self)*period/8
	if !m.overtaken() && (now.Idle || now.Time.Sub(m.since) < due) {
		return false
	}
	p := datastore.End(now.Time.Add(-m.cfg.Lag).UnixMilli())
	ready := m.every(func(o *other) bool {
		return m.present(o, now.Time) && o.counts() && o.floor == m.now.floor && o.done == o.floor &&
			o.closed == o.floor && o.promised.Less(p) && !p.Less(o.doneAt)
	})
	if !ready || p.Less(m.now.doneAt) || !m.now.floor.Less(p) {
		return false
	}
	m.now.promised, m.now.base = p, m.now.floor
	return true
}

// proposes says whether another owner has promised something on top of our
// floor.
func (m *Machine) proposes(o *other) bool {
	return o.counts() && o.base == m.now.floor && m.now.floor.Less(o.promised)
}

// overtaken says that somebody proposed what we cannot promise.
func (m *Machine) overtaken() bool {
	return m.some(func(o *other) bool { return m.proposes(o) && o.promised.Less(m.now.doneAt) })
}

// askExchanges names the owners from which everything is still to be taken, once
// each until Exchanged says how it went.
func (m *Machine) askExchanges() (ask []Exchange) {
	r := m.now.promised
	if !m.inRound() || m.now.closed != r || m.now.done == r {
		return nil
	}
	for i := range m.others {
		o := &m.others[i]
		if i != m.self && o.counts() && o.closed == r && o.got != r && o.asked != r {
			o.asked = r
			ask = append(ask, Exchange{m.owners[i], r})
		}
	}
	return ask
}

// Exchanged says how an exchange of a round went: ok, if all that the owner
// holds was taken and is durable here, and the owner still gave at the end.
func (m *Machine) Exchanged(owner string, round datastore.Version, ok bool) {
	for i := range m.others {
		if o := &m.others[i]; m.owners[i] == owner && i != m.self && o.asked == round {
			o.asked = datastore.Version{}
			if ok {
				o.got = round
			}
		}
	}
}
