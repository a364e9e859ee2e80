package node_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynomite-go/dynomite/node/nodetest"
)

// lose are the ways in which a node is lost to the others. One that hangs is, for
// them, one that is cut off: its connections stay and nothing comes.
var lose = map[string]func(c *nodetest.Cluster, i int){
	"dies":    func(c *nodetest.Cluster, i int) { c.Kill(i) },
	"cut off": func(c *nodetest.Cluster, i int) { c.Network.Isolate(c.Host(i)) },
}

func oneAway(t *testing.T, level string, lost []int, at ...int) {
	for how, fail := range lose {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := atLevel(t, level)
				c.Network.SetDelay(time.Millisecond)
				l := &ledger{t: t, c: c}
				l.goesOn(func() {
					for _, i := range lost {
						fail(c, i)
					}
				}, level != oneLevel, at...)
				if level != oneLevel {
					l.seen(at...)
				}
			})
		})
	}
}

func TestGuarantee_OneNodeDiesHangsOrIsCutOff_DCQuorum(t *testing.T) {
	oneAway(t, quorumLevel, []int{2}, 0, 1)
}

func TestGuarantee_OneNodeDiesHangsOrIsCutOff_DCOne(t *testing.T) {
	oneAway(t, oneLevel, []int{2}, 0, 1)
	// What only the lost node has is seen when it is back.
	synctest.Test(t, func(t *testing.T) {
		c := atLevel(t, oneLevel)
		away(c)
		want(t, c.Do(2, "SET", "k", "v"), "OK")
		want(t, c.Do(0, "GET", "k"), nil)
		want(t, c.Do(1, "GET", "k"), nil)
		c.Network.Rejoin(c.Host(2))
		c.WaitComplete(2)
		handedOver(t, c)
		want(t, c.Do(0, "GET", "k"), "v")
		want(t, c.Do(1, "GET", "k"), "v")
	})
}

// One in each datacenter.
func TestGuarantee_OneNodeDiesHangsOrIsCutOff_DCEachSafeQuorum(t *testing.T) {
	oneAway(t, eachLevel, []int{2, 5}, 0, 1, 3, 4)
}

// refuses requires that a node refuses a write and a read, naming who is
// missing, before anything is written anywhere.
func refuses(t *testing.T, c *nodetest.Cluster, i int, missing ...int) {
	t.Helper()
	key := fmt.Sprintf("refused%d", i)
	_, err := c.Try(i, "SET", key, "v")
	if err == nil || !strings.HasPrefix(err.Error(), "NOQUORUM ") || !strings.HasSuffix(err.Error(), "nothing was written") {
		t.Errorf("node %d: SET: %v", i, err)
	}
	for _, m := range missing {
		if name := fmt.Sprintf("rack r%d (node n%d)", m%3, m); err != nil && !strings.Contains(err.Error(), name) {
			t.Errorf("node %d does not name %s: %v", i, name, err)
		}
	}
	if v, err := c.Try(i, "GET", key); err == nil || !strings.HasPrefix(err.Error(), "NOQUORUM ") {
		t.Errorf("node %d: GET: %v, %v", i, v, err)
	}
	want(t, copies(c, key, 0, len(c.Nodes)), 0)
}

// failsAtOnce has a write fail before anybody has noticed who is away.
func failsAtOnce(t *testing.T, c *nodetest.Cluster, i int) {
	t.Helper()
	if v, err := c.Try(i, "SET", "atonce", 1); err == nil || !strings.Contains(err.Error(), "may have been applied") {
		t.Errorf("node %d: SET before anybody noticed: %v, %v", i, v, err)
	}
}

func TestGuarantee_TwoNodesAreAway_DCQuorum(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := atLevel(t, quorumLevel)
		c.Network.Isolate(c.Host(1))
		c.Network.Isolate(c.Host(2))
		failsAtOnce(t, c, 0)
		time.Sleep(noticed)
		refuses(t, c, 0, 1, 2)
		refuses(t, c, 1, 0, 2)
		refuses(t, c, 2, 0, 1)
	})
}

func TestGuarantee_TwoNodesAreAway_DCOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := atLevel(t, oneLevel)
		c.Do(1, "SET", "before", 7)
		synctest.Wait()
		c.Kill(1)
		c.Kill(2)
		time.Sleep(noticed)
		for i := range 20 {
			key := fmt.Sprintf("k%d", i)
			want(t, c.Do(0, "SET", key, i), "OK")
			want(t, c.Do(0, "INCR", key), i+1)
			want(t, c.Do(0, "GET", key), i+1)
		}
		want(t, c.Do(0, "INCR", "before"), 8)
	})
}

// Two of one datacenter: no majority there can have anything.
func TestGuarantee_TwoNodesAreAway_DCEachSafeQuorum(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := atLevel(t, eachLevel)
		c.Network.Isolate(c.Host(4))
		c.Network.Isolate(c.Host(5))
		failsAtOnce(t, c, 0)
		time.Sleep(noticed)
		for i := range 4 {
			refuses(t, c, i, 4, 5)
		}
	})
}

// talkedToDies has clients at every node while node 0 dies, whose clients then
// go on at another one.
func talkedToDies(t *testing.T, level string, others ...int) {
	synctest.Test(t, func(t *testing.T) {
		c := atLevel(t, level)
		c.Network.SetDelay(time.Millisecond)
		l := &ledger{t: t, c: c}
		n := c.Nodes[0]
		cut := make(chan struct{})
		go func() {
			defer close(cut)
			for sent := 0; ; sent++ {
				key := fmt.Sprintf("talked%d", sent)
				_, err := n.Do(t.Context(), "SET", key, key)
				if err != nil {
					return // what was under way may have been applied
				}
				l.mu.Lock()
				l.acked = append(l.acked, key)
				l.mu.Unlock()
			}
		}()
		l.goesOn(func() { c.Kill(0) }, level != oneLevel, others...)
		<-cut
		for i, k := range others {
			want(t, c.Do(k, "SET", fmt.Sprint("any", i), "v"), "OK")
			for _, j := range others {
				want(t, c.Do(j, "GET", fmt.Sprint("any", i)), "v")
			}
		}
		if level != oneLevel {
			l.seen(others...)
		}
	})
}

func TestGuarantee_TheNodeThatYouTalkToDies_DCQuorum(t *testing.T) {
	talkedToDies(t, quorumLevel, 1, 2)
}

func TestGuarantee_TheNodeThatYouTalkToDies_DCOne(t *testing.T) {
	talkedToDies(t, oneLevel, 1, 2)
}

func TestGuarantee_TheNodeThatYouTalkToDies_DCEachSafeQuorum(t *testing.T) {
	talkedToDies(t, eachLevel, 1, 2, 3, 4, 5)
}
