package datastore

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dynomite-go/dynomite/node/datastore/disk/disktest"
)

var (
	floorTime = flag.Duration("floor.time", 2*time.Second, "how long histories of floors are tried")
	floorSeed = flag.Uint64("floor.seed", 0, "the one history of floors to try")
)

// owner is a store with one key, in a history of the specification's floor.
type owner struct {
	h      *floorHistory
	node   uint32
	skew   int64
	clock  *Clock
	disk   *disktest.Disk
	m      *Memory
	p      Version // promised
	c      Version // closed
	f, fp  Version
	got    map[int]bool
	done   bool
	doneAt Version // the clock when it was done
}

var floorKey = []byte("key")

func (h *floorHistory) newOwner(node uint32, skew int64, high Version) *owner {
	o := &owner{h: h, node: node, skew: skew, got: map[int]bool{}}
	o.clock = NewClock(node, func() int64 { return h.wall + o.skew })
	o.clock.Observe(high)
	if h.disks {
		o.disk = disktest.New(h.rng)
	}
	o.open()
	return o
}

func (o *owner) open() {
	cfg := Config{Shards: 1, Clock: o.clock, DigestKey: 7}
	if o.disk != nil {
		cfg.Dir, cfg.FS, cfg.Sync = "/data", o.disk, SyncNo
	}
	m, err := Open(o.h.t.Context(), cfg)
	if err != nil {
		o.h.t.Fatal(err)
	}
	if o.h.trees {
		tiny(m)
	}
	o.m = m
}

// restart closes the store and opens it again; what was closed and purged is
// the caller's to say again.
func (o *owner) restart() {
	if o.disk == nil {
		return
	}
	if err := o.m.Close(); err != nil {
		o.h.t.Fatal(err)
	}
	o.disk = o.disk.Restart(false)
	o.open()
	o.m.Promise(o.p)
	o.m.CloseUpTo(0, ^uint64(0), o.c)
	o.purge()
	if o.done && o.f.Less(o.p) {
		o.m.Lapse(0, ^uint64(0), o.f)
	}
}

// frame is what travels: a delta, or a record with the range resets.
type frame struct {
	delta  []byte
	resets []RangeReset
}

func (o *owner) copy() frame {
	rec, err := o.m.Record(floorKey, nil)
	if err != nil {
		o.h.t.Fatal(err)
	}
	return frame{rec, o.m.Resets()}
}

// given is what others get by the exchange's road.
func (o *owner) given() frame {
	for !o.m.Swept(0, ^uint64(0)) {
		o.m.Sweep(100)
	}
	return o.copy()
}

// atoms is the record as the oracle has it.
func (o *owner) atoms() *oRec {
	f := o.copy()
	r := decodeORec(o.h.t, f.delta)
	for _, x := range f.resets {
		r.rr = later(r.rr, x.Version)
	}
	return r
}

// take joins a frame by the ordinary road or by the exchange's.
func (o *owner) take(f frame, exchange bool) (refused int) {
	for _, r := range f.resets {
		merge := o.m.MergeReset
		if exchange {
			merge = o.m.ExchangeReset
		}
		ans, err := merge(r.From, r.To, r.Version)
		if err != nil {
			o.h.t.Fatal(err)
		}
		refused += ans.Refused
	}
	if len(f.delta) == 0 {
		return refused
	}
	ans, err := o.m.Merge(floorKey, f.delta, MergeOptions{Exchange: exchange}, nil)
	if err != nil {
		o.h.t.Fatal(err)
	}
	if ans.Refused > 0 && (exchange || ans.Won) {
		o.h.t.Fatalf("answer %+v", ans)
	}
	return refused + ans.Refused
}

