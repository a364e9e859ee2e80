package coordinator

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynomite-go/dynomite/node/internal/command"
	"github.com/dynomite-go/dynomite/node/internal/frontend"
	"github.com/dynomite-go/dynomite/quorum"
)

// paced is a bench in virtual time whose nodes take their time to answer, and
// whose coordinators are told of the time.
type paced struct {
	*bench
	mu    sync.Mutex
	takes func(to int) time.Duration
	asked map[int]int // messages by receiver
}

func pacedBench(t *testing.T, n, racks int, takes func(to int) time.Duration) *paced {
	p := &paced{bench: newBenchIn(t, n, racks), takes: takes, asked: map[int]int{}}
	p.setFault(func(_, to int, _ byte) error {
		p.mu.Lock()
		p.asked[to]++
		wait := p.takes(to)
		p.mu.Unlock()
		time.Sleep(wait)
		if wait >= c10 {
			return benchError{sent: true}
		}
		return nil
	})
	stop := make(chan struct{})
	for _, c := range p.coords {
		go func() {
			for {
				select {
				case <-time.After(c.Tick()):
				case <-stop:
					return
				}
			}
		}()
	}
	t.Cleanup(func() {
		close(stop)
		time.Sleep(c10) // what hangs ends
	})
	return p
}

const c10 = 10 * time.Second // the bench's timeout: a node that takes so long hangs

func (p *paced) set(takes func(to int) time.Duration) {
	p.mu.Lock()
	p.takes = takes
	p.mu.Unlock()
}

// since gives how often a node has been asked, and begins to count anew.
func (p *paced) since(node int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.asked[node]
	p.asked[node] = 0
	return n
}

// reader is a client of node i that reads a key again and again; it says how
// long the reply took.
func (p *paced) reader(i int, key string) func() time.Duration {
	s := p.session()
	s.ReadLevel, s.WriteLevel = quorum.DCQuorum, quorum.DCQuorum
	args := [][]byte{[]byte("GET"), []byte(key)}
	cmds := []frontend.Request{{Spec: command.Lookup(args[0]), Args: args}}
	return func() time.Duration {
		began := time.Now()
		if got := string(p.coords[i].Run(s, cmds, nil)); got != "$1\r\nv\r\n" {
			p.t.Errorf("%q", got)
		}
		return time.Since(began)
	}
}

const ms = time.Millisecond

func all(d time.Duration) func(int) time.Duration { return func(int) time.Duration { return d } }

// except takes d, but for one node.
func except(node int, of, d time.Duration) func(int) time.Duration {
	return func(to int) time.Duration {
		if to == node {
			return of
		}
		return d
	}
}

func TestHedge_AnOwnerThatStops_CostsItsDelayAFewTimes_ThenNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pacedBench(t, 3, 3, all(4*ms))
		key := p.keyOf(0, 1, 2)
		p.expect(0, "SET "+key+" v", "+OK")
		time.Sleep(ms)
		read := p.reader(0, key)
		for range 200 {
			if took := read(); took != 4*ms {
				t.Fatalf("a read takes %v", took)
			}
		}
		p.set(except(1, c10, 4*ms))
		for i := range 200 {
			// The delay learnt, which is some 4 ms, and the tick's resolution.
			took := read()
			if i < 3 && took > 11*ms || i >= 3 && took != 4*ms {
				t.Errorf("read %d after an owner stopped takes %v", i, took)
			}
		}
		p.set(all(4 * ms))
		for range 4 * probeEvery {
			read() // one of these asks it as well, and learns that it is back
		}
		p.since(1)
		for range 100 {
			read()
		}
		if n := p.since(1); n != 100 {
			t.Errorf("an owner that is back is asked %d times in 100", n)
		}
	})
}

func TestHedge_AllIsWell_AsksFewMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2)) // under the bench's lock
		p := pacedBench(t, 3, 3, func(int) time.Duration { return ms + time.Duration(rng.ExpFloat64()*float64(4*ms)) })
		key := p.keyOf(0, 1, 2)
		p.expect(0, "SET "+key+" v", "+OK")
		time.Sleep(c10)
		read := p.reader(0, key)
		for range 200 {
			read()
		}
		before := p.coords[0].Counts().Hedges
		const n = 4000
		for range n {
			read()
		}
		if part := float64(p.coords[0].Counts().Hedges-before) / n; part < 0.01 || part > 0.08 {
			t.Errorf("%.1f %% of the reads asked further owners", part*100)
		}
	})
}

