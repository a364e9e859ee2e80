package gossip

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/dynomite-go/dynomite/gossip/gossiptest"
)

// node is one Membership on an in-memory network, and what it was told.
type node struct {
	*Membership
	addr string
	net  *gossiptest.Network

	mu     sync.Mutex
	events []string
	when   []time.Time
	state  string
	merged []string
}

func addrOf(i int) string { return fmt.Sprintf("10.0.0.%d:8101", i) }

// startNode starts node i, whose seeds are nodes 1 and 2 unless change says
// otherwise.
func startNode(t *testing.T, net *gossiptest.Network, i int, change func(*Config)) *node {
	t.Helper()
	n := &node{addr: addrOf(i), net: net}
	packets, err := net.ListenPacket(n.addr)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen(n.addr)
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{
		Name:      fmt.Sprintf("n%d", i),
		Cluster:   "test",
		Advertise: n.addr,
		Meta:      []byte("v1"),
		Packets:   packets,
		Dial:      net.Dialer(n.addr),
		Seeds:     []string{addrOf(1), addrOf(2)},
		OnEvent: func(e Event) {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.events = append(n.events, fmt.Sprintf("%s %s %s", e.Member.Name, e.Kind, e.Member.Meta))
			n.when = append(n.when, time.Now())
		},
		LocalState: func() []byte {
			n.mu.Lock()
			defer n.mu.Unlock()
			return []byte(n.state)
		},
		MergeRemoteState: func(b []byte) {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.merged = append(n.merged, string(b))
		},
	}
	if change != nil {
		change(&cfg)
	}
	if n.Membership, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	if err := n.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	go n.Serve(l)
	// A bubble whose goroutines go on panics, and that hides what failed.
	t.Cleanup(func() {
		if t.Failed() {
			stopAll(t, []*node{n})
		}
	})
	return n
}

// startCluster starts size nodes and waits until all know each other.
func startCluster(t *testing.T, net *gossiptest.Network, size int, change func(*Config)) []*node {
	t.Helper()
	var nodes []*node
	for i := 1; i <= size; i++ {
		nodes = append(nodes, startNode(t, net, i, change))
	}
	began := time.Now()
	for !allAlive(nodes, size) {
		// What gossip misses, which is rare, an exchange of the whole state
		// brings, every PushPullInterval with one other at random.
		if time.Since(began) > time.Minute {
			t.Fatalf("not joined after a minute: %v", nodes[0].Members())
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Logf("%d nodes joined within %v", size, time.Since(began))
	return nodes
}

func allAlive(nodes []*node, want int) bool {
	for _, n := range nodes {
		if len(n.alive()) != want {
			return false
		}
	}
	return true
}

func (n *node) alive() []string {
	var names []string
	for _, k := range n.Members() {
		if k.State == StateAlive {
			names = append(names, k.Name)
		}
	}
	return names
}

func (n *node) told() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.events)
}

func (n *node) setState(s string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.state = s
}

// saw returns when an event was told, after the given one, or zero.
func (n *node) saw(event string, after time.Time) time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i, e := range n.events {
		if e == event && !n.when[i].Before(after) {
			return n.when[i]
		}
	}
	return time.Time{}
}

func (n *node) stop(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := n.Stop(ctx); err != nil {
		t.Errorf("stop %s: %v", n.cfg.Name, err)
	}
}

func stopAll(t *testing.T, nodes []*node) {
	t.Helper()
	for _, n := range nodes {
		n.stop(t)
	}
	// In a bubble all goroutines must end: memberlist's last ones wait for
	// answers.
	time.Sleep(time.Minute)
}

