package datastore

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
)

var (
	incr = oCommand{op: "INCRBY", by: 1}
	del  = oCommand{op: "DEL"}
)

func set(val string) oCommand { return oCommand{op: "SET", val: val} }

func expireAt(ms int64) oCommand { return oCommand{op: "EXPIREAT", by: ms} }

// step is a command at a wall clock time.
type step struct {
	at int64
	c  oCommand
}

// TestJoin_KnownHistories_ShowWhatTheyShould has A and B run commands without
// hearing of each other, after a beginning that both have seen.
func TestJoin_KnownHistories_ShowWhatTheyShould(t *testing.T) {
	for name, x := range map[string]struct {
		both, a, b []step
		want       string // at 50
	}{
		"INCR and INCR on a missing key":          {nil, []step{{10, incr}}, []step{{10, incr}}, `string [""="2"] 0`},
		"INCR after SET and DEL that B never saw": {nil, []step{{1, set("9")}, {2, del}, {5, incr}}, []step{{6, incr}}, `string [""="2"] 0`},
		"INCR and INCR after a DEL":               {[]step{{10, set("9")}, {11, del}}, []step{{12, incr}}, []step{{12, incr}}, `string [""="2"] 0`},
		"DEL before INCR by who is new to it":     {[]step{{10, set("5")}}, []step{{11, del}}, []step{{12, incr}}, `string [""="1"] 0`},
		"SET before INCR":                         {nil, []step{{11, set("10")}}, []step{{12, incr}}, `string [""="11"] 0`},
		"SET after INCR":                          {nil, []step{{12, set("10")}}, []step{{11, incr}}, `string [""="10"] 0`},
		"INCR after an expiry that B never saw":   {[]step{{10, set("5")}}, []step{{11, expireAt(20)}}, []step{{25, incr}}, `string [""="1"] 0`},
		"INCR and INCR after an expiry":           {[]step{{10, set("5")}, {11, expireAt(20)}}, []step{{25, incr}}, []step{{26, incr}}, `string [""="2"] 0`},
		"EXPIRE that never saw the old expiry":    {[]step{{10, set("5")}}, []step{{11, expireAt(20)}}, []step{{30, expireAt(90)}}, `string [""="5"] 90`},
		"writes after an expiry have none":        {[]step{{10, set("5")}, {11, expireAt(20)}}, []step{{21, oCommand{op: "HSET", key: "f", val: "1"}}}, nil, `hash ["f"="1"] 0`},
		"a new expiry does not revive":            {[]step{{10, oCommand{op: "HSET", key: "f", val: "1"}}, {11, expireAt(20)}}, []step{{21, oCommand{op: "HSET", key: "g", val: "2"}}, {22, expireAt(90)}}, nil, `hash ["g"="2"] 90`},
		"the newer kind shows":                    {nil, []step{{10, set("5")}}, []step{{11, oCommand{op: "HSET", key: "f", val: "1"}}}, `hash ["f"="1"] 0`},
	} {
		for _, f := range forms {
			a, b := newReplica(t, f, 1, 0), newReplica(t, f, 2, 0)
			var ds []*odelta
			for _, s := range x.both {
				_, _, d := a.do(s.at, s.c)
				b.merge(d)
				ds = append(ds, d)
			}
			for _, s := range x.a {
				_, _, d := a.do(s.at, s.c)
				ds = append(ds, d)
			}
			for _, s := range x.b {
				_, _, d := b.do(s.at, s.c)
				ds = append(ds, d)
			}
			for range 2 {
				r := fold(t, f, ds)
				if got := viewText(t, r.h.view(50)); got != x.want {
					t.Errorf("%s, %v form: %s, want %s", name, f, got, x.want)
				}
				slices.Reverse(ds)
			}
		}
	}
}

// TestJoin_SlotBornBeforeUnseenKill_IsLostWhole: the sum of such a slot holds
// increments from before the kill.
func TestJoin_SlotBornBeforeUnseenKill_IsLostWhole(t *testing.T) {
	for _, f := range forms {
		a, b := newReplica(t, f, 1, 0), newReplica(t, f, 2, 0)
		_, _, first := b.do(9, incr)
		a.merge(first)
		_, _, kill := a.do(11, del)
		_, _, second := b.do(13, incr)
		if ans := a.merge(second); ans.Won {
			t.Error("the owner says that the increment won")
		}
		r := fold(t, f, []*odelta{first, second, kill})
		if got := viewText(t, r.h.view(50)); got != "none" {
			t.Errorf("%v form: %s", f, got)
		}
	}
}

func TestUpdate_RunsAtItsStamp_NotAtTheWallClock(t *testing.T) {
	for _, f := range forms {
		r := newReplica(t, f, 1, 0)
		r.do(10, incr)
		r.do(10, expireAt(12))
		r.h.e.clock.Observe(At(14, 0, 2))
		v, reply, _ := r.do(11, incr)
		if v.Millis() != 14 || reply != "1" || r.o.view(14) != `string [""="1"] 0` {
			t.Errorf("%v form: at %v replied %s, shows %s", f, v, reply, r.o.view(14))
		}
	}
}

// TestJoin_Increments_NeverGoBack replays increments late and repeatedly.
func TestJoin_Increments_NeverGoBack(t *testing.T) {
	for _, f := range forms {
		replay(t, rand.Uint64(), func(t *testing.T, rng *rand.Rand) {
			rs := []*replica{newReplica(t, f, 1, 0), newReplica(t, f, 2, 0)}
			var ds []*odelta
			for i := range 100 {
				k := rng.IntN(2)
				_, _, d := rs[k].do(int64(i), oCommand{op: "INCRBY", by: 2})
				ds = append(ds, d)
				rs[1-k].merge(pick(rng, ds))
			}
			late, last := newReplica(t, f, 9, 0), int64(0)
			for range 200 {
				late.merge(pick(rng, ds))
				n, _ := late.h.view(999).Text()
				if sum, _ := parseInt(n); sum < last {
					t.Fatalf("%v form: from %d back to %s", f, last, n)
				} else {
					last = sum
				}
			}
			for _, d := range ds {
				late.merge(d)
			}
			if n, _ := late.h.view(999).Text(); string(n) != "200" {
				t.Errorf("%v form: 100 increments of 2 make %s", f, n)
			}
		})
	}
}

// TestJoin_Queue_StaysSmall: what was removed fuses to one interval per pusher.
func TestJoin_Queue_StaysSmall(t *testing.T) {
	rs := []*replica{newReplica(t, smallForm, 1, 0), newReplica(t, smallForm, 2, 0)}
	most := 0
	for i := range 300 {
		at := rs[i%2]
		_, _, push := at.do(int64(i), oCommand{op: "RPUSH", key: strconv.Itoa(i)})
		var pop *odelta
		if i > 3 {
			_, _, pop = at.do(int64(i), oCommand{op: "LPOP"})
		}
		for _, r := range rs {
			r.merge(push)
			if pop != nil {
				r.merge(pop)
			}
		}
		n := len(rs[0].o.el)
		for _, iv := range rs[0].o.rem {
			n += len(iv)
		}
		most = max(most, n)
	}
	if most > 8 {
		t.Errorf("a queue of 4 elements took up to %d atoms", most)
	}
}
