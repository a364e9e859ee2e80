package quorum

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

var levels = []Level{DCOne, DCQuorum, DCSafeQuorum, DCEachSafeQuorum}

func mustRule(t testing.TB, level Level, local int, owners ...int) Rule {
	t.Helper()
	rule, err := NewRule(level, local, owners...)
	if err != nil {
		t.Fatal(err)
	}
	return rule
}

// shapes are all ways to have one to three datacenters of one to three racks.
func shapes() [][]int {
	var all [][]int
	for a := 1; a <= 3; a++ {
		all = append(all, []int{a})
		for b := 1; b <= 3; b++ {
			all = append(all, []int{a, b})
			for c := 1; c <= 3; c++ {
				all = append(all, []int{a, b, c})
			}
		}
	}
	return all
}

// naiveMet is the table of levels in words: who has won, per datacenter.
func naiveMet(level Level, local int, racks []int, won [3]int) bool {
	majority := func(dc int) bool { return won[dc]*2 > racks[dc] }
	switch level {
	case DCOne:
		return won[local] >= 1
	case DCQuorum, DCSafeQuorum:
		return majority(local)
	}
	for dc := range racks {
		if !majority(dc) {
			return false
		}
	}
	return true
}

// naive is the oracle. It decides Impossible from the meaning: let everybody who
// is silent win, and look whether the level is met then.
type naive struct{ won, could [3]int }

func (n naive) with(dc int, answer Answer) naive {
	switch answer {
	case Won:
		n.won[dc]++
		n.could[dc]++
	case Silent:
		n.could[dc]++
	}
	return n
}

func (n naive) state(level Level, local int, racks []int) State {
	switch {
	case naiveMet(level, local, racks, n.won):
		return Met
	case naiveMet(level, local, racks, n.could):
		return Pending
	}
	return Impossible
}

// homes are the datacenters of the owners.
func homes(racks []int) []int {
	var all []int
	for dc, n := range racks {
		for range n {
			all = append(all, dc)
		}
	}
	return all
}

func TestTally_EveryLayoutAndEveryAnswer_AsTheOracle(t *testing.T) {
	for _, level := range levels {
		t.Run(level.String(), func(t *testing.T) {
			t.Parallel()
			count := 0
			for _, racks := range shapes() {
				home := homes(racks)
				for local := range racks {
					rule := mustRule(t, level, local, racks...)
					var walk func(owner int, tally *Tally, state State, oracle naive)
					walk = func(owner int, tally *Tally, state State, oracle naive) {
						if owner < len(home) {
							for answer := Silent; answer <= Won; answer++ {
								next := *tally
								walk(owner+1, &next, next.Add(owner, answer), oracle.with(home[owner], answer))
							}
							return
						}
						count++
						if want := oracle.state(level, local, racks); state != want {
							t.Fatalf("from datacenter %d of %v, %+v: %v, want %v", local, racks, *tally, state, want)
						}
						if met := tally.Got() == rule.Total(); met != (state == Met) {
							t.Fatalf("from %d of %v, %+v: got %d of %d in state %v", local, racks, *tally, tally.Got(), rule.Total(), state)
						}
					}
					tally := rule.Tally()
					walk(0, &tally, tally.State(), naive{})
				}
			}
			if want := 11_219_830; count != want {
				t.Errorf("%d cases, want %d", count, want)
			}
		})
	}
}

func TestTally_OrderAndRepetitionDoNotMatter(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 20_000 {
		racks := shapes()[rng.IntN(39)]
		rule := mustRule(t, levels[rng.IntN(4)], rng.IntN(len(racks)), racks...)
		final := make([]Answer, rule.Owners())
		var feed []int
		for owner := range final {
			final[owner] = Answer(rng.IntN(5))
			feed = append(feed, owner, owner)
		}
		straight, shuffled := rule.Tally(), rule.Tally()
		for owner, answer := range final {
			straight.Add(owner, answer)
		}
		rng.Shuffle(len(feed), func(i, j int) { feed[i], feed[j] = feed[j], feed[i] })
		for _, owner := range feed {
			if state := shuffled.Add(owner, final[owner]); state != shuffled.State() {
				t.Fatalf("Add says %v, State %v", state, shuffled.State())
			}
		}
		if straight != shuffled {
			t.Fatalf("%+v and %+v", straight, shuffled)
		}
		for owner, answer := range final {
			if straight.Answer(owner) != answer {
				t.Fatalf("owner %d answered %v, the tally says %v", owner, answer, straight.Answer(owner))
			}
		}
		for answer := Silent; answer <= Won; answer++ {
			want := 0
			for _, a := range final {
				if a == answer {
					want++
				}
			}
			if straight.Count(answer) != want {
				t.Fatalf("Count(%v) = %d, want %d of %v", answer, straight.Count(answer), want, final)
			}
		}
	}
}

