package node_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dynomite-go/dynomite/node"
	"github.com/dynomite-go/dynomite/node/nodetest"
)

// The tests TestGuarantee_<row>_<column> are the cells of the table in the
// README: `make docs` wants one for each cell, and a cell for each of them.

const (
	quorumLevel = "DC_QUORUM"
	oneLevel    = "DC_ONE"
	eachLevel   = "DC_EACH_SAFE_QUORUM"
)

// atLevel is a cluster that reads and writes at a level: of three racks, at
// DC_EACH_SAFE_QUORUM of two datacenters with three racks each.
func atLevel(t *testing.T, level string, opts ...nodetest.Option) *nodetest.Cluster {
	t.Helper()
	if level == eachLevel {
		return acrossDatacenters(t, level, opts...)
	}
	return nodetest.NewCluster(t, 3, append(opts, nodetest.WithConfig(func(_ int, cfg *node.Config) {
		cfg.ReadConsistency, cfg.WriteConsistency = level, level
	}))...)
}

// acrossDatacenters is a cluster of two datacenters, nodes 0 to 2 and 3 to 5.
func acrossDatacenters(t *testing.T, level string, opts ...nodetest.Option) *nodetest.Cluster {
	t.Helper()
	return nodetest.NewCluster(t, 6, append(opts, nodetest.WithConfig(func(i int, cfg *node.Config) {
		twoDatacenters(i, cfg)
		cfg.ReadConsistency, cfg.WriteConsistency = level, level
	}))...)
}

// split cuts the nodes of one side from all others.
func split(c *nodetest.Cluster, side ...int) { eachPair(c, side, c.Network.Cut) }

// mend ends a split.
func mend(c *nodetest.Cluster, side ...int) { eachPair(c, side, c.Network.Heal) }

func eachPair(c *nodetest.Cluster, side []int, f func(a, b string)) {
	in := map[int]bool{}
	for _, i := range side {
		in[i] = true
	}
	for _, a := range side {
		for b := range c.Nodes {
			if !in[b] {
				f(c.Host(a), c.Host(b))
			}
		}
	}
}

// noticed is longer than it takes to notice that a node does not answer.
const noticed = 2 * time.Second

// ledger remembers what clients were told about their writes.
type ledger struct {
	t *testing.T
	c *nodetest.Cluster

	mu      sync.Mutex
	keys    int
	acked   []string
	refused []string
	unknown int
}

// set writes a key of its own through a node, and takes note of the answer:
// an error has to say whether the write may have been applied.
func (l *ledger) set(n *node.Node) (key string, err error) {
	l.mu.Lock()
	l.keys++
	key = fmt.Sprintf("key%d", l.keys)
	l.mu.Unlock()
	_, err = n.Do(l.t.Context(), "SET", key, key)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil:
		l.acked = append(l.acked, key)
	case strings.HasPrefix(err.Error(), "NOQUORUM ") && strings.HasSuffix(err.Error(), "nothing was written"):
		l.refused = append(l.refused, key)
	case strings.HasPrefix(err.Error(), "TIMEOUT ") && strings.Contains(err.Error(), "may have been applied"):
		l.unknown++
	default:
		l.t.Errorf("an answer that does not say whether %s may have been written: %v", key, err)
	}
	return key, err
}

// setMany writes some keys through each node that runs.
func (l *ledger) setMany(each int) {
	l.t.Helper()
	for range each {
		for _, n := range l.c.Nodes {
			if n != nil {
				if _, err := l.set(n); err != nil {
					l.t.Errorf("SET: %v", err)
				}
			}
		}
	}
}

// seen requires that every acknowledged write is read through each of the
// nodes, and that there is nothing of a refused one in any copy.
func (l *ledger) seen(nodes ...int) {
	l.t.Helper()
	for _, i := range nodes {
		for _, key := range l.acked {
			if got, err := l.c.Try(i, "GET", key); err != nil || got != key {
				l.t.Errorf("%s was acknowledged, node %d reads %v, %v", key, i, got, err)
			}
		}
	}
	for i, n := range l.c.Nodes {
		for _, key := range l.refused {
			if n != nil && l.c.Do(i, "DYN.LOCAL", "EXISTS", key) != int64(0) {
				l.t.Errorf("%s was refused, node %d has it", key, i)
			}
		}
	}
}

// goesOn has a client at each of some nodes write and read back while fail
// happens. Commands that are sent later than three seconds after it have to succeed,
// and what such a client was acknowledged has to be there for it; what was
// acknowledged before too, if the level promises that.
func (l *ledger) goesOn(fail func(), before bool, at ...int) {
	l.t.Helper()
	const settled = 3 * time.Second
	failed := time.Now().Add(time.Second)
	var clients sync.WaitGroup
	for _, i := range at {
		n := l.c.Nodes[i]
		clients.Go(func() {
			for time.Since(failed) < 2*settled {
				late := time.Since(failed) > settled
				key, err := l.set(n)
				if err != nil {
					if late {
						l.t.Errorf("node %d, %v after the failure: SET: %v", i, time.Since(failed), err)
					}
					continue
				}
				got, err := n.Do(l.t.Context(), "GET", key)
				if err != nil && late || err == nil && got != key && (before || late) {
					l.t.Errorf("node %d, %v after the failure: %s was acknowledged and reads %v, %v", i, time.Since(failed), key, got, err)
				}
				time.Sleep(20 * time.Millisecond)
			}
		})
	}
	time.Sleep(time.Until(failed))
	fail()
	clients.Wait()
}

// copies says how many nodes of a range hold a key.
func copies(c *nodetest.Cluster, key string, from, to int) int {
	held := 0
	for i := from; i < to; i++ {
		if c.Nodes[i] != nil && c.Do(i, "DYN.LOCAL", "EXISTS", key) == int64(1) {
			held++
		}
	}
	return held
}
