package coordinator

import (
	"context"
	"fmt"
	"time"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/node/datastore"
)

// simNode is a node: one process after the other.
type simNode struct {
	p       *process
	mem     *datastore.Memory
	clock   *datastore.Clock
	skew    int64
	stalled time.Time // it stands still until then
	kept    *simHints // what a dead process leaves, with its records
}

// process stands for what package node does around a coordinator: health,
// catching up, and handing over hints.
type process struct {
	s         *sim
	node      int
	run       uint32
	c         *Coordinator
	twin      *twin
	peers     simPeers
	hints     *simHints
	views     []peerView // of the others
	dead      bool
	cautioned time.Time

	caughtUp, deaf, cutOff bool
	passing                bool
	asked                  int
	lost                   bool // it may lack what it acknowledged
}

// peerView is what a process knows of a peer.
type peerView struct {
	proc               *process // that it was or is connected to
	up, told, complete bool
	heard              time.Time
}

func (p *process) String() string { return fmt.Sprintf("n%d.%d", p.node, p.run) }

// start begins a process of node i, with what the last one left.
func (s *sim) start(i int, recs map[string]*modelRecord, hints *simHints) *process {
	n := s.nodes[i]
	p := &process{s: s, node: i, run: n.clock.Node(), hints: hints}
	if p.hints == nil {
		p.hints = &simHints{}
	}
	p.hints.p = p
	p.views = make([]peerView, len(s.nodes))
	p.peers = simPeers{s, p, i}
	p.twin = newTwin(s.ledger, i, n.mem, recs)
	p.c = New(Config{Peers: p.peers, Hints: p.hints, Bypassed: func(to int) { p.tell(to, (*process).caution) }})
	cl, err := NewCluster(Epoch{1, 1}, s.ring, hashkit.SlotHash, fmt.Sprintf("n%d", i))
	if err != nil {
		panic(err)
	}
	p.c.Install(cl, p.twin, n.clock.Observe)
	p.c.warm.end() // or several clients would go on at one moment
	n.p = p
	return p
}

// caution is called whenever the process learnt of a change.
func (p *process) caution() {
	p.c.Caution()
	p.cautioned = time.Now()
}

// wasCautious says whether it was when a command came that was sent at a time,
// and is answered now.
func (p *process) wasCautious(sent time.Time) bool {
	return !p.cautioned.IsZero() && !p.cautioned.After(sent) && time.Since(p.cautioned) < cautionTime
}

// tell sends something that has no answer.
func (p *process) tell(to int, f func(*process)) {
	s := p.s
	if !p.views[to].up || s.chance(s.profile.lose) {
		return
	}
	over := p.views[to].proc
	var arrive func()
	arrive = func() {
		n := s.nodes[to]
		if wait := time.Until(n.stalled); wait > 0 {
			s.after(wait, arrive)
		} else if !p.dead && !over.dead && s.links[p.node][to] {
			f(over)
		}
	}
	s.after(s.latency(), arrive)
}

func (p *process) cluster() *Cluster { return p.c.Cluster() }

func (p *process) local(i int) bool {
	return p.cluster().Members[i].Datacenter == p.cluster().datacenter
}

// refresh tells the coordinator what is known of everybody's health.
func (p *process) refresh() {
	for j, m := range p.cluster().Members {
		if v := p.views[j]; j == p.node {
			m.SetHealth(true, p.complete())
		} else {
			m.SetHealth(v.up, v.up && v.told && v.complete)
		}
	}
	p.c.HealthChanged()
	p.s.watchDisagreement()
}

func (p *process) complete() bool { return p.caughtUp && !p.deaf }

// ping learns whether node j answers, some time after that changed.
func (p *process) ping(j int) {
	s := p.s
	if p.dead || j == p.node {
		return
	}
	if wait := time.Until(s.nodes[p.node].stalled); wait > 0 {
		s.after(wait, func() { p.ping(j) })
		return
	}
	v, q := &p.views[j], s.nodes[j].p
	up := !q.dead && !time.Now().Before(s.nodes[j].stalled) && s.links[p.node][j]
	if v.up && v.proc != q { // the connection broke
		up = false
		s.after(100*time.Millisecond, func() { p.ping(j) })
	}
	if v.up == up {
		return
	}
	s.trace("  %v sees n%d up %v", p, j, up)
	if v.up, v.proc = up, q; !up {
		v.told = false
	}
	p.refresh()
	p.caution()
	p.watchMajority()
	if up {
		p.sendStatus(j)
		return
	}
	for _, c := range s.calls {
		if c.from == p && c.to == j { // one at a time, as everything
			s.after(0, func() { c.finish(s, nil, benchError{sent: true}) })
		}
	}
}

// watchMajority notices that the majority was lost sight of, as node does.
func (p *process) watchMajority() {
	reached, met, all := 1, 1, 1
	for j, v := range p.views {
		if j == p.node || !p.local(j) {
			continue
		}
		all++
		if v.up {
			reached++
			if v.told {
				met++
			}
		}
	}
	need := majority(all)
	p.deaf = reached >= need && met < need
	if met < need {
		p.cutOff = true
	} else if p.cutOff {
		p.catchUp("cut off")
		p.cutOff = false
	}
	p.refresh()
}

