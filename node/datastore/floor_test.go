package datastore

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// pair is two owners, a and b, in a history without chance.
type pair struct {
	*floorHistory
	a, b *owner
}

func newPair(t *testing.T, trees, disks bool) *pair {
	h := &floorHistory{t: t, rng: rand.New(rand.NewPCG(1, 1)), all: newORec(), trees: trees, disks: disks}
	p := &pair{floorHistory: h, a: h.newOwner(1, 0, Version{}), b: h.newOwner(2, 0, Version{})}
	h.owners = []*owner{p.a, p.b}
	t.Cleanup(func() { p.a.m.Close(); p.b.m.Close() })
	return p
}

// run executes a command at a time.
func (p *pair) run(at int64, o *owner, c oCommand) frame {
	p.wall = at
	f, d := o.do(c)
	if d == nil {
		p.t.Fatalf("%v at %d wrote nothing", c, at)
	}
	return f
}

func (p *pair) close(v Version, owners ...*owner) {
	for _, o := range owners {
		o.promise(v)
		o.close(v)
	}
}

// same compares the two after repair by the ordinary road.
func (p *pair) same() {
	p.t.Helper()
	for range 3 {
		p.a.take(p.b.copy(), false)
		p.b.take(p.a.copy(), false)
	}
	p.a.purge()
	p.b.purge()
	if a, b := p.a.atoms().text(), p.b.atoms().text(); a != b {
		p.t.Errorf("the owners hold\n  %s\n  %s", a, b)
	}
}

// both runs a test on small records and on trees.
func both(t *testing.T, fn func(t *testing.T, trees bool)) {
	for _, trees := range []bool{false, true} {
		t.Run(map[bool]string{false: "small", true: "trees"}[trees], func(t *testing.T) { fn(t, trees) })
	}
}

// Until it is done with the round, an owner may write an expiry in ignorance of
// one that has passed, and so bring the cells back.
func TestFloor_ExpiryWrittenInIgnorance_IsTheSameEverywhere(t *testing.T) {
	both(t, func(t *testing.T, trees bool) {
		p := newPair(t, trees, false)
		p.b.take(p.run(10, p.a, oCommand{op: "SET", val: "5"}), false)
		p.run(11, p.a, oCommand{op: "EXPIREAT", by: 15}) // the frame stalls
		p.close(End(20), p.a, p.b)
		p.a.take(p.b.copy(), true)
		late := p.run(22, p.b, oCommand{op: "EXPIREAT", by: 99})
		p.b.take(p.a.copy(), true)
		p.a.raise(End(20))
		p.b.raise(End(20))
		p.a.take(late, false)
		p.same()
		if got := p.a.atoms().view(50); !strings.Contains(got, `"5"`) {
			t.Errorf("shows %s", got)
		}
	})
}

// The frames of a coordinator that was lost with its store stall, and arrive
// when one owner has purged and the other has not.
func TestFloor_OrphanArrivesBetweenTwoPurges_IsRefusedByBoth(t *testing.T) {
	both(t, func(t *testing.T, trees bool) {
		p := newPair(t, trees, false)
		lost := p.newOwner(9, 0, Version{})
		defer lost.m.Close()
		f := p.run(10, p.a, oCommand{op: "SET", val: "5"})
		p.b.take(f, false)
		lost.take(f, false)
		orphan := p.run(12, lost, oCommand{op: "SETK", val: "orphan"})
		p.close(End(20), p.a, p.b)
		p.a.take(p.b.copy(), true)
		p.b.take(p.a.copy(), true)
		p.a.raise(End(20))
		for _, o := range p.owners {
			if o.take(orphan, false) == 0 {
				t.Errorf("owner %d takes the orphan", o.node)
			}
		}
		p.b.raise(End(20))
		p.same()
	})
}

// A write that finds an expiry passed resets what that ended: the reset is as
// new as the write, however far it reaches back.
func TestFloor_ResetThatReachesBack_IsAsNewAsItsCommand(t *testing.T) {
	both(t, func(t *testing.T, trees bool) {
		p := newPair(t, trees, false)
		p.b.take(p.run(10, p.a, oCommand{op: "SET", val: "5"}), false)
		p.b.take(p.run(11, p.a, oCommand{op: "EXPIREAT", by: 15}), false)
		p.close(End(20), p.a, p.b)
		if p.b.take(p.run(30, p.a, oCommand{op: "HSET", key: "f", val: "1"}), false) != 0 {
			t.Error("the reset is refused")
		}
		p.same()
	})
}

