package node

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/node/internal/coordinator"
	"github.com/dynomite-go/dynomite/node/internal/floor"
	"github.com/dynomite-go/dynomite/node/internal/layout"
)

// floors has this node agree with the other owners of what it holds on floors:
// versions up to which all of them hold what each of them held, so that what
// records keep of the dead can go. See package floor for the rounds; here a
// floor.Machine stands for each set of owners that this node is one of, is told
// what the others say, and has done what it asks for.
//
//	run    steps every machine, makes durable what it decides, tells the store, and
//	       then the others
//	work   takes what other owners hold, one after the other (floorwork.go)
//	sweep  has the store purge at once when a floor has risen
type floors struct {
	n      *Node
	store  floorStore // nil if the node keeps none
	wake   chan struct{}
	tasks  chan floorTask
	raised chan struct{}
	answer atomic.Bool // somebody said something new
	failed bool        // to write; said already
	alarm  alarm
	off    atomic.Bool // the ring has too many ranges
	back   bool        // this copy turned out to be an old one
	rounds atomic.Uint64
	taken  atomic.Uint64

	mu     sync.Mutex // guards the machines
	groups []*floorGroup
	alone  []coordinator.Range // that nobody else owns

	telling sync.Mutex // guards what the store was told
}

// floorStore is a store that can purge: datastore.Memory.
type floorStore interface {
	Promise(v datastore.Version)
	CloseUpTo(from, to uint64, v datastore.Version)
	SetFloor(from, to uint64, floor, before datastore.Version)
	Lapse(from, to uint64, before datastore.Version)
	Swept(from, to uint64) bool
	Sweep(budget int) (visited int)
	Sync() error
	Stats() datastore.Stats
	Resets() []datastore.RangeReset
}

// floorGroup is a set of owners with what they own.
type floorGroup struct {
	machine *floor.Machine
	runs    []coordinator.Range
	others  []int // of the members of the cluster
	saved   []byte
	saving  []byte
	decided floor.Floors // with what is being saved
	told    floor.Floors // what the store was told last
	busy    busy
}

// maxFloorRuns bounds how many runs of tokens floors are kept for: a store has
// them in a list.
const maxFloorRuns = 1 << 12

func newFloors(n *Node) *floors {
	return &floors{n: n, wake: make(chan struct{}, 1), tasks: make(chan floorTask, 64), raised: make(chan struct{}, 1)}
}

// open makes the machines of what was saved, and tells the store, before anything
// is merged or stamped.
func (f *floors) open(cl *coordinator.Cluster, store datastore.Store) error {
	s, ok := store.(floorStore)
	if !ok || len(cl.Members) < 2 {
		return nil
	}
	groups, alone := floorGroups(cl)
	runs := 0
	for _, g := range groups {
		runs += len(g.runs)
	}
	if runs > maxFloorRuns {
		f.n.log.Warn("the ring has too many ranges for floors, as with fewer replicas than racks: what was deleted keeps its memory", "ranges", runs, "most", maxFloorRuns)
		f.off.Store(true)
		return nil
	}
	saved, err := f.load()
	if err != nil {
		return err
	}
	empty := s.Stats().Records == 0 && len(s.Resets()) == 0
	now := time.UnixMilli(f.n.wall())
	for _, g := range groups {
		cfg := floor.Config{Self: f.n.id, Owners: []string{f.n.id}, Life: uint64(now.UnixMilli()), Empty: empty}
		for _, o := range g.others {
			cfg.Owners = append(cfg.Owners, cl.Members[o].ID)
		}
		if g.machine, err = floor.New(cfg, nil, now); err != nil {
			return err
		}
		if b := saved[g.machine.Group()]; len(b) > 0 {
			m, err := floor.New(cfg, b, now)
			if err != nil {
				f.n.log.Warn("what was saved of floors cannot be read: this copy counts as an old one", "err", err)
			} else {
				g.machine, g.saved = m, b
			}
		}
	}
	f.mu.Lock() // metrics may be asked for already
	f.store, f.groups, f.alone = s, groups, alone
	f.mu.Unlock()
	for _, g := range groups {
		f.tell(g, g.machine.Floors())
	}
	// The others hear nothing of this life before it is saved.
	for f.step() {
	}
	f.watch()
	return nil
}

// tell tells the store what a machine has come to.
func (f *floors) tell(g *floorGroup, to floor.Floors) {
	f.telling.Lock()
	defer f.telling.Unlock()
	to = to.Later(g.told)
	if to == g.told {
		return
	}
	was := g.told
	g.told = to
	f.store.Promise(to.Promised)
	for _, r := range g.runs {
		from, to_ := uint64(r.From), uint64(r.To)
		if to.Closed != was.Closed {
			f.store.CloseUpTo(from, to_, to.Closed)
		}
		if to.Floor != was.Floor || to.Before != was.Before {
			f.store.SetFloor(from, to_, to.Floor, to.Before)
		}
		if to.Lapsed != was.Lapsed {
			f.store.Lapse(from, to_, to.Lapsed)
		}
	}
	if was.Floor.Less(to.Floor) {
		f.rounds.Add(1)
		poke(f.raised)
	}
}

