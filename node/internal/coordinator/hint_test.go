package coordinator

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/dynomite-go/dynomite/hashkit"
)

// notebook is a log of hints that tells what it was given.
type notebook struct {
	mu      sync.Mutex
	kept    map[string][]byte // by node and key
	resets  map[int]int
	commits int
}

func (n *notebook) Hint(node int, _ hashkit.Token, key, delta []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.kept[fmt.Sprintf("%d %s", node, key)] = append([]byte(nil), delta...)
}

func (n *notebook) HintResets(node int, _ []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.resets[node]++
}

func (n *notebook) CommitHints() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.commits++
}

func (n *notebook) of(node int, key string) []byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.kept[fmt.Sprintf("%d %s", node, key)]
}

// forget loses what was kept so far.
func (n *notebook) forget() {
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.kept)
}

// takeNotes must come before the node's first request.
func (b *bench) takeNotes(i int) *notebook {
	n := &notebook{kept: map[string][]byte{}, resets: map[int]int{}}
	b.coords[i].hints = n
	return n
}

// soonTrue waits for what happens after the reply.
func soonTrue(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second) // against hanging
	for !is() {
		if time.Now().After(deadline) {
			t.Fatal("never: " + what)
		}
		time.Sleep(time.Millisecond)
	}
}

func TestHint_ADeltaThatWasNotAcknowledged_IsKept(t *testing.T) {
	b := newBench(t, 3)
	key := b.keyOf(0, 1, 2)
	notes := b.takeNotes(0)
	b.setFault(func(_, to int, kind byte) error {
		if to == 2 && (kind == KindApply || kind == KindReset) {
			return benchError{sent: true}
		}
		return nil
	})
	b.expect(0, "SET "+key+" v", "+OK")
	soonTrue(t, "the delta is kept for node 2", func() bool { return notes.of(2, key) != nil })
	if notes.of(1, key) != nil {
		t.Error("a delta that node 1 acknowledged is kept for it")
	}
	b.expect(0, "FLUSHALL", "+OK")
	soonTrue(t, "the reset is kept for node 2", func() bool {
		notes.mu.Lock()
		defer notes.mu.Unlock()
		return notes.resets[2] == 1 && notes.resets[1] == 0 && notes.commits > 0
	})
	// What is kept makes node 2 whole.
	b.setFault(nil)
	var d Deliver
	d.Add([]byte(key), notes.of(2, key))
	reply, err := b.coords[2].ServeApply("n0", d.Message(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if taken, err := b.coords[0].Delivered(&d, reply); err != nil || len(taken) != 1 || !taken[0] {
		t.Fatal(taken, err)
	}
	if got := b.run(2, "DYN.LOCAL GET "+key); got[0] != "v" {
		t.Errorf("node 2 has %q", got)
	}
}

// A hint that lost brings back what beat it.
func TestDelivered_WhatBeatAHintIsJoined(t *testing.T) {
	b := newBench(t, 3)
	key := b.keyOf(0, 1, 2)
	notes := b.takeNotes(0)
	b.setFault(func(_, to int, _ byte) error {
		if to == 2 {
			return benchError{sent: true}
		}
		return nil
	})
	b.expect(0, "SET "+key+" old", "+OK")
	soonTrue(t, "the delta is kept for node 2", func() bool { return notes.of(2, key) != nil })
	b.setFault(nil)
	b.clocks[2].Observe(b.clocks[0].Stamp())
	if _, err := b.stores[2].Update([]byte(key), setter{}, nil); err != nil {
		t.Fatal(err)
	}
	var d Deliver
	d.Add([]byte(key), notes.of(2, key))
	reply, err := b.coords[2].ServeApply("n0", d.Message(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if taken, err := b.coords[0].Delivered(&d, reply); err != nil || len(taken) != 1 || !taken[0] {
		t.Fatal(taken, err)
	}
	if got := b.coords[0].Counts().Returned; got != 1 {
		t.Errorf("%d records came back for hints", got)
	}
	if got := b.run(0, "DYN.LOCAL GET "+key); got[0] != "v" {
		t.Errorf("node 0 has %q, not what node 2 answered with", got)
	}
}

// late reads key at node 0, which asks node 1 and hears of it only after node
// 2 was asked in its place and the client had its reply.
func late(t *testing.T, b *bench, key, want string) {
	t.Helper()
	c := b.coords[0]
	c.hurry()
	c.Caution()
	sent := b.hold(0)
	replies := b.begin(0, "GET "+key)
	first := <-sent
	c.Tick()
	(<-sent).deliver()
	if got := soon(t, replies); got[0] != want {
		t.Fatalf("%q, want %s", got, want)
	}
	b.setFault(nil)
	first.deliver()
}

// lateRepairs waits until the late answer has come to want.
func lateRepairs(t *testing.T, b *bench, want Repairs) {
	t.Helper()
	var got Repairs
	soonTrue(t, "the late answer is counted", func() bool {
		got = b.coords[0].Counts().LateRepairs
		return got != Repairs{}
	})
	if got != want {
		t.Errorf("the late answer repaired %+v, want %+v", got, want)
	}
}

func TestLate_AnOwnerThatHoldsMore_IsJoined(t *testing.T) {
	b := newBench(t, 3)
	key := b.keyOf(0, 1, 2)
	if _, err := b.stores[1].Update([]byte(key), setter{}, nil); err != nil {
		t.Fatal(err)
	}
	late(t, b, key, "$-1")
	lateRepairs(t, b, Repairs{In: 1})
	if got := b.run(0, "DYN.LOCAL GET "+key); got[0] != "v" {
		t.Errorf("node 0 has %q after the late answer", got)
	}
}

func TestLate_AnOwnerThatHoldsLess_GetsAHint(t *testing.T) {
	b := newBench(t, 3)
	notes := b.takeNotes(0)
	key := b.keyOf(0, 1, 2)
	b.setFault(func(_, to int, _ byte) error {
		if to == 1 {
			return benchError{sent: true}
		}
		return nil
	})
	b.expect(0, "SET "+key+" v", "+OK")
	soonTrue(t, "a hint for the write", func() bool { return notes.of(1, key) != nil })
	b.setFault(nil)
	notes.forget()
	late(t, b, key, "v")
	lateRepairs(t, b, Repairs{Out: 1})
	soonTrue(t, "a hint for node 1", func() bool { return notes.of(1, key) != nil })
	if notes.of(2, key) != nil {
		t.Error("a hint for node 2, which has it")
	}
}
