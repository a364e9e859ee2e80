package floor

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/dynomite-go/dynomite/node/datastore"
)

// group are machines without stores. Their time is one clock's.
type group struct {
	t    *testing.T
	now  time.Time
	ids  []string
	m    map[string]*Machine
	disk map[string][]byte
	high map[string]datastore.Version // of an owner's clock; else the time's
}

func newGroup(t *testing.T, ids ...string) *group {
	g := &group{t: t, now: time.UnixMilli(1_000_000), ids: ids, m: map[string]*Machine{}, disk: map[string][]byte{}}
	for _, id := range ids {
		g.start(id, Config{})
	}
	for range 4 {
		g.round(ids...)
	}
	for _, id := range ids {
		if g.m[id].Returning() {
			t.Fatalf("%s returns in a new cluster", id)
		}
	}
	return g
}

func (g *group) start(id string, cfg Config) {
	g.t.Helper()
	cfg.Self, cfg.Owners, cfg.Life = id, g.ids, uint64(g.now.UnixMilli())
	m, err := New(cfg, g.disk[id], g.now)
	if err != nil {
		g.t.Fatal(err)
	}
	g.m[id] = m
}

// step lets one owner take a step, and saves it.
func (g *group) step(id string) Actions {
	high, ok := g.high[id]
	if !ok {
		high = datastore.At(g.now.UnixMilli(), 0, 0)
	}
	m := g.m[id]
	a := m.Step(Now{Time: g.now, High: high})
	if a.Save {
		g.disk[id] = m.AppendState(nil)
		m.Saved()
	}
	return a
}

// send takes one owner's message to another.
func (g *group) send(from, to string) {
	g.t.Helper()
	if _, err := g.m[to].Receive(from, g.m[from].AppendMessage(nil), g.now); err != nil {
		g.t.Fatal(err)
	}
}

// round has some owners take a step and hear of each other.
func (g *group) round(ids ...string) (a []Actions) {
	for _, id := range ids {
		a = append(a, g.step(id))
	}
	for _, from := range ids {
		for _, to := range ids {
			if from != to {
				g.send(from, to)
			}
		}
	}
	return a
}

// until runs rounds of some owners, with all exchanges going well at once, until
// something holds.
func (g *group) until(what string, cond func() bool, ids ...string) {
	g.t.Helper()
	for range 200 {
		if cond() {
			return
		}
		for i, a := range g.round(ids...) {
			for _, x := range a.Exchange {
				g.m[ids[i]].Exchanged(x.Owner, x.Round, g.m[x.Owner].Gives(x.Round))
			}
		}
		g.now = g.now.Add(time.Second)
	}
	for _, id := range ids {
		g.t.Logf("%s %+v", id, g.m[id].now)
	}
	g.t.Fatalf("never %s", what)
}

func (g *group) all(cond func(*Machine) bool) func() bool {
	return func() bool {
		return !slices.ContainsFunc(g.ids, func(id string) bool { return !cond(g.m[id]) })
	}
}

func (g *group) rounds(n int) {
	g.t.Helper()
	for range n {
		g.now = g.now.Add(time.Minute)
		before := g.m[g.ids[0]].Floors().Floor
		g.until("a floor", g.all(func(m *Machine) bool { return before.Less(m.Floors().Floor) }), g.ids...)
	}
}

func TestMachine_Rounds_FollowEachOther(t *testing.T) {
	g := newGroup(t, "a", "b", "c")
	g.rounds(1)
	first := g.m["a"].Floors()
	g.rounds(1)
	for _, id := range g.ids {
		f := g.m[id].Floors()
		if f.Before != first.Floor || !first.Floor.Less(f.Floor) || f.Closed != f.Floor || f.Promised != f.Floor {
			t.Errorf("%s: %+v after %+v", id, f, first)
		}
		if age := g.now.Sub(time.UnixMilli(f.Floor.Millis())); age < 5*time.Second || age > time.Minute {
			t.Errorf("the floor is %v old", age)
		}
	}
}

