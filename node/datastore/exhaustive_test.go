package datastore

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// exhaustiveMenus are small, so that every history of them can be tried.
var exhaustiveMenus = map[string][]oCommand{
	"string": {{op: "SET", val: "5"}, {op: "SETK", val: "7"}, {op: "INCRBY", by: 1}, {op: "DEL"}, {op: "EXP", by: 1}, {op: "PERSIST"}},
	"hash":   {{op: "HSET", key: "f", val: "1"}, {op: "HDEL", key: "f"}, {op: "HINCRBY", key: "f", by: 2}, {op: "DEL"}, {op: "EXP", by: 1}, {op: "SET", val: "5"}},
	"set":    {{op: "SADD", key: "a"}, {op: "SREM", key: "a"}, {op: "INCRBY", by: 1}, {op: "EXP", by: 1}, {op: "FLUSH"}, {op: "HSET", key: "f", val: "1"}},
	"list":   {{op: "RPUSH", key: "p"}, {op: "LPUSH", key: "r"}, {op: "LPOP"}, {op: "RPOP"}, {op: "LTRIM", by: 1, last: -1}, {op: "LSET", val: "z"}, {op: "DEL"}},
	"kinds":  {{op: "SET", val: "5"}, {op: "INCRBY", by: 1}, {op: "HSET", key: "f", val: "1"}, {op: "HDEL", key: "f"}, {op: "RPUSH", key: "p"}, {op: "LPOP"}},
}

// move is one step of a history: who runs what, and whether it has got all
// that was written before.
type move struct {
	c      oCommand
	node   int
	caught bool
}

// TestJoin_EveryShortHistory_SameRecordSameViews tries every history of three commands
// on two replicas, each with and without having heard of what came before. The
// skew of their clocks and the form of their records change from run to run.
func TestJoin_EveryShortHistory_SameRecordSameViews(t *testing.T) {
	for name, m := range exhaustiveMenus {
		t.Run(name, func(t *testing.T) {
			skew, n := rand.Int64N(5)-2, rand.IntN(len(forms))
			eachHistory(m, skew, func(h []move) {
				exhaust(t, forms[n%len(forms)], skew, h)
				n++
			})
			t.Logf("%d histories with a skew of %d", n, skew)
		})
	}
}

// eachHistory calls fn with every history of three moves that differs from the
// others by more than the replicas' names.
func eachHistory(m []oCommand, skew int64, fn func([]move)) {
	var moves []move
	for _, c := range m {
		for node := range 2 {
			moves = append(moves, move{c, node, false}, move{c, node, true})
		}
	}
	for _, a := range moves {
		if a.caught || a.node != 0 && skew == 0 {
			continue
		}
		for _, b := range moves {
			for _, c := range moves {
				fn([]move{a, b, c})
			}
		}
	}
}

func exhaust(t *testing.T, f form, skew int64, h []move) {
	rs := []*replica{newReplica(t, f, 1, 0), newReplica(t, f, 2, skew)}
	rs[0].h.fast, rs[1].h.fast = true, true
	defer func() {
		if t.Failed() {
			t.Logf("history %+v, skew %d, %v form", h, skew, f)
		}
	}()
	var ds []*odelta
	wall := int64(10)
	for _, m := range h {
		wall++
		r := rs[m.node]
		if m.caught {
			for _, d := range ds {
				r.merge(d)
			}
		}
		if _, _, d := r.do(wall, m.c.concrete(r.now(wall))); d != nil {
			ds = append(ds, d)
		}
	}
	if len(ds) < 2 {
		return
	}
	want := fold(t, f, ds)
	want.compareViews(wall-2, wall, wall+1, wall+3)
	text, digest := want.o.text(), want.h.digest()
	same := func(how string, ds []*odelta) {
		t.Helper()
		h := newHolder(t, f, NewClock(9, nil))
		h.fast = true
		for _, d := range ds {
			if !d.o.rr.IsZero() {
				h.reset(d.o.rr)
			}
			if len(d.b) > 0 {
				h.merge(d.b, MergeOptions{})
			}
		}
		if h.digest() != digest {
			t.Fatalf("%s\n got %s\nwant %s", how, h.atoms().text(), text)
		}
	}
	permutations(ds, func(p []*odelta) { same("permuted deltas", p) })
	atoms := split(ds)
	slices.Reverse(atoms)
	same("atoms from the last to the first", append(atoms, atoms[:2]...))
	same("whole records", []*odelta{rs[0].whole(), rs[1].whole(), want.whole()})
	same("whole records", []*odelta{rs[1].whole(), want.whole(), rs[0].whole()})
}

// permutations calls fn with every order of s.
func permutations[T any](s []T, fn func([]T)) {
	var permute func(k int)
	permute = func(k int) {
		if k == len(s) {
			fn(s)
			return
		}
		for i := k; i < len(s); i++ {
			s[k], s[i] = s[i], s[k]
			permute(k + 1)
			s[k], s[i] = s[i], s[k]
		}
	}
	permute(0)
}
