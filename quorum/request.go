package quorum

import (
	"fmt"
	"math"
	"math/bits"
	"time"
)

// Plan is how a request goes about it. The zero Plan asks all owners at once, and
// once.
type Plan struct {
	// Thrifty asks no more owners than the level needs, in the order of their
	// positions, and none in datacenters that the level does not count. A
	// further one is asked for each that failed, refused or lost, and for each
	// that is overdue: that is hedging. It is for reads, where one owner is as
	// good as another; a write goes to all. (The word is from EPaxos: Moraru,
	// Andersen, Kaminsky, SOSP 2013.)
	Thrifty bool
	// Tries is how often the request may be made in all, when it loses and is
	// made anew; at most 255, and 1 if it is less than that.
	Tries int
}

// Do is what comes next in a [Request].
type Do uint8

const (
	// Wait for an answer, or until Step.Until.
	Wait Do = iota
	// Ask Step.Owner; it counts as asked from here on.
	Ask
	// Retry: the request lost. Take in what beat it, make it anew, and call
	// Request.Retry; or give up, with Request.Report.
	Retry
	// Done: the level is met.
	Done
	// Fail: the level cannot be met any more. Request.Report says why.
	Fail
)

var doNames = [...]string{Wait: "wait", Ask: "ask", Retry: "retry", Done: "done", Fail: "fail"}

// String gives the name in lower case.
func (d Do) String() string {
	if int(d) < len(doNames) {
		return doNames[d]
	}
	return fmt.Sprintf("Do(%d)", uint8(d))
}

// Forever is [Step.Until] where time alone changes nothing.
const Forever time.Duration = math.MaxInt64

// Step is what [Request.Next] wants done.
type Step struct {
	Do Do
	// Until is the time up to which to Wait, if no answer comes before; then
	// Next has more to say. It is on the clock that Next is given.
	Until time.Duration
	// Owner is whom to Ask, by position, and Try what Answer needs with the
	// answer.
	Owner, Try int
	// Overdue is the owner whose delay has passed, so that Owner is asked as
	// well; -1 in all other steps. Tell its Latency with Miss.
	Overdue int
}

// Request is the course of one request: a [Tally], and whom to ask, when to ask
// one more, and when to make the request anew. It is a step function: the caller
// does what [Request.Next] says, feeds it with answers and the time, and asks it
// again:
//
//	for {
//		switch step := request.Next(now(), delay); step.Do {
//		case quorum.Ask:   // send it; later: request.Answer(step.Owner, step.Try, quorum.Won)
//		case quorum.Wait:  // return, and come back with an answer, or at step.Until
//		case quorum.Retry: // adopt what beat it, execute again, request.Retry()
//		case quorum.Done:
//		case quorum.Fail:  // return request.Report(nameOf, cause)
//		}
//	}
//
// It is a value of 128 bytes that allocates nothing, knows no clock, starts no
// goroutine, and is not safe for concurrent use; a copy goes its own way. The
// deadline is the caller's: once it has passed, nothing else but Report is needed.
type Request struct {
	tally Tally

	// Of this try, a bit for each owner: asked; of these, those asked at the
	// time began; those that have not answered; those not waited for any more.
	asked, first, flying, overdue uint64
	// former has the owners that a former try may have reached.
	former uint64

	began, last time.Duration // when the first and the latest of asked were
	older       uint16        // askings of former tries without an answer
	try, tries  uint8
	thrifty     bool
	lost        bool // and may be made anew
}

// Request starts a request in which nobody has been asked.
func (r Rule) Request(plan Plan) Request {
	return Request{
		tally: r.Tally(), thrifty: plan.Thrifty,
		try: 1, tries: uint8(min(max(plan.Tries, 1), math.MaxUint8)),
	}
}