func TestHedge_AnOwnerThatTurnsSlow_IsAskedAfterOthers_UntilItIsQuickAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pacedBench(t, 3, 3, all(4*ms))
		key := p.keyOf(0, 1, 2)
		p.expect(0, "SET "+key+" v", "+OK")
		time.Sleep(ms)
		read := p.reader(0, key)
		for range 50 {
			read()
		}
		p.set(except(1, 60*ms, 4*ms))
		for range 100 {
			read()
		}
		time.Sleep(time.Second)
		p.since(1)
		hedges := p.coords[0].Counts().Hedges
		for range 20 * probeEvery {
			if took := read(); took != 4*ms {
				t.Fatalf("a read takes %v", took)
			}
		}
		if n := p.since(1); n != 20 || p.coords[0].Counts().Hedges != hedges+20 {
			t.Errorf("the slow owner is asked %d times, with %d hedges, want 20", n, p.coords[0].Counts().Hedges-hedges)
		}
		p.set(all(4 * ms))
		for i := 0; p.since(1) < 50; i++ {
			for range 50 {
				read()
			}
			if i > 1000 {
				t.Fatal("it is never asked first again")
			}
		}
	})
}

func TestHedge_AStoppedOwner_RaisesTheP99Little(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		quick := func(int) time.Duration { return ms + time.Duration(rng.ExpFloat64()*float64(2*ms)) }
		p := pacedBench(t, 3, 3, quick)
		var keys []string
		for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 2, 0}, {2, 1, 0}} {
			keys = append(keys, p.keyOf(order...))
			p.expect(0, "SET "+keys[len(keys)-1]+" v", "+OK")
		}
		time.Sleep(c10)
		p99 := func(n int) time.Duration {
			var mu sync.Mutex
			var took []time.Duration
			var clients sync.WaitGroup
			for i := range 16 {
				read := p.reader(0, keys[i%len(keys)])
				clients.Go(func() {
					for range n {
						d := read()
						mu.Lock()
						took = append(took, d)
						mu.Unlock()
					}
				})
			}
			clients.Wait()
			slices.Sort(took)
			return took[len(took)*99/100]
		}
		p99(100)
		before := p99(300)
		p.set(func(to int) time.Duration {
			if to == 1 {
				return c10
			}
			return quick(to)
		})
		p99(10) // some of these wait for it
		after := p99(300)
		t.Logf("p99 %v, with a stopped owner %v", before, after)
		if after > before*3/2 {
			t.Errorf("a stopped owner raises the p99 from %v to %v", before, after)
		}
	})
}

// outsider is a node that does not own a key, whose primary comes first in owners.
func outsider(p *paced) (node int, key string, owners []int) {
	cl := p.coords[0].Cluster()
	key = "key"
	owners = cl.owners(cl.Hash([]byte(key)), nil)
	for slices.Contains(owners, node) {
		node++
	}
	return node, key, owners
}

func TestHedge_AReadThatIsForwarded_GoesToAnotherOwnerToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pacedBench(t, 6, 3, all(2*ms))
		node, key, owners := outsider(p)
		p.expect(node, "SET "+key+" v", "+OK")
		time.Sleep(ms)
		read := p.reader(node, key)
		for range 100 {
			if took := read(); took != 4*ms {
				t.Fatalf("a read takes %v", took)
			}
		}
		// The delays learnt are 4 ms for an execution, 2 ms for a vote.
		primary := owners[0]
		p.set(except(primary, c10, 2*ms))
		for i := range 100 {
			// It is late as an executor, and then as a voter for another one that has
			// not learnt how long it takes.
			took := read()
			if i < 6 && took > 8*ms+quorum.Unlearnt+10*ms || i >= 6 && took != 4*ms {
				t.Errorf("read %d after its primary stopped takes %v", i, took)
			}
		}
		p.set(all(2 * ms))
		for range 4 * probeEvery {
			read()
		}
		p.since(primary)
		for range 50 {
			read()
		}
		if n := p.since(primary); n < 50 {
			t.Errorf("a primary that is back is asked %d times in 50", n)
		}
	})
}

func TestHedge_AReadBehindAWrite_IsNotSentElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pacedBench(t, 6, 3, all(2*ms))
		node, key, owners := outsider(p)
		p.expect(node, "SET "+key+" old", "+OK")
		time.Sleep(ms)
		p.set(except(owners[0], time.Second, 2*ms))
		if got := strings.Join(p.run(node, "SET "+key+" new", "GET "+key), " "); got != "+OK new" {
			t.Error(got)
		}
		if n := p.coords[node].Counts().Hedges; n != 0 {
			t.Errorf("%d hedges", n)
		}
	})
}

func TestHedge_AReadAtDCOne_IsThePrimarysAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pacedBench(t, 3, 3, all(2*ms))
		key := p.keyOf(1, 2, 0)
		p.expect(0, "SET "+key+" v", "+OK")
		time.Sleep(ms)
		p.set(except(1, time.Second, 2*ms))
		if got := p.runAt(0, quorum.DCOne, "GET "+key); got[0] != "v" {
			t.Error(got)
		}
		if n := p.coords[0].Counts().Hedges; n != 0 {
			t.Errorf("%d hedges", n)
		}
	})
}

