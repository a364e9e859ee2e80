package coordinator

import (
	"container/heap"
	"math/rand/v2"
	"sync"
	"testing/synctest"
	"time"

	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/node/internal/frontend"
	"github.com/dynomite-go/dynomite/tokenring"
)

// sim is one history: a cluster of coordinators over real stores, in virtual
// time, on a network that delays, reorders, loses and repeats messages. Every
// chance is drawn from one seed. One event happens at a time, and everything
// that it sets off comes to rest before the next.
type sim struct {
	*ledger
	rng         *rand.Rand
	profile     profile
	events      events
	numberEvent int
	seq         int // events so far: the order in which clients see things
	nodes       []*simNode
	links       [][]bool        // links[i][j]: i's connection to j works
	arrivals    [8][8]time.Time // of the last message of a connection, if it keeps their order
	keys        []string
	sessions    []*frontend.Session
	ring        *tokenring.Ring
	stores      []*datastore.Memory
	notice      time.Duration // within which a change of health is noticed
	over        bool          // no more faults and no more commands
	endMu       sync.Mutex
	ended       []ending
	calls       []*simCall

	ops      []*simOp
	acked    map[string][]ackedWrite
	disagree map[string]*disagreement
	lossSeq  int // when a process was last lost with all that it held
	numbers  uint32
	spelt    map[string]int // how often a verb was used
	digits   map[string]int // increments so far, by key

	failures []string
	trace    func(format string, args ...any)
	stats    simStats
}

// simStats says what happened, so that a test can see that something did.
type simStats struct {
	ops, acked, unknown, refused, exceptions int
	reexecutions, restarts, losses, cut      int
	hints, repairs, conflicts                int
}

// profile is the kind of history.
type profile struct {
	racks, others int // owners here, and in another datacenter
	calm          bool
	dispute       bool
	latency       time.Duration // typical
	slow          float64       // messages that take up to a second more
	lose          float64
	twice         float64
	faults        int
	ops           int
	span          time.Duration // in which they come
	skew          int64         // of clocks, in milliseconds
	counters      bool
	one           float64 // commands at DC_ONE
}

type event struct {
	at  time.Time
	seq int
	run func()
}

type events []event

func (h events) Len() int { return len(h) }
func (h events) Less(i, j int) bool {
	return h[i].at.Before(h[j].at) || h[i].at.Equal(h[j].at) && h[i].seq < h[j].seq
}
func (h events) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *events) Push(x any)   { *h = append(*h, x.(event)) }
func (h *events) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

// after has f run in d from now. It is called by one goroutine at a time.
func (s *sim) after(d time.Duration, f func()) {
	s.numberEvent++
	// No two things happen at one moment.
	heap.Push(&s.events, event{time.Now().Add(d + time.Duration(1+s.rng.IntN(9999))), s.numberEvent, f})
}

// drive runs events until none is left, or until the given time.
func (s *sim) drive(until time.Time) {
	for len(s.failures) == 0 && len(s.events) > 0 && (until.IsZero() || s.events[0].at.Before(until)) {
		e := heap.Pop(&s.events).(event)
		if d := time.Until(e.at); d > 0 {
			time.Sleep(d)
		}
		s.seq++
		e.run()
		synctest.Wait()
		s.judgeEnded()
	}
}
