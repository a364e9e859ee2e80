package floor

import "time"

// Stall is what keeps the floor from rising.
type Stall struct {
	// Owner is who is waited for; empty if nobody is, then the rest is zero.
	Owner string
	// Waits is what for: "present" (it is away), "return", "promise", "close",
	// "exchange" or "done".
	Waits string
	// Since is when that began: the last message of one that is away, else when
	// our own part was done.
	Since time.Time
}

// Stalled says what keeps the floor from rising now, the first owner of several.
// A round that goes well stalls a little in between: look at Since.
func (m *Machine) Stalled(now time.Time) Stall {
	for i := range m.others {
		o := &m.others[i]
		if i == m.self {
			continue
		}
		if s := m.waits(o, now); s != "" {
			since := m.since
			if s == "present" {
				since = latest(o.heard, m.began)
			}
			return Stall{m.owners[i], s, since}
		}
	}
	return Stall{}
}

// waits says what an owner is waited for, if it is.
func (m *Machine) waits(o *other, now time.Time) string {
	r := m.now.promised
	switch {
	case !m.present(o, now):
		return "present"
	case m.now.returns():
		return ""
	case !o.counts():
		return "return"
	case !m.inRound():
		return ""
	case m.now.closed != r && o.promised != r:
		return "promise"
	case m.now.closed == r && m.now.done != r && o.closed != r:
		return "close"
	case m.now.closed == r && m.now.done != r && o.got != r:
		return "exchange"
	case m.now.done == r && o.done != r:
		return "done"
	}
	return ""
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
