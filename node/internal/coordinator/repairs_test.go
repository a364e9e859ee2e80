package coordinator

import (
	"testing"

	"github.com/dynomite-go/dynomite/quorum"
)

// behind lets everybody hold old, and node 0 alone what line makes of it.
func (b *bench) behind(key, line string) {
	b.t.Helper()
	b.expect(0, "SET "+key+" old", "+OK")
	b.waitFor(key, "old")
	b.setFault(func(_, to int, kind byte) error { return benchError{sent: false} })
	if got := b.runAt(0, quorum.DCOne, line); got[0][0] == '-' {
		b.t.Fatal(got)
	}
	b.setFault(nil)
}

func TestRepairs_OwnerThatIsBehind_OnlyGets(t *testing.T) {
	b := newBench(t, 3)
	key := b.keyOf(0, 1, 2)
	b.behind(key, "SET "+key+" new")
	b.expect(0, "GET "+key, "new")
	got := b.coords[0].Counts()
	if got.ReadRepairs.In != 0 || got.ReadRepairs.Out == 0 || got.WriteRepairs != (Repairs{}) {
		t.Errorf("by reads %+v, by writes %+v", got.ReadRepairs, got.WriteRepairs)
	}
}

// What a write finds, also one that ends as a look, is no read repair.
func TestRepairs_FoundByAWrite_AreNotAReads(t *testing.T) {
	b := newBench(t, 3)
	key := b.keyOf(0, 1, 2)
	b.behind(key, "SET "+key+" new")
	b.expect(0, "SETNX "+key+" x", ":0")
	got := b.coords[0].Counts()
	if got.WriteRepairs.In != 0 || got.WriteRepairs.Out == 0 || got.ReadRepairs != (Repairs{}) {
		t.Errorf("an owner that is behind: by writes %+v, by reads %+v", got.WriteRepairs, got.ReadRepairs)
	}

	b = newBench(t, 3)
	b.ahead(1, key, "SET "+key+" 7")
	b.setFault(func(_, to int, _ byte) error {
		if to == 2 {
			return benchError{sent: false}
		}
		return nil
	})
	b.expect(0, "INCR "+key, ":8")
	got = b.coords[0].Counts()
	if got.WriteRepairs.In == 0 || got.ReadRepairs != (Repairs{}) {
		t.Errorf("an owner that is ahead: by writes %+v, by reads %+v", got.WriteRepairs, got.ReadRepairs)
	}
}
