package coordinator

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// An owner that answered, one that beat the write, and one that says nothing.
func TestUnknownOutcome_SaysWhoAnsweredAndWhoIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, 3)
		key := b.keyOf(0, 1, 2)
		b.ahead(1, key, "SET "+key+" 7")
		b.setFault(func(_, to int, _ byte) error {
			time.Sleep(time.Duration(to) * 11 * time.Second) // node 1 answers too late, node 2 later
			return nil
		})
		const want = "-TIMEOUT DC_QUORUM needs 2 of 3 owners, 1 answered: rack r0 (node n0)" +
			"; rack r1 (node n1) holds something else, rack r2 (node n2) was asked and is silent" +
			"; last: the time for it had passed before it was executed; the write may have been applied"
		if got := b.run(0, "INCR "+key); got[0] != want {
			t.Errorf("got  %s\nwant %s", got[0], want)
		}
		time.Sleep(time.Minute) // until all messages have come
	})
}

func TestUnknownOutcome_NamesAreBounded(t *testing.T) {
	var names []string
	for range mostNamed {
		names = append(names, "x")
	}
	all := strings.Repeat("x, ", mostNamed-1) + "x"
	if got := enumerate(names); got != all {
		t.Error(got)
	}
	if got, want := enumerate(append(names, "y", "z")), all+" and 2 more"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
