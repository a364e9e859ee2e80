package node

import (
	"time"

	"github.com/dynomite-go/dynomite/hints"
)

// pace sets how fast hints go to a peer, by the latency that we see of it: at
// most one message is under way, and the peer rests a multiple of the time
// that it took. While its round trips grow to more than twice what they are at
// their best, it rests longer, up to restMost times as long; when they are
// short again, less, down to restLeast. So a peer that is idle takes hints for half of
// its time, one that is busy hardly any, and both do get on.
type pace struct {
	budget hints.Budget
	rest   float64
	best   time.Duration // the least round trip since the peer is up
}

// restLeast leaves a peer half of its time; restMost one in 64, at which a
// million small hints take some minutes.
const (
	restLeast = 1
	restMost  = 64
	// jitter is what round trips differ by when nothing is amiss.
	jitter = 200 * time.Microsecond
)

func newPace() *pace { return &pace{rest: 4 * restLeast} }

// wholeMessage is what a message of hints has at most, give or take a record.
// A smaller one takes as long: it is the way there and back.
const wholeMessage = 64 << 10

// leastRate, in bytes a second, bounds what a message that took seconds, because
// a process or a machine stood still, costs those after it.
const leastRate = 256 << 10

// forget begins anew: the peer was away, and may be slow at first.
func (p *pace) forget() {
	p.rest, p.best = 4*restLeast, 0
	p.budget.Set(0)
}

// took takes note of a message of some bytes that the peer answered in took,
// while its pings took rtt.
func (p *pace) took(bytes int, took, rtt time.Duration) {
	if rtt > 0 && (p.best == 0 || rtt < p.best) {
		p.best = rtt
	}
	if rtt > 2*p.best+jitter {
		p.rest = min(p.rest*2, restMost)
	} else {
		p.rest = max(p.rest/1.2, restLeast)
	}
	rate := float64(max(bytes, wholeMessage)) / (took.Seconds()*(1+p.rest) + 1e-6)
	p.budget.Set(max(rate, leastRate))
}
