package node_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynomite-go/dynomite/node"
	"github.com/dynomite-go/dynomite/node/nodetest"
	"github.com/dynomite-go/dynomite/quorum"
)

func twoDatacenters(i int, cfg *node.Config) {
	cfg.Datacenter = fmt.Sprintf("dc%d", i/3)
	cfg.Rack = fmt.Sprintf("r%d", i%3)
}

func TestDatacenters_WritesReachEveryOwnerEverywhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 6, nodetest.WithConfig(twoDatacenters))
		for i := range 40 {
			c.Do(i%6, "SET", fmt.Sprintf("k%d", i), i)
		}
		synctest.Wait()
		first := c.Do(0, "DYN.LOCAL", "DIGEST")
		for i := range 6 {
			want(t, c.Do(i, "DYN.LOCAL", "DIGEST"), first)
			want(t, c.Do(i, "DBSIZE"), 40)
		}
	})
}

func TestDatacenters_ACutLeavesBothSidesWritable_AndBothJoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 6, nodetest.WithConfig(twoDatacenters))
		for a := range 3 {
			for b := 3; b < 6; b++ {
				c.Network.Cut(c.Host(a), c.Host(b))
			}
		}
		time.Sleep(2 * time.Second)
		for i := range 5 {
			want(t, c.Do(0, "INCR", "n"), i+1)
			want(t, c.Do(3, "INCR", "n"), i+1)
		}
		c.Do(1, "SET", "only0", "zero")
		c.Do(4, "SET", "only3", "three")
		for a := range 3 {
			for b := 3; b < 6; b++ {
				c.Network.Heal(c.Host(a), c.Host(b))
			}
		}
		time.Sleep(10 * time.Second)
		// Nobody writes any more: what the other side has comes as hints, and what these lack by comparing.
		for i := range 6 {
			want(t, c.Do(i, "GET", "n"), 10)
			want(t, c.Do(i, "GET", "only0"), "zero")
			want(t, c.Do(i, "GET", "only3"), "three")
			want(t, c.Do(i, "DYN.LOCAL", "DIGEST"), c.Do(0, "DYN.LOCAL", "DIGEST"))
		}
	})
}

func TestReplicas_FewerThanRacks_AndSeveralNodesARack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 6, nodetest.WithConfig(func(i int, cfg *node.Config) {
			cfg.Rack = fmt.Sprintf("r%d", i%3)
			cfg.Replicas = 2
		}))
		for i := range 200 {
			c.Do(i%6, "SET", fmt.Sprintf("k%d", i), i)
		}
		synctest.Wait()
		for i := range 6 {
			want(t, c.Do(i, "DBSIZE"), 200)
			want(t, len(c.Do(i, "KEYS", "*").([]any)), 200)
		}
		for i := range 200 {
			want(t, c.Do((i+1)%6, "GET", fmt.Sprintf("k%d", i)), i)
		}
		seen := map[string]bool{}
		cursor := "0"
		for rounds := 0; ; rounds++ {
			page := c.Do(4, "SCAN", cursor, "COUNT", 7).([]any)
			for _, k := range page[1].([]any) {
				seen[k.(string)] = true
			}
			if cursor = page[0].(string); cursor == "0" {
				break
			}
			if rounds > 10000 {
				t.Fatal("SCAN does not end")
			}
		}
		want(t, len(seen), 200)
		want(t, c.Do(5, "FLUSHALL"), "OK")
		synctest.Wait()
		want(t, c.Do(2, "DBSIZE"), 0)
	})
}

func TestSkew_NodeWithAWrongClockForwards_AndItsStampsDoNotWin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3, nodetest.WithNodeOptions(func(i int) []node.Option {
			if i != 1 {
				return nil
			}
			return []node.Option{node.WithClock(func() int64 { return time.Now().Add(time.Minute).UnixMilli() })}
		}), nodetest.WithoutReady(1))
		time.Sleep(5 * time.Second)
		if err := c.Nodes[1].Ready(); err == nil {
			t.Fatal("a node whose clock is a minute ahead is ready")
		}
		for i := range 20 {
			want(t, c.Do(1, "SET", fmt.Sprintf("k%d", i), i), "OK")
			want(t, c.Do(0, "GET", fmt.Sprintf("k%d", i)), i)
		}
		m := gathered(t, c.Nodes[1])
		if m["dynomited_clock_offset_seconds"] > -59 {
			t.Fatalf("offset %v", m["dynomited_clock_offset_seconds"])
		}
		want(t, m["dynomited_forwarded_total"], 20)
	})
}

func TestEachQuorum_WaitsForAMajorityInEveryDatacenter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 6, nodetest.WithConfig(func(i int, cfg *node.Config) {
			twoDatacenters(i, cfg)
			cfg.WriteConsistency, cfg.ReadConsistency = "DC_EACH_SAFE_QUORUM", "DC_EACH_SAFE_QUORUM"
		}))
		const far = 70 * time.Millisecond
		for a := range 3 {
			for b := 3; b < 6; b++ {
				c.Network.SetDelayBetween(c.Host(a), c.Host(b), far)
			}
		}
		began := time.Now()
		want(t, c.Do(0, "SET", "k", "v"), "OK")
		if took := time.Since(began); took < 2*far || took > 3*far {
			t.Errorf("acknowledged after %v, the other datacenter is %v away", took, far)
		}
		want(t, c.Do(4, "GET", "k"), "v")

		// With two of three gone over there, no majority there can have it.
		c.Network.Isolate(c.Host(4))
		c.Network.Isolate(c.Host(5))
		_, err := c.Try(0, "FLUSHALL") // nobody has noticed
		if err == nil || !strings.Contains(err.Error(), "TIMEOUT DC_EACH_SAFE_QUORUM needs 2 of 3 owners in dc1, 1 answered") || !strings.Contains(err.Error(), "may have been applied") {
			t.Errorf("FLUSHALL without a majority over there: %v", err)
		}
		want(t, c.Do(0, "DYN.LOCAL", "GET", "k"), nil)
		one := node.AtLevel(t.Context(), quorum.DCQuorum)
		if _, err := c.Nodes[0].Do(one, "SET", "k", "v"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		_, err = c.Try(0, "FLUSHALL")
		if err == nil || !strings.Contains(err.Error(), "NOQUORUM DC_EACH_SAFE_QUORUM needs 2 of 3 owners in dc1, 1 can be reached") || !strings.Contains(err.Error(), "nothing was written") {
			t.Errorf("FLUSHALL when it is known: %v", err)
		}
		want(t, c.Do(0, "DYN.LOCAL", "GET", "k"), "v")
		_, err = c.Try(0, "SET", "k", "w")
		if err == nil || !strings.Contains(err.Error(), "NOQUORUM DC_EACH_SAFE_QUORUM needs 4 of 6 owners") || !strings.Contains(err.Error(), "nothing was written") {
			t.Errorf("SET without a majority over there: %v", err)
		}
		want(t, c.Do(0, "DYN.LOCAL", "GET", "k"), "v")
		if _, err := c.Nodes[0].Do(one, "FLUSHALL"); err != nil {
			t.Errorf("FLUSHALL at DC_QUORUM needs nobody over there: %v", err)
		}
	})
}
