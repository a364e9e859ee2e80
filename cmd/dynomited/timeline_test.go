//go:build unix

package main

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// settling is how long a fault may disturb: what is sent later has to succeed.
const settling = 3 * time.Second

// timeline counts what became of commands by the period in which they were
// sent. A fault begins a period, and so does its end.
type timeline struct {
	mu      sync.Mutex
	periods []*period
	why     map[string]int // reasons of failures that no fault excuses
}

type period struct {
	name  string
	since time.Time
	fault time.Time // the last one, of this or of an earlier period
	mark
	// early: sent within settling of the fault, or under way when it came.
	early, later tally
}

// mark says what a period is.
type mark int

const (
	fault    mark = 1 << iota // a fault begins it
	away                      // a node is down
	minority                  // no majority is there: nothing can succeed
)

func (m mark) has(x mark) bool { return m&x != 0 }

type tally struct{ done, refused, unknown int }

func (t tally) all() int { return t.done + t.refused + t.unknown }

func (t tally) rate() float64 {
	if t.all() == 0 {
		return 1
	}
	return float64(t.done) / float64(t.all())
}

func (t *tally) add(o tally) {
	t.done += o.done
	t.refused += o.refused
	t.unknown += o.unknown
}

// enter begins a period. Call it right before a fault.
func (tl *timeline) enter(name string, m mark) *period {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	p := &period{name: name, since: time.Now(), mark: m}
	switch {
	case m.has(fault):
		p.fault = p.since
	case len(tl.periods) > 0:
		p.fault = tl.periods[len(tl.periods)-1].fault
	}
	tl.periods = append(tl.periods, p)
	return p
}

// count takes a command's outcome. A command under way when a fault came
// belongs to that fault.
func (tl *timeline) count(sent, received time.Time, o outcome, why string) {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	i := len(tl.periods) - 1
	for i > 0 && tl.periods[i].since.After(sent) {
		if tl.periods[i].has(fault) && !tl.periods[i].since.After(received) {
			break
		}
		i--
	}
	p := tl.periods[i]
	into := &p.later
	if !p.fault.IsZero() && sent.Sub(p.fault) <= settling {
		into = &p.early
	}
	switch o {
	case done:
		into.done++
		return
	case refused:
		into.refused++
	default:
		into.unknown++
	}
	if into == &p.later && !p.has(minority) {
		if tl.why == nil {
			tl.why = map[string]int{}
		}
		tl.why[p.name+": "+abbreviate(why)]++
	}
}

// settled is how many commands were sent in p after its fault had settled.
func (tl *timeline) settled(p *period) int {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	return p.later.all()
}

// done is how many commands of p succeeded.
func (tl *timeline) done(p *period) int {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	return p.early.done + p.later.done
}

// total is everything that was sent later than settling after a fault, and
// the part of it that was sent while a node was down. Where there was no
// majority only the unknown outcomes count.
func (tl *timeline) total() (settled, down tally, unknown int) {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	for _, p := range tl.periods {
		unknown += p.later.unknown + p.early.unknown
		if p.has(minority) {
			continue
		}
		settled.add(p.later)
		if p.has(away) {
			down.add(p.later)
		}
	}
	return settled, down, unknown
}

// report writes the table of the periods.
func (tl *timeline) report(t testing.TB) {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "%-22s %28s   %28s\n", "", "first 3 s and under way", "later")
	fmt.Fprintf(&b, "%-22s %9s %8s %4s %4s   %9s %8s %4s %4s\n", "period", "commands", "done %", "ref.", "unk.", "commands", "done %", "ref.", "unk.")
	for _, p := range tl.periods {
		e, l := p.early, p.later
		fmt.Fprintf(&b, "%-22s %9d %8.3f %4d %4d   %9d %8.3f %4d %4d\n", p.name,
			e.all(), 100*e.rate(), e.refused, e.unknown, l.all(), 100*l.rate(), l.refused, l.unknown)
	}
	for why, n := range tl.why {
		fmt.Fprintf(&b, "%6d x %s\n", n, why)
	}
	t.Log("\n" + b.String())
}

func TestTimeline_AttributesCommandsToFaults(t *testing.T) {
	tl := &timeline{}
	base := time.Now()
	at := func(s float64) time.Time { return base.Add(time.Duration(s * float64(time.Second))) }
	calm := tl.enter("calm", 0)
	down := tl.enter("down", fault|away)
	back := tl.enter("back", 0)
	calm.since, down.since, down.fault, back.since, back.fault = at(0), at(10), at(10), at(20), at(10)
	tl.count(at(1), at(2), done, "")
	tl.count(at(9), at(11), unknown, "") // under way at the fault
	tl.count(at(12.9), at(13), refused, "")
	tl.count(at(13.1), at(13.2), refused, "")
	tl.count(at(19), at(21), done, "") // the end of a fault excuses nothing
	tl.count(at(21), at(22), done, "")
	settled, gone, unknown := tl.total()
	if calm.later != (tally{done: 1}) || down.early != (tally{refused: 1, unknown: 1}) ||
		down.later != (tally{done: 1, refused: 1}) || back.later != (tally{done: 1}) ||
		settled.all() != 4 || gone.all() != 2 || unknown != 1 {
		t.Errorf("calm %+v, down %+v, back %+v", calm, down, back)
	}
}