// A counter and a list element go on under a stamp above what is closed; where
// they are not held they must have been killed, by what was purged.
func TestFloor_WhatGoesOnFromBelow_IsTakenOnlyWhereHeld(t *testing.T) {
	for _, x := range []struct{ name, first, goesOn, end oCommandText }{
		{"counter", "INCRBY", "INCRBY", "DEL"},
		{"element", "RPUSH", "LSET", "DEL"},
		{"element popped", "RPUSH", "LSET", "LPOP"},
	} {
		t.Run(string(x.name), func(t *testing.T) {
			both(t, func(t *testing.T, trees bool) {
				p := newPair(t, trees, false)
				p.b.take(p.run(10, p.a, x.first.command()), false)
				held := p.run(11, p.a, x.goesOn.command())
				p.run(12, p.b, x.end.command()) // the frame stalls
				p.close(End(20), p.a, p.b)
				late := p.run(22, p.a, x.goesOn.command())
				if n := p.a.take(held, false); n != 0 {
					t.Errorf("what is superseded is refused")
				}
				p.b.take(p.a.copy(), true)
				p.a.take(p.b.copy(), true)
				p.a.raise(End(20))
				p.b.raise(End(20))
				if p.b.take(late, false) == 0 {
					t.Error("what was killed is taken")
				}
				p.same()
			})
		})
	}
	p := newPair(t, false, false)
	p.b.take(p.run(10, p.a, oCommand{op: "INCRBY", by: 1}), false)
	p.close(End(20), p.a, p.b)
	if p.b.take(p.run(22, p.a, oCommand{op: "INCRBY", by: 1}), false) != 0 {
		t.Error("a counter that is held does not go on")
	}
	p.same()
}

type oCommandText string

func (s oCommandText) command() oCommand {
	return oCommand{op: string(s), key: "x", val: "y", by: min(1, int64(len(s)-4))}
}

// An old copy holds what the others have removed and purged.
func TestReturn_OldCopy_BringsNothingBack(t *testing.T) {
	for _, x := range []struct {
		name          string
		first, remove oCommand
	}{
		{"string", oCommand{op: "SET", val: "5"}, oCommand{op: "DEL"}},
		{"field", oCommand{op: "HSET", key: "f", val: "1"}, oCommand{op: "HDEL", key: "f"}},
		{"counter", oCommand{op: "INCRBY", by: 1}, oCommand{op: "DEL"}},
		{"element", oCommand{op: "RPUSH", key: "x"}, oCommand{op: "LPOP"}},
		{"member", oCommand{op: "SADD", key: "x"}, oCommand{op: "FLUSH"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			both(t, func(t *testing.T, trees bool) {
				p := newPair(t, trees, true)
				p.b.take(p.run(10, p.a, x.first), false)
				old := p.a.copy()
				p.a.take(p.run(12, p.b, x.remove), false)
				p.close(End(20), p.a, p.b)
				p.a.take(p.b.copy(), true)
				p.b.take(p.a.copy(), true)
				p.a.raise(End(20))
				p.b.raise(End(20))
				p.run(30, p.b, oCommand{op: "HSET", key: "new", val: "2"})
				n := p.newOwner(3, 0, p.a.clock.High())
				defer func() { n.m.Close() }()
				n.take(old, true)
				n.promise(End(20))
				n.close(End(20))
				n.f = End(20)
				n.purge()
				if err := n.m.Return(floorKey, p.b.copy().delta, n.f); err != nil {
					t.Fatal(err)
				}
				want := p.b.atoms().text()
				if got := n.atoms().text(); got != want {
					t.Errorf("holds\n  %s\nwant\n  %s", got, want)
				}
				n.restart()
				if got := n.atoms().text(); got != want {
					t.Errorf("after a restart holds\n  %s\nwant\n  %s", got, want)
				}
				if err := n.m.Rewrite(); err != nil {
					t.Fatal(err)
				}
				n.restart()
				if got := n.atoms().text(); got != want {
					t.Errorf("by a snapshot holds\n  %s\nwant\n  %s", got, want)
				}
			})
		})
	}
}

// What an expiry ended is gone for good when it was purged: a write that no
// longer sees the expiry must not bring it back by way of the log.
func TestFloor_WriteAfterAnExpiredKeyWasPurged_SurvivesARestartAlone(t *testing.T) {
	for _, first := range []oCommand{{op: "SET", val: "5"}, {op: "HMSET", key: "h", val: "w", by: 7}, {op: "HINCRBY", key: "n", by: 3}} {
		both(t, func(t *testing.T, trees bool) {
			p := newPair(t, trees, true)
			p.run(10, p.a, first)
			p.run(11, p.a, oCommand{op: "EXPIREAT", by: 15})
			p.wall = 20
			p.a.promise(End(20))
			p.a.f, p.a.fp = End(20), End(20)
			p.a.purge()
			if n := p.a.m.Stats().Records; n != 0 {
				t.Fatalf("%d records after the purge", n)
			}
			again := first
			if again.op == "SET" {
				again = oCommand{op: "INCRBY", by: 1}
			}
			again.key = "n"
			p.run(30, p.a, again)
			want := p.a.atoms().view(40)
			p.a.restart()
			if got := p.a.atoms().view(40); got != want {
				t.Errorf("%v: shows %s after a restart, %s before", first, got, want)
			}
		})
	}
}

