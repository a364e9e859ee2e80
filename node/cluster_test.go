package node_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynomite-go/dynomite/node"
	"github.com/dynomite-go/dynomite/node/nodetest"
	"github.com/dynomite-go/dynomite/quorum"
)

func want(t *testing.T, got any, wanted any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(wanted) {
		t.Fatalf("got %v, want %v", got, wanted)
	}
}

func TestCluster_AnyNodeTakesAnyCommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3)
		for i := range 30 {
			key := fmt.Sprintf("k%d", i)
			want(t, c.Do(i%3, "SET", key, i), "OK")
			want(t, c.Do((i+1)%3, "GET", key), fmt.Sprint(i))
			want(t, c.Do((i+2)%3, "INCR", key), i+1)
		}
		synctest.Wait() // the third copy is not waited for
		want(t, c.Do(0, "DBSIZE"), 30)
		want(t, c.Do(1, "DEL", "k0", "k1", "k2", "absent"), 3)
		want(t, c.Do(2, "EXISTS", "k0", "k3", "k4"), 2)
		want(t, c.Do(0, "MSET", "a", "1", "b", "2", "c", "3"), "OK")
		want(t, c.Do(1, "MGET", "a", "b", "nope", "c"), []any{"1", "2", nil, "3"})
		want(t, c.Do(2, "FLUSHALL"), "OK")
		for i := range 3 {
			want(t, c.Do(i, "DBSIZE"), 0)
		}
	})
}

func TestCluster_EveryCopyIsTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3)
		for i := range 50 {
			c.Do(i%3, "SET", fmt.Sprintf("s%d", i), "v")
			c.Do(i%3, "HSET", fmt.Sprintf("h%d", i%5), fmt.Sprintf("f%d", i), i)
			c.Do(i%3, "INCRBY", fmt.Sprintf("n%d", i%3), i)
			if i%7 == 0 {
				c.Do((i+1)%3, "DEL", fmt.Sprintf("s%d", i))
			}
		}
		synctest.Wait()
		first := c.Do(0, "DYN.LOCAL", "DIGEST")
		want(t, c.Do(1, "DYN.LOCAL", "DIGEST"), first)
		want(t, c.Do(2, "DYN.LOCAL", "DIGEST"), first)
	})
}

func TestCluster_LoneNodeRefusesQuorum_NamingWhoIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3)
		c.Do(0, "SET", "k", "v")
		c.Stop(1)
		c.Stop(2)
		time.Sleep(2 * time.Second)
		_, err := c.Try(0, "SET", "k", "w")
		if err == nil || !strings.HasPrefix(err.Error(), "NOQUORUM DC_QUORUM needs 2 of 3 owners") ||
			!strings.Contains(err.Error(), "rack r1 (node n1)") || !strings.Contains(err.Error(), "rack r2 (node n2)") ||
			!strings.Contains(err.Error(), "nothing was written") {
			t.Fatalf("SET alone: %v", err)
		}
		_, err = c.Try(0, "GET", "k")
		if err == nil || !strings.HasPrefix(err.Error(), "NOQUORUM ") {
			t.Fatalf("GET alone: %v", err)
		}
		one := node.AtLevel(context.Background(), quorum.DCOne)
		got, err := c.Nodes[0].Do(one, "GET", "k")
		if err != nil || got != "v" {
			t.Fatalf("GET at DC_ONE alone: %v %v", got, err)
		}
		if _, err := c.Nodes[0].Do(one, "SET", "k", "w"); err != nil {
			t.Fatalf("SET at DC_ONE alone: %v", err)
		}
	})
}

func TestCluster_DeadNodeIsRoutedAround_WithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3)
		for i := range 20 {
			c.Do(0, "SET", fmt.Sprintf("k%d", i), i)
		}
		c.Network.Isolate(c.Host(2))
		time.Sleep(time.Second)
		start := time.Now()
		for i := range 20 {
			want(t, c.Do(i%2, "GET", fmt.Sprintf("k%d", i)), i)
			want(t, c.Do(i%2, "INCR", fmt.Sprintf("k%d", i)), i+1)
		}
		if took := time.Since(start); took > 100*time.Millisecond {
			t.Fatalf("40 commands took %v with one node gone for a second", took)
		}
		c.Network.Rejoin(c.Host(2))
		c.WaitComplete(2)
		for i := range 20 {
			want(t, c.Do(2, "DYN.LOCAL", "GET", fmt.Sprintf("k%d", i)), i+1)
		}
	})
}