// do executes a command; nothing is written if d is nil.
func (o *owner) do(c oCommand) (f frame, d *oRec) {
	switch need := oNeeds[c.op]; {
	case c.op == "FLUSH":
		v, err := o.m.ResetRange(0, ^uint64(0))
		if err != nil {
			o.h.t.Fatal(err)
		}
		d = newORec()
		d.rr = v
		return frame{resets: []RangeReset{{0, ^uint64(0), v}}}, d
	case need == List:
		before := o.atoms()
		o.clock.Observe(oMax(before.versions()...))
		if _, d = oExecute(before, o.clock.Stamp(), c); d == nil {
			return f, nil
		}
		f = frame{delta: encodeORec(d)}
		if n := o.take(f, false); n > 0 {
			o.h.t.Fatalf("%v: its own owner refuses", c)
		}
		return f, d
	}
	up, err := o.m.Update(floorKey, &updater{c: c}, nil)
	if err != nil {
		o.h.t.Fatal(err)
	}
	if !up.Wrote {
		return f, nil
	}
	return frame{delta: up.Delta}, decodeORec(o.h.t, up.Delta)
}

// promise, close and purge are the owner's part of a round.
func (o *owner) promise(p Version) {
	o.p = p
	o.m.Promise(p)
}

func (o *owner) close(c Version) {
	o.c = c
	o.m.CloseUpTo(0, ^uint64(0), c)
}

func (o *owner) purge() {
	o.m.SetFloor(0, ^uint64(0), o.f, o.fp)
	for o.m.Sweep(100) > 0 {
	}
}

func (o *owner) raise(f Version) {
	if o.f != f {
		o.fp, o.f = o.f, f
		o.purge()
		// Whoever has purged an expiry writes as if there had been none.
		if all := o.h.all; all.expAt != 0 && End(all.expAt).Compare(o.fp) <= 0 && all.exp.Compare(o.fp) <= 0 {
			o.h.all = oPurge(all, Version{}, o.fp)
		}
	}
}

func (o *owner) closedUpTo(p Version) bool { return o.c == p }

// floorHistory is one history of three owners.
type floorHistory struct {
	t            *testing.T
	rng          *rand.Rand
	wall         int64
	disks, trees bool
	owners       []*owner
	net          []struct {
		to int
		f  frame
	}
	all    *oRec // everything, joined
	round  Version
	rounds int
	old    *oldCopy
	came   bool // the old copy came back
	log    []string
}

type oldCopy struct {
	at     int
	f      frame
	fl, fp Version
	rounds int
}

func (h *floorHistory) note(what ...any) { h.log = append(h.log, fmt.Sprint(what...)) }

func (h *floorHistory) send(to int, f frame) {
	h.net = append(h.net, struct {
		to int
		f  frame
	}{to, f})
}

func (h *floorHistory) other(i int) int { return (i + 1 + h.rng.IntN(len(h.owners)-1)) % len(h.owners) }

// every says whether something is true of all owners.
func (h *floorHistory) every(fn func(*owner) bool) bool {
	return !slices.ContainsFunc(h.owners, func(o *owner) bool { return !fn(o) })
}

// step does something at random.
func (h *floorHistory) step(commands []oCommand, share float64) {
	h.wall += pick(h.rng, []int64{0, 0, 1, 1, 2})
	i := h.rng.IntN(len(h.owners))
	o := h.owners[i]
	switch x := h.rng.Float64(); {
	case x < share:
		c := pick(h.rng, commands).concrete(o.clock.Now())
		f, d := o.do(c)
		h.note(h.wall, " ", o.node, " ", c, " wrote ", d != nil)
		if d != nil {
			h.all = oJoin(h.all, d)
			for j := range h.owners {
				if j != i {
					h.send(j, f)
				}
			}
		}
	case x < .55 && len(h.net) > 0:
		k := h.rng.IntN(len(h.net))
		p := h.net[k]
		if h.rng.Float64() < .85 { // else it will be repeated later
			h.net = slices.Delete(h.net, k, k+1)
		}
		n := h.owners[p.to].take(p.f, false)
		h.note("-> ", p.to+1, " refused ", n)
	case x < .60:
		j := h.other(i)
		h.send(j, o.copy())
		h.note("copy ", i+1, " ~> ", j+1)
	case x < .64 && h.old == nil && h.round.IsZero():
		h.old = &oldCopy{i, o.copy(), o.f, o.fp, h.rounds}
		h.note("snapshot of ", i+1)
	case x < .67 && h.old != nil && h.round.IsZero() && !h.came && h.old.rounds < h.rounds:
		h.comeBack()
	case x < .69:
		o.restart()
	case h.round.IsZero() && x < .80 && h.every(func(o *owner) bool { return o.f == h.owners[0].f }):
		h.begin()
	case !h.round.IsZero():
		h.advance(i)
	}
}