// An owner that has purged an expiry writes as if there had been none. One that
// has not yet must not show again, by that, what the expiry had ended.
func TestLapse_WriteOfAnOwnerThatHasPurged_BringsNothingBack(t *testing.T) {
	for _, first := range []oCommand{{op: "SET", val: "5"}, {op: "HMSET", key: "h", val: "w", by: 7}} {
		both(t, func(t *testing.T, trees bool) {
			p := newPair(t, trees, true)
			p.b.take(p.run(10, p.a, first), false)
			p.b.take(p.run(11, p.a, oCommand{op: "EXPIREAT", by: 15}), false)
			for _, f := range []Version{End(20), End(30)} {
				p.close(f, p.a, p.b)
				p.a.take(p.b.copy(), true)
				p.b.take(p.a.copy(), true)
				if f == End(20) {
					p.b.raise(f)
				}
				p.a.raise(f)
			}
			p.b.m.Lapse(0, ^uint64(0), End(20)) // b is done, and has not raised its floor
			p.b.take(p.run(40, p.a, oCommand{op: "HSET", key: "new", val: "1"}), false)
			want := p.a.atoms().text()
			for range 2 {
				if got := p.b.atoms().text(); got != want {
					t.Errorf("%v: holds\n  %s\nwant\n  %s", first, got, want)
				}
				p.b.restart()
			}
			p.b.raise(End(30))
			p.same()
		})
	}
}

// A range reset that the others have forgotten must not kill what they kept.
func TestReturn_RangeResetInTheOldCopy_IsForgotten(t *testing.T) {
	p := newPair(t, false, true)
	p.b.take(p.run(10, p.a, oCommand{op: "SET", val: "5"}), false)
	p.run(12, p.a, oCommand{op: "FLUSH"}) // nobody else ever had it
	p.a.promise(End(20))
	p.a.close(End(20))
	p.a.f, p.b.f = End(20), End(20)
	p.a.purge()
	p.b.purge()
	if err := p.a.m.Return(floorKey, p.b.copy().delta, p.a.f); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if a, b := p.a.atoms().text(), p.b.atoms().text(); a != b {
			t.Errorf("holds\n  %s\nwant\n  %s", a, b)
		}
		p.a.restart()
	}
	if err := p.a.m.Return(floorKey, []byte("garbage"), p.a.f); err == nil {
		t.Error("garbage is taken")
	}
}

func TestCloseUpTo_RefusedAtoms_DoNotComeBackByTheLog(t *testing.T) {
	both(t, func(t *testing.T, trees bool) {
		p := newPair(t, trees, true)
		p.run(10, p.b, oCommand{op: "HMSET", key: "old", val: "1", by: 3})
		p.a.close(End(20))
		p.run(30, p.b, oCommand{op: "HMSET", key: "new", val: "1", by: 3})
		if n := p.a.take(p.b.copy(), false); n != 4 { // three fields, and that the key began without expiry
			t.Fatalf("%d refused", n)
		}
		if st := p.a.m.Stats(); st.Refused != 4 {
			t.Errorf("%d refused, says Stats", st.Refused)
		}
		want := p.a.atoms().text()
		if strings.Contains(want, "old") || !strings.Contains(want, "new") {
			t.Fatalf("took %s", want)
		}
		p.a.restart()
		if got := p.a.atoms().text(); got != want {
			t.Errorf("after a restart holds\n  %s\nwant\n  %s", got, want)
		}
		p.a.take(p.b.copy(), true)
		if a, b := p.a.atoms().text(), p.b.atoms().text(); a != b {
			t.Errorf("by the exchange's road\n  %s\nof %s", a, b)
		}
		p.a.restart()
		if a, b := p.a.atoms().text(), p.b.atoms().text(); a != b {
			t.Errorf("and after a restart\n  %s\nof %s", a, b)
		}
	})
}