func (p *process) sendStatus(j int) {
	if p.dead {
		return
	}
	p.tell(j, func(q *process) {
		v, news := &q.views[p.node], false
		news = v.up && !v.told
		v.told, v.heard, v.complete = v.up, time.Now(), p.complete()
		q.refresh()
		if news {
			q.watchMajority()
		}
	})
}

// tick is what a node does each half second.
func (p *process) tick() {
	if p.dead {
		return
	}
	for j := range p.views {
		if v := &p.views[j]; v.told && time.Since(v.heard) > 1500*time.Millisecond {
			v.told = false
			p.refresh()
			p.watchMajority()
		}
	}
	for j := range p.views {
		if j != p.node {
			p.sendStatus(j)
			p.hints.handOver(j)
		}
	}
}

// catchUp compares with a majority before the node votes again.
func (p *process) catchUp(cause string) {
	p.s.trace("  %v catches up: %s", p, cause)
	p.caughtUp = false
	p.asked++
	p.refresh()
	if !p.passing {
		p.pass()
	}
}

func (p *process) pass() {
	if p.dead {
		return
	}
	p.passing = true
	asked := p.asked
	p.s.after(0, func() {
		p.s.background(p.compareAll, func(err error) {
			switch {
			case p.dead:
			case err != nil || asked != p.asked:
				p.s.after(100*time.Millisecond, p.pass)
			default:
				p.s.trace("  %v is complete", p)
				p.passing, p.caughtUp, p.lost = false, true, false
				p.refresh()
				for j := range p.views {
					p.sendStatus(j)
				}
			}
		})
	})
}

// background runs f beside everything else, and then with its error.
func (s *sim) background(f func() error, then func(error)) {
	go func() {
		err := f()
		s.after(0, func() { then(err) })
	}()
}

// compareAll is node's pass: it has to meet a majority that is whole without us
// if we lost something.
func (p *process) compareAll() error {
	owners, with := 0, 0
	for j := range p.views {
		if !p.local(j) {
			continue
		}
		owners++
		if j == p.node || !p.views[j].up || !p.views[j].told {
			continue
		}
		if p.hints.compare(j) == nil {
			with++
		}
	}
	need := owners / 2
	if p.lost {
		need = min(owners-majority(owners)+1, owners-1)
	}
	if with < need {
		return fmt.Errorf("compared with %d of %d", with, need)
	}
	return nil
}

// kill ends the process. If its records are lost, the next one begins empty.
func (s *sim) kill(i int, lose bool) {
	n := s.nodes[i]
	n.p.twin.kill()
	n.p.dead = true
	n.stalled = time.Time{}
	s.trace("  n%d dies, its data lost: %v", i, lose)
	if n.kept = n.p.hints; lose {
		n.kept = nil
		s.lossSeq = s.seq
		s.stats.losses++
	}
	s.watchDisagreement()
	s.linksChanged()
}

// revive starts the node again, under a new number.
func (s *sim) revive(i int) {
	n := s.nodes[i]
	s.numbers++
	number := 100*s.numbers + uint32(i) + 1
	recs := n.p.twin.recs
	if n.kept == nil {
		s.open(i, number)
		recs = map[string]*modelRecord{}
	} else {
		n.clock.SetNode(number)
	}
	s.stats.restarts++
	lost := n.kept == nil
	p := s.start(i, recs, n.kept)
	p.lost = lost
	for j := range s.nodes { // an unclean stop
		p.hints.mark(j)
	}
	p.refresh()
	p.cutOff = true
	s.linksChanged()
	s.after(500*time.Millisecond, func() { s.ticking(p) })
	s.beating(p)
}

// beating has the process note that it runs, while it does.
func (s *sim) beating(p *process) {
	if p.dead || s.over {
		return
	}
	if !time.Now().Before(s.nodes[p.node].stalled) {
		p.c.beat()
	}
	s.after(stillTime/3, func() { s.beating(p) })
}

func (s *sim) ticking(p *process) {
	if p.dead || s.over {
		return
	}
	if wait := time.Until(s.nodes[p.node].stalled); wait <= 0 {
		p.tick()
	}
	s.after(500*time.Millisecond, func() { s.ticking(p) })
}

// linksChanged has everybody find out, within a second.
func (s *sim) linksChanged() {
	for i := range s.nodes {
		for j := range s.nodes {
			s.after(time.Duration(s.rng.Int64N(int64(s.notice))), func() { s.nodes[i].p.ping(j) })
		}
	}
}

// open gives node i an empty store.
func (s *sim) open(i int, number uint32) {
	n := s.nodes[i]
	n.clock = datastore.NewClock(number, func() int64 { return time.Now().UnixMilli() + n.skew })
	store, err := datastore.Open(context.Background(), datastore.Config{
		Clock: n.clock, Token: func(k []byte) uint64 { return uint64(hashkit.SlotHash(k)) },
	})
	if err != nil {
		panic(err)
	}
	n.mem = store
	s.stores = append(s.stores, store)
}
