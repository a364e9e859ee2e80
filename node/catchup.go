package node

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dynomite-go/dynomite/hints"
	"github.com/dynomite-go/dynomite/node/internal/coordinator"
)

// catchUp makes the node whole after it may have missed deltas: it waits for
// what others kept for it, and then compares what it owns with a majority of
// the owners of each range. Until that is done the node neither votes in reads
// nor is primary.
type catchUp struct {
	n       *Node
	ask     chan struct{}
	mu      sync.Mutex
	cause   string
	asked   int                                                    // counts requests, so that one that comes during a pass is not forgotten
	done    int                                                    // how many of them a whole pass has answered
	compare func(context.Context) (fetched, pushed int, err error) // pass

	// lost says that this node may lack what it acknowledged once.
	lost atomic.Bool
	// homeOnly is when to give up on other datacenters.
	homeOnly time.Time

	runs, fetched, pushed atomic.Uint64
}

func newCatchUp(n *Node) *catchUp {
	c := &catchUp{n: n, ask: make(chan struct{}, 1)}
	c.compare = c.pass
	return c
}

// request begins catching up, or begins it anew if it is under way: this node
// started, or was away from the majority. One that kept the majority in sight
// and only missed some deltas does not: what a majority acknowledged without
// it, a majority of voters still shows, and hints bring the rest.
func (c *catchUp) request(cause string) {
	if c.n.coord.Cluster() == nil {
		return // there is nothing to compare; it begins by catching up
	}
	c.mu.Lock()
	c.cause = cause
	c.asked++
	c.n.setCaughtUp(false)
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
		c.mu.Lock()
		done := c.done == c.asked // by the pass that was under way, or about to begin
		c.mu.Unlock()
		if done {
			continue
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
	c.homeOnly = started.Add(abroadPatience)
	var said string
	var arriving arrival
	for {
		c.awaitHints(ctx, &arriving)
		c.mu.Lock()
		asked := c.asked // what is asked for from now on needs another pass
		c.mu.Unlock()
		fetched, pushed, err := c.compare(ctx)
		info.Fetched += fetched
		info.Pushed += pushed
		c.fetched.Add(uint64(fetched))
		c.pushed.Add(uint64(pushed))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			c.mu.Lock()
			whole := asked == c.asked
			if whole {
				c.lost.Store(false)
				c.done = asked
				c.n.setCaughtUp(true)
			}
			c.mu.Unlock()
			if whole {
				break
			}
			continue
		}
		if err.Error() != said {
			said = err.Error()
			c.n.log.Info("still catching up", "err", err)
		}
		c.n.waiting.set("catching up: " + err.Error())
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	c.n.waiting.set("")
	info.Took = time.Since(started)
	c.runs.Add(1)
	c.n.log.Info("caught up", "cause", info.Cause, "fetched", info.Fetched, "pushed", info.Pushed, "took", info.Took)
	if f := c.n.observer.CatchUpFinished; f != nil {
		f(info)
	}
	c.n.tellAll()
	return nil
}

// Comparing finds what hints would have brought, for more. So we wait for
// hints that we know of as long as they come: hintPatience is the longest pause,
// and if all would take longer than hintsWithin at the rate of those that came, which
// hintTrial is enough to tell, we do not wait for the rest. It comes all the same, when it can.
// meetPatience is for peers that have not said yet whether they have any.
const (
	hintPatience = 3 * time.Second
	hintTrial    = 5 * time.Second
	// hintsWithin is longer than handoffTime, which every holder keeps to that
	// can.
	hintsWithin  = handoffTime * 3 / 2
	meetPatience = 250 * time.Millisecond
)

// arrival watches how much is owed to this node while it waits.
type arrival struct {
	began, since time.Time // it was more at no time since began; less at none since
	most, least  uint64
}

// worthwhile takes note of what is owed and says whether to wait for it.
func (a *arrival) worthwhile(now time.Time, owed uint64) bool {
	if owed > a.most || a.began.IsZero() {
		*a = arrival{began: now, since: now, most: owed, least: owed}
	}
	if owed < a.least {
		a.least, a.since = owed, now
	}
	took := now.Sub(a.began)
	if owed == 0 || now.Sub(a.since) > hintPatience {
		return false
	}
	// What came in took was most-owed: at that rate, all would take so long.
	return took < hintTrial || float64(took)*float64(a.most) <= float64(hintsWithin)*float64(a.most-owed)
}

// awaitHints returns when no peer of this datacenter that we hear of has hints
// for us that are worth to be waited for. What an earlier pass found out about
// their coming still holds.
func (c *catchUp) awaitHints(ctx context.Context, arriving *arrival) {
	began := time.Now()
	for {
		owed, silent := uint64(0), false
		for _, q := range c.n.peers.all() {
			if q.member.Datacenter == c.n.cfg.Datacenter {
				owed += q.owing()
				silent = silent || !q.meets()
			}
		}
		now := time.Now()
		if !arriving.worthwhile(now, owed) && (owed > 0 || !silent || now.Sub(began) >= meetPatience) {
			return
		}
		if owed > 0 {
			c.n.waiting.set(fmt.Sprintf("catching up: %d hints to come", owed))
		}
		if sleep(ctx, 20*time.Millisecond) != nil {
			return
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// pass compares every range that this node owns with every other owner of the
// datacenter that can be reached, and fails unless those were enough. Every acknowledged write
// is held by a majority. If this node kept what it acknowledged, a majority
// with it counted has them all. If it may have lost something, its own part in a
// majority counts for nothing: then enough others are needed that any majority,
// less this node, has one of them. If those may have lost it too, other
// datacenters are asked. What one owner brings may be what this node once kept
// for another and forgot, so those that were marked are again.
func (c *catchUp) pass(ctx context.Context) (fetched, pushed int, err error) {
	cl := c.n.coord.Cluster()
	compared, whole := make([]bool, len(cl.Members)), make([]bool, len(cl.Members))
	why := make([]error, len(cl.Members))
	var uncertain []int // compared with, and perhaps lack what a later one brings
	for o, m := range cl.Members {
		if o == cl.Self {
			continue
		}
		if m.Datacenter != cl.SelfMember().Datacenter {
			continue // hints bring what it has for us
		}
		marked := c.n.handoff.marked(o)
		whole[o] = m.Complete() // before: it may become so by comparing with us
		got, err := c.compareWith(ctx, o)
		if got.Fetched > 0 {
			for _, earlier := range uncertain {
				c.n.handoff.mark(earlier)
			}
			uncertain = uncertain[:0]
		}
		if marked && err == nil {
			uncertain = append(uncertain, o)
		}
		fetched += got.Fetched
		pushed += got.Pushed
		compared[o] = err == nil
		if err != nil {
			why[o] = fmt.Errorf("rack %s (node %s): %w", m.Rack, m.ID, err)
		}
	}
	unsure := false
	for _, r := range ownedRanges(cl) {
		sure := 0
		need := len(r.owners) / 2 // others, for a majority with us
		if c.lost.Load() {
			need = min(len(r.owners)-(len(r.owners)/2+1)+1, len(r.owners)-1)
		}
		with := 0
		var last error
		for _, o := range r.owners {
			if compared[o] {
				with++
				if whole[o] {
					sure++
				}
			} else if why[o] != nil {
				last = why[o]
			}
		}
		if with < need {
			return fetched, pushed, fmt.Errorf("compared with %d other owners of a range, %d needed in %s: %w", with, need, cl.SelfMember().Datacenter, last)
		}
		unsure = unsure || c.lost.Load() && sure < max(need, 1)
	}
	if unsure {
		got, err := c.abroad(ctx, cl)
		fetched += got.Fetched
		pushed += got.Pushed
		if err != nil {
			return fetched, pushed, err
		}
	}
	return fetched, pushed, nil
}

// abroadPatience is how long a node that has nobody at home to be sure with
// waits for another datacenter; longer than it takes to connect, and no outage
// of the link may keep it from serving.
const abroadPatience = 5 * time.Second

// abroad compares with the owners in other datacenters, of one of them with
// more than half: what is acknowledged everywhere is held there.
func (c *catchUp) abroad(ctx context.Context, cl *coordinator.Cluster) (all coordinator.Comparison, err error) {
	nodes, compared := map[string]int{}, map[string]int{}
	for o, m := range cl.Members {
		if m.Datacenter == cl.SelfMember().Datacenter {
			continue
		}
		nodes[m.Datacenter]++
		got, failed := c.compareWith(ctx, o)
		all.Fetched += got.Fetched
		all.Pushed += got.Pushed
		if failed != nil {
			err = fmt.Errorf("too few here are sure to hold everything: datacenter %s, node %s: %w", m.Datacenter, m.ID, failed)
			continue
		}
		compared[m.Datacenter]++
	}
	for dc, n := range nodes {
		if compared[dc] > n/2 {
			return all, nil
		}
	}
	if err != nil && time.Now().After(c.homeOnly) {
		c.n.log.Warn("caught up without any other datacenter", "err", err)
		return all, nil
	}
	return all, err
}

// compareWith makes this node and another equal.
func (c *catchUp) compareWith(ctx context.Context, node int) (coordinator.Comparison, error) {
	q := c.n.peers.at(node)
	switch {
	case q == nil || !q.member.Reachable():
		return coordinator.Comparison{}, errors.New("does not answer")
	case !q.meets():
		return coordinator.Comparison{}, errors.New("has not connected to this node")
	}
	if err := c.n.floors.ready(q); err != nil {
		return coordinator.Comparison{}, err
	}
	began := time.Now()
	got, err := c.n.handoff.compare(ctx, node, []hints.Range{hints.All})
	if err == nil {
		q.compared.set(began)
	}
	return got, err
}

// ownedRange is a run of tokens with one set of owners, of whom this node is
// one.
type ownedRange struct {
	coordinator.Range
	owners []int
}

func ownedRanges(cl *coordinator.Cluster) []ownedRange {
	var out []ownedRange
	dc := cl.SelfMember().Datacenter
	for _, a := range cl.Ring.Arcs(dc) {
		if !cl.Ring.Owns(cl.Self, a.From) {
			continue
		}
		owners := cl.Ring.AppendOwners(nil, dc, a.From)
		if n := len(out); n > 0 && out[n-1].To+1 == a.From && sameSet(out[n-1].owners, owners) {
			out[n-1].To = a.To
			continue
		}
		out = append(out, ownedRange{coordinator.Range{From: a.From, To: a.To}, owners})
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