func TestCloseUpTo_RangeReset_IsTakenWhereItIsNotClosed(t *testing.T) {
	m, err := Open(t.Context(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	v := At(50, 0, 1)
	m.CloseUpTo(1<<60, 1<<61-1, v)
	m.CloseUpTo(1<<62, 1<<62, v.Pred())
	ans, err := m.MergeReset(0, ^uint64(0), v)
	if err != nil || ans.Won || ans.Refused != 1 {
		t.Fatalf("%+v, %v", ans, err)
	}
	want := []RangeReset{{0, 1<<60 - 1, v}, {1 << 61, ^uint64(0), v}}
	if got := m.Resets(); !slices.Equal(got, want) {
		t.Errorf("resets %v, want %v", got, want)
	}
	if ans, err := m.MergeReset(1<<61, 1<<62, v); err != nil || !ans.Won || ans.Refused != 0 {
		t.Errorf("one that is held: %+v, %v", ans, err)
	}
	if ans, err := m.ExchangeReset(1<<60, 1<<61-1, v); err != nil || !ans.Won {
		t.Errorf("by the exchange's road: %+v, %v", ans, err)
	}
	if own, err := m.ResetRange(0, 9); err != nil || !v.Less(own) {
		t.Errorf("stamps %v, %v", own, err)
	}
	if st := m.Stats(); st.Refused != 1 {
		t.Errorf("%d refused", st.Refused)
	}
}

func TestRuns_Set_AgainstATable(t *testing.T) {
	rng := rand.New(rand.NewPCG(rand.Uint64(), 0))
	for range 300 {
		const last = 40
		r := runs{{}}
		var want [last + 1]uint64
		for range 1 + rng.IntN(12) {
			from := rng.Uint64N(last + 1)
			to := from + rng.Uint64N(last+1-from)
			v := rng.Uint64N(4)
			changes := false
			for i := from; i <= to; i++ {
				changes = changes || want[i] < v
				want[i] = max(want[i], v)
			}
			out, changed := r.set(from, to, last, func(x *run) { x.closed.Time = max(x.closed.Time, v) })
			if r = out; changed != changes {
				t.Fatalf("set says %v", changed)
			}
			for i, x := range r {
				if i > 0 && r[i-1].floors == x.floors || i > 0 && r[i-1].from >= x.from || r[0].from != 0 {
					t.Fatalf("runs %v", r)
				}
			}
			for token, v := range want {
				if got := r[r.index(uint64(token))].closed.Time; got != v {
					t.Fatalf("token %d has %d, want %d", token, got, v)
				}
			}
		}
	}
}

// A command that has its stamp has not yet joined what it writes: a promise of
// that stamp waits for it.
func TestPromise_CommandAtWork_IsWaitedFor(t *testing.T) {
	m, err := Open(t.Context(), Config{Shards: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var promised atomic.Bool
	done := make(chan struct{})
	up, err := m.Update(floorKey, updaterFunc(func(_ *View, d *Delta) {
		stamp := d.Stamp()
		go func() {
			defer close(done)
			m.Promise(stamp)
			promised.Store(true)
		}()
		for range 10_000 {
			runtime.Gosched()
		}
		if promised.Load() {
			t.Error("promised while the command was at work")
		}
		d.Overwrite([]byte("v"))
	}), nil)
	<-done
	if err != nil || !up.Wrote {
		t.Fatal(up, err)
	}
	if v, err := m.ResetRange(5, 5); err != nil || !up.Stamp.Less(v) {
		t.Errorf("stamps %v after the promise of %v", v, up.Stamp)
	}
}

// A node that is one of many has thousands of runs, and tells each its floor: what is
// told of one must not cost a look at all.
func TestRuns_OneOfMany_IsChangedWhereItIs(t *testing.T) {
	const n, last = 1000, ^uint64(0)
	r := runs{{}}
	at := func(i int) (from, to uint64) { return uint64(i) << 40, uint64(i+1)<<40 - 1 }
	set := func(r runs, i int, v Version) (runs, bool) {
		from, to := at(i)
		return r.set(from, to, last, func(x *run) { x.closed = v })
	}
	for i := range n {
		r, _ = set(r, i, At(int64(1+i%2), 0, 1))
	}
	if len(r) != n+1 {
		t.Fatalf("%d runs", len(r))
	}
	var changed bool
	if got := testing.AllocsPerRun(1, func() {
		for i := 0; i < n; i += 2 {
			if r, changed = set(r, i, Version{Time: r[i].closed.Time, Node: r[i].closed.Node + 10}); !changed {
				t.Fatal("nothing was changed")
			}
		}
	}); got > 0 {
		t.Errorf("%v allocations", got)
	}
	for i := 0; i < n; i += 2 { // as their neighbours
		r, _ = set(r, i, At(2, 0, 1))
	}
	if len(r) != 2 || r[0].closed != At(2, 0, 1) || r[1].from != n<<40 || !r[1].closed.IsZero() {
		t.Errorf("%d runs: %+v", len(r), r)
	}
	if _, changed = set(r, 7, At(2, 0, 1)); changed {
		t.Error("changed by what it is")
	}
}
