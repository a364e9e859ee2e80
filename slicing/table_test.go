package slicing

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/dynomite-go/dynomite/hashkit"
)

func mustNew(t testing.TB, grain Grain, owners ...Owner) *Table {
	t.Helper()
	table, err := New(grain, owners...)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func mustChange(t testing.TB, table *Table, owners ...Owner) *Table {
	t.Helper()
	next, err := table.Change(owners...)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

// equals are n owners of weight 1.
func equals(n int) []Owner {
	owners := make([]Owner, n)
	for i := range owners {
		owners[i] = Owner{fmt.Sprintf("node%03d", i), 1}
	}
	return owners
}

// grown is a table that n owners joined one at a time.
func grown(t testing.TB, grain Grain, n int) *Table {
	t.Helper()
	table := mustNew(t, grain, equals(1)...)
	for k := 2; k <= n; k++ {
		table = mustChange(t, table, equals(k)...)
	}
	return table
}

// sampling is the standard deviation of how many of n keys meet a part p.
func sampling(n, p float64) float64 { return math.Sqrt(n * p * (1 - p)) }

func TestNew_WrongOwners_ErrorNamesTheCulprit(t *testing.T) {
	many := make([]Owner, MaxOwners+1)
	for name, c := range map[string]struct {
		grain  Grain
		owners []Owner
		want   []string
	}{
		"nobody":          {Tokens, nil, []string{"no owners"}},
		"no name":         {Tokens, []Owner{{"a", 1}, {"", 1}}, []string{"owner 1 has no name"}},
		"long name":       {Tokens, []Owner{{strings.Repeat("x", MaxNameBytes+1), 1}}, []string{"1025 bytes", "xxx"}},
		"twice":           {Tokens, []Owner{{"a", 1}, {"b", 1}, {"a", 1}}, []string{`"a" is there twice`}},
		"zero weight":     {Tokens, []Owner{{"a", 1}, {"b", 0}}, []string{`"b" has weight 0`}},
		"negative weight": {Tokens, []Owner{{"a", -4}}, []string{`"a" has weight -4`}},
		"overflow":        {Tokens, []Owner{{"a", math.MaxInt64}, {"b", 1}, {"c", 1}}, []string{`"c"`, "2^63"}},
		"several":         {Tokens, []Owner{{"a", 0}, {"a", -1}}, []string{"weight 0", "weight -1", "twice"}},
		"too many":        {Tokens, many, []string{"65537 owners"}},
		"grain":           {64, []Owner{{"a", 1}}, []string{"grain 64"}},
		"below a unit":    {Slots, []Owner{{"a", 1}, {"b", 1 << 40}}, []string{`"a"`, "less than one unit"}},
		"too few units":   {63, []Owner{{"a", 1}, {"b", 1}, {"c", 1}}, []string{"less than one unit"}},
	} {
		_, fresh := New(c.grain, c.owners...)
		_, changed := mustNew(t, min(c.grain, maxGrain), Owner{"z", 1}).Change(c.owners...)
		if c.grain > maxGrain {
			changed = fresh
		}
		for _, err := range []error{fresh, changed} {
			if err == nil {
				t.Errorf("%s: no error", name)
				continue
			}
			for _, want := range append(c.want, "slicing: ") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%s: error %q does not say %s", name, err, want)
				}
			}
		}
	}
}

func TestNew_LargestWeights(t *testing.T) {
	table := mustNew(t, Tokens, Owner{"a", math.MaxInt64}, Owner{"b", 1})
	if table.Share(1) != (Size{lo: 2}) {
		t.Errorf("weight 1 of 2^63 has %v tokens, want 2", table.Share(1))
	}
	checkTable(t, table)
}

// Two thirds and a third of 2^64: the remainders decide.
func TestNew_RemaindersGoToTheLargest(t *testing.T) {
	table := mustNew(t, Tokens, Owner{"a", 1}, Owner{"b", 2})
	for i, want := range []string{"6148914691236517205", "12297829382473034411"} {
		if got := table.Share(i).String(); got != want {
			t.Errorf("owner %d has %s tokens, want %s", i, got, want)
		}
	}
}

