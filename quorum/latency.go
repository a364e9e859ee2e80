package quorum

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// hedgeQuantile is the part of its answers that a peer gives before Delay is
	// over: "after 95 %" adds some 5 % to the load and takes away most of the tail
	// (Dean, Barroso: The Tail at Scale, CACM 56(2), 2013).
	hedgeQuantile = 0.95
	// gains is how many answers it takes until the estimate moves by the smallest
	// step, and that step's inverse: at 1/16 the estimate wanders by about a tenth
	// where answers are spread exponentially, and one that is ten times too low is
	// right after 40 answers.
	gains = 16
	// quietMisses is how many times in a row a peer may be overdue, without any
	// answer, before nobody waits for it. A peer that is only as slow as its
	// quantile says gets there once in 0.05^-3 = 8000 times.
	quietMisses = 3

	// DefaultLeast is Latency.Least if it is not set: below a millisecond a timer
	// and the scheduler add about as much as one would win.
	DefaultLeast = time.Millisecond
	// DefaultMost is Latency.Most if it is not set: a round trip between any two
	// points on earth is shorter.
	DefaultMost = 500 * time.Millisecond
	// Unlearnt is what Delay says, within its bounds, before the first answer:
	// some ten times a round trip within a datacenter under load.
	Unlearnt = 20 * time.Millisecond
)

// Latency learns from the answers of one peer how long to wait for the next one
// before somebody else is asked as well. The zero Latency is ready; it takes a
// few words, and its methods, which may be called by many at once, take some
// nanoseconds and allocate nothing.
//
// It follows the 95th percentile of what [Latency.Add] is given by stochastic
// approximation (Robbins, Monro, 1951; with one word of memory: Ma,
// Muthukrishnan, Sandler: Frugal Streaming, arXiv 1407.1121) on the logarithm:
//
//	answer above the estimate:      estimate *= exp( g * 0.95)
//	answer at it, or below:         estimate *= exp(-g * 0.05)
//
// which rests where 5 % of the answers are above. The gain g is 1, 1/2, 1/3 ... for
// the first answers and then 1/16 for ever, so what is old is forgotten: ten
// times slower is learnt from some 40 answers, ten times faster from some 700.
//
// A peer that stops cannot teach anything: that it is overdue is told by
// [Latency.Miss], and after three of these without an answer Delay is 0.
type Latency struct {
	// Least and Most bound what Delay says of a peer that answers. If they are
	// zero, DefaultLeast and DefaultMost count; a Least above Most is Most. Most
	// is how long requests may suffer from a peer that turned slow and answers
	// still: set it to a few times what the slowest of the healthy need. They
	// are not to be changed once the Latency is in use.
	Least, Most time.Duration

	// word is all that was learnt, so that an update is one exchange: the
	// estimate in nanoseconds as a float32, the number of answers seen, up to
	// gains, and the misses in a row, up to quietMisses.
	word atomic.Uint64
}

// learnt is the word in parts.
type learnt struct {
	estimate     float32
	seen, misses uint16
}

func unpack(word uint64) learnt {
	return learnt{math.Float32frombits(uint32(word)), uint16(word >> 32), uint16(word >> 48)}
}

func (l learnt) pack() uint64 {
	return uint64(math.Float32bits(l.estimate)) | uint64(l.seen)<<32 | uint64(l.misses)<<48
}

// steps are the factors by the number of answers seen before.
var steps = func() (steps [gains + 1]struct{ up, down float32 }) {
	for seen := 1; seen <= gains; seen++ {
		g := 1 / float64(min(seen+1, gains))
		steps[seen].up = float32(math.Exp(g * hedgeQuantile))
		steps[seen].down = float32(math.Exp(-g * (1 - hedgeQuantile)))
	}
	return steps
}()

// Add takes the time from the moment that the peer was asked to its answer, also
// of an answer that nobody waited for any longer. Do not add what failed: how
// fast a connection is refused says nothing of how fast it would answer.
func (l *Latency) Add(took time.Duration) {
	least, most := l.bounds()
	answer := float32(took)
	for {
		old := l.word.Load()
		now := unpack(old)
		switch step := steps[now.seen]; {
		case now.seen == 0:
			now.estimate = min(max(answer, float32(least)), float32(most))
		case answer > now.estimate:
			now.estimate = min(now.estimate*step.up, float32(most))
		default:
			now.estimate = max(now.estimate*step.down, float32(least))
		}
		now.seen, now.misses = min(now.seen+1, gains), 0
		if l.word.CompareAndSwap(old, now.pack()) {
			return
		}
	}
}

// Miss says that an answer did not come within Delay. The answer is still to be
// added should it come.
func (l *Latency) Miss() {
	for {
		old := l.word.Load()
		now := unpack(old)
		if now.misses == quietMisses {
			return
		}
		now.misses++
		if l.word.CompareAndSwap(old, now.pack()) {
			return
		}
	}
}

// Delay is how long to wait for the peer's answer before another is asked as
// well: between Least and Most, or 0 if the peer is quiet, which means to ask
// another at once. A quiet peer is asked still, and its next answer ends that.
func (l *Latency) Delay() time.Duration {
	now := unpack(l.word.Load())
	if now.misses == quietMisses {
		return 0
	}
	least, most := l.bounds()
	if now.seen == 0 {
		return min(max(Unlearnt, least), most)
	}
	return min(max(time.Duration(now.estimate), least), most)
}

func (l *Latency) bounds() (least, most time.Duration) {
	least, most = l.Least, l.Most
	if least <= 0 {
		least = DefaultLeast
	}
	if most <= 0 {
		most = DefaultMost
	}
	return min(least, most), most
}

// Latencies keeps a [Latency] for each peer. The zero Latencies is ready, and safe
// for concurrent use. It forgets nobody by itself.
type Latencies[ID comparable] struct {
	// Least and Most are those of each Latency. They are not to be changed once
	// the Latencies are in use.
	Least, Most time.Duration

	mu    sync.RWMutex
	peers map[ID]*Latency
}

// Of gives what is learnt about a peer, never nil; it is made the first time that
// the peer is asked for.
func (l *Latencies[ID]) Of(peer ID) *Latency {
	l.mu.RLock()
	latency := l.peers[peer]
	l.mu.RUnlock()
	if latency != nil {
		return latency
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if latency = l.peers[peer]; latency == nil {
		if l.peers == nil {
			l.peers = map[ID]*Latency{}
		}
		latency = &Latency{Least: l.Least, Most: l.Most}
		l.peers[peer] = latency
	}
	return latency
}

// Forget drops what is learnt about a peer that is gone.
func (l *Latencies[ID]) Forget(peer ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.peers, peer)
}
