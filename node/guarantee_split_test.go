package node_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynomite-go/dynomite/node"
	"github.com/dynomite-go/dynomite/quorum"
)

// splits cuts a minority off: the other side goes on, it refuses, and sees
// everything when it is back.
func splits(t *testing.T, level string, minority, majority []int) {
	synctest.Test(t, func(t *testing.T) {
		c := atLevel(t, level)
		c.Do(0, "SET", "k", "old")
		c.Do(0, "SET", "n", 10)
		split(c, minority...)
		time.Sleep(noticed)
		for _, i := range majority {
			want(t, c.Do(i, "SET", "k", fmt.Sprint("new", i)), "OK")
			c.Do(i, "INCR", "n")
		}
		for _, i := range minority {
			refuses(t, c, i)
		}
		mend(c, minority...)
		for i := range c.Nodes {
			c.WaitComplete(i) // and is known to be by everyone
		}
		for i := range c.Nodes {
			want(t, c.Do(i, "GET", "k"), fmt.Sprint("new", majority[len(majority)-1]))
			want(t, c.Do(i, "INCR", "n"), 10+len(majority)+i+1)
		}
	})
}

func TestGuarantee_TheNetworkSplits_DCQuorum(t *testing.T) {
	splits(t, quorumLevel, []int{2}, []int{0, 1})
}

func TestGuarantee_TheNetworkSplits_DCOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := atLevel(t, oneLevel)
		c.Do(0, "SET", "n", 100)
		synctest.Wait()
		split(c, 2)
		time.Sleep(noticed)
		for i, times := range []int{3, 4, 5} {
			for range times {
				c.Do(i, "INCR", "n")
			}
			c.Do(i, "HSET", "h", fmt.Sprint("f", i), i)
			time.Sleep(time.Second)
			c.Do(i, "SET", "k", i)
			c.Do((i+2)%3, "SET", "l", i) // the last of these at node 1
		}
		want(t, c.Do(2, "GET", "n"), 105)
		want(t, c.Do(0, "GET", "n"), 107)
		mend(c, 2)
		c.WaitComplete(2)
		handedOver(t, c)
		for i := range c.Nodes {
			want(t, c.Do(i, "GET", "n"), 112)
			want(t, c.Do(i, "GET", "k"), 2)
			want(t, c.Do(i, "GET", "l"), 2)
			want(t, c.Do(i, "HLEN", "h"), 3)
		}
		equalCopies(t, c)
	})
}

// The side that has a majority in every datacenter goes on.
func TestGuarantee_TheNetworkSplits_DCEachSafeQuorum(t *testing.T) {
	splits(t, eachLevel, []int{2, 5}, []int{0, 1, 3, 4})
}

// bridged cuts two datacenters from each other: both go on, what the other
// one misses is kept for it, and both join without comparing a record.
func bridged(t *testing.T, level string) {
	synctest.Test(t, func(t *testing.T) {
		c := acrossDatacenters(t, level)
		c.Do(0, "SET", "n", 100)
		synctest.Wait()
		split(c, 0, 1, 2)
		time.Sleep(noticed)
		for i := range 30 {
			for dc := range 2 {
				at := 3*dc + i%3
				want(t, c.Do(at, "SET", fmt.Sprintf("dc%d:%d", dc, i), i), "OK")
				c.Do(at, "INCR", "n")
				c.Do(at, "SET", "k", fmt.Sprintf("dc%d", dc))
				time.Sleep(10 * time.Millisecond)
			}
		}
		kept := 0
		for i := range 3 {
			kept += hintsFor(t, c.Nodes[i], "n3").Records
		}
		if kept < 32 {
			t.Errorf("%d records are kept for a node that misses 32 keys", kept)
		}
		mend(c, 0, 1, 2)
		time.Sleep(noticed)
		handedOver(t, c)
		for i, n := range c.Nodes {
			want(t, c.Do(i, "GET", "n"), 160)
			want(t, c.Do(i, "GET", "k"), "dc1")
			want(t, c.Do(i, "DBSIZE"), 62)
			if got := gathered(t, n)["dynomited_comparisons_total"]; got != 0 {
				t.Errorf("node %d compared %v times", i, got)
			}
		}
		equalCopies(t, c)
	})
}

func TestGuarantee_DatacentersAreCutFromEachOther_DCQuorum(t *testing.T) { bridged(t, quorumLevel) }
func TestGuarantee_DatacentersAreCutFromEachOther_DCOne(t *testing.T)    { bridged(t, oneLevel) }

// Both sides refuse, but for requests at another level.
func TestGuarantee_DatacentersAreCutFromEachOther_DCEachSafeQuorum(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := atLevel(t, eachLevel)
		c.Do(0, "SET", "k", "v")
		split(c, 0, 1, 2)
		time.Sleep(noticed)
		for i := range c.Nodes {
			if i < 3 {
				refuses(t, c, i, 3, 4, 5)
			} else {
				refuses(t, c, i, 0, 1, 2)
			}
			ctx := node.AtLevel(t.Context(), quorum.DCQuorum)
			if _, err := c.Nodes[i].Do(ctx, "INCR", "n"); err != nil {
				t.Errorf("node %d at DC_QUORUM: %v", i, err)
			}
			if got, err := c.Nodes[i].Do(ctx, "GET", "k"); err != nil || got != "v" {
				t.Errorf("node %d at DC_QUORUM: %v, %v", i, got, err)
			}
		}
		mend(c, 0, 1, 2)
		for i := range c.Nodes {
			c.WaitComplete(i)
		}
		handedOver(t, c)
		for i := range c.Nodes {
			want(t, c.Do(i, "GET", "n"), 6)
		}
	})
}
