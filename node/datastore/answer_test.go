package datastore

import (
	"fmt"
	"slices"
	"testing"
)

// wrote runs a command on a replica of its own and returns the delta.
func wrote(t *testing.T, node uint32, at int64, c oCommand) *odelta {
	t.Helper()
	_, _, d := newReplica(t, smallForm, node, 0).do(at, c)
	return d
}

func TestAnswer_NewerWriteHeld_LostAndCarriesIt(t *testing.T) {
	for _, f := range forms {
		r := newReplica(t, f, 1, 0)
		r.merge(wrote(t, 2, 20, set("newer")))
		ans := r.merge(wrote(t, 3, 10, set("older")))
		if ans.Won || ans.Newest != At(20, 0, 2) {
			t.Fatalf("%v form: %+v", f, ans)
		}
		if got := decodeORec(t, ans.Beat).view(30); got != `string [""="newer"] 0` {
			t.Errorf("%v form: what beat it shows %s", f, got)
		}
		if ans := r.merge(wrote(t, 3, 30, set("newest"))); !ans.Won || len(ans.Beat) > 0 {
			t.Errorf("%v form: %+v", f, ans)
		}
	}
}

func TestAnswer_Check_TellsWhatDiffers(t *testing.T) {
	for _, f := range forms {
		a, b := newReplica(t, f, 1, 0), newReplica(t, f, 2, 0)
		b.merge(wrote(t, 3, 10, set("unseen")))
		before := a.h.digest()
		_, _, d := a.do(20, set("new"))
		ans := b.mergeChecked(d, before)
		if !ans.Won || !ans.Differs || !ans.Conflict || decodeORec(t, ans.Beat).view(10) != `string [""="unseen"] 0` {
			t.Errorf("%v form: an unseen value replaced: %+v", f, ans)
		}
		before = a.h.digest()
		_, _, d = a.do(21, set("newer"))
		if ans = b.mergeChecked(d, before); !ans.Won || ans.Differs || ans.Conflict || len(ans.Beat) > 0 {
			t.Errorf("%v form: the same record: %+v", f, ans)
		}
		if ans = b.mergeChecked(d, before); !ans.Won || ans.Differs != (f == largeForm) {
			t.Errorf("%v form: the same delta again: %+v", f, ans)
		}
		// What differs need not have been replaced.
		b.merge(wrote(t, 3, 30, oCommand{op: "INCRBY", by: 4}))
		before = a.h.digest()
		_, _, d = a.do(31, expireAt(90))
		if ans = b.mergeChecked(d, before); !ans.Differs || ans.Conflict {
			t.Errorf("%v form: a value beside the delta: %+v", f, ans)
		}
	}
}

// TestAnswer_RangeResetHeld_CarriesItAsReset: the writer may not know of it.
func TestAnswer_RangeResetHeld_CarriesItAsReset(t *testing.T) {
	for _, f := range forms {
		for _, check := range []bool{false, true} {
			for _, c := range []oCommand{set("x"), {op: "HSET", key: "f", val: "1"}, incr, del} {
				r := newReplica(t, f, 1, 0)
				r.h.reset(At(20, 0, 5))
				r.o.rr = At(20, 0, 5)
				var d *odelta
				if c.op == "DEL" {
					_, d = newReplica(t, smallForm, 3, 0).delete(10)
				} else {
					d = wrote(t, 3, 10, c)
				}
				r.o = oJoin(r.o, d.o)
				ans := r.h.merge(d.b, MergeOptions{Check: check, Before: 1})
				r.compare()
				if ans.Won || ans.Newest.Less(At(20, 0, 5)) {
					t.Fatalf("%v form, %v: %+v", f, c, ans)
				}
				if beat := decodeORec(t, ans.Beat); beat.reset != At(20, 0, 5) || beat.rs != beat.reset {
					t.Errorf("%v form, %v: beaten by %s", f, c, beat.text())
				}
			}
		}
	}
}

