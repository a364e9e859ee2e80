package coordinator

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/dynomite-go/dynomite/quorum"
)

const (
	// leastDelay bounds from below how long a read waits before it asks one more:
	// what the ticks resolve.
	leastDelay = quorum.DefaultLeast
	// idleTick is how often Tick is called while nothing waits: a read that
	// hangs when little goes on is noticed that much later.
	idleTick = 10 * time.Millisecond
	// shunAbove is how many times slower than the quickest of its datacenter a
	// node has to be before others are asked first: the 95th percentiles of
	// healthy nodes differ by less.
	shunAbove = 3
	// probeEvery is which question that goes past a shunned node is put to it
	// all the same, beside the others: some 6 % more questions, for as long as it
	// is slow, tell that it is quick again.
	probeEvery = 16
	// hedgeEvery and hedgeBurst bound the hedges: one for ten questions, and as
	// many at once as may wait for a node that stops.
	hedgeEvery = 10
	hedgeBurst = 4096
)

// pace is what is learnt of one node's answers of one sort.
type pace struct {
	quorum.Latency
	shunned atomic.Bool   // others are asked before it
	passed  atomic.Uint32 // questions that went past it since it is shunned
}

// probe says whether it is time to ask a shunned node all the same.
func (p *pace) probe() bool { return p.passed.Add(1)%probeEvery == 0 }

// paces are those of one node: its votes on what others saw, and what it
// executes for others, which takes longer.
type paces struct{ votes, execs pace }

// hedging is what a coordinator knows about how long to wait for whom.
type hedging struct {
	nodes  []*paces // by member
	groups [][]int  // the other members, by datacenter
	// shunning says that anybody is shunned, least is the shortest delay.
	shunning atomic.Bool
	least    atomic.Int64
	// budget is in parts of hedgeEvery to a hedge.
	budget atomic.Int64
}

// begin learns of the layout. No delay is longer than most.
func (h *hedging) begin(cl *Cluster, most time.Duration) {
	groups := map[string][]int{}
	h.nodes, h.groups = make([]*paces, len(cl.Members)), nil
	for i, m := range cl.Members {
		h.nodes[i] = &paces{
			votes: pace{Latency: quorum.Latency{Least: leastDelay, Most: most}},
			execs: pace{Latency: quorum.Latency{Least: leastDelay, Most: most}},
		}
		if i != cl.Self {
			groups[m.Datacenter] = append(groups[m.Datacenter], i)
		}
	}
	for _, dc := range cl.Ring.Datacenters() {
		if g := groups[dc]; len(g) > 0 {
			h.groups = append(h.groups, g)
		}
	}
	h.budget.Store(hedgeBurst * hedgeEvery)
	h.least.Store(int64(leastDelay))
}

// of is the pace that answers to f teach.
func (h *hedging) of(f *frame) *pace {
	if f.kind == KindExec {
		return &h.nodes[f.node].execs
	}
	return &h.nodes[f.node].votes
}

// earn allows for hedges by the questions that were asked.
func (h *hedging) earn(questions int) {
	if h.budget.Load() < hedgeBurst*hedgeEvery {
		h.budget.Add(int64(questions))
	}
}

// spend says whether one more may be asked.
func (h *hedging) spend() bool {
	if h.budget.Add(-hedgeEvery) >= 0 {
		return true
	}
	h.budget.Add(hedgeEvery)
	return false
}

// review decides who is shunned, by what was learnt so far of those that can be
// reached: what a node that is gone was like says nothing.
func (h *hedging) review(reachable func(node int) bool) {
	least, any := time.Duration(math.MaxInt64), false
	for _, group := range h.groups {
		for _, sort := range [...]func(*paces) *pace{
			func(p *paces) *pace { return &p.votes }, func(p *paces) *pace { return &p.execs },
		} {
			best := time.Duration(math.MaxInt64)
			for _, i := range group {
				if d := sort(h.nodes[i]).Delay(); d > 0 && reachable(i) {
					best = min(best, d)
				}
			}
			least = min(least, best)
			for _, i := range group {
				p := sort(h.nodes[i])
				d := p.Delay()
				slow := (d == 0 || d/shunAbove > best) && reachable(i)
				if slow != p.shunned.Load() {
					p.shunned.Store(slow)
				}
				any = any || slow
			}
		}
	}
	if least == math.MaxInt64 {
		least = leastDelay // everybody is quiet
	}
	h.least.Store(int64(least))
	h.shunning.Store(any)
}
