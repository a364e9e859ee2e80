package slicing

import (
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/dynomite-go/dynomite/hashkit"
)

func TestSize_AsBigIntegers(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	for range 2000 {
		from, to := hashkit.Token(rng.Uint64()), hashkit.Token(rng.Uint64())
		if from > to {
			from, to = to, from
		}
		if rng.IntN(5) == 0 {
			from, to = 0, hashkit.MaxToken-hashkit.Token(rng.IntN(2))
		}
		a, b := SizeOf(from, to), SizeOf(0, hashkit.Token(rng.Uint64()>>1))
		x, y := bigSize(a), bigSize(b)
		if want := new(big.Int).Sub(new(big.Int).SetUint64(uint64(to)), new(big.Int).SetUint64(uint64(from))); want.Add(want, big.NewInt(1)).Cmp(x) != 0 {
			t.Fatalf("SizeOf(%v, %v) = %v, want %v", from, to, x, want)
		}
		if a.String() != x.String() {
			t.Fatalf("String = %s, want %s", a, x)
		}
		if a.Compare(b) != x.Cmp(y) {
			t.Fatalf("Compare(%v, %v) = %d", x, y, a.Compare(b))
		}
		if sum := bigSize(a.Plus(b)); sum.Cmp(new(big.Int).Add(x, y)) != 0 {
			t.Fatalf("%v + %v = %v", x, y, sum)
		}
		if back := a.Plus(b).minus(b); back != a {
			t.Fatalf("%v + %v - %v = %v", x, y, y, back)
		}
		if n, fits := a.Uint64(); fits != x.IsUint64() || fits && n != x.Uint64() {
			t.Fatalf("Uint64(%v) = %d, %v", x, n, fits)
		}
	}
	if whole.Fraction() != 1 || SizeOf(0, 1<<63-1).Fraction() != 0.5 || whole.String() != "18446744073709551616" {
		t.Errorf("the whole space is %v, %v of it", whole, whole.Fraction())
	}
	if !SizeOf(7, 6).isZero() {
		t.Errorf("SizeOf(7, 6) = %v", SizeOf(7, 6))
	}
}