// TestAnswer_RangeResetAndNewerReset_CarriesTheNewer: a range reset kills a part of
// what the record's own does.
func TestAnswer_RangeResetAndNewerReset_CarriesTheNewer(t *testing.T) {
	for _, f := range forms {
		r := newReplica(t, f, 1, 0)
		r.h.reset(At(20, 0, 5))
		r.o.rr = At(20, 0, 5)
		r.h.merge(wrote(t, 4, 30, set("y")).b, MergeOptions{})
		ans := r.h.merge(wrote(t, 3, 10, set("x")).b, MergeOptions{})
		if beat := decodeORec(t, ans.Beat); ans.Won || beat.reset != At(30, 0, 4).Pred() || beat.rs != At(30, 0, 4) {
			t.Errorf("%v form: beaten by %s", f, beat.text())
		}
	}
}

// TestAnswer_LargeRecord_CarriesWhatBeatTheDelta: not all of it.
func TestAnswer_LargeRecord_CarriesWhatBeatTheDelta(t *testing.T) {
	now := int64(100)
	h, _ := filled(t, largeForm, 1000)
	late := func(c oCommand) Answer {
		return h.merge(wrote(t, 3, 50, c).b, MergeOptions{})
	}
	for _, c := range []oCommand{
		{op: "HSET", key: "field:1", val: "late"}, // a newer value
		{op: "HSET", key: "field:0", val: "late"}, // a newer removal
		set("late"), // a newer kind
	} {
		ans := late(c)
		if ans.Won || len(ans.Beat) == 0 || len(ans.Beat) > 200 {
			t.Fatalf("%v: %+v", c, ans)
		}
		// Who merges what beat it and executes again wins.
		x := newHolder(t, smallForm, NewClock(7, func() int64 { return now }))
		x.merge(ans.Beat, MergeOptions{})
		u := &updater{c: c}
		up := x.update(u)
		if ans := h.merge(up.Delta, MergeOptions{}); !ans.Won {
			t.Errorf("%v again: %+v", c, ans)
		}
	}
	if h.e.clock.Observe(At(200, 0, 0)); h.view(300).Kind() != String {
		t.Errorf("shows %v", h.view(300).Kind())
	}
}

func TestAnswer_LargeRecord_DelBeatenByOneField(t *testing.T) {
	h, _ := filled(t, largeForm, 1000)
	r := newORec()
	r.reset, r.rs = At(50, 0, 3), At(50, 0, 3)
	ans := h.merge(encodeORec(r), MergeOptions{})
	if ans.Won || len(ans.Beat) > 200 || decodeORec(t, ans.Beat).kind() != Hash {
		t.Fatalf("%+v", ans)
	}
	r.reset, r.rs = ans.Newest, At(101, 0, 3)
	if ans := h.merge(encodeORec(r), MergeOptions{}); !ans.Won || !h.l.header.reset.upto.Less(r.rs) || h.view(102).Kind() != None {
		t.Errorf("above the newest: %+v", ans)
	}
}

// TestAnswer_LargeRecord_DelBelowATombstone: who executes again has to be told of
// it, or the next stamp may be below it too.
func TestAnswer_LargeRecord_DelBelowATombstone(t *testing.T) {
	h, _ := filled(t, largeForm, 1000)
	h.update(writes(func(_ *View, d *Delta) {
		for i := range 1000 {
			d.Remove(Hash, fmt.Appendf(nil, "field:%d", i))
		}
	}))
	r := newORec()
	r.reset, r.rs = At(50, 0, 3), At(50, 0, 3)
	ans := h.merge(encodeORec(r), MergeOptions{})
	if ans.Won || len(ans.Beat) > 200 {
		t.Fatalf("%+v", ans)
	}
	x := newHolder(t, smallForm, NewClock(7, func() int64 { return 50 }))
	x.merge(encodeORec(r), MergeOptions{})
	x.merge(ans.Beat, MergeOptions{})
	if x.merge(encodeORec(r), MergeOptions{}).Won {
		t.Error("it stands next to what beat it")
	}
	if ans := h.merge(x.update(deleter{}).Delta, MergeOptions{}); !ans.Won {
		t.Errorf("executed again: %+v", ans)
	}
}