func TestTally_SecondAnswerOfAnOwner(t *testing.T) {
	for _, c := range []struct{ first, second, want Answer }{
		{Refused, Failed, Failed},
		{Refused, Won, Won},
		{Refused, Lost, Lost},
		{Failed, Refused, Failed},
		{Failed, Won, Won},
		{Failed, Lost, Lost},
		{Lost, Won, Lost},
		{Lost, Failed, Lost},
		{Lost, Refused, Lost},
		{Won, Lost, Won},
		{Won, Failed, Won},
		{Won, Refused, Won},
		{Won, Silent, Won},
		{Failed, Silent, Failed},
	} {
		tally := mustRule(t, DCOne, 0, 1).Tally()
		tally.Add(0, c.first)
		tally.Add(0, c.second)
		counted := 0
		for answer := Silent; answer <= Won; answer++ {
			counted += tally.Count(answer)
		}
		if got := tally.Answer(0); got != c.want || tally.Count(c.want) != 1 || counted != 1 {
			t.Errorf("%v, then %v: %v, want %v", c.first, c.second, got, c.want)
		}
	}
}

func TestTally_LateSuccess_TakesImpossibleBack(t *testing.T) {
	tally := mustRule(t, DCQuorum, 0, 3).Tally()
	for _, step := range []struct {
		owner  int
		answer Answer
		want   State
	}{{0, Failed, Pending}, {1, Failed, Impossible}, {0, Won, Pending}, {1, Won, Met}, {2, Lost, Met}} {
		if got := tally.Add(step.owner, step.answer); got != step.want {
			t.Errorf("owner %d %v: %v, want %v", step.owner, step.answer, got, step.want)
		}
	}
}

func TestTally_MayHaveBeenApplied_UnlessAllRefused(t *testing.T) {
	rule := mustRule(t, DCQuorum, 0, 2, 1)
	for _, other := range []Answer{Silent, Failed, Lost, Won, Refused} {
		tally := rule.Tally()
		tally.Add(0, Refused)
		tally.Add(1, Refused)
		tally.Add(2, other) // in the other datacenter: it applies all the same
		if got, want := tally.MayHaveBeenApplied(), other != Refused; got != want {
			t.Errorf("the last owner %v: may have been applied %v, want %v", other, got, want)
		}
	}
}

func TestTally_Copy_IsIndependent(t *testing.T) {
	tally := mustRule(t, DCOne, 0, 3).Tally()
	saved := tally
	tally.Add(0, Won)
	if saved.State() != Pending || tally.State() != Met {
		t.Errorf("states %v and %v", saved.State(), tally.State())
	}
}

func TestTally_Misuse_Panics(t *testing.T) {
	for name, do := range map[string]func(*Tally){
		"negative owner": func(t *Tally) { t.Add(-1, Won) },
		"no such owner":  func(t *Tally) { t.Add(3, Won) },
		"no such answer": func(t *Tally) { t.Add(0, 5) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			tally := mustRule(t, DCOne, 0, 3).Tally()
			do(&tally)
		}()
	}
}

func TestReport_NamesEveryOwnerOnce(t *testing.T) {
	tally := mustRule(t, DCEachSafeQuorum, 1, 3, 2).Tally()
	for owner, answer := range []Answer{Won, Lost, Failed, Refused, Silent} {
		tally.Add(owner, answer)
	}
	cause := errors.New("too slow")
	err := tally.Report(func(owner int) string { return fmt.Sprintf("n%d", owner) }, cause)
	if err.Level != DCEachSafeQuorum || err.Need != 4 || err.Got != 1 || !err.MayHaveBeenApplied || !errors.Is(err, cause) {
		t.Errorf("report %+v", err)
	}
	for i, names := range [][]string{err.Won, err.Lost, err.Failed, err.Refused, err.Silent} {
		if want := []string{fmt.Sprintf("n%d", i)}; !slices.Equal(names, want) {
			t.Errorf("names %v, want %v", names, want)
		}
	}
	want := "quorum: DC_EACH_SAFE_QUORUM got 1 of 4 (won: n0; lost: n1; failed: n2; refused: n3; silent: n4), a write may have been applied: too slow"
	if err.Error() != want {
		t.Errorf("text\n%s, want\n%s", err, want)
	}

	none := mustRule(t, DCOne, 0, 1).Tally()
	none.Add(0, Refused)
	if text := none.Report(func(int) string { return "a" }, nil).Error(); !strings.HasSuffix(text, "nothing was applied") {
		t.Errorf("text %q", text)
	}
}

func TestTally_AllocatesNothing(t *testing.T) {
	rule := mustRule(t, DCEachSafeQuorum, 0, 3, 3, 3)
	if n := testing.AllocsPerRun(100, func() {
		tally := rule.Tally()
		for owner := range 9 {
			tally.Add(owner, Answer(owner%5))
		}
		_ = tally.Got()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestStrings(t *testing.T) {
	got := fmt.Sprint(Silent, Refused, Failed, Lost, Won, Answer(9), Pending, Met, Impossible, State(9))
	if want := "silent refused failed lost won Answer(9) pending met impossible State(9)"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func BenchmarkTally(b *testing.B) {
	for _, racks := range [][]int{{3}, {3, 3, 3}} {
		for _, level := range []Level{DCQuorum, DCEachSafeQuorum} {
			b.Run(fmt.Sprintf("%v/%v", level, racks), func(b *testing.B) {
				rule := mustRule(b, level, 0, racks...)
				b.ReportAllocs()
				for b.Loop() {
					tally := rule.Tally()
					for owner := range rule.Owners() {
						if tally.Add(owner, Won) == Met {
							break
						}
					}
				}
			})
		}
	}
}
