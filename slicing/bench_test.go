package slicing

import (
	"fmt"
	"testing"

	"github.com/dynomite-go/dynomite/hashkit"
)

func BenchmarkLookup(b *testing.B) {
	for _, n := range []int{8, 128} {
		b.Run(fmt.Sprintf("N=%d", n), func(b *testing.B) {
			table := grown(b, Tokens, n)
			var token hashkit.Token
			sum := 0
			b.ReportAllocs()
			for b.Loop() {
				token += 0x9e3779b97f4a7c15
				sum += table.Lookup(token)
			}
			_ = sum
			b.ReportMetric(float64(table.Bytes()), "table-B")
			b.ReportMetric(float64(table.Len()), "intervals")
		})
	}
}

// BenchmarkChange is a rebuild at N=128 after the growth of one at a time, which
// leaves the most intervals.
func BenchmarkChange(b *testing.B) {
	uneven := equals(128)
	for i := range uneven {
		uneven[i].Weight = int64(1 + i%7)
	}
	for name, c := range map[string]struct {
		from int
		to   []Owner
	}{
		"127 to 128": {127, equals(128)}, "128 to 127": {128, equals(127)},
		"128 to 64": {128, equals(64)}, "128 reweighted": {128, uneven},
		"128 replaced": {128, append(equals(129)[128:], Owner{"x", 1}, Owner{"y", 5})},
	} {
		b.Run(name, func(b *testing.B) {
			table := grown(b, Tokens, c.from)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := table.Change(c.to...); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	data := mustEncode(b, grown(b, Tokens, 128))
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPlanDefragment(b *testing.B) {
	table := grown(b, Tokens, 128)
	for b.Loop() {
		if _, err := table.PlanDefragment(2000); err != nil {
			b.Fatal(err)
		}
	}
}