// comeBack has an owner return from its old copy, under a new node number.
// The test loses nothing: what the owner had beyond the copy is handed on.
func (h *floorHistory) comeBack() {
	old := h.old
	k := old.at
	was := h.owners[k]
	h.came = true
	n := h.newOwner(uint32(k)+4, was.skew, was.clock.High())
	n.take(old.f, true)
	n.f, n.fp, n.c, n.p = old.fl, old.fp, old.fl, old.fl
	n.purge()
	o := h.owners[(k+1)%3]
	g := o.f
	n.promise(g)
	n.close(g)
	n.f, n.fp = g, o.fp
	n.m.SetFloor(0, ^uint64(0), g, o.fp)
	if err := n.m.Return(floorKey, o.given().delta, g); err != nil {
		h.t.Fatal(err)
	}
	n.restart() // what it left out stays out
	for _, z := range h.owners {
		n.take(z.given(), true)
	}
	for j := range h.owners {
		if j != k {
			h.send(j, was.copy())
		}
	}
	was.m.Close()
	h.owners[k] = n
	n.purge()
	h.note(k+1, " came back as ", n.node)
}

// begin begins a round, at a version that some have already passed, but not so
// low that an owner may have written above it in ignorance of the last round.
func (h *floorHistory) begin() {
	now := int64(0)
	for _, o := range h.owners {
		now = max(now, o.clock.Now())
	}
	p := End(now - h.rng.Int64N(4))
	if !h.owners[0].f.Less(p) || !h.every(func(o *owner) bool { return !p.Less(o.doneAt) }) {
		return
	}
	h.round = p
	h.note("round ", p)
	for _, o := range h.owners {
		clear(o.got)
		o.done = false
	}
}

// advance lets one owner take its next step of the round.
func (h *floorHistory) advance(i int) {
	p, o := h.round, h.owners[i]
	promised := h.every(func(o *owner) bool { return o.p == p })
	switch {
	case o.p != p:
		o.promise(p)
		h.note("promise ", i+1)
	case promised && !o.closedUpTo(p):
		o.close(p)
		h.note("close ", i+1)
	case promised && !o.done:
		j := h.other(i)
		if o.got[j] || !h.owners[j].closedUpTo(p) {
			return
		}
		o.take(h.owners[j].given(), true)
		h.note("exchange ", j+1, " ~> ", i+1)
		o.got[j] = true
		if len(o.got) == len(h.owners)-1 {
			o.done, o.doneAt = true, o.clock.High()
			o.m.Lapse(0, ^uint64(0), o.f)
		}
	case h.every(func(o *owner) bool { return o.done }):
		o.raise(p)
		h.note("purge ", i+1)
		h.rounds++
		if h.every(func(o *owner) bool { return o.f == p }) {
			h.round = Version{}
		}
	}
}

