package merkle

import (
	"slices"
	"testing"

	"github.com/dynomite-go/dynomite/hashkit"
)

func TestSplit_EqualPieces_NothingLostNothingTwice(t *testing.T) {
	r := seeded(t)
	for range 500 {
		runs := ranges(r, 1+r.IntN(20))
		switch r.IntN(4) {
		case 0:
			runs = whole
		case 1: // fewer tokens than pieces
			from := hashkit.Token(r.Uint64())
			runs = []Range{{from, from | hashkit.Token(r.IntN(9))}}
		}
		n := 1 + r.IntN(100)
		pieces := split(runs, n)
		var joined []Range
		size, most := tokens(runs)/uint64(n), uint64(0)
		for _, piece := range pieces {
			for _, r := range piece {
				joined = join(joined, r)
			}
			if len(piece) > 0 {
				most = max(most, tokens(piece))
				if tokens(piece) < size-min(size, 2) {
					t.Fatalf("a piece of %d tokens, want %d", tokens(piece)+1, size)
				}
			}
		}
		var want []Range
		for _, r := range runs {
			want = join(want, r)
		}
		if len(pieces) != n || !slices.Equal(joined, want) || most > size && most-size > 1 {
			t.Fatalf("%v in %d pieces is %v", runs, n, pieces)
		}
	}
}

func TestMasked_IsTheNamedPieces(t *testing.T) {
	r := seeded(t)
	for range 200 {
		runs, mask := ranges(r, 1+r.IntN(20)), r.Uint64()&r.Uint64()
		got := masked(runs, mask)
		for i, piece := range split(runs, parts) {
			for _, p := range piece {
				if in := inside(got, []Item{{p.From, 0}, {p.To, 0}}); in != (mask == 0 || mask>>i&1 != 0) {
					t.Fatalf("part %d of %#x: %v", i, mask, in)
				}
			}
		}
		if err := checkRuns(got, maxRuns); err != nil {
			t.Fatal(err)
		}
	}
}

func TestClip(t *testing.T) {
	runs := []Range{{2, 5}, {7, 7}, {9, 20}}
	for _, c := range []struct {
		from, to hashkit.Token
		want     []Range
	}{
		{0, hashkit.MaxToken, runs},
		{3, 9, []Range{{3, 5}, {7, 7}, {9, 9}}},
		{6, 6, nil},
		{8, 3, nil},
	} {
		if got := clip(runs, c.from, c.to); !slices.Equal(got, c.want) {
			t.Errorf("[%v, %v]: %v, want %v", c.from, c.to, got, c.want)
		}
	}
}