// Each step of a round waits for what the specification says.
func TestMachine_Round_EachStepWaitsForTheOthers(t *testing.T) {
	g := newGroup(t, "a", "b", "c")
	g.now = g.now.Add(time.Minute)
	g.round("a", "b", "c") // everybody is heard of
	g.step("a")
	p := g.m["a"].Floors().Promised
	if p.IsZero() {
		t.Fatal("nothing is proposed")
	}
	g.send("a", "b")
	g.send("a", "c")
	g.step("b")
	g.send("b", "a")
	for range 3 {
		g.step("a")
		if f := g.m["a"].Floors(); f.Promised != p || f.Closed == p {
			t.Fatalf("closes before c has promised: %+v", f)
		}
	}
	if s := g.m["a"].Stalled(g.now); s.Owner != "c" || s.Waits != "promise" {
		t.Errorf("stalled by %+v", s)
	}
	g.step("c")
	g.send("c", "a")
	g.step("a")
	if f := g.m["a"].Floors(); f.Closed != p {
		t.Fatalf("does not close: %+v", f)
	}
	if a := g.step("a"); len(a.Exchange) != 0 {
		t.Errorf("exchanges with %v, which have not closed", a.Exchange)
	}
	if g.m["b"].Gives(p) || !g.m["a"].Gives(p) {
		t.Error("gives before it has closed, or does not give afterwards")
	}
	g.send("c", "b")
	g.step("b")
	g.send("b", "a")
	a := g.step("a")
	if len(a.Exchange) != 1 || a.Exchange[0] != (Exchange{"b", p}) {
		t.Fatalf("exchanges %v", a.Exchange)
	}
	if again := g.step("a"); len(again.Exchange) != 0 {
		t.Errorf("asks for it again: %v", again.Exchange)
	}
	g.m["a"].Exchanged("b", p, false)
	if again := g.step("a"); len(again.Exchange) != 1 {
		t.Error("does not ask again for what failed")
	}
	g.m["a"].Exchanged("b", p, true)
	g.step("a")
	if g.m["a"].now.done == p {
		t.Error("done without c")
	}
	if s := g.m["a"].Stalled(g.now); s.Owner != "c" || s.Waits != "close" {
		t.Errorf("stalled by %+v", s)
	}
	g.send("b", "c")
	g.step("c")
	g.send("c", "a")
	if a := g.step("a"); len(a.Exchange) != 1 || g.m["a"].now.done == p {
		t.Errorf("exchanges %v, done %v", a.Exchange, g.m["a"].now.done)
	}
	g.m["a"].Exchanged("c", p, true)
	for range 3 {
		g.step("a")
	}
	if f := g.m["a"].Floors(); g.m["a"].now.done != p || f.Floor == p {
		t.Errorf("done is %v, floor %v", g.m["a"].now.done, f.Floor)
	}
	if s := g.m["a"].Stalled(g.now); s.Waits != "done" {
		t.Errorf("stalled by %+v", s)
	}
	g.until("the floor everywhere", g.all(func(m *Machine) bool { return m.Floors().Floor == p }), g.ids...)
}

func TestMachine_UnsavedState_IsNotSaid(t *testing.T) {
	g := newGroup(t, "a", "b")
	g.now = g.now.Add(time.Minute)
	g.round("a", "b")
	before := g.m["a"].AppendMessage(nil)
	a := g.m["a"].Step(Now{Time: g.now})
	if !a.Save || a.Floors.Promised.IsZero() {
		t.Fatalf("actions %+v", a)
	}
	if !bytes.Equal(before, g.m["a"].AppendMessage(nil)) {
		t.Error("says what was not saved")
	}
	if again := g.m["a"].Step(Now{Time: g.now}); !again.Save || again.Floors != a.Floors {
		t.Errorf("goes on before it was saved: %+v", again)
	}
	g.m["a"].AppendState(nil)
	g.m["a"].Saved()
	if bytes.Equal(before, g.m["a"].AppendMessage(nil)) {
		t.Error("does not say what was saved")
	}
}

