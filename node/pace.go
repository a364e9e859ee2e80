package node

import (
	"math"
	"time"

	"github.com/dynomite-go/dynomite/hints"
)

// pace sets how fast hints go to a peer. One message is under way at a time, a
// small one, for what stands behind it waits; and between two there is a rest,
// so that hints take a share of the peer's time, a small one while there are
// clients. A message takes longer when the peer, or the network, or we are busy:
// then fewer go. There is a floor nevertheless, since a node that lacks something
// is one that the others cannot count on: what is owed is to be there within
// handoffTime. docs/repair.md has what this does to clients.
type pace struct {
	budget  hints.Budget
	times   uint64        // how often the peer had come back when it was met
	began   time.Time     // when the first message was answered since then
	way     time.Duration // the least round trip of a ping, 0 until it has settled
	perByte float64       // seconds of work that a byte makes, smoothed
	failed  int           // messages since the last that was answered
	floor   float64       // bytes a second
	share   float64

	commands uint64 // of clients, when they were looked at
	looked   time.Time
	load     float64 // commands of the last second, the older the less
}

const (
	// busyShare of a peer's time goes to the hints of one holder while clients use
	// it, idleShare while none do.
	busyShare = 0.004
	idleShare = 0.3
	// idleCommands a second are nobody's but a monitor's; lookEvery is how soon it is
	// noticed that there are more. That there are none counts after idleAfter: clients
	// that all wait for an answer, or for its deadline, are still there.
	idleCommands = 20
	lookEvery    = 100 * time.Millisecond
	idleAfter    = 3 * time.Second
	// settleTime is how long after the first message a peer that came up gets only what
	// the floor allows. From its pings in that time, few of which stand behind hints,
	// it is known how far away it is.
	settleTime = time.Second
	// nearBatch is the size of a message: a hundred small hints, applied in a quarter
	// of a millisecond; smaller ones cost more and disturb as much. To a peer as far
	// away as distant it is a whole frame, since a message costs a round trip.
	nearBatch    = 16 << 10
	distantBatch = 64 << 10
	distant      = 5 * time.Millisecond
	// leastRate, in bytes a second, is the least, so that a message that took seconds,
	// because a process stood still, does not have what is behind it wait for long:
	// 1,000 small hints. handoffTime is for all that is owed when a peer returns.
	leastRate   = 128 << 10
	handoffTime = 7 * time.Minute
	// longestRest is how long the longest rest is, after the largest record too. A peer
	// that returns does not wait for hints that pause for hintPatience. After messages
	// that failed it becomes longer, up to failedRest for a large record.
	longestRest = hintPatience / 2
	failedRest  = 16 * longestRest
	// leastWork stands for a message whose work cannot be told from the way there.
	leastWork = 20 * time.Microsecond
)

func newPace() *pace {
	p := &pace{floor: leastRate, share: busyShare}
	p.forget()
	return p
}

// meets begins anew if the peer, which has come back so many times, did so since it
// was met last.
func (p *pace) meets(times uint64) {
	if times != p.times {
		p.times = times
		p.forget()
	}
}

func (p *pace) forget() {
	p.way, p.perByte, p.failed, p.began = 0, 0, 0, time.Time{}
	p.budget.SetBatch(nearBatch)
	p.budget.Set(0)
}

// owes takes note of how many bytes are queued for the peer. Until there are none
// the floor is that of the most.
func (p *pace) owes(bytes int64) {
	if bytes == 0 {
		p.floor = leastRate
	}
	p.floor = max(p.floor, float64(bytes)/handoffTime.Seconds())
}

// clients takes note of how many commands of clients we have had a part in so
// far.
func (p *pace) clients(now time.Time, commands uint64) {
	took := now.Sub(p.looked)
	if took < lookEvery {
		return
	}
	if p.looked.IsZero() {
		p.load = idleCommands * math.Exp(settleTime.Seconds())
	} else {
		// The mean since then, weighted as if it had been so at each moment.
		s := took.Seconds()
		p.load = p.load*math.Exp(-s) + float64(commands-p.commands)*(1-math.Exp(-s))/s
		p.load = min(p.load, idleCommands*math.Exp(idleAfter.Seconds()))
	}
	p.share = busyShare
	if p.load <= idleCommands {
		p.share = idleShare
	}
	p.commands, p.looked = commands, now
}

// fails takes note of bytes that were sent, and not answered.
func (p *pace) fails(bytes int) {
	rest := min(longestRest<<p.failed, failedRest)
	p.failed = min(p.failed+1, 10)
	p.budget.Set(max(p.floor, float64(bytes)/rest.Seconds()))
}

// took takes note of a message of some bytes that the peer answered in took, while
// way was the shortest round trip of its pings so far.
func (p *pace) took(now time.Time, bytes int, took, way time.Duration) {
	if p.began.IsZero() {
		p.began = now
	}
	if now.Sub(p.began) >= settleTime {
		p.settled(bytes, took, way)
	}
	p.failed = 0
	rate := max(p.floor, float64(bytes)/longestRest.Seconds())
	if p.perByte > 0 {
		rate = max(rate, p.share/p.perByte)
	}
	p.budget.Set(rate)
}

// settled takes what a message took for work, less the way there and back.
func (p *pace) settled(bytes int, took, way time.Duration) {
	if way != p.way {
		p.way = way
		if way >= distant {
			p.budget.SetBatch(distantBatch)
		} else {
			p.budget.SetBatch(nearBatch)
		}
	}
	// A small message takes as long as a whole one: it is the way there and back.
	work := max(took-way, leastWork).Seconds() / float64(max(bytes, nearBatch))
	if p.perByte == 0 {
		p.perByte = work
	}
	p.perByte += (work - p.perByte) / 8
}
