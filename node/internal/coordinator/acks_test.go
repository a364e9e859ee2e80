package coordinator

import (
	"errors"
	"testing"

	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/quorum"
)

// fullDisk is a store whose log takes nothing.
type fullDisk struct{ datastore.Store }

func (fullDisk) Commit() error { return errors.New("no space left") }

func (b *bench) acked(level quorum.Level, want uint64) {
	b.t.Helper()
	if got := b.coords[0].Counts().Acks[level]; got != want {
		b.t.Errorf("%d commands were acknowledged at %v, want %d", got, level, want)
	}
}

func TestAcks_ErrorsAreNone(t *testing.T) {
	for _, level := range []quorum.Level{quorum.DCOne, quorum.DCQuorum, quorum.DCEachSafeQuorum} {
		b := newBench(t, 3)
		key := b.keyOf(0, 1, 2)
		b.runAt(0, level, "SET "+key+" v", "INCR "+key, "HSET "+key+" f v", "GET "+key)
		b.acked(level, 2)
	}
}

func TestAcks_OfSeveralKeys_NoneIfOneFailed(t *testing.T) {
	const level = quorum.DCEachSafeQuorum
	b := newBench(t, 3)
	ours, theirs := b.keyOf(0, 1, 2), b.keyOf(1, 0, 2)
	b.runAt(0, level, "MSET "+ours+" v "+theirs+" v")
	b.acked(level, 1)
	cl := b.coords[1].Cluster()
	cl.Members[0].SetHealth(false, false) // node 1 reaches nobody, and says so
	cl.Members[2].SetHealth(false, false)
	if got := b.runAt(0, level, "MSET "+ours+" v "+theirs+" v"); got[0][0] != '-' {
		t.Fatal(got)
	}
	b.acked(level, 1)
}

func TestAcks_ClusterOfOne(t *testing.T) {
	b := newBench(t, 1)
	b.run(0, "SET k v", "INCR k", "MSET a 1 b 2", "GET k")
	b.acked(quorum.DCOne, 3)
	b.coords[0].store = fullDisk{b.coords[0].store}
	if got := b.run(0, "SET k w", "GET k"); got[0][0] != '-' {
		t.Fatal(got)
	}
	b.acked(quorum.DCOne, 3)
}