func TestMachine_TwoProposals_TheGreaterWins(t *testing.T) {
	g := newGroup(t, "a", "b", "c")
	g.now = g.now.Add(2 * time.Minute)
	g.round("a", "b", "c")
	g.step("a") // the others do not hear of it
	low := g.m["a"].Floors().Promised
	g.now = g.now.Add(time.Second)
	g.step("b")
	high := g.m["b"].Floors().Promised
	if low.IsZero() || !low.Less(high) {
		t.Fatalf("proposals %v and %v", low, high)
	}
	g.send("a", "c")
	g.step("c")
	if got := g.m["c"].Floors().Promised; got != low {
		t.Fatalf("c promises %v", got)
	}
	g.until("the floor", g.all(func(m *Machine) bool { return m.Floors().Floor == high }), g.ids...)
}

func TestMachine_OwnerAway_StallsAndIsNamed(t *testing.T) {
	g := newGroup(t, "a", "b", "c")
	g.rounds(1)
	before, left := g.m["a"].Floors(), g.now
	for range 100 {
		g.now = g.now.Add(10 * time.Second)
		g.round("a", "b")
	}
	if f := g.m["a"].Floors(); f != before {
		t.Errorf("%+v without c, before %+v", f, before)
	}
	s := g.m["a"].Stalled(g.now)
	if s.Owner != "c" || s.Waits != "present" || left.Sub(s.Since) > 2*time.Second {
		t.Errorf("stalled by %+v; c left at %v", s, left)
	}
	g.rounds(1)
	if s := g.m["a"].Stalled(g.now); s != (Stall{}) {
		t.Errorf("stalled by %+v when c is back", s)
	}
}

// What an owner wrote before it was done with a round it may have written in
// ignorance: the next version lies above.
func TestMachine_ClockAhead_TheNextRoundWaitsForIt(t *testing.T) {
	g := newGroup(t, "a", "b")
	ahead := datastore.At(g.now.Add(4*time.Minute).UnixMilli(), 0, 7)
	g.high = map[string]datastore.Version{"b": ahead}
	g.rounds(1)
	floor := g.m["a"].Floors().Floor
	g.high = nil
	for g.now.UnixMilli() < ahead.Millis() {
		g.now = g.now.Add(10 * time.Second)
		g.round("a", "b")
		if f := g.m["a"].Floors(); f.Promised != floor && f.Promised.Less(ahead) {
			t.Fatalf("promises %v below the clock %v", f.Promised, ahead)
		}
	}
	g.rounds(1)
}

func TestMachine_RestartInARound_GoesOn(t *testing.T) {
	g := newGroup(t, "a", "b", "c")
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	for range 20 {
		g.now = g.now.Add(time.Minute)
		before := g.m["a"].Floors().Floor
		restarts := 0
		g.until("a floor", func() bool {
			if rng.IntN(3) == 0 && restarts < 10 {
				restarts++
				g.start(g.ids[rng.IntN(3)], Config{})
			}
			return g.all(func(m *Machine) bool { return before.Less(m.Floors().Floor) })()
		}, g.ids...)
	}
}