func TestFromIntervals_Wrong_ErrorSaysWhere(t *testing.T) {
	ab := []Owner{{"b", 1}, {"a", 1}}
	const half = hashkit.Token(1) << 63
	for name, c := range map[string]struct {
		grain     Grain
		intervals []Interval
		want      string
	}{
		"none":      {Tokens, nil, "end before"},
		"late":      {Tokens, []Interval{{1, hashkit.MaxToken, 0}}, "begin at 0x0000000000000000"},
		"hole":      {Tokens, []Interval{{0, 5, 0}, {7, hashkit.MaxToken, 1}}, `"a" is [0x0000000000000007`},
		"overlap":   {Tokens, []Interval{{0, 5, 0}, {5, hashkit.MaxToken, 1}}, "interval 1"},
		"backwards": {Tokens, []Interval{{0, half, 0}, {half + 1, 5, 1}}, "interval 1"},
		"short":     {Tokens, []Interval{{0, half, 0}, {half + 1, half + 2, 1}}, "end before"},
		"beyond":    {Tokens, []Interval{{0, half, 0}, {half + 1, hashkit.MaxToken, 1}, {0, 5, 0}}, "interval 2"},
		"stranger":  {Tokens, []Interval{{0, hashkit.MaxToken, 2}}, "owner 2 of 2"},
		"negative":  {Tokens, []Interval{{0, hashkit.MaxToken, -1}}, "owner -1 of 2"},
		"silent":    {Tokens, []Interval{{0, hashkit.MaxToken, 1}}, `"b" has no interval`},
		"unaligned": {Slots, []Interval{{0, half, 0}, {half + 1, hashkit.MaxToken, 1}}, "multiple of 2^50"},
	} {
		if _, err := FromIntervals(c.grain, ab, c.intervals); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v does not say %s", name, err, c.want)
		}
	}
	table, err := FromIntervals(Slots, ab, []Interval{{0, half/2 - 1, 0}, {half / 2, half - 1, 1}, {half, hashkit.MaxToken, 1}})
	if err != nil || table.Len() != 2 || table.Owner(0) != "b" || table.Owner(half) != "a" {
		t.Fatalf("%d intervals, error %v", table.Len(), err)
	}
	next := mustChange(t, table, ab...)
	checkTable(t, next)
	checkMinimal(t, table, next)
}

func TestLookup_AgreesWithAScan(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for _, n := range []int{1, 2, 3, 17, 60} {
		table := grown(t, Tokens, n)
		for range 2000 {
			token := hashkit.Token(rng.Uint64() >> rng.IntN(64))
			want := 0
			for table.Interval(want).To < token {
				want++
			}
			if got := table.Lookup(token); got != table.Interval(want).Owner {
				t.Fatalf("%d owners: Lookup(%v) = %d, want %d", n, token, got, table.Interval(want).Owner)
			}
		}
	}
}

func TestLookup_AllocatesNothing(t *testing.T) {
	table := grown(t, Tokens, 128)
	token := hashkit.Token(1)
	if n := testing.AllocsPerRun(1000, func() {
		token = token*0x9e3779b97f4a7c15 + hashkit.Token(len(table.Owner(token)))
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestOwners_BelongToTheCaller(t *testing.T) {
	given := []Owner{{"b", 1}, {"a", 1}}
	table := mustNew(t, Tokens, given...)
	given[0].Name = "x"
	table.Owners()[0].Name = "y"
	if got := table.Owners(); got[0].Name != "a" || got[1].Name != "b" {
		t.Errorf("owners are %v", got)
	}
}

// The limits hold what they say: a table of the most owners can be made,
// changed and encoded.
func TestNew_MostOwners(t *testing.T) {
	owners := make([]Owner, MaxOwners)
	for i := range owners {
		owners[i] = Owner{fmt.Sprint(i), int64(1 + i%3)}
	}
	table := mustNew(t, Tokens, owners...)
	next := mustChange(t, table, owners[1000:]...)
	checkTable(t, next)
	if moved := Moved(Diff(table, next)); moved != Minimum(table, next) {
		t.Errorf("%v tokens move, want %v", moved, Minimum(table, next))
	}
	again, err := Decode(mustEncode(t, next))
	if err != nil || !again.Equal(next) {
		t.Errorf("it does not decode: %v", err)
	}
}
