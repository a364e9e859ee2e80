package slicing

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dynomite-go/dynomite/hashkit"
)

// histories is how many random histories the laws are tried on.
const histories = 3000

// history draws lists of owners, each differing from the one before by any
// number of joins, departures and new weights.
type history struct {
	rng    *rand.Rand
	next   int
	owners []Owner
}

func newHistory(rng *rand.Rand) *history {
	h := &history{rng: rng}
	h.step()
	return h
}

func (h *history) weight() int64 {
	switch h.rng.IntN(4) {
	case 0:
		return 1 + h.rng.Int64N(1000)
	case 1: // twenty of them stay below the largest sum, and are exact in no float64
		return 1 + h.rng.Int64N(1<<58)
	}
	return 1
}

func (h *history) step() []Owner {
	h.owners = slices.Clone(h.owners)
	if len(h.owners) > 1 && h.rng.IntN(2) == 0 {
		for range h.rng.IntN(len(h.owners)) {
			k := h.rng.IntN(len(h.owners))
			h.owners = slices.Delete(h.owners, k, k+1)
		}
	}
	if h.rng.IntN(2) == 0 {
		for i := range h.owners {
			if h.rng.IntN(3) == 0 {
				h.owners[i].Weight = h.weight()
			}
		}
	}
	if len(h.owners) == 0 || h.rng.IntN(2) == 0 {
		for range 1 + h.rng.IntN(4) {
			h.owners = append(h.owners, Owner{fmt.Sprintf("n%d", h.rng.IntN(10)*1000+h.next), h.weight()})
			h.next++
		}
	}
	for len(h.owners) > 20 {
		h.owners = h.owners[1:]
	}
	h.rng.Shuffle(len(h.owners), func(i, j int) { h.owners[i], h.owners[j] = h.owners[j], h.owners[i] })
	return h.owners
}

func bigSize(s Size) *big.Int {
	n := new(big.Int).SetUint64(s.hi)
	return n.Add(n.Lsh(n, 64), new(big.Int).SetUint64(s.lo))
}

// checkTable recounts what a table says of itself: the cover, and each share
// within one unit of its weight's part.
func checkTable(t *testing.T, table *Table) {
	t.Helper()
	var next hashkit.Token
	counted := make([]*big.Int, len(table.owners))
	for i := range counted {
		counted[i] = new(big.Int)
	}
	for i := range table.Len() {
		interval := table.Interval(i)
		if interval.From != next || interval.To < interval.From || i > 0 && next == 0 {
			t.Fatalf("interval %d is [%v, %v], want it to begin at %v", i, interval.From, interval.To, next)
		}
		if i > 0 && table.Interval(i-1).Owner == interval.Owner {
			t.Fatalf("intervals %d and %d have one owner", i-1, i)
		}
		next = interval.To + 1
		width := new(big.Int).SetUint64(uint64(interval.To - interval.From))
		counted[interval.Owner].Add(counted[interval.Owner], width.Add(width, big.NewInt(1)))
		for _, token := range []hashkit.Token{interval.From, interval.From + (interval.To-interval.From)/2, interval.To} {
			if table.Lookup(token) != interval.Owner {
				t.Fatalf("Lookup(%v) = %d, want %d", token, table.Lookup(token), interval.Owner)
			}
		}
	}
	if next != 0 {
		t.Fatalf("the intervals end before %v", next)
	}
	sum := new(big.Int)
	for _, owner := range table.owners {
		sum.Add(sum, big.NewInt(owner.Weight))
	}
	for i, owner := range table.owners {
		if counted[i].Cmp(bigSize(table.Share(i))) != 0 {
			t.Fatalf("owner %s has %v tokens, Share says %v", owner.Name, counted[i], table.Share(i))
		}
		// |share * sum - 2^64 * weight| < unit * sum
		off := new(big.Int).Mul(counted[i], sum)
		off.Sub(off, new(big.Int).Lsh(big.NewInt(owner.Weight), 64))
		if off.Abs(off).Cmp(new(big.Int).Lsh(sum, uint(table.grain))) >= 0 {
			t.Fatalf("owner %s has %v tokens for weight %d of %v: off by a unit or more", owner.Name, counted[i], owner.Weight, sum)
		}
	}
}

