package node_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynomite-go/dynomite/node/nodetest"
)

// acknowledged looks at the copies in the moment of each acknowledgement: in
// every datacenter there are as many as the level says, and now and then no more.
// The last node of each datacenter is far away, so nobody waits for it by chance.
func acknowledged(t *testing.T, level string, need int) {
	synctest.Test(t, func(t *testing.T) {
		c := atLevel(t, level)
		c.Network.SetDelay(time.Millisecond)
		for i := range c.Nodes {
			if i%3 == 2 {
				for j := range c.Nodes {
					c.Network.SetDelayBetween(c.Host(i), c.Host(j), 50*time.Millisecond)
				}
			}
		}
		l := &ledger{t: t, c: c}
		exact := false
		for k := range 40 {
			key, err := l.set(c.Nodes[k%2])
			if err != nil {
				t.Fatal(err)
			}
			least := len(c.Nodes)
			for dc := 0; dc < len(c.Nodes); dc += 3 {
				least = min(least, copies(c, key, dc, dc+3))
			}
			if level == oneLevel {
				least = copies(c, key, 0, 3)
			}
			if least < need {
				t.Errorf("%s was acknowledged with %d copies, %d needed", key, least, need)
			}
			exact = exact || least == need
		}
		if !exact {
			t.Errorf("no write was acknowledged with just %d copies: it waits for more", need)
		}
	})
}

func TestGuarantee_AWriteIsAcknowledgedWhen_DCQuorum(t *testing.T) { acknowledged(t, quorumLevel, 2) }
func TestGuarantee_AWriteIsAcknowledgedWhen_DCOne(t *testing.T)    { acknowledged(t, oneLevel, 1) }
func TestGuarantee_AWriteIsAcknowledgedWhen_DCEachSafeQuorum(t *testing.T) {
	acknowledged(t, eachLevel, 2)
}

// asOneRedis has clients at some nodes contend for keys.
func asOneRedis(t *testing.T, c *nodetest.Cluster, nodes ...int) {
	t.Helper()
	c.Network.SetDelay(time.Millisecond)
	const rounds = 20
	var mu sync.Mutex
	counted := map[any]int{}
	won := map[string]int{}
	var clients sync.WaitGroup
	for _, i := range nodes {
		clients.Go(func() {
			for r := range rounds {
				n := c.Do(i, "INCR", "n")
				lock := fmt.Sprintf("lock%d", r)
				got := c.Do(i, "SETNX", lock, i)
				mu.Lock()
				counted[n]++
				if got == int64(1) {
					won[lock]++
				}
				mu.Unlock()
			}
		})
	}
	clients.Wait()
	for n := range rounds * len(nodes) {
		want(t, counted[int64(n+1)], 1)
	}
	for r := range rounds {
		want(t, won[fmt.Sprintf("lock%d", r)], 1)
	}
}

// readAtOnce reads each write through every node as soon as it is
// acknowledged.
func readAtOnce(t *testing.T, c *nodetest.Cluster) {
	t.Helper()
	for k := range 30 {
		c.Do(k%len(c.Nodes), "SET", "k", k)
		for i := range c.Nodes {
			want(t, c.Do(i, "GET", "k"), k)
		}
	}
}

func allWell(t *testing.T, level string) {
	synctest.Test(t, func(t *testing.T) {
		c := atLevel(t, level)
		asOneRedis(t, c, 0, 1, 2)
		readAtOnce(t, c)
	})
}

func TestGuarantee_AllNodesAreWell_DCQuorum(t *testing.T) { allWell(t, quorumLevel) }
func TestGuarantee_AllNodesAreWell_DCOne(t *testing.T)    { allWell(t, oneLevel) }

// Each datacenter is as one Redis for itself; what is acknowledged in one is
// read in the other, and what both count adds up.
func TestGuarantee_AllNodesAreWell_DCEachSafeQuorum(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := atLevel(t, eachLevel)
		for a := range 3 {
			for b := 3; b < 6; b++ {
				c.Network.SetDelayBetween(c.Host(a), c.Host(b), 30*time.Millisecond)
			}
		}
		asOneRedis(t, c, 0, 1, 2)
		readAtOnce(t, c)
		var clients sync.WaitGroup
		for i := range c.Nodes {
			clients.Go(func() {
				for range 5 {
					c.Do(i, "INCR", "both")
				}
			})
		}
		clients.Wait()
		for i := range c.Nodes {
			want(t, c.Do(i, "GET", "both"), 30)
		}
	})
}
