package coordinator

import (
	"errors"
	"testing"

	"github.com/dynomite-go/dynomite/quorum"
)

// A read at DC_ONE goes to the primary, or to the nearest owner if that is asked
// for; then it may miss the latest write.
func TestNearest_ReadsAtDCOne(t *testing.T) {
	b := newBench(t, 3)
	key := b.keyOf(0, 1, 2)
	b.expect(0, "SET "+key+" old", "+OK")
	b.waitFor(key, "old")
	b.setFault(func(_, to int, kind byte) error {
		if to == 2 && kind == KindApply {
			return errors.New("lost")
		}
		return nil
	})
	b.expect(0, "SET "+key+" new", "+OK")
	read := func(node int, level quorum.Level) string {
		t.Helper()
		return b.runAt(node, level, "GET "+key)[0]
	}
	if got := read(2, quorum.DCOne); got != "new" {
		t.Errorf("from the primary: %s", got)
	}
	for _, c := range b.coords {
		c.nearest = true
	}
	if got := read(2, quorum.DCOne); got != "old" {
		t.Errorf("from the node itself: %s", got)
	}
	if got := b.runAt(2, quorum.DCOne, "SET "+key+" newer", "GET "+key)[1]; got != "newer" {
		t.Errorf("behind a write of the same pipeline: %s", got)
	}
	b.setFault(nil)
	if got := read(2, quorum.DCQuorum); got != "newer" {
		t.Errorf("at DC_QUORUM: %s", got)
	}
	// An owner that is catching up is no source.
	b.coords[2].Cluster().SelfMember().SetHealth(true, false)
	if got := read(2, quorum.DCOne); got != "newer" {
		t.Errorf("from another one, as this node is not complete: %s", got)
	}
}
