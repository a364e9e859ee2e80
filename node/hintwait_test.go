package node_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynomite-go/dynomite/node/nodetest"
)

// Writes are under way between two nodes, whose link was cut a moment ago, and
// nobody has noticed: the third one, which reaches both, knows that they are.
func TestHintsWait_WaitsForWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3)
		for i := range 20 {
			c.Do(0, "SET", fmt.Sprint("k", i), "old")
		}
		synctest.Wait()
		c.Network.Cut(c.Host(0), c.Host(2))
		var tries sync.WaitGroup
		for i := range 20 {
			tries.Go(func() { _, _ = c.Try(0, "SET", fmt.Sprint("k", i), "new") }) // fails where n2 is the first owner
		}
		time.Sleep(time.Millisecond)
		if lacking := c.Do(1, "DYN.HINTS", "WAIT", 300); lacking == int64(0) {
			t.Error("nothing is under way")
		}
		c.Network.Heal(c.Host(0), c.Host(2))
		tries.Wait()
		want(t, c.Do(1, "DYN.HINTS", "WAIT", 60000), 0)
		equalCopies(t, c)
	})
}

// What is kept for a node may be kept by any other: the client's own node
// asks them all.
func TestHintsWait_AsksEveryHolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3)
		away(c)
		for i := range 20 {
			c.Do(1, "SET", fmt.Sprint("k", i), i) // some are executed by node 0
		}
		for i := range 2 {
			if hintsFor(t, c.Nodes[i], "n2").Records == 0 {
				t.Fatalf("node %d keeps nothing", i)
			}
		}
		c.Network.Cut(c.Host(0), c.Host(2))
		c.Network.Rejoin(c.Host(2)) // but not for node 0
		c.Network.Cut(c.Host(0), c.Host(2))
		for hintsFor(t, c.Nodes[1], "n2").Records > 0 {
			time.Sleep(time.Second)
		}
		want(t, c.Do(1, "DYN.HINTS", "WAIT", 1000), 1)
		c.Network.Heal(c.Host(0), c.Host(2))
		want(t, c.Do(1, "DYN.HINTS", "WAIT", 60000), 0)
		equalCopies(t, c)
	})
}

// With writes going on all the time a wait still has an end: it is for those
// that were before it.
func TestHintsWait_EndsWhileClientsWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3)
		c.Network.SetDelay(5 * time.Millisecond)
		stop, stopped := make(chan struct{}), make(chan struct{})
		for range 4 {
			go func() {
				for i := 0; ; i++ {
					select {
					case <-stop:
						stopped <- struct{}{}
						return
					default:
						c.Do(i%3, "SET", fmt.Sprint("k", i%100), i)
					}
				}
			}()
		}
		time.Sleep(time.Second)
		began := time.Now()
		want(t, c.Do(0, "DYN.HINTS", "WAIT", 0), 0)
		if took := time.Since(began); took > 100*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		close(stop)
		for range 4 {
			<-stopped
		}
	})
}