func TestHedge_OneExecutorFails_TheOtherAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pacedBench(t, 6, 3, all(2*ms))
		node, key, owners := outsider(p)
		p.expect(node, "SET "+key+" v", "+OK")
		time.Sleep(ms)
		p.setFault(func(from, to int, kind byte) error {
			switch {
			case kind != KindExec:
				return nil
			case to == owners[0]:
				time.Sleep(100 * ms) // when the others have been asked
				return benchError{sent: true}
			case to == owners[1]:
				time.Sleep(200 * ms)
				return nil
			}
			time.Sleep(c10)
			return benchError{sent: true}
		})
		began := time.Now()
		if got := p.run(node, "GET "+key); got[0] != "v" {
			t.Fatal(got)
		}
		if took := time.Since(began); took > 250*ms {
			t.Errorf("it took %v", took)
		}
		if n := p.coords[node].Counts().Hedges; n != 2 {
			t.Errorf("%d hedges", n)
		}
	})
}

func TestHedging_Budget_BoundsTheHedges(t *testing.T) {
	var h hedging
	for range 1000 {
		h.earn(1)
	}
	n := 0
	for h.spend() {
		n++
	}
	if n != 1000/hedgeEvery {
		t.Errorf("%d hedges for 1000 questions", n)
	}
	h.earn(1e9)
	h.earn(1e9) // what is there is enough
	if h.budget.Load() > 1e9 {
		t.Error("the budget grows without end")
	}
}

func TestFlight_ARiderEndsAtItsOwnDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pacedBench(t, 3, 3, all(ms))
		key := p.keyOf(0, 1, 2)
		p.expect(0, "SET "+key+" v", "+OK")
		time.Sleep(ms)
		c := p.coords[0]
		p.set(all(c10)) // nobody answers
		leader := p.begin(0, "GET "+key)
		synctest.Wait()
		c.timeout = 3 * time.Second
		began := time.Now()
		rider := p.begin(0, "GET "+key)
		other := p.begin(0, "GET "+key)
		for _, replies := range []<-chan []string{rider, other} {
			if got := (<-replies)[0]; !strings.HasPrefix(got, "-NOQUORUM") || !strings.Contains(got, "another read") {
				t.Errorf("%q", got)
			}
		}
		if took := time.Since(began); took > c.timeout+idleTick {
			t.Errorf("riders with 3 s to live ended after %v", took)
		}
		c.timeout = c10
		last := p.begin(0, "GET "+key) // it waits behind those that gave up
		synctest.Wait()
		p.set(all(ms))
		if got := (<-leader)[0]; !strings.HasPrefix(got, "-NOQUORUM") {
			t.Errorf("%q", got)
		}
		if got := (<-last)[0]; got != "v" {
			t.Errorf("%q", got)
		}
		synctest.Wait() // who brought the last answer is gone
		for i := range c.flights {
			if n := len(c.flights[i].m); n > 0 {
				t.Errorf("%d flights are under way", n)
			}
		}
	})
}

func TestReview_TheMuchSlowerAreShunned_PerDatacenter(t *testing.T) {
	h := hedging{groups: [][]int{{0, 1, 2}, {3}}}
	for range 4 {
		h.nodes = append(h.nodes, &paces{})
	}
	for i, d := range []time.Duration{5 * ms, 12 * ms, 50 * ms, 200 * ms} {
		h.nodes[i].votes.Add(d)
	}
	h.nodes[1].execs.Miss()
	h.nodes[1].execs.Miss()
	h.nodes[1].execs.Miss()
	gone := -1
	shunned := func() string {
		h.review(func(node int) bool { return node != gone })
		var got []string
		for i, n := range h.nodes {
			got = append(got, fmt.Sprint(i, n.votes.shunned.Load(), n.execs.shunned.Load()))
		}
		return strings.Join(got, " ")
	}
	gone = 0 // and it does not count as the quickest
	if got, want := shunned(), "0 false false 1 false true 2 true false 3 false false"; got != want {
		t.Errorf("%v, want %s", got, want)
	}
	gone = 1
	if got, want := shunned(), "0 false false 1 false false 2 true false 3 false false"; got != want {
		t.Errorf("%v, want %s", got, want)
	}
	gone = -1
	if got, want := shunned(), "0 false false 1 false true 2 true false 3 false false"; got != want {
		t.Errorf("%v, want %s", got, want)
	}
	if least := time.Duration(h.least.Load()).Round(ms); least != 5*ms || !h.shunning.Load() {
		t.Errorf("the shortest delay is %v", least)
	}
}
