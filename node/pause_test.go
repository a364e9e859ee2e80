package node_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynomite-go/dynomite/node/nodetest"
)

func TestPauseHints_HoldsThemBack_AndNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3)
		c.Network.Cut(c.Host(0), c.Host(2))
		time.Sleep(2 * time.Second)
		for i := range 20 {
			c.Do(0, "SET", fmt.Sprintf("k%d", i), i)
		}
		kept := hintsFor(t, c.Nodes[0], "n2").Records
		if err := c.Nodes[0].PauseHints(time.Minute); err != nil || kept == 0 {
			t.Fatalf("%d records are kept, %v", kept, err)
		}
		c.Network.Heal(c.Host(0), c.Host(2))
		time.Sleep(30 * time.Second)
		if now := hintsFor(t, c.Nodes[0], "n2").Records; now != kept {
			t.Errorf("%d of %d records are left in the middle of a pause", now, kept)
		}
		c.Do(0, "SET", "k", "v")
		synctest.Wait()
		want(t, c.Do(2, "DYN.LOCAL", "GET", "k"), "v")
		want(t, c.Do(0, "DYN.HINTS", "WAIT", 31000), 0)
		equalCopies(t, c)
	})
}

func TestPauseHints_AnotherOneTakesItsPlace_ZeroEndsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3)
		for _, d := range []time.Duration{time.Hour, 0} {
			if err := c.Nodes[0].PauseHints(d); err != nil {
				t.Fatal(err)
			}
		}
		c.Network.Cut(c.Host(0), c.Host(2))
		time.Sleep(2 * time.Second)
		c.Do(0, "SET", "k", 1)
		c.Network.Heal(c.Host(0), c.Host(2))
		want(t, c.Do(0, "DYN.HINTS", "WAIT", 5000), 0)
		if c.Nodes[0].PauseHints(-1) == nil {
			t.Error("a pause below zero was taken")
		}
	})
}

// A node that returns does not wait for hints that come too slowly: it
// compares, which takes seconds, and gets them when they come.
func TestHints_ThatComeTooSlowly_AreNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3)
		away(c)
		// One hint fills a message, of which one or two from each holder get through at a time.
		value := strings.Repeat("x", 15000)
		for i := range 1200 {
			c.Do(i%2, "SET", fmt.Sprintf("k%d", i), value)
		}
		// A holder so busy that it gets to its hints now and then only.
		ended, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			for {
				for _, n := range c.Nodes[:2] {
					_ = n.PauseHints(2900 * time.Millisecond)
				}
				select {
				case <-ended:
					return
				case <-time.After(2900*time.Millisecond + 10*time.Microsecond): // for one message
				}
			}
		}()
		free := sync.OnceFunc(func() { close(ended); <-done })
		defer free()
		c.Network.Rejoin(c.Host(2))
		began := time.Now()
		c.WaitComplete(2)
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("complete after %v", took)
		}
		want(t, c.Do(2, "DYN.LOCAL", "DBSIZE"), 1200)
		free()
		for _, n := range c.Nodes[:2] {
			_ = n.PauseHints(0)
		}
		handedOver(t, c)
		equalCopies(t, c)
	})
}