// Next says what to do now. Call it at the start, after each answer, and at the
// time that it said to wait for, until it says Wait, Done or Fail; again after
// what it says is fine.
//
// now is any clock that does not go back, such as the time since the request was
// made. delay says how long to wait for an owner that was asked, from now on,
// before it counts as overdue: [Latency.Delay] of that peer. It matters for
// thrifty requests alone, and if it is nil they do not hedge.
//
// A request that is not thrifty asks every owner that is silent before it says
// Done or Fail, so that a write reaches them all; except that it asks nobody if
// it cannot be met from the start. A delay counts from the time that the owner
// was asked; of the owners that were not among the first, from the latest asking.
func (q *Request) Next(now time.Duration, delay func(owner int) time.Duration) Step {
	state, silent := q.tally.State(), q.tally.silent()
	open := silent &^ q.asked
	switch {
	case q.lost:
		return Step{Do: Retry, Overdue: -1}
	case !q.thrifty && open != 0 && (q.asked != 0 || state != Impossible):
		return q.ask(now, open, -1)
	case state == Met:
		return Step{Do: Done, Overdue: -1}
	case state == Impossible:
		return Step{Do: Fail, Overdue: -1}
	}
	wait := Step{Do: Wait, Until: Forever, Overdue: -1}
	if open == 0 {
		return wait
	}
	rest := q.tally.rule.datacenters()
	for dc := 0; ; dc++ {
		mask, ok := rest.next()
		if !ok {
			return wait
		}
		lack := q.tally.rule.need(dc, mask) - bits.OnesCount64(q.tally.won&mask)
		if lack <= 0 || open&mask == 0 {
			continue
		}
		waited := silent & q.asked &^ q.overdue & mask
		if bits.OnesCount64(waited) < lack {
			return q.ask(now, open&mask, -1)
		}
		for ; waited != 0 && delay != nil; waited &= waited - 1 {
			owner := bits.TrailingZeros64(waited)
			due := q.due(owner, delay(owner))
			if due <= now {
				q.overdue |= 1 << owner
				return q.ask(now, open&mask, owner)
			}
			wait.Until = min(wait.Until, due)
		}
	}
}

// ask takes the first of those that are open.
func (q *Request) ask(now time.Duration, open uint64, overdue int) Step {
	bit := open & -open
	if q.asked == 0 {
		q.began = now
	}
	if now == q.began {
		q.first |= bit
	}
	q.last = now
	q.asked |= bit
	q.flying |= bit
	return Step{Do: Ask, Owner: bits.TrailingZeros64(bit), Try: int(q.try), Overdue: overdue}
}

// due is when the delay of an owner that was asked has passed.
func (q *Request) due(owner int, delay time.Duration) time.Duration {
	since := q.last
	if q.first&(1<<owner) != 0 {
		since = q.began
	}
	if delay > Forever-since {
		return Forever
	}
	return since + delay
}

// Answer takes what an owner answered, or that it failed; try is that of the step
// that asked it. An answer to a former try is no answer to this one and counts
// as nothing.
//
// An owner that was not asked may be answered for, with the Try in force: the
// caller's own copy that has won, an owner that is known to be away as Refused.
// It is not asked then; in a new try it has to be answered for anew.
//
// The answer counts as in [Tally.Add], which also says what panics. But where the
// level counts the owner that Lost, and the level was not met before, Lost does
// not make the request fail as long as it may be tried again: Next says Retry.
func (q *Request) Answer(owner, try int, answer Answer) {
	if try != int(q.try) {
		if q.older > 0 && try < int(q.try) {
			q.older--
		}
		return
	}
	before := q.tally.State()
	q.tally.Add(owner, answer)
	if answer == Silent {
		return
	}
	bit := uint64(1) << owner
	q.flying &^= bit
	if answer == Lost && before != Met && q.try < q.tries && q.tally.lost&q.tally.rule.counts&bit != 0 {
		q.lost = true
	}
}

// Retry starts the next try after Next said so: all owners are silent, and not
// asked. It panics in any other case.
func (q *Request) Retry() {
	if !q.lost {
		panic("quorum: Retry of a request that has not lost, or not for the last time")
	}
	next := q.tally.rule.Request(Plan{Thrifty: q.thrifty, Tries: int(q.tries)})
	next.try = q.try + 1
	next.older = q.older + uint16(bits.OnesCount64(q.flying))
	next.former = q.former | q.tally.won | q.tally.lost | q.tally.failed | q.tally.silent()&q.asked
	*q = next
}

// Try is the try in force; the first is 1.
func (q *Request) Try() int { return int(q.try) }

// Tally is what is counted of the try in force.
func (q *Request) Tally() Tally { return q.tally }

// InFlight is how many askings, of all tries, have had no answer.
func (q *Request) InFlight() int { return int(q.older) + bits.OnesCount64(q.flying) }

// Report is [Tally.Report] of the try in force, where owners that have not been
// asked count as Refused, so they must not be asked any more. If a former try
// reached anybody, a write may have been applied.
func (q *Request) Report(name func(owner int) string, cause error) *Error {
	tally := q.tally
	tally.refused |= tally.silent() &^ q.asked
	report := tally.Report(name, cause)
	report.MayHaveBeenApplied = report.MayHaveBeenApplied || q.former != 0
	return report
}
