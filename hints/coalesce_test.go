package hints

import (
	"fmt"
	"testing"
)

// Of many writes to few keys one record per key is left, and files that are not
// much larger.
func TestCoalescing_LeavesOneRecordPerKey_AndLittleOnDisk(t *testing.T) {
	const keys = 10_000
	newest := func(dst, _, _, newer []byte) ([]byte, error) { return append(dst, newer...), nil }
	l, _ := open(t, Config{SegmentBytes: 512 << 10, Join: newest})
	value := make([]byte, 100)
	for i := range coalescedWrites {
		if err := l.Add("b", uint64(i%keys), fmt.Appendf(nil, "key%d", i%keys), value); err != nil {
			t.Fatal(err)
		}
		if i%500 == 0 {
			if err := l.Commit(); err != nil {
				t.Fatal(err)
			}
		}
	}
	s := l.Stats("b")
	if s.Records != keys || s.Coalesced != coalescedWrites-keys {
		t.Errorf("%+v", s)
	}
	if limit := 2*s.Bytes + 6*512<<10; s.DiskBytes > limit {
		t.Errorf("%d bytes on disk for %d, want at most %d", s.DiskBytes, s.Bytes, limit)
	}
}