func TestCluster_NodeThatLostItsMemory_GetsEverythingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3)
		for i := range 2000 {
			c.Do(i%3, "SET", fmt.Sprintf("k%d", i), i)
		}
		c.Do(0, "PEXPIREAT", "k1", time.Now().Add(time.Hour).UnixMilli())
		c.Crash(1)
		time.Sleep(3 * time.Second)
		for i := range 100 {
			c.Do(0, "DEL", fmt.Sprintf("k%d", 1000+i))
		}
		c.Start(1)
		c.WaitReady(1)
		want(t, c.Do(1, "DYN.LOCAL", "DBSIZE"), 1900)
		want(t, c.Do(1, "DYN.LOCAL", "GET", "k1999"), 1999)
		want(t, c.Do(1, "DYN.LOCAL", "EXISTS", "k1000"), 0)
		handedOver(t, c) // what n1 acknowledged with n2 when it crashed, n0 may lack
		equalCopies(t, c)
		// It never stamps under a number that it had before.
		want(t, c.Do(1, "INCR", "counter"), 1)
	})
}

func TestCluster_MinorityReadsNothing_AndTheMajorityGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3)
		c.Do(0, "SET", "k", "old")
		c.Network.Isolate(c.Host(0))
		time.Sleep(2 * time.Second)
		want(t, c.Do(1, "SET", "k", "new"), "OK")
		if v, err := c.Try(0, "GET", "k"); err == nil {
			t.Fatalf("the cut-off node read %v at DC_QUORUM", v)
		}
		c.Network.Rejoin(c.Host(0))
		c.WaitComplete(0)
		want(t, c.Do(0, "GET", "k"), "new")
	})
}

func TestCluster_IncrementsOnBothSidesOfACut_AddUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3)
		c.Do(0, "SET", "n", 100)
		c.Network.Isolate(c.Host(2))
		time.Sleep(2 * time.Second)
		one := node.AtLevel(context.Background(), quorum.DCOne)
		for i, times := range []int{3, 0, 5} {
			for range times {
				if _, err := c.Nodes[i].Do(one, "INCR", "n"); err != nil {
					t.Fatal(err)
				}
			}
		}
		c.Network.Rejoin(c.Host(2))
		for i := range 3 {
			c.WaitComplete(i)
		}
		for i := range 3 {
			want(t, c.Do(i, "GET", "n"), 108)
		}
	})
}

func TestCluster_NodeThatMayHaveLostWrites_DoesNotVoteOnTheWordOfOneOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3)
		// Acknowledged by nodes 1 and 2 alone.
		c.Network.Isolate(c.Host(0))
		time.Sleep(2 * time.Second)
		c.Do(1, "SET", "k", "v")
		c.Stop(2)
		c.Crash(1)
		c.Network.Rejoin(c.Host(0))
		c.Start(1)
		time.Sleep(20 * time.Second)
		// Node 0 never had the write and node 1 forgot it: together they are
		// a majority that must not answer.
		if v, err := c.Try(1, "GET", "k"); err == nil {
			t.Fatalf("two nodes that lack an acknowledged write read %v at DC_QUORUM", v)
		}
		if err := c.Nodes[1].Ready(); err == nil || !strings.Contains(err.Error(), "catching up: compared with 1 other owners of a range, 2 needed") {
			t.Fatalf("ready: %v", err)
		}
	})
}

// A primary that has not heard of a FLUSHALL, and holds what that has killed, is
// told when it asks others before it counts on.
func TestCluster_FlushThatAPrimaryMissed_IsNotCountedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3)
		c.Network.Cut(c.Host(0), c.Host(1))
		time.Sleep(2 * time.Second)
		for i := range 12 {
			c.Do(0, "INCR", fmt.Sprint("n", i)) // also what n1 is primary of
		}
		c.Network.Heal(c.Host(0), c.Host(1))
		time.Sleep(10 * time.Second)
		c.Network.Cut(c.Host(2), c.Host(1))
		time.Sleep(3 * time.Second)
		want(t, c.Do(2, "FLUSHALL"), "OK")
		time.Sleep(2 * time.Second)
		for i := range 12 {
			want(t, c.Do(1, "INCR", fmt.Sprint("n", i)), 1)
		}
	})
}