func TestMachine_OldCopy_IsToldAndReturns(t *testing.T) {
	for _, name := range []string{"an old state", "nothing saved", "lost its tail"} {
		t.Run(name, func(t *testing.T) {
			g := newGroup(t, "a", "b", "c")
			g.rounds(1)
			old := g.disk["c"]
			g.rounds(1)
			cfg := Config{}
			switch name {
			case "nothing saved":
				old = nil
			case "lost its tail":
				cfg.Lost, old = true, g.disk["c"]
			}
			g.disk["c"] = old
			g.start("c", cfg)
			g.send("a", "c")
			g.step("c")
			if a := g.step("c"); !g.m["c"].Returning() || a.Return != nil {
				t.Fatalf("returns: %v, from %+v", g.m["c"].Returning(), a.Return)
			}
			if g.m["c"].Gives(datastore.Version{}) {
				t.Error("an old copy gives")
			}
			g.step("c")
			g.send("c", "b")
			g.send("c", "a")
			g.send("b", "c")
			g.send("a", "c")
			r := g.step("c").Return
			if r == nil {
				t.Fatal("nobody to return from")
			}
			want := g.m["a"].Floors()
			if r.Floors != want || r.Source == "c" || len(r.Others) != 1 || r.Others[0] == r.Source {
				t.Errorf("return %+v, want %+v", r, want)
			}
			// One that only lost its tail at the same floor lacks something, and holds nothing old.
			if old := name != "lost its tail"; g.m["c"].Old() != old || g.m["c"].Ready("a") == old || g.m["a"].Ready("c") == old {
				t.Errorf("old %v, ready %v, and the other for it %v", g.m["c"].Old(), g.m["c"].Ready("a"), g.m["a"].Ready("c"))
			}
			g.m["c"].Returned(false)
			if again := g.step("c").Return; again == nil {
				t.Fatal("does not try again")
			}
			g.m["c"].Returned(true)
			g.step("c")
			if f := g.m["c"].Floors(); g.m["c"].Returning() || f != want {
				t.Errorf("after its return %+v, want %+v", f, want)
			}
			g.round("a", "b", "c")
			if g.m["c"].Old() || !g.m["c"].Ready("a") || !g.m["a"].Ready("c") {
				t.Error("is not ready after its return")
			}
			g.rounds(2)
		})
	}
}

// A copy from before a promise has the same floor as the others, and may not
// give its word again.
func TestMachine_OldCopyWithinARound_IsNoticed(t *testing.T) {
	for _, knows := range []string{"a", "b"} {
		g := newGroup(t, "a", "b", "c")
		g.rounds(1)
		g.now = g.now.Add(time.Minute)
		g.round("a", "b", "c")
		g.step("a")
		g.send("a", "c")
		old := g.disk["c"]
		g.step("c")
		g.send("c", knows)
		g.disk["c"] = old
		g.start("c", Config{})
		for range 3 {
			g.step("c")
			for _, id := range []string{"a", "b"} {
				g.send("c", id)
				g.send(id, "c")
			}
			if f := g.m["c"].Floors(); f.Closed != f.Floor || f.Promised != f.Floor {
				t.Errorf("promises again: %+v", f)
			}
		}
		if !g.m["c"].Returning() {
			t.Errorf("%s knows better, and c takes itself for complete", knows)
		}
	}
}

// All lost power at once: nobody is better off than the others.
func TestMachine_AllLost_NobodyDropsAnything(t *testing.T) {
	g := newGroup(t, "a", "b", "c")
	g.rounds(1)
	for _, id := range g.ids {
		g.start(id, Config{Lost: true})
	}
	for range 5 {
		for _, a := range g.round("a", "b", "c") {
			if a.Return != nil {
				t.Fatalf("returns from %s", a.Return.Source)
			}
		}
	}
	g.rounds(2)
}