// eventually waits in virtual time.
func eventually(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	for began := time.Now(); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > limit {
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

func TestMembership_FiveNodes_JoinAndLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var net gossiptest.Network
		nodes := startCluster(t, &net, 5, nil)
		for _, n := range nodes {
			if got := n.alive(); !slices.Equal(got, []string{"n1", "n2", "n3", "n4", "n5"}) {
				t.Errorf("%s sees %v", n.cfg.Name, got)
			}
		}
		nodes[4].stop(t)
		left := time.Now()
		eventually(t, 2*time.Second, "left is told", func() bool {
			return !slices.ContainsFunc(nodes[:4], func(n *node) bool { return n.saw("n5 left v1", time.Time{}).IsZero() })
		})
		t.Logf("left was told within %v", time.Since(left))
		time.Sleep(time.Minute)
		for _, n := range nodes[:4] {
			if !n.saw("n5 failed v1", time.Time{}).IsZero() {
				t.Errorf("%s thinks n5 failed", n.cfg.Name)
			}
			if got := n.alive(); !slices.Equal(got, []string{"n1", "n2", "n3", "n4"}) {
				t.Errorf("%s sees %v", n.cfg.Name, got)
			}
			for _, e := range n.told() {
				if strings.Contains(e, "failed") || strings.HasPrefix(e, n.cfg.Name) {
					t.Errorf("%s was told %q", n.cfg.Name, e)
				}
			}
		}
		stopAll(t, nodes)
	})
}

// The news that a node is leaving spreads at random, here to one node only, and
// that it is gone displaces it: whoever hears the second alone must not take it
// for a failure.
func TestMembership_Goodbye_IsNotTakenForAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var net gossiptest.Network
		rarely := func(c *Config) {
			c.Tuning.GossipNodes, c.Tuning.RetransmitMult = 1, 1
			c.Tuning.PushPullInterval = 2 * time.Second
		}
		nodes := startCluster(t, &net, 5, rarely)
		for round := range 6 {
			leaves := time.Now()
			// What changed just before spreads too, and does not say that it leaves.
			if err := nodes[4].UpdateMeta(fmt.Append(nil, "v", round)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(round) * 30 * time.Millisecond)
			nodes[4].stop(t)
			time.Sleep(10 * time.Second)
			for _, n := range nodes[:4] {
				if n.saw(fmt.Sprint("n5 left v", round), leaves).IsZero() && n.saw("n5 left v1", leaves).IsZero() {
					t.Errorf("%s was not told that n5 left: %q", n.cfg.Name, n.told())
				}
			}
			nodes[4] = startNode(t, &net, 5, rarely)
			eventually(t, 20*time.Second, "n5 is back", func() bool { return allAlive(nodes, 5) })
		}
		stopAll(t, nodes)
	})
}

// A goodbye of a former life, or one that a stranger said in its name.
func TestMembership_AnOldGoodbye_IsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var net gossiptest.Network
		nodes := startCluster(t, &net, 3, nil)
		if err := nodes[1].list.SendToAddress(memberlist.Address{Addr: addrOf(1), Name: "n1"}, encodeLeaving("n3")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		died := time.Now()
		net.Cut(nodes[2].addr)
		eventually(t, 10*time.Second, "n3 has failed", func() bool { return !nodes[0].saw("n3 failed v1", died).IsZero() })
		net.Heal(nodes[2].addr)
		stopAll(t, nodes)
	})
}

func TestMembership_DeadNode_DetectedWithinThreeSeconds(t *testing.T) {
	for size, limit := range map[int]time.Duration{
		3: 3 * time.Second,
		// With 5 nodes two survivors must confirm, and the tail is longer.
		5: 3500 * time.Millisecond,
	} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var net gossiptest.Network
				nodes := startCluster(t, &net, size, nil)
				victim := nodes[size-1]
				var worst time.Duration
				for round := range 20 {
					time.Sleep(time.Duration(round)*37*time.Millisecond + 5*time.Second)
					died := time.Now()
					net.Cut(victim.addr)
					eventually(t, limit, "all survivors know", func() bool {
						return !slices.ContainsFunc(nodes[:size-1], func(n *node) bool {
							return n.saw(victim.cfg.Name+" failed v1", died).IsZero()
						})
					})
					worst = max(worst, time.Since(died))
					net.Heal(victim.addr)
					eventually(t, 15*time.Second, "all are together again", func() bool { return allAlive(nodes, size) })
				}
				t.Logf("%d nodes: slowest of 20 detections took %v", size, worst)
				stopAll(t, nodes)
			})
		})
	}
}