// poke leaves a word for whoever waits on ch, unless one is there already.
func poke(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// beat is how often machines are stepped, and how often the others hear of us
// when there is nothing new.
const beat = time.Second

// run steps the machines until ctx ends.
func (f *floors) run(ctx context.Context) {
	t := time.NewTicker(beat)
	defer t.Stop()
	for {
		say := false
		select {
		case <-ctx.Done():
			return
		case <-f.wake:
		case <-t.C:
			say = true
			f.forgetAlone()
		}
		for f.step() {
			say = true
		}
		if say || f.answer.Load() {
			f.answer.Store(false)
			for _, q := range f.n.peers.all() {
				f.say(q)
			}
		}
		f.watch()
	}
}

// step steps every machine once, and says whether any of them has come further.
func (f *floors) step() bool {
	now := f.now()
	found := make([]busy, len(f.groups))
	for i, g := range f.groups {
		found[i] = g.busy
		found[i].look(f.n, g, now.Time)
	}
	var saving []*floorGroup
	f.mu.Lock()
	for i, g := range f.groups {
		g.busy = found[i]
		now.Busy = g.busy.owner != ""
		a := g.machine.Step(now)
		if a.Save {
			g.decided, g.saving = a.Floors, g.machine.AppendState(g.saving[:0])
			saving = append(saving, g)
			continue
		}
		f.begin(g, a)
	}
	f.mu.Unlock()
	if len(saving) == 0 {
		return false
	}
	if err := f.save(saving); err != nil {
		if !f.failed {
			f.n.log.Warn("what owners agreed on could not be saved: floors stay as they are", "err", err)
		}
		f.failed = true
		return false
	}
	f.failed = false
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, g := range saving {
		g.saved = append(g.saved[:0], g.saving...)
		g.machine.Saved()
	}
	return true
}

// now is what the machines have to know of this moment.
func (f *floors) now() floor.Now {
	s := f.store.Stats()
	return floor.Now{
		Time:    time.UnixMilli(f.n.wall()),
		High:    f.n.store.Load().clock.High(),
		Period:  max(f.n.cfg.FloorPeriod, time.Duration(s.Records)*perRecord),
		Idle:    s.Unsettled == 0 && len(f.store.Resets()) == 0,
		Unswept: !f.store.Swept(0, math.MaxUint64),
	}
}

// perRecord makes rounds rarer in a large store: looking at a record, and adding it up again,
// costs half a microsecond, and is to take a hundredth of a core.
const perRecord = 50 * time.Microsecond

// watch looks whether this node turns out to hold an old copy, as one that was
// restored from a backup. Then it may lack what it has acknowledged, and have stamped
// under its number what it knows nothing of: it takes another, and catches up.
func (f *floors) watch() {
	f.mu.Lock()
	back := false
	for _, g := range f.groups {
		back = back || g.machine.Returning() && !g.machine.Joining()
	}
	f.mu.Unlock()
	if !back || f.back {
		f.back = back
		return
	}
	generation, err := f.n.identity.renew(time.UnixMilli(f.n.wall()))
	if err != nil {
		f.n.log.Warn("this node holds an old copy, and could not take another number", "err", err)
		return // the next beat tries again
	}
	f.back = true
	clock := f.n.store.Load().clock
	clock.SetNode(layout.Number(layout.Slot(clock.Node()), generation))
	f.n.log.Warn("this node holds an old copy: it may lack what it has acknowledged, and compares with the others", "number", clock.Node())
	f.n.catchUp.lost.Store(true)
	f.n.catchUp.request("holds an old copy")
}

// forgetAlone raises the floor of what nobody else owns: the only owner has
// joined every owner's state at any time.
func (f *floors) forgetAlone() {
	high := f.n.store.Load().clock.High()
	for _, r := range f.alone {
		f.store.SetFloor(uint64(r.From), uint64(r.To), high, high)
	}
}

// sweep purges what a floor lets go as soon as it has risen, and rests as long as
// it works.
func (f *floors) sweep(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.raised:
		}
		for !f.store.Swept(0, math.MaxUint64) {
			began := time.Now()
			f.store.Sweep(sweepStep)
			if sleep(ctx, max(time.Since(began), time.Microsecond)) != nil {
				return
			}
		}
		poke(f.wake)
	}
}

// sweepStep takes a quarter of a millisecond.
const sweepStep = 2000
