package main

import (
	"math"
	"strings"
	"testing"
)

func byName(t *testing.T, name string) scheme {
	t.Helper()
	for _, s := range schemes {
		if s.name == name {
			return s
		}
	}
	t.Fatalf("no scheme %q", name)
	return scheme{}
}

// What is promised of ours: the least movement, and shares that only chance makes
// uneven. And the measure tells it from what is worse.
func TestMeasure_RandomSlicingMovesTheMinimum_OthersDoNot(t *testing.T) {
	keys := hashed(50_000)
	for _, n := range []int{10, 50} {
		for _, name := range []string{"random-slicing", "random-slicing, unit of one token"} {
			r, err := measure(byName(t, name), n, keys)
			if err != nil {
				t.Fatal(err)
			}
			for what, times := range map[string]float64{"add": r.add, "remove": r.remove, "reweight": r.reweight} {
				if math.Abs(times-1) > 1e-9 {
					t.Errorf("%s, %d nodes: %s moves %v times the minimum", name, n, what, times)
				}
			}
			if r.balance > r.bound+0.01 {
				t.Errorf("%s, %d nodes: the fullest has %.3f times the average, want at most %.3f", name, n, r.balance, r.bound)
			}
		}
		r, err := measure(byName(t, "equal intervals cut anew"), n, keys)
		if err != nil {
			t.Fatal(err)
		}
		if r.add < float64(n)/4 || !math.IsNaN(r.reweight) {
			t.Errorf("equal intervals of %d nodes: %+v", n, r)
		}
	}
	if r, err := measure(byName(t, "vnode, 1 token drawn"), 10, keys); err != nil || r.balance < 1.5 {
		t.Errorf("one token each: %+v, %v", r, err)
	}
}

func TestRecount_KeysThatDoNotMoveAsSaid_Error(t *testing.T) {
	before, after := make([]string, 10_000), make([]string, 10_000)
	for i := range 5000 {
		after[i] = "other"
	}
	if err := recount(before, after, 0.5); err != nil {
		t.Error(err)
	}
	if err := recount(before, after, 0.45); err == nil {
		t.Error("half of the keys moved and less of the space, and nothing was said")
	}
}

func TestPage_NumbersAndDashes(t *testing.T) {
	text := page([]row{
		{scheme: "a", nodes: 10, add: 1, remove: 2.5, reweight: math.NaN(), balance: 1.5, bound: 1.25, bytes: 2048, lookup: 6900},
		{scheme: "b", nodes: 128, unable: true},
	}, 1000)
	for _, want := range []string{"| a | 10 | 1.000 | 2.500 | - | 1.500 | 1.250 | 2.0 KB | 6.9 ns |", "| b | 128 | more than the slots |", "1000 keys, user:0 to user:999"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}