func TestMembership_Healthy_NobodyFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var net gossiptest.Network
		nodes := startCluster(t, &net, 5, nil)
		time.Sleep(3 * time.Minute)
		for _, n := range nodes {
			for _, e := range n.told() {
				if strings.Contains(e, "failed") || strings.Contains(e, "left") {
					t.Errorf("%s was told %q", n.cfg.Name, e)
				}
			}
		}
		if d := net.Dropped(); d > 0 {
			t.Errorf("%d packets were dropped", d)
		}
		stopAll(t, nodes)
	})
}

func TestMembership_Restart_SameNameReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var net gossiptest.Network
		// Failed nodes are not forgotten here before their name may move.
		nodes := startCluster(t, &net, 3, func(c *Config) { c.Tuning.DeadNodeGossip = time.Hour })
		// The process dies without a word.
		died := time.Now()
		net.Cut(nodes[2].addr)
		nodes[2].stop(t)
		eventually(t, 3*time.Second, "failure is told", func() bool { return !nodes[0].saw("n3 failed v1", died).IsZero() })
		net.Heal(nodes[2].addr)
		back := time.Now()
		nodes[2] = startNode(t, &net, 3, func(c *Config) { c.Meta = []byte("v2") })
		eventually(t, 2*time.Second, "the return is told", func() bool {
			return !nodes[0].saw("n3 joined v2", back).IsZero() && !nodes[1].saw("n3 joined v2", back).IsZero()
		})
		if !allAlive(nodes, 3) {
			t.Error("not all are alive")
		}

		// After 30 s the name may also come back elsewhere.
		net.Cut(nodes[2].addr)
		nodes[2].stop(t)
		time.Sleep(40 * time.Second)
		back = time.Now()
		elsewhere := startNode(t, &net, 9, func(c *Config) { c.Name = "n3" })
		eventually(t, 5*time.Second, "the move is told", func() bool {
			return !nodes[0].saw("n3 joined v1", back).IsZero()
		})
		for _, k := range nodes[0].Members() {
			if k.Name == "n3" && k.Addr != addrOf(9) {
				t.Errorf("n3 is at %s", k.Addr)
			}
		}
		nodes[2] = elsewhere
		stopAll(t, nodes)
	})
}

func TestMembership_UpdateMeta_Spreads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var net gossiptest.Network
		nodes := startCluster(t, &net, 5, nil)
		big := strings.Repeat("x", MaxMeta)
		if err := nodes[3].UpdateMeta([]byte(big)); err != nil {
			t.Fatal(err)
		}
		told := func() (n int) {
			for _, k := range slices.Concat(nodes[:3], nodes[4:]) {
				if !k.saw("n4 updated "+big, time.Time{}).IsZero() {
					n++
				}
			}
			return n
		}
		// Each node repeats news to four at random; that all four of those that know
		// miss the same one happens once in 200 times. An exchange brings it then.
		eventually(t, 2*time.Second, "the update is told to three", func() bool { return told() >= 3 })
		eventually(t, time.Minute, "the update is told to all", func() bool { return told() == 4 })
		if err := nodes[3].UpdateMeta(make([]byte, MaxMeta+1)); err == nil {
			t.Error("too much metadata was taken")
		}
		stopAll(t, nodes)
	})
}

func TestMembership_State_IsExchanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var net gossiptest.Network
		one := startNode(t, &net, 1, nil)
		one.setState("layout of n1")
		time.Sleep(time.Second)
		two := startNode(t, &net, 2, func(c *Config) { c.LocalState = func() []byte { return []byte("layout of n2") } })
		eventually(t, 3*time.Second, "join exchanges state", func() bool {
			one.mu.Lock()
			defer one.mu.Unlock()
			two.mu.Lock()
			defer two.mu.Unlock()
			return slices.Contains(one.merged, "layout of n2") && slices.Contains(two.merged, "layout of n1")
		})
		one.setState("newer")
		eventually(t, 25*time.Second, "later changes follow", func() bool {
			two.mu.Lock()
			defer two.mu.Unlock()
			return slices.Contains(two.merged, "newer")
		})
		stopAll(t, []*node{one, two})
	})
}