func TestMerge_AppendsToDst(t *testing.T) {
	for _, f := range forms {
		h := newReplica(t, f, 1, 0).h
		h.merge(wrote(t, 2, 20, set("newer")).b, MergeOptions{})
		dst := []byte("kept")
		var ans Answer
		d := wrote(t, 3, 10, set("older")).b
		if h.l != nil {
			ans, _ = h.e.lmerge(h.l, h.key, h.cut, d, MergeOptions{}, dst)
		} else {
			_, ans, _ = h.e.merge(h.key, h.rec, h.cut, d, MergeOptions{}, dst)
		}
		if !slices.Equal(ans.Beat[:4], dst) || h.e.check(ans.Beat[4:]) != nil {
			t.Errorf("%v form: %q", f, ans.Beat)
		}
		u := writes(func(_ *View, d *Delta) { d.Put(String, nil, nil) })
		var up Update
		if h.l != nil {
			up = h.e.lupdate(h.l, h.key, h.cut, u, dst)
		} else {
			_, up = h.e.update(h.key, h.rec, h.cut, u, dst)
		}
		if !slices.Equal(up.Delta[:4], dst) || h.e.check(up.Delta[4:]) != nil {
			t.Errorf("%v form: %q", f, up.Delta)
		}
	}
}

// TestAnswer_Rules has one owner join deltas that two others wrote, unaware of
// each other unless they say so, and looks at the last answer.
func TestAnswer_Rules(t *testing.T) {
	push := oCommand{op: "RPUSH", key: "p"}
	for name, x := range map[string]struct {
		run  func(a, b *replica) []*odelta
		want bool
	}{
		"an earlier sum of a slot that is held": {func(a, _ *replica) []*odelta {
			return do(a, []step{{10, incr}, {11, incr}}, 1, 0)
		}, true},
		"a sum whose birth was killed": {func(a, b *replica) []*odelta {
			ds := do(a, []step{{10, incr}, {11, incr}}, 0, 1)
			b.merge(ds[0])
			return append(do(b, []step{{20, del}}, 0), ds[1])
		}, false},
		"SET under an expiry that it did not know": {func(a, b *replica) []*odelta {
			ds := do(a, []step{{10, set("x")}, {20, expireAt(90)}}, 0, 1)
			return append(ds, do(b, []step{{15, set("y")}}, 0)...)
		}, false},
		"SET under an increment that it did not know": {func(a, b *replica) []*odelta {
			ds := do(a, []step{{20, incr}}, 0)
			return append(ds, do(b, []step{{15, set("5")}}, 0)...)
		}, false},
		"HSET under an increment that it did not know": {func(a, b *replica) []*odelta {
			ds := do(a, []step{{20, oCommand{op: "HINCRBY", key: "f", by: 2}}}, 0)
			return append(ds, do(b, []step{{15, oCommand{op: "HSET", key: "f", val: "1"}}}, 0)...)
		}, false},
		"SADD under a newer kind": {func(a, b *replica) []*odelta {
			ds := do(a, []step{{20, oCommand{op: "HSET", key: "f", val: "1"}}}, 0)
			return append(ds, do(b, []step{{15, oCommand{op: "SADD", key: "a"}}}, 0)...)
		}, false},
		"SET with its own expiry": {func(a, b *replica) []*odelta {
			return do(a, []step{{10, set("x")}, {20, oCommand{op: "SETEX", val: "y", by: 90}}}, 0, 1)
		}, true},
		"INCR under an expiry that it did not know": {func(a, b *replica) []*odelta {
			ds := do(a, []step{{10, incr}, {20, expireAt(90)}}, 0, 1)
			return append(ds, do(b, []step{{15, incr}}, 0)...)
		}, true},
		"EXPIRE before a PERSIST": {func(a, b *replica) []*odelta {
			ds := do(a, []step{{10, set("x")}, {11, expireAt(90)}}, 0, 1)
			for _, d := range ds {
				b.merge(d)
			}
			late := do(b, []step{{15, expireAt(80)}}, 0)
			return append(do(a, []step{{20, oCommand{op: "PERSIST"}}}, 0), late...)
		}, false},
		"EXPIRE after a PERSIST": {func(a, b *replica) []*odelta {
			return do(a, []step{{10, set("x")}, {11, expireAt(90)}, {12, oCommand{op: "PERSIST"}}, {13, expireAt(95)}}, 0, 1, 2, 3)
		}, true},
		"a push whose element was popped": {func(a, b *replica) []*odelta {
			return do(a, []step{{10, push}, {11, push}, {12, oCommand{op: "LPOP"}}}, 1, 2, 0)
		}, true},
		"a push before a DEL that did not see it": {func(a, b *replica) []*odelta {
			ds := do(a, []step{{10, push}, {12, push}}, 0, 1)
			b.merge(ds[0])
			return append(do(b, []step{{20, del}}, 0), ds[1])
		}, false},
		"HDEL of what is set again": {func(a, b *replica) []*odelta {
			f := oCommand{op: "HSET", key: "f", val: "1"}
			ds := do(a, []step{{10, f}, {12, oCommand{op: "HDEL", key: "f"}}}, 0, 1)
			return []*odelta{ds[0], do(b, []step{{20, f}}, 0)[0], ds[1]}
		}, false},
		"HDEL of what is deleted since": {func(a, b *replica) []*odelta {
			ds := do(a, []step{{10, oCommand{op: "HSET", key: "f", val: "1"}}, {12, oCommand{op: "HDEL", key: "f"}}}, 0, 1)
			b.merge(ds[0])
			return append(do(b, []step{{20, del}}, 0), ds[1])
		}, false},
		"DEL of what is deleted since": {func(a, b *replica) []*odelta {
			ds := do(a, []step{{10, set("x")}, {12, del}}, 0, 1)
			b.merge(ds[0])
			return append(do(b, []step{{20, del}}, 0), ds[1])
		}, false},
		"DEL of what loses its last field since": {func(a, b *replica) []*odelta {
			f := oCommand{op: "HSET", key: "f", val: "1"}
			ds := do(a, []step{{10, f}, {12, del}}, 0, 1)
			b.merge(ds[0])
			return append(do(b, []step{{20, f}, {21, oCommand{op: "HDEL", key: "f"}}}, 0, 1), ds[1])
		}, false},
		"DEL of what loses its last element since": {func(a, b *replica) []*odelta {
			ds := do(a, []step{{10, push}, {12, del}}, 0, 1)
			b.merge(ds[0])
			return append(do(b, []step{{20, push}, {21, oCommand{op: "LPOP"}}}, 0, 1), ds[1])
		}, false},
		"DEL that is held": {func(a, _ *replica) []*odelta {
			ds := do(a, []step{{10, set("x")}, {12, del}}, 0, 1)
			return append(ds, ds[1])
		}, true},
	} {
		for _, f := range forms {
			owner := newReplica(t, f, 3, 0)
			var ans Answer
			for _, d := range x.run(newReplica(t, f, 1, 0), newReplica(t, f, 2, 0)) {
				ans = owner.merge(d)
			}
			if ans.Won != x.want || len(ans.Beat) > 0 == x.want {
				t.Errorf("%s, %v form: won is %v, beaten by %x", name, f, ans.Won, ans.Beat)
			}
		}
	}
}

// do runs steps on r and returns the deltas, in the order of their numbers.
func do(r *replica, steps []step, order ...int) (ds []*odelta) {
	r.t.Helper()
	var all []*odelta
	for _, s := range steps {
		_, _, d := r.do(s.at, s.c)
		all = append(all, d)
	}
	for _, i := range order {
		ds = append(ds, all[i])
	}
	return ds
}
