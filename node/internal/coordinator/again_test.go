package coordinator

import (
	"fmt"
	"testing"
	"time"

	"github.com/dynomite-go/dynomite/node/datastore"
)

// ahead lets node hold a value of key, stamped an hour ahead, that no other has.
func (b *bench) ahead(node int, key, line string) {
	b.t.Helper()
	b.clocks[node].Observe(datastore.At(time.Now().Add(time.Hour).UnixMilli(), 0, 9))
	before := b.fault
	b.setFault(func(from, to int, kind byte) error { return benchError{sent: false} })
	for i, m := range b.coords[node].Cluster().Members {
		m.SetHealth(i == node, i == node)
	}
	if got := b.runAt(node, 1, line); got[0][0] == '-' {
		b.t.Fatal(got)
	}
	for _, m := range b.coords[node].Cluster().Members {
		m.SetHealth(true, true)
	}
	b.setFault(before)
}

func TestPipeline_FirstWriteLosesAtOneOwner_OrderIsKept(t *testing.T) {
	for round := range 5 {
		b := newBench(t, 3)
		key := b.keyOf(0, 1, 2)
		b.ahead(1, key, "SET "+key+" unseen")
		// Node 2 is out of reach: the majority needs node 1, where all of it loses.
		b.setFault(func(from, to int, kind byte) error {
			if to == 2 {
				return benchError{sent: false}
			}
			return nil
		})
		got := b.run(0, "SET "+key+" 1", "INCRBY "+key+" 4", "SET "+key+" 7", "INCR "+key, "GET "+key)
		if want := "[+OK :5 +OK :8 8]"; fmt.Sprint(got) != want {
			t.Fatalf("round %d: got %v, want %v", round, got, want)
		}
	}
}