// Copies are compared at equal floors, by owners that have heard of each
// other's present life.
func TestMachine_Ready_OnlyAtEqualFloors(t *testing.T) {
	g := newGroup(t, "a", "b")
	g.rounds(1)
	ready := func(a, b bool) {
		t.Helper()
		if got := g.m["a"].Ready("b"); got != a {
			t.Errorf("a is ready for b: %v", got)
		}
		if got := g.m["b"].Ready("a"); got != b {
			t.Errorf("b is ready for a: %v", got)
		}
	}
	ready(true, true)
	g.start("b", Config{})
	g.step("b")
	ready(true, false) // a has not heard of it
	g.send("a", "b")
	ready(true, false)
	g.send("b", "a")
	g.send("a", "b")
	ready(true, true)
	g.now = g.now.Add(2 * time.Minute)
	g.until("both done", g.all(func(m *Machine) bool { return m.inRound() && m.said.done == m.said.promised }), g.ids...)
	ready(true, true)
	g.step("a") // raises its floor
	g.send("a", "b")
	g.send("b", "a")
	ready(false, false)
	g.round("a", "b")
	ready(true, true)
	if g.m["a"].Ready("a") || g.m["a"].Ready("x") {
		t.Error("ready for itself, or for a stranger")
	}
}

// One owner has raised its floor when the other two end. One of these comes
// back: it raises its own, and the two are ready for each other, whether the third
// ever comes or not.
func TestMachine_Restart_AfterOnlyOneHasRaised(t *testing.T) {
	for _, empty := range []bool{false, true} {
		g := newGroup(t, "a", "b", "c")
		g.rounds(1)
		g.now = g.now.Add(2 * time.Minute)
		g.until("all done", g.all(func(m *Machine) bool { return m.inRound() && m.said.done == m.said.promised }), g.ids...)
		g.step("a") // raises its floor
		if empty {
			// The one that raised tells of it, and is gone; the other had not heard.
			delete(g.disk, "b")
			g.start("b", Config{Empty: true})
			g.step("b")
			g.send("a", "b")
			for range 3 {
				g.round("b", "c")
			}
			if !g.m["b"].Ready("c") {
				t.Error("began empty, and is not ready for who is done")
			}
			continue
		}
		g.start("b", Config{})
		for range 3 {
			g.round("a", "b")
		}
		if a, b := g.m["a"].Floors().Floor, g.m["b"].Floors().Floor; a != b || !g.m["b"].Ready("a") || !g.m["a"].Ready("b") {
			t.Errorf("floors %v and %v, ready %v", a, b, g.m["b"].Ready("a"))
		}
	}
}

// Who began with nothing is compared with at once, and returns when all are
// there.
func TestMachine_BeganEmpty_IsReadyBeforeItReturns(t *testing.T) {
	g := newGroup(t, "a", "b", "c")
	g.rounds(2)
	want := g.m["a"].Floors()
	delete(g.disk, "c")
	g.start("c", Config{Empty: true})
	for range 3 {
		g.round("a", "c")
	}
	c := g.m["c"]
	if !c.Joining() || !c.Returning() || c.Old() || !c.Ready("a") || !g.m["a"].Ready("c") || c.Ready("b") {
		t.Errorf("joins %v, returns %v, old %v; ready for a %v, a for it %v, for b %v",
			c.Joining(), c.Returning(), c.Old(), c.Ready("a"), g.m["a"].Ready("c"), c.Ready("b"))
	}
	if f := c.Highest(); f.Floor != want.Floor || f.Before != want.Before || f.Closed != want.Closed || f.Promised.Less(want.Promised) {
		t.Errorf("goes by %+v, want %+v", f, want)
	}
	g.start("c", Config{}) // with what it has taken by now
	for range 3 {
		g.round("a", "c")
	}
	if c = g.m["c"]; !c.Joining() || !c.Ready("a") {
		t.Errorf("after a restart joins %v, ready for a %v", c.Joining(), c.Ready("a"))
	}
	var r *Return
	g.until("a return", func() bool {
		if a := g.step("c").Return; a != nil {
			r = a
		}
		return r != nil
	}, g.ids...)
	c.Returned(true)
	g.round(g.ids...)
	if c.Returning() || c.Joining() {
		t.Error("has not returned")
	}
	g.rounds(1)
}