// checkMinimal requires that what moves is half the sum of all differences of
// shares, counted here from the intervals, and that nobody gives and takes.
func checkMinimal(t *testing.T, before, after *Table) {
	t.Helper()
	difference := make(map[string]*big.Int)
	count := func(table *Table, sign int64) {
		for i, owner := range table.owners {
			if difference[owner.Name] == nil {
				difference[owner.Name] = new(big.Int)
			}
			part := bigSize(table.Share(i))
			difference[owner.Name].Add(difference[owner.Name], part.Mul(part, big.NewInt(sign)))
		}
	}
	count(before, -1)
	count(after, 1)
	twice := new(big.Int)
	for _, d := range difference {
		twice.Add(twice, new(big.Int).Abs(d))
	}
	moved := new(big.Int)
	for _, move := range Diff(before, after) {
		width := new(big.Int).SetUint64(uint64(move.To - move.From))
		moved.Add(moved, width.Add(width, big.NewInt(1)))
		if difference[move.Donor].Sign() >= 0 || difference[move.Receiver].Sign() <= 0 {
			t.Fatalf("[%v, %v] moves from %s, whose share changes by %v, to %s, whose share changes by %v", move.From, move.To,
				move.Donor, difference[move.Donor], move.Receiver, difference[move.Receiver])
		}
	}
	if twice.Cmp(new(big.Int).Lsh(moved, 1)) != 0 {
		t.Fatalf("%v tokens move, half the sum of share differences is %v/2", moved, twice)
	}
	if bigSize(Minimum(before, after)).Cmp(moved) != 0 {
		t.Fatalf("Minimum = %v, want %v", Minimum(before, after), moved)
	}
}

