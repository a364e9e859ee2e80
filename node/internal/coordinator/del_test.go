package coordinator

import (
	"strings"
	"testing"
	"time"

	"github.com/dynomite-go/dynomite/node/datastore"
)

// reaches says whom node i reaches, and who of them is complete, from now on.
func (b *bench) reaches(i int, complete string, others string) {
	for j, m := range b.coords[i].Cluster().Members {
		c := strings.Contains(complete, string(rune('0'+j)))
		m.SetHealth(c || strings.Contains(others, string(rune('0'+j))), c)
	}
}

// TestDel_WhatItDidNotSeeIsGoneAtItsVotersOnly: five owners, an increment that
// 0, 3 and 4 hold, and then
//
//	DEL at 0: reaches 3 and nobody else, so it is not acknowledged
//	DEL at 1: stamped below the increment, of which 1 never heard. Nothing is
//	          shown at 0 and at 3, for the other DEL was there
//
// If the second one is acknowledged for that, 4 still shows what it deleted.
func TestDel_WhatItDidNotSeeIsGoneAtItsVotersOnly(t *testing.T) {
	b := newBench(t, 5)
	key := b.keyOf(0, 1, 2, 3, 4)
	b.clocks[0].Observe(datastore.At(time.Now().Add(time.Hour).UnixMilli(), 0, 9))
	only := func(to string) {
		b.setFault(func(_, j int, _ byte) error {
			if !strings.Contains(to, string(rune('0'+j))) {
				return benchError{sent: true}
			}
			return nil
		})
	}
	only("34")
	b.expect(0, "HINCRBY "+key+" f 10", ":10")
	only("3")
	if got := b.run(0, "DEL "+key)[0]; !strings.HasPrefix(got, "-TIMEOUT") {
		t.Fatalf("two of five have it: %q", got)
	}
	b.reaches(1, "1234", "0")
	only("03")
	if got := b.run(1, "DEL "+key)[0]; strings.HasPrefix(got, "-") {
		t.Fatal(got)
	}
	b.reaches(4, "124", "")
	only("12")
	if got := b.run(4, "HGET "+key+" f")[0]; got != "$-1" {
		t.Fatalf("a majority shows %q, which was deleted", got)
	}
}

// TestDel_OvertakenByAnotherOfTheSameNode_KeepsItsReply: the second DEL was
// executed after the first, on what that had left, and its message arrives before.
// Executed again the first would find nothing, and nobody would have deleted it.
func TestDel_OvertakenByAnotherOfTheSameNode_KeepsItsReply(t *testing.T) {
	b := newBench(t, 3)
	key := b.keyOf(0, 1, 2)
	b.expect(0, "SET "+key+" v", "+OK")
	b.waitFor(key, "v")
	sent := b.hold(0)
	first := b.begin(0, "DEL "+key)
	overtaken := []heldMessage{<-sent, <-sent}
	second := b.begin(0, "DEL "+key)
	for range 2 {
		(<-sent).deliver()
	}
	if got := soon(t, second); got[0] != ":0" {
		t.Fatalf("the second: %q", got)
	}
	for _, m := range overtaken {
		m.deliver()
	}
	for {
		select {
		case m := <-sent:
			m.deliver()
			continue
		case got := <-first:
			if got[0] != ":1" {
				t.Fatalf("the first: %q", got)
			}
		}
		break
	}
}