// Nobody begins a round that would let nothing go, or while somebody gets what it
// missed, and nobody gives its word before it has purged.
func TestMachine_IdleUnsweptOrBusy_BeginsNoRound(t *testing.T) {
	g := newGroup(t, "a", "b")
	g.rounds(1)
	for _, now := range []Now{{Idle: true}, {Unswept: true}, {Busy: true}} {
		for range 600 {
			g.now = g.now.Add(time.Second)
			for _, id := range g.ids {
				now.Time, now.High = g.now, datastore.At(g.now.UnixMilli(), 0, 0)
				if a := g.m[id].Step(now); a.Save {
					t.Fatalf("%s: %+v after %+v", id, a.Floors, now)
				}
			}
			g.send("a", "b")
			g.send("b", "a")
		}
	}
	g.step("a")
	g.send("a", "b")
	now := Now{Time: g.now, High: datastore.At(g.now.UnixMilli(), 0, 0), Idle: true}
	busy := now
	busy.Busy = true
	if a := g.m["b"].Step(busy); a.Save {
		t.Error("a busy owner joins the round of another")
	}
	if a := g.m["b"].Step(now); !a.Save {
		t.Error("an idle owner does not join the round of another")
	}
}

// Who forgot a promise that somebody has closed on gives it again, busy or not: what that
// one refuses since then is not to be refused for longer than need be.
func TestMachine_Busy_PromisesWhatIsClosed(t *testing.T) {
	g := newGroup(t, "a", "b")
	g.now = g.now.Add(time.Minute)
	g.until("closed", func() bool { return g.m["a"].Floors().Closed == g.m["a"].Floors().Promised && g.m["a"].inRound() }, "a", "b")
	m := g.m["b"]
	m.now.promised, m.now.closed = m.now.floor, m.now.floor
	m.said = m.now
	g.send("a", "b")
	if a := m.Step(Now{Time: g.now, Busy: true}); !a.Save || a.Floors.Promised != g.m["a"].Floors().Promised {
		t.Errorf("promises %+v", a.Floors)
	}
}

func (g *group) takes(owner, from string, msg []byte) bool {
	_, err := g.m[owner].Receive(from, msg, g.now)
	return err == nil
}

func TestMachine_BadInput_IsAnError(t *testing.T) {
	g := newGroup(t, "a", "b")
	g.rounds(1)
	msg, saved := g.m["b"].AppendMessage(nil), g.disk["a"]
	for i := range msg {
		bad := bytes.Clone(msg)
		bad[i] ^= 1
		if g.takes("a", "b", bad) || g.takes("a", "b", msg[:i]) {
			t.Fatalf("takes a message damaged at %d", i)
		}
	}
	if g.takes("a", "x", msg) || g.takes("a", "a", msg) {
		t.Error("takes messages of strangers")
	}
	for _, owners := range [][]string{{"a", "c"}, {"b", "c"}, {"a", "a"}} {
		if _, err := New(Config{Self: "a", Owners: owners}, saved, g.now); err == nil {
			t.Errorf("takes a state for %q", owners)
		}
	}
	if _, err := New(Config{Self: "a", Owners: g.ids}, saved[1:], g.now); err == nil {
		t.Error("takes a damaged state")
	}
}

func FuzzReceive(f *testing.F) {
	m, err := New(Config{Self: "a", Owners: []string{"a", "b"}}, nil, time.UnixMilli(0))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(m.AppendMessage(nil), m.AppendState(nil))
	f.Fuzz(func(t *testing.T, msg, saved []byte) {
		m, err := New(Config{Self: "a", Owners: []string{"a", "b"}}, saved, time.UnixMilli(0))
		if err != nil {
			return
		}
		// The checksum is not what is tried here.
		for _, b := range [][]byte{msg, seal(bytes.Clone(msg), 0)} {
			if _, err := m.Receive("b", b, time.UnixMilli(1)); err == nil {
				for range 5 {
					m.Step(Now{Time: time.UnixMilli(2)})
					m.AppendState(nil)
					m.Saved()
				}
			}
		}
	})
}