func TestChange_RandomHistories_ExactMinimalAndDeterministic(t *testing.T) {
	for seed := range uint64(histories) {
		rng := rand.New(rand.NewPCG(seed, 1))
		grain := []Grain{Tokens, Slots, 58}[seed%3]
		h := newHistory(rng)
		if grain != Tokens { // weights so uneven that one is below a unit are refused; see TestChange_WrongOwners
			h.owners = equals(1 + rng.IntN(4))
		}
		table := mustNew(t, grain, h.owners...)
		checkTable(t, table)
		for range 6 {
			owners := h.step()
			next, err := table.Change(owners...)
			if err != nil && grain != Tokens {
				h.owners = table.Owners()
				continue
			}
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			checkTable(t, next)
			checkMinimal(t, table, next)
			rng.Shuffle(len(owners), func(i, j int) { owners[i], owners[j] = owners[j], owners[i] })
			if again := mustChange(t, table, owners...); !again.Equal(next) {
				t.Fatalf("seed %d: the order of the owners matters", seed)
			}
			if same := mustChange(t, next, owners...); !same.Equal(next) {
				t.Fatalf("seed %d: a change to the same owners moves %v tokens", seed, Moved(Diff(next, same)))
			}
			table = next
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// Cells that donors have whole are exactly as large as what others want when
// nodes are replaced: nothing is cut then.
func TestChange_Replacement_KeepsTheIntervals(t *testing.T) {
	table := grown(t, Tokens, 20)
	owners := table.Owners()
	owners[7].Name = "new"
	next := mustChange(t, table, owners...)
	if next.Len() != table.Len() {
		t.Errorf("%d intervals after one node took another's place, want %d", next.Len(), table.Len())
	}
	for _, move := range Diff(table, next) {
		if move.Donor != "node007" || move.Receiver != "new" {
			t.Fatalf("%+v", move)
		}
	}
}

// 2^64 is no multiple of 3: one of three equal owners has a unit more. It keeps
// it when another joins who comes before it by name.
func TestChange_TieForAUnit_NobodyMovesForIt(t *testing.T) {
	table := mustNew(t, Slots, Owner{"b", 1}, Owner{"c", 1}, Owner{"d", 1})
	next := mustChange(t, table, Owner{"a", 1}, Owner{"b", 1}, Owner{"c", 1})
	if moved := Moved(Diff(table, next)); moved != table.Share(2) {
		t.Errorf("%v tokens move, the owner who leaves has %v", moved, table.Share(2))
	}
}

// The figures of Miranda et al.'s way with donors paired, measured elsewhere;
// 0.30 N^2 is promised at all sizes.
func TestChange_GrownOneByOne_FewIntervals(t *testing.T) {
	most := map[int]int{8: 19, 16: 72, 32: 294, 64: 1163, 128: 4638}
	for _, grain := range []Grain{Tokens, Slots} {
		table := mustNew(t, grain, equals(1)...)
		for n := 2; n <= 128; n++ {
			next := mustChange(t, table, equals(n)...)
			if moved := Moved(Diff(table, next)); moved != next.shares[n-1] {
				t.Fatalf("%d owners: %v tokens move, the new one has %v", n, moved, next.shares[n-1])
			}
			table = next
			if limit, asked := most[n]; asked {
				t.Logf("grain %d, %d owners: %d intervals, %.3f N^2", grain, n, table.Len(), float64(table.Len())/float64(n*n))
				if table.Len() > limit {
					t.Errorf("grain %d, %d owners: %d intervals, want at most %d", grain, n, table.Len(), limit)
				}
			}
			if float64(table.Len()) > 0.30*float64(n*n)+1 {
				t.Errorf("grain %d, %d owners: %d intervals, more than 0.30 N^2", grain, n, table.Len())
			}
		}
	}
}

// b leaves; a and c, beside it, give as well, and e takes all: one new interval.
func TestChange_CutsBesideAGap_OneInterval(t *testing.T) {
	table := mustNew(t, Tokens, Owner{"a", 4}, Owner{"b", 2}, Owner{"c", 4}, Owner{"d", 4}, Owner{"e", 2})
	next := mustChange(t, table, Owner{"a", 3}, Owner{"c", 3}, Owner{"d", 4}, Owner{"e", 6})
	var order string
	for i := range next.Len() {
		order += next.owners[next.Interval(i).Owner].Name
	}
	if order != "aecde" {
		t.Errorf("the intervals belong to %s, want aecde", order)
	}
}

func TestChange_ShrunkOneByOne_FragmentsStayFew(t *testing.T) {
	table := grown(t, Tokens, 64)
	for n := 63; n >= 8; n-- {
		table = mustChange(t, table, equals(n)...)
	}
	t.Logf("64 to 8 owners, one by one: %d intervals", table.Len())
	if table.Len() > 400 { // 377 when this was written; cutting anywhere leaves 2037
		t.Errorf("%d intervals are left of growing to 64 owners", table.Len())
	}
}

// frozen is the digest of the tables that TestChange_TablesAreFrozen builds.
const frozen = 0x89c870c8886a3f93

// The table is agreed state: machines and releases that compute it differently
// from one history lose data.
func TestChange_TablesAreFrozen(t *testing.T) {
	h := newHistory(rand.New(rand.NewPCG(11, 11)))
	table := mustNew(t, Tokens, h.owners...)
	var all []byte
	for range 60 {
		table = mustChange(t, table, h.step()...)
		all, _ = table.AppendBinary(all)
	}
	all, _ = grown(t, Slots, 40).AppendBinary(all)
	if sum := hashkit.XXHash64(all); sum != frozen {
		t.Errorf("the tables of the history hash to %v, want %v", sum, hashkit.Token(frozen))
	}
}

func TestChange_SoleOwner(t *testing.T) {
	one := mustNew(t, Tokens, Owner{"a", 5})
	if one.Share(0) != whole || one.Len() != 1 {
		t.Fatalf("share %v in %d intervals", one.Share(0), one.Len())
	}
	for name, owners := range map[string][]Owner{
		"replaced":        {{"b", 1}},
		"replaced by two": {{"b", 1}, {"c", 1}},
		"joined":          {{"a", 1}, {"c", 1 << 61}},
		"same":            {{"a", 7}},
	} {
		next := mustChange(t, one, owners...)
		checkTable(t, next)
		checkMinimal(t, one, next)
		back := mustChange(t, next, Owner{"a", 1})
		checkMinimal(t, next, back)
		if back.Len() != 1 || back.Owner(0) != "a" {
			t.Errorf("%s and back: %d intervals", name, back.Len())
		}
	}
}

// Tokens, seen as keys: the owners of 1,000,000 keys before and after.
func TestChange_MillionKeys_MovedAsComputed(t *testing.T) {
	const keys = 1_000_000
	tokens := make([]hashkit.Token, keys)
	for i := range tokens {
		tokens[i] = hashkit.XXHash64(fmt.Appendf(nil, "user:%d", i))
	}
	heavier := equals(50)
	heavier[3].Weight, heavier[40].Weight = 3, 2
	for _, c := range []struct {
		name   string
		owners []Owner
	}{
		{"add", equals(51)},
		{"remove", equals(49)},
		{"reweight", heavier},
		{"all at once", append(slices.Clone(heavier[9:]), Owner{"x", 2}, Owner{"y", 1})},
	} {
		before := grown(t, Tokens, 50)
		after := mustChange(t, before, c.owners...)
		minimum := Minimum(before, after).Fraction()
		moved := 0
		load := make([]int, len(after.owners))
		for _, token := range tokens {
			a, b := before.Owner(token), after.Owner(token)
			load[after.Lookup(token)]++
			if a != b {
				moved++
			}
		}
		sigma := sampling(keys, minimum)
		t.Logf("%s: %d of %d keys move, computed %.0f, %.3f of the minimum", c.name, moved, keys, minimum*keys, float64(moved)/(minimum*keys))
		if off := float64(moved) - minimum*keys; off > 4.5*sigma || off < -4.5*sigma {
			t.Errorf("%s: %d keys move, want %.0f within %.0f", c.name, moved, minimum*keys, 4.5*sigma)
		}
		for i, n := range load {
			p := after.Share(i).Fraction()
			if off := float64(n) - p*keys; off > 4.5*sampling(keys, p) || off < -4.5*sampling(keys, p) {
				t.Errorf("%s: owner %s has %d keys, want %.0f within %.0f", c.name, after.owners[i].Name, n, p*keys, 4.5*sampling(keys, p))
			}
		}
	}
}
