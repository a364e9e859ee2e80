package offheap_test

import (
	"testing"

	"github.com/dynomite-go/dynomite/node/datastore/internal/offheap"
)

func TestMap_IsZeroedWritableAndLarge(t *testing.T) {
	const n = 1 << 20
	b, err := offheap.Map(n)
	if err != nil {
		t.Fatal(err)
	}
	defer offheap.Unmap(b)
	if len(b) != n {
		t.Fatalf("len %d, want %d", len(b), n)
	}
	for i := 0; i < n; i += 4096 {
		if b[i] != 0 {
			t.Fatalf("byte %d is %d, want 0", i, b[i])
		}
		b[i] = 1
	}
}

func TestRelease_ReadsAsZeroWhenTaken(t *testing.T) {
	b, err := offheap.Map(1 << 18)
	if err != nil {
		t.Fatal(err)
	}
	defer offheap.Unmap(b)
	b[0], b[1<<17] = 7, 9
	taken := offheap.Release(b[:1<<16])
	if taken != offheap.Returns {
		t.Fatalf("Release says %v, Returns %v", taken, offheap.Returns)
	}
	if taken && b[0] != 0 {
		t.Fatalf("released byte is %d, want 0", b[0])
	}
	if !taken && b[0] != 7 {
		t.Fatalf("kept byte is %d, want 7", b[0])
	}
	if b[1<<17] != 9 {
		t.Fatal("Release touched memory that it was not given")
	}
	b[0] = 8 // still mapped
}
