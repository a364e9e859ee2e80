package quorum

import (
	"fmt"
	"math/bits"
)

// Answer is what is known of an owner's part in a request.
type Answer uint8

const (
	// Silent: no answer so far.
	Silent Answer = iota
	// Refused: the owner certainly has not done it. It said so, or it was never
	// asked.
	Refused
	// Failed: an error, a broken connection, a timeout; the owner may have done
	// it or may do it yet.
	Failed
	// Lost: the owner did it, and holds something that beats it.
	Lost
	// Won: the owner did it, and it stands. Only this counts.
	Won
)

var answerNames = [...]string{Silent: "silent", Refused: "refused", Failed: "failed", Lost: "lost", Won: "won"}

// String gives the name in lower case.
func (a Answer) String() string {
	if int(a) < len(answerNames) {
		return answerNames[a]
	}
	return fmt.Sprintf("Answer(%d)", uint8(a))
}

// State is where a request stands.
type State uint8

const (
	// Pending: answers that are missing decide.
	Pending State = iota
	// Met: enough owners won. This is final.
	Met
	// Impossible: even if all silent owners won, they would not be enough.
	Impossible
)

var stateNames = [...]string{Pending: "pending", Met: "met", Impossible: "impossible"}

// String gives the name in lower case.
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

// Tally counts the answers to one request. It is a value of a few words: copy it
// to keep it; it allocates nothing, knows no clock and starts no goroutine. A
// tally is not safe for concurrent use.
type Tally struct {
	rule                       Rule
	won, lost, failed, refused uint64 // disjoint
}

// Tally starts a count in which every owner is silent.
func (r Rule) Tally() Tally { return Tally{rule: r} }

// Rule gives the rule that the tally counts by.
func (t *Tally) Rule() Rule { return t.rule }

// Add takes an owner's answer and says where the request stands now. What is
// known better replaces what was known: a refusal gives way to a failure (asked
// again, the owner may have done it), and both to an answer that comes after
// all, so Impossible may turn back. The first of won and lost stays. It panics
// if the rule has no such owner, or the answer is none of the five.
func (t *Tally) Add(owner int, answer Answer) State {
	if owner < 0 || owner >= t.rule.Owners() {
		panic(fmt.Sprintf("quorum: owner %d of %d", owner, t.rule.Owners()))
	}
	bit := uint64(1) << owner
	switch answer {
	case Silent:
		return t.State()
	case Refused:
		t.refused |= bit &^ (t.won | t.lost | t.failed)
		return t.State()
	case Failed:
		t.failed |= bit &^ (t.won | t.lost)
		t.refused &^= bit
		return t.State()
	case Lost:
		t.lost |= bit &^ t.won
	case Won:
		t.won |= bit &^ t.lost
	default:
		panic(fmt.Sprintf("quorum: %v", answer))
	}
	t.failed &^= bit
	t.refused &^= bit
	return t.State()
}

// Answer gives what is known of an owner.
func (t *Tally) Answer(owner int) Answer {
	switch bit := uint64(1) << owner; {
	case t.won&bit != 0:
		return Won
	case t.lost&bit != 0:
		return Lost
	case t.failed&bit != 0:
		return Failed
	case t.refused&bit != 0:
		return Refused
	}
	return Silent
}

// Count is the number of owners, over all datacenters, of which this is known.
func (t *Tally) Count(answer Answer) int {
	switch answer {
	case Won:
		return bits.OnesCount64(t.won)
	case Lost:
		return bits.OnesCount64(t.lost)
	case Failed:
		return bits.OnesCount64(t.failed)
	case Refused:
		return bits.OnesCount64(t.refused)
	case Silent:
		return bits.OnesCount64(t.silent())
	}
	return 0
}

// State says where the request stands.
func (t *Tally) State() State {
	if t.rule.level == DCEachSafeQuorum {
		return t.stateOfEach()
	}
	need := int(t.rule.total)
	switch {
	case need == 0: // the zero rule
		return Impossible
	case bits.OnesCount64(t.won&t.rule.counts) >= need:
		return Met
	case bits.OnesCount64((t.won|t.silent())&t.rule.counts) < need:
		return Impossible
	}
	return Pending
}

// stateOfEach is State where every datacenter has to meet its own number.
func (t *Tally) stateOfEach() State {
	if t.lost|t.failed|t.refused == 0 && bits.OnesCount64(t.won) < int(t.rule.total) {
		return Pending // the usual case, without the walk
	}
	state, rest := Met, t.rule.datacenters()
	for dc := 0; ; dc++ {
		mask, ok := rest.next()
		if !ok {
			return state
		}
		need := t.rule.need(dc, mask)
		if bits.OnesCount64(t.won&mask) >= need {
			continue
		}
		if bits.OnesCount64((t.won|t.silent())&mask) < need {
			return Impossible
		}
		state = Pending
	}
}

// Got is the number of owners that won where the level needs them: winners in
// other datacenters, and more winners than needed, do not count. It is
// Rule.Total when the level is met, and less before.
func (t *Tally) Got() int {
	if t.rule.level != DCEachSafeQuorum {
		return min(bits.OnesCount64(t.won&t.rule.counts), int(t.rule.total))
	}
	got, rest := 0, t.rule.datacenters()
	for dc := 0; ; dc++ {
		mask, ok := rest.next()
		if !ok {
			return got
		}
		got += min(bits.OnesCount64(t.won&mask), t.rule.need(dc, mask))
	}
}

// MayHaveBeenApplied reports whether any owner did the request, or may have or may
// yet: it is false only when all refused. An owner that has not been asked, and
// will not be, is to be counted as Refused first.
func (t *Tally) MayHaveBeenApplied() bool { return t.refused != t.rule.all }

func (t *Tally) silent() uint64 { return t.rule.all &^ (t.won | t.lost | t.failed | t.refused) }

// Report turns the tally, as it stands, into an error, never nil: name gives the
// name of the owner at a position, and cause, which may be nil, is why nobody
// waits any longer.
func (t *Tally) Report(name func(owner int) string, cause error) *Error {
	report := &Error{
		Level: t.rule.level, Need: t.rule.Total(), Got: t.Got(),
		MayHaveBeenApplied: t.MayHaveBeenApplied(), Cause: cause,
	}
	for owner := range t.rule.Owners() {
		list := report.list(t.Answer(owner))
		*list = append(*list, name(owner))
	}
	return report
}
