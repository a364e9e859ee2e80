package coordinator

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// landed fails if anybody still waits for a flight that has ended.
func landed(t *testing.T, c *Coordinator) {
	t.Helper()
	soonTrue(t, "no flight is under way", func() bool {
		for i := range c.flights {
			s := &c.flights[i]
			s.mu.Lock()
			n := len(s.m)
			s.mu.Unlock()
			if n > 0 {
				return false
			}
		}
		return true
	})
}

// next is the next message, which cannot take long.
func next(t *testing.T, sent <-chan heldMessage) heldMessage {
	t.Helper()
	select {
	case m := <-sent:
		return m
	case <-time.After(10 * time.Second):
		t.Fatal("nothing was sent in ten seconds")
		return heldMessage{}
	}
}

// waitingFor waits until n reads wait for the flight of key.
func waitingFor(t *testing.T, c *Coordinator, key string, n int) {
	t.Helper()
	token := c.Cluster().Hash([]byte(key))
	s := &c.flights[int(uint64(token)%uint64(len(c.flights)))]
	soonTrue(t, fmt.Sprintf("%d reads wait", n), func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.m[token] != nil && len(s.m[token].waiting) == n
	})
}

func TestFlight_ReadsOfOneKey_AreAskedTogether_NeverWithAnOlderQuestion(t *testing.T) {
	b := newBench(t, 3)
	key := b.keyOf(0, 1, 2)
	b.expect(0, "SET "+key+" v", "+OK")
	b.waitFor(key, "v")
	c := b.coords[0]
	sent := b.hold(0)
	first := b.begin(0, "GET "+key)
	question := <-sent
	var others []<-chan []string
	for i := range 20 {
		line := "GET " + key
		if i%2 == 1 {
			line = "STRLEN " + key // another command, the same question
		}
		others = append(others, b.begin(0, line))
	}
	waitingFor(t, c, key, 20)
	question.deliver()
	if got := soon(t, first); got[0] != "v" {
		t.Fatal(got)
	}
	// The answer that has come is older than they are: they are asked for.
	question = <-sent
	for i, replies := range others {
		select {
		case got := <-replies:
			t.Fatalf("read %d was answered %q by a question that was asked before it came", i, got)
		default:
		}
	}
	question.deliver()
	for i, replies := range others {
		if got, want := soon(t, replies)[0], []string{"v", ":1"}[i%2]; got != want {
			t.Errorf("read %d: %q, want %q", i, got, want)
		}
	}
	if got := c.Counts().Coalesced; got != 19 {
		t.Errorf("%d reads made use of another's question, want 19", got)
	}
	landed(t, c)
}

func TestFlight_OneWhoseLeaderFails_LetsTheOthersAskThemselves(t *testing.T) {
	b := newBench(t, 3)
	key := b.keyOf(0, 1, 2)
	b.expect(0, "SET "+key+" v", "+OK")
	b.waitFor(key, "v")
	sent := b.hold(0)
	first := b.begin(0, "GET "+key)
	question := <-sent
	second, third := b.begin(0, "GET "+key), b.begin(0, "GET "+key)
	waitingFor(t, b.coords[0], key, 2)
	question.fail(true)
	(<-sent).fail(true) // and the owner that was asked in its place
	if got := soon(t, first); !strings.HasPrefix(got[0], "-NOQUORUM") {
		t.Fatal(got)
	}
	(<-sent).fail(true) // the next leader's two
	(<-sent).fail(true)
	(<-sent).deliver()
	a, z := soon(t, second)[0], soon(t, third)[0]
	if a == "v" {
		a, z = z, a
	}
	if !strings.HasPrefix(a, "-NOQUORUM") || z != "v" {
		t.Errorf("%q and %q", a, z)
	}
	landed(t, b.coords[0])
}

// What a majority acknowledged before a read came is what it replies, though
// this node lacks it and another read asks.
func TestFlight_WhatChangesMeanwhile_IsSeen(t *testing.T) {
	b := newBench(t, 3)
	key := b.keyOf(0, 1, 2)
	b.expect(0, "SET "+key+" old", "+OK")
	b.waitFor(key, "old")
	sent := b.hold(0)
	reads := []<-chan []string{b.begin(0, "GET "+key)}
	question := <-sent
	for _, i := range []int{1, 2} {
		b.clocks[i].Observe(b.clocks[0].Stamp())
		if _, err := b.stores[i].Update([]byte(key), setter{}, nil); err != nil {
			t.Fatal(err)
		}
	}
	reads = append(reads, b.begin(0, "GET "+key), b.begin(0, "GET "+key))
	waitingFor(t, b.coords[0], key, 2)
	// The first read's question stays under way; it is answered by the old
	// state of node 1, as far as this node can tell.
	question.done([]byte{formatVersion, flagWon}, nil)
	if got := soon(t, reads[0]); got[0] != "old" {
		t.Errorf("%q", got)
	}
	for _, replies := range reads[1:] {
		for done := false; !done; {
			select {
			case m := <-sent:
				m.deliver()
			case got := <-replies:
				if got[0] != "v" {
					t.Errorf("%q after v was acknowledged", got)
				}
				done = true
			}
		}
	}
	landed(t, b.coords[0])
}

// A batch that waited so long that it would have asked further owners may do
// so when its turn has come.
func TestFlight_OneThatWaitedLong_AsksFurtherOwnersToo(t *testing.T) {
	b := newBench(t, 3)
	key := b.keyOf(0, 1, 2)
	b.expect(0, "SET "+key+" v", "+OK")
	b.waitFor(key, "v")
	c := b.coords[0]
	c.hurry()
	sent := b.hold(0)
	first := b.begin(0, "GET "+key)
	<-sent // node 1 never answers
	second := b.begin(0, "GET "+key)
	waitingFor(t, c, key, 1)
	for _, replies := range []<-chan []string{first, second} {
		c.Tick()
		further := next(t, sent)
		if further.to == 1 {
			c.Tick()
			further = next(t, sent)
		}
		further.deliver()
		if got := soon(t, replies); got[0] != "v" {
			t.Errorf("%q", got)
		}
	}
	landed(t, c)
}

func TestFlight_APipelineOfOneKey(t *testing.T) {
	b := newBench(t, 3)
	key := b.keyOf(0, 1, 2)
	sent := b.hold(0)
	replies := b.begin(0, "GET "+key, "GET "+key, "SET "+key+" v", "GET "+key, "STRLEN "+key, "GET "+key)
	go func() {
		for m := range sent {
			m.deliver()
		}
	}()
	if got := strings.Join(soon(t, replies), " "); got != "$-1 $-1 +OK v :1 v" {
		t.Errorf("%q", got)
	}
	landed(t, b.coords[0])
}

func TestFlight_ManyReadersAndWritersOfOneKey_NoneHangs(t *testing.T) {
	b := newBench(t, 3)
	key := b.keyOf(0, 1, 2)
	done := make(chan error, 24)
	for i := range 24 {
		go func() {
			last := 0
			for n := range 50 {
				if i%8 == 0 {
					b.run(i%3, "INCR "+key)
					continue
				}
				got := 0
				if text := b.run(i%3, "GET "+key)[0]; text != "$-1" {
					if _, err := fmt.Sscan(text, &got); err != nil {
						done <- fmt.Errorf("read %d: %q", n, text)
						return
					}
				}
				if got < last {
					done <- fmt.Errorf("read %d after %d", got, last)
					return
				}
				last = got
			}
			done <- nil
		}()
	}
	for range 24 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	b.expect(0, "GET "+key, "150")
	for _, c := range b.coords {
		landed(t, c)
	}
}