// finish ends the round, delivers everything, and repairs until it is quiet.
func (h *floorHistory) finish() {
	if p := h.round; !p.IsZero() {
		for _, o := range h.owners {
			if o.p != p {
				o.promise(p)
			}
		}
		for _, o := range h.owners {
			o.close(p)
		}
		for i, o := range h.owners {
			for j, z := range h.owners {
				if i != j && !o.got[j] {
					o.take(z.given(), true)
				}
			}
		}
		for _, o := range h.owners {
			o.raise(p)
		}
	}
	h.rng.Shuffle(len(h.net), func(i, j int) { h.net[i], h.net[j] = h.net[j], h.net[i] })
	for _, p := range h.net {
		h.owners[p.to].take(p.f, false)
	}
	for range 3 {
		for i, o := range h.owners {
			for j, z := range h.owners {
				if i != j {
					o.take(z.copy(), false)
				}
			}
		}
	}
	for _, o := range h.owners {
		o.purge()
	}
}

// judge says what is wrong in the end.
func (h *floorHistory) judge() string {
	var wrong []string
	first := h.owners[0]
	for _, o := range h.owners {
		if got, want := o.atoms().text(), first.atoms().text(); got != want {
			wrong = append(wrong, fmt.Sprintf("owners hold\n  %s\n  %s", got, want))
		}
		a, err1 := o.m.Digest(floorKey)
		b, err2 := first.m.Digest(floorKey)
		if a != b || err1 != nil || err2 != nil {
			wrong = append(wrong, "digests differ")
		}
		for _, q := range []int64{0, h.wall, h.wall + 3, h.wall + 60} {
			got := o.atoms().view(q)
			if want := first.atoms().view(q); got != want {
				wrong = append(wrong, fmt.Sprintf("owners show %s and %s at %d", got, want, q))
			}
			if want := h.all.view(q); q > h.wall && got != want {
				wrong = append(wrong, fmt.Sprintf("shows %s at %d, and without a floor %s", got, q, want))
			}
		}
	}
	return strings.Join(wrong, "\n")
}

// TestFloor_RandomHistories_EqualJoiningEverything runs the specification's
// histories of three owners: frames that stall, come twice and come after the
// purge, whole copies, rounds in any order, owners that purge at different
// moments, a restored old copy, restarts from the log. In the end all owners
// hold and show the same, and what a store without a floor shows that has
// joined everything.
func TestFloor_RandomHistories_EqualJoiningEverything(t *testing.T) {
	seeds := func(yield func(uint64) bool) {
		if *floorSeed != 0 {
			yield(*floorSeed)
			return
		}
		for end := time.Now().Add(*floorTime); time.Now().Before(end) && yield(rand.Uint64()|1); {
		}
	}
	n, refused := 0, uint64(0)
	for seed := range seeds {
		n++
		rng := rand.New(rand.NewPCG(seed, 0))
		h := &floorHistory{t: t, rng: rng, wall: 10, all: newORec(), disks: rng.IntN(8) == 0, trees: rng.IntN(3) == 0}
		for i := range 3 {
			h.owners = append(h.owners, h.newOwner(uint32(i+1), rng.Int64N(5)-2, Version{}))
		}
		commands := pick(rng, [][]oCommand{
			menu, menu, slices.Concat(menu[:5], menu[21:]), slices.Concat(menu[5:9], menu[21:25]),
			slices.Concat(menu[12:19], menu[21:25]), slices.Concat(menu[9:12], menu[21:25]), slices.Concat(menu, further),
		})
		share := []float64{.16, .30}[rng.IntN(2)]
		for range 40 + rng.IntN(101) {
			h.step(commands, share)
		}
		h.finish()
		wrong := h.judge()
		for _, o := range h.owners {
			refused += o.m.Stats().Refused
			o.m.Close()
		}
		if wrong != "" {
			t.Fatalf("-floor.seed %d, after %d histories: %s\n%s", seed, n, wrong, strings.Join(h.log, "\n"))
		}
	}
	t.Logf("%d histories, %d atoms refused", n, refused)
	if *floorSeed == 0 && refused == 0 {
		t.Error("nothing was ever refused")
	}
}
