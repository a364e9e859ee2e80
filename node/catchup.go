package node

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/node/internal/coordinator"
)

// catchUp makes the node whole after it may have missed deltas: it compares
// what it owns with a majority of the owners of each range, and until that is done the
// node neither votes in reads nor is primary.
type catchUp struct {
	n     *Node
	ask   chan struct{}
	mu    sync.Mutex
	cause string
	asked int // counts requests, so that one that comes during a pass is not forgotten
	// demoted counts those that demoted: they alone put off the end of it, or a
	// node would never be through that is told of missed deltas now and then.
	demoted int
	compare func(context.Context) (fetched, pushed int, err error) // pass

	abroad abroad
	// lost says that this node may lack what it acknowledged once.
	lost atomic.Bool

	runs, fetched, pushed atomic.Uint64
	last                  atomic.Int64 // Unix ms of the end of the last complete pass
}

func newCatchUp(n *Node) *catchUp {
	c := &catchUp{n: n, ask: make(chan struct{}, 1)}
	c.compare = c.pass
	return c
}

// request begins a comparison, or begins it anew if one is under way. demote
// says that this node stops voting and being primary until it is through: it
// started, or it was away from the majority. A node that kept the majority in sight and
// only missed some deltas goes on: what a majority acknowledged without it, a
// majority of voters still shows.
func (c *catchUp) request(cause string, demote bool) {
	if c.n.coord.Cluster() == nil {
		return // there is nothing to compare; it begins by catching up
	}
	c.mu.Lock()
	c.cause = cause
	c.asked++
	if demote {
		c.demoted++
		c.n.setCaughtUp(false)
	}
	c.mu.Unlock()
	select {
	case c.ask <- struct{}{}:
	default:
	}
}

// run serves requests until ctx ends.
func (c *catchUp) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.ask:
		}
		if err := c.complete(ctx); err != nil {
			return
		}
	}
}

// complete passes until a whole pass went through with no new request.
func (c *catchUp) complete(ctx context.Context) error {
	started := time.Now()
	var info CatchUpInfo
	c.mu.Lock()
	info.Cause = c.cause
	c.mu.Unlock()
	c.n.log.Info("catching up", "cause", info.Cause)
	if f := c.n.observer.CatchUpStarted; f != nil {
		f(info)
	}
	c.n.tellAll()
	var said string
	for {
		c.mu.Lock()
		asked, demoted := c.asked, c.demoted
		c.mu.Unlock()
		fetched, pushed, err := c.compare(ctx)
		if err == nil {
			f, p := c.compareAbroad(ctx)
			fetched, pushed = fetched+f, pushed+p
		}
		info.Fetched += fetched
		info.Pushed += pushed
		c.fetched.Add(uint64(fetched))
		c.pushed.Add(uint64(pushed))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			c.mu.Lock()
			again := asked != c.asked
			promoted := demoted == c.demoted && !c.n.caughtUp.Load()
			if demoted == c.demoted {
				c.n.setCaughtUp(true)
			}
			c.mu.Unlock()
			if !again {
				break
			}
			if promoted {
				c.n.waiting.set("")
				c.n.tellAll()
			}
			continue
		}
		if err.Error() != said {
			said = err.Error()
			c.n.log.Info("still catching up", "err", err)
		}
		if !c.n.caughtUp.Load() {
			c.n.waiting.set("catching up: " + err.Error())
		}
		t := time.NewTimer(100 * time.Millisecond)
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
		}
	}
	c.n.waiting.set("")
	info.Took = time.Since(started)
	c.runs.Add(1)
	c.last.Store(time.Now().UnixMilli())
	c.n.log.Info("caught up", "cause", info.Cause, "fetched", info.Fetched, "pushed", info.Pushed, "took", info.Took)
	if f := c.n.observer.CatchUpFinished; f != nil {
		f(info)
	}
	c.n.tellAll()
	return nil
}

// pass compares every range that this node owns with every other owner that
// can be reached, and fails unless those were enough. Every acknowledged write
// is held by a majority. If this node kept what it acknowledged, a majority
// with it counted has them all. If it may have lost something, its own part in a
// majority counts for nothing: then enough others are needed that any majority,
// less this node, has one of them.
func (c *catchUp) pass(ctx context.Context) (fetched, pushed int, err error) {
	cl := c.n.coord.Cluster()
	self := cl.SelfMember()
	left := map[int]bool{} // owners that were not compared with
	for _, r := range ownedRanges(cl) {
		owners := len(r.owners)
		need := owners / 2 // others, for a majority with us
		if c.lost.Load() {
			need = min(owners-(owners/2+1)+1, owners-1)
		}
		compared := 0
		var last error
		for _, o := range r.owners {
			if o == cl.Self {
				continue
			}
			if !cl.Members[o].Reachable() {
				last = fmt.Errorf("rack %s (node %s) does not answer", cl.Members[o].Rack, cl.Members[o].ID)
				left[o] = true
				continue
			}
			if q := c.n.peers.at(o); q != nil && !q.meets() {
				last = fmt.Errorf("rack %s (node %s) has not connected to this node", cl.Members[o].Rack, cl.Members[o].ID)
				left[o] = true
				continue
			}
			got, err := c.n.coord.Compare(ctx, c.n.peers.call, o, r.from, r.to)
			fetched += got.Fetched
			pushed += got.Pushed
			if err != nil {
				last = fmt.Errorf("node %s: %w", cl.Members[o].ID, err)
				left[o] = true
				continue
			}
			compared++
		}
		if compared < need {
			return fetched, pushed, fmt.Errorf("compared with %d other owners of a range, %d needed in %s: %w", compared, need, self.Datacenter, last)
		}
	}
	c.lost.Store(false)
	for o := range left {
		// What we acknowledged alone before we crashed it lacks, and only we know.
		c.n.missedDelta(o)
	}
	return fetched, pushed, nil
}

// ownedRange is a run of tokens with one set of owners, of whom this node is
// one.
type ownedRange struct {
	from, to hashkit.Token
	owners   []int
}

func ownedRanges(cl *coordinator.Cluster) []ownedRange {
	var out []ownedRange
	dc := cl.SelfMember().Datacenter
	for _, a := range cl.Ring.Arcs(dc) {
		if !cl.Ring.Owns(cl.Self, a.From) {
			continue
		}
		owners := cl.Ring.AppendOwners(nil, dc, a.From)
		if n := len(out); n > 0 && out[n-1].to+1 == a.From && sameSet(out[n-1].owners, owners) {
			out[n-1].to = a.To
			continue
		}
		out = append(out, ownedRange{a.From, a.To, owners})
	}
	return out
}

func sameSet(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for _, x := range a {
		found := false
		for _, y := range b {
			found = found || x == y
		}
		if !found {
			return false
		}
	}
	return true
}
