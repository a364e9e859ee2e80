package node_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynomite-go/dynomite/node"
	"github.com/dynomite-go/dynomite/node/nodetest"
)

// With `read: nearest` a read at DC_ONE does not leave a node that owns the key;
// by default it goes to the primary, wherever that is.
func TestRead_Nearest_StaysAtHome(t *testing.T) {
	for _, read := range []string{"primary", "nearest"} {
		synctest.Test(t, func(t *testing.T) {
			c := nodetest.NewCluster(t, 3, nodetest.WithConfig(func(_ int, cfg *node.Config) {
				cfg.Read, cfg.ReadConsistency = read, "DC_ONE"
			}))
			for i := range 30 {
				c.Do(0, "SET", fmt.Sprint("k", i), i)
			}
			synctest.Wait()
			c.Network.SetDelay(5 * time.Millisecond)
			away := 0
			for i := range 30 {
				begun := time.Now()
				want(t, c.Do(1, "GET", fmt.Sprint("k", i)), fmt.Sprint(i))
				if time.Since(begun) > 0 {
					away++
				}
			}
			if read == "nearest" && away > 0 || read == "primary" && away == 0 {
				t.Errorf("read: %s: %d of 30 reads left the node", read, away)
			}
		})
	}
}
