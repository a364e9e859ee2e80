package node_test

import (
	"fmt"
	"math"
	"testing"
	"testing/synctest"

	"github.com/dynomite-go/dynomite/node"
	"github.com/dynomite-go/dynomite/node/nodetest"
)

// Whatever divides the keys, a cluster forms, every node has the same layout, and
// every key is found through every node. Weights and tokens reach the layout by
// gossip.
func TestCluster_EveryDistribution_FormsAndFindsEveryKey(t *testing.T) {
	for name, change := range map[string]func(i int, cfg *node.Config){
		"random-slicing": func(i int, cfg *node.Config) { cfg.Weight = int64(1 + i/3) },
		"vnode":          func(int, *node.Config) {},
		"tokens given": func(i int, cfg *node.Config) {
			cfg.Distribution, cfg.Hash = "vnode", "murmur"
			cfg.GivenTokens = []string{fmt.Sprint(uint64(1+i) << 61), fmt.Sprint(uint64(1+i)<<60 + 5)}
		},
		"ketama": func(i int, cfg *node.Config) { cfg.Hash, cfg.Weight = "md5", int64(1+i/3) },
		"jump":   func(_ int, cfg *node.Config) { cfg.Hash, cfg.HashTag = "crc32", "[]" },
		"modula": func(_ int, cfg *node.Config) { cfg.Hash = "fnv1a_64" },
		"single": func(int, *node.Config) {},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := nodetest.NewCluster(t, 6, nodetest.WithConfig(func(i int, cfg *node.Config) {
					cfg.Rack, cfg.Distribution = fmt.Sprint("r", i%3), name
					change(i, cfg)
				}))
				const keys = 60
				for i := range keys {
					c.Do(i%6, "SET", fmt.Sprint("k", i), i)
				}
				synctest.Wait() // until the third copies are there: DBSIZE counts one
				first := c.Nodes[0].Ring()
				for i, n := range c.Nodes {
					for k := range keys {
						want(t, c.Do(i, "GET", fmt.Sprint("k", k)), fmt.Sprint(k))
					}
					want(t, c.Do(i, "DBSIZE"), keys)
					for at, e := range n.Ring() {
						if e.ID != first[at].ID || e.Share != first[at].Share || e.Weight != first[at].Weight {
							t.Errorf("node %d has %+v in its ring, node 0 %+v", i, e, first[at])
						}
					}
				}
				for _, e := range first {
					if name == "random-slicing" && math.Abs(e.Share-float64(e.Weight)/3) > 0.001 {
						t.Errorf("%s has the weight %d and the share %.3f", e.ID, e.Weight, e.Share)
					}
				}
			})
		})
	}
}