func TestMembership_SeedComesLate_IsJoined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var net gossiptest.Network
		three := startNode(t, &net, 3, nil)
		for round := range 5 {
			time.Sleep(time.Duration(round)*731*time.Millisecond + time.Minute)
			if got := three.alive(); len(got) != 1 {
				t.Fatalf("alone, and sees %v", got)
			}
			one := startNode(t, &net, 1, nil)
			eventually(t, 2*time.Second, "the seed is joined", func() bool { return allAlive([]*node{one, three}, 2) })
			one.stop(t)
		}
		stopAll(t, []*node{three})
	})
}

func TestMembership_SeedsUnknown_FailedMembersAreTried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var net gossiptest.Network
		// Seeds are found only in the beginning.
		began := time.Now()
		nodes := startCluster(t, &net, 4, func(c *Config) {
			c.Seeds = nil
			c.FindSeeds = func(context.Context) ([]string, error) {
				if time.Since(began) > 10*time.Second {
					return nil, errors.New("nobody knows any seed")
				}
				return []string{addrOf(1)}, nil
			}
		})
		time.Sleep(10 * time.Second)
		net.Split(nodes[2].addr, nodes[3].addr)
		time.Sleep(10 * time.Minute)
		net.Heal(nodes[2].addr, nodes[3].addr)
		eventually(t, 30*time.Second, "all are together again", func() bool { return allAlive(nodes, 4) })
		stopAll(t, nodes)
	})
}

func TestStop_Events_AreOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var net gossiptest.Network
		var told atomic.Int32
		slow := startNode(t, &net, 1, func(c *Config) {
			c.OnEvent = func(Event) {
				time.Sleep(10 * time.Second)
				told.Add(1)
			}
		})
		nodes := []*node{startNode(t, &net, 2, nil), startNode(t, &net, 3, nil)}
		time.Sleep(time.Second)
		if err := slow.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if n := told.Load(); n < 2 {
			t.Errorf("%d events were told when Stop returned, want both", n)
		}
		stopAll(t, nodes)
	})
}

func TestMembership_LongPartition_Heals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var net gossiptest.Network
		nodes := startCluster(t, &net, 4, nil)
		// Two halves, neither alone, apart for so long that memberlist forgets
		// the other one.
		net.Split(nodes[2].addr, nodes[3].addr)
		time.Sleep(10 * time.Minute)
		for _, n := range nodes {
			if got := n.alive(); len(got) != 2 {
				t.Fatalf("%s sees %v", n.cfg.Name, got)
			}
		}
		net.Heal(nodes[2].addr, nodes[3].addr)
		eventually(t, 15*time.Second, "all are together again", func() bool { return allAlive(nodes, 4) })
		stopAll(t, nodes)
	})
}

func TestMembership_OtherClusterOrKey_StaysApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := func(b byte) []byte { return []byte(strings.Repeat(string(b), 32)) }
		var net gossiptest.Network
		old := func(c *Config) { c.Keys = [][]byte{key('a')} }
		one := startNode(t, &net, 1, old)
		two := startNode(t, &net, 2, func(c *Config) { c.Keys = [][]byte{key('a'), key('b')} })
		other := startNode(t, &net, 3, func(c *Config) { old(c); c.Cluster = "other" })
		plain := startNode(t, &net, 4, nil)
		wrong := startNode(t, &net, 5, func(c *Config) { c.Keys = [][]byte{key('b')} })
		eventually(t, 5*time.Second, "equal keys meet", func() bool { return allAlive([]*node{one, two}, 2) })
		time.Sleep(time.Minute)
		for _, n := range []*node{other, plain, wrong} {
			if got := n.alive(); len(got) != 1 {
				t.Errorf("%s sees %v", n.cfg.Name, got)
			}
		}
		if got := one.alive(); len(got) != 2 {
			t.Errorf("n1 sees %v", got)
		}
		stopAll(t, []*node{one, two, other, plain, wrong})
	})
}
