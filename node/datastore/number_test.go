package datastore

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
)

func TestParseInt_StrictAsRedis(t *testing.T) {
	for s, want := range map[string]bool{
		"0": true, "7": true, "-1": true, "10": true, "9223372036854775807": true, "-9223372036854775808": true,
		"": false, "-": false, "+1": false, "01": false, "-0": false, "-01": false, " 1": false, "1 ": false, "1.0": false, "1e3": false, "0x1": false,
		"9223372036854775808": false, "-9223372036854775809": false, "18446744073709551616": false, "99999999999999999999": false, "1_0": false,
	} {
		n, ok := parseInt([]byte(s))
		if ok != want || ok && strconv.FormatInt(n, 10) != s {
			t.Errorf("%q: %d, %v", s, n, ok)
		}
	}
	for range 1000 {
		n := int64(rand.Uint64()) >> rand.IntN(64)
		if got, ok := parseInt(strconv.AppendInt(nil, n, 10)); !ok || got != n {
			t.Fatalf("%d: %d, %v", n, got, ok)
		}
	}
}

func TestTotal_SaturatesOnlyAtTheEnd(t *testing.T) {
	for _, x := range []struct {
		terms []int64
		want  int64
	}{
		{nil, 0},
		{[]int64{1, -3}, -2},
		{[]int64{math.MaxInt64, 1, -1}, math.MaxInt64},
		{[]int64{math.MaxInt64, math.MaxInt64, -5}, math.MaxInt64},
		{[]int64{math.MaxInt64, 10, math.MinInt64}, 9},
		{[]int64{math.MinInt64, -1}, math.MinInt64},
		{[]int64{math.MinInt64, math.MinInt64, math.MaxInt64, math.MaxInt64, 5}, 3},
	} {
		permutations(x.terms, func(terms []int64) {
			var sum total
			for _, n := range terms {
				sum.add(n)
			}
			if got := sum.saturated(); got != x.want {
				t.Errorf("%v is %d, want %d", terms, got, x.want)
			}
		})
	}
}
