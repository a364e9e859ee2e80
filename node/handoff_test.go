package node_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynomite-go/dynomite/node"
	"github.com/dynomite-go/dynomite/node/nodetest"
)

// equalCopies fails unless all nodes hold the same.
func equalCopies(t *testing.T, c *nodetest.Cluster) {
	t.Helper()
	for i := range c.Nodes {
		want(t, c.Do(i, "DYN.LOCAL", "DIGEST"), c.Do(0, "DYN.LOCAL", "DIGEST"))
	}
}

// handedOver waits until nobody keeps anything for anybody.
func handedOver(t *testing.T, c *nodetest.Cluster) {
	t.Helper()
	for i := range c.Nodes {
		want(t, c.Do(i, "DYN.HINTS", "WAIT", 60000), 0)
	}
}

func hintsFor(t *testing.T, n *node.Node, id string) node.HintState {
	t.Helper()
	for _, h := range n.Hints() {
		if h.Node == id {
			return h
		}
	}
	t.Fatalf("%s is nobody that there are hints for", id)
	return node.HintState{}
}

// away isolates node 2 until the others have noticed.
func away(c *nodetest.Cluster) {
	c.Network.Isolate(c.Host(2))
	time.Sleep(2 * time.Second)
}

func TestHints_BringWhatANodeMissed_WithoutComparingRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3)
		for i := range 50 {
			c.Do(i%3, "SET", fmt.Sprintf("k%d", i), "old")
		}
		synctest.Wait() // nothing is under way to n2 when it goes
		away(c)
		for i := range 50 {
			switch key := fmt.Sprintf("k%d", i); i % 5 {
			case 0:
				c.Do(i%2, "DEL", key)
			case 1:
				c.Do(i%2, "SET", key, "new", "EX", 1000)
			case 2:
				c.Do(i%2, "DEL", key)
				c.Do(i%2, "HSET", key, "f", i)
			case 3:
				c.Do(i%2, "EXPIRE", key, 500)
			case 4:
				c.Do(i%2, "APPEND", key, "er")
			}
		}
		time.Sleep(3 * time.Second)
		kept := hintsFor(t, c.Nodes[0], "n2").Records + hintsFor(t, c.Nodes[1], "n2").Records
		if kept != 50 {
			t.Errorf("%d records are kept for n2, which missed writes of 50 keys", kept)
		}
		if lag := hintsFor(t, c.Nodes[0], "n2").Lag; lag < 3*time.Second || lag > 4*time.Second {
			t.Errorf("a lag of %v, the writes were 3 s ago", lag)
		}
		for _, n := range c.Nodes[:2] {
			if err := n.PauseHints(time.Minute); err != nil {
				t.Fatal(err)
			}
		}
		c.Network.Rejoin(c.Host(2))
		for {
			if err := c.Nodes[2].Ready(); err == nil || strings.Contains(err.Error(), "hints to come") {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		for _, n := range c.Nodes[:2] {
			_ = n.PauseHints(0)
		}
		c.WaitComplete(2)
		handedOver(t, c)
		equalCopies(t, c)
		for i, n := range c.Nodes {
			m := gathered(t, n)
			for _, cause := range []string{"catch_up", "comparison"} {
				if got := m["dynomited_repairs_total{cause="+cause+"}"]; got != 0 {
					t.Errorf("node %d: %v records were found by comparing (%s)", i, got, cause)
				}
			}
		}
		if lag := hintsFor(t, c.Nodes[0], "n2").Lag; lag != 0 {
			t.Errorf("a lag of %v after all was handed over", lag)
		}
	})
}

// A node keeps voting while it gets what it missed for a moment, unless it
// lost the majority: it had it all the time here.
func TestHints_OneLostAnswer_DemotesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3)
		c.Network.Cut(c.Host(0), c.Host(2))
		for i := range 20 {
			_, _ = c.Try(0, "SET", fmt.Sprintf("k%d", i), "v")
		}
		time.Sleep(2 * time.Second)
		for i := range 20 {
			c.Do(0, "SET", fmt.Sprintf("k%d", i), "w")
		}
		c.Network.Heal(c.Host(0), c.Host(2))
		runs := gathered(t, c.Nodes[2])["dynomited_catch_ups_total"]
		handedOver(t, c)
		equalCopies(t, c)
		want(t, int(gathered(t, c.Nodes[2])["dynomited_catch_ups_total"]), int(runs))
	})
}

func TestHints_OverTheLimit_AreFoundByComparing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3, nodetest.WithConfig(func(_ int, cfg *node.Config) { cfg.HintBytes = 3000 }))
		away(c)
		for i := range 2000 {
			c.Do(i%2, "SET", fmt.Sprintf("k%d", i), i)
		}
		h := hintsFor(t, c.Nodes[0], "n2")
		if h.Bytes > 3000 || h.Records == 0 || h.Dirty == 0 {
			t.Errorf("%+v, want up to 3000 bytes and the rest dirty", h)
		}
		c.Network.Rejoin(c.Host(2))
		c.WaitComplete(2)
		handedOver(t, c)
		equalCopies(t, c)
		want(t, c.Do(2, "DYN.LOCAL", "DBSIZE"), 2000)
	})
}

// What a comparison that breaks off has not seen is as dirty as before.
func TestHints_AComparisonThatBreaksOff_LeavesTheMarks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3, nodetest.WithConfig(func(_ int, cfg *node.Config) { cfg.HintBytes = 1000 }))
		cut := func() { c.Network.Cut(c.Host(0), c.Host(2)) }
		cut()
		time.Sleep(2 * time.Second)
		for i := range 2000 {
			c.Do(0, "SET", fmt.Sprintf("k%d", i), i)
		}
		time.Sleep(5 * time.Second)
		marks := hintsFor(t, c.Nodes[0], "n2").Dirty
		if marks == 0 {
			t.Fatal("all hints fit")
		}
		c.Network.SetDelay(50 * time.Millisecond)
		compared := gathered(t, c.Nodes[0])["dynomited_comparisons_total"]
		held := func() int64 { return c.Do(2, "DYN.LOCAL", "DBSIZE").(int64) }
		had := held() + int64(hintsFor(t, c.Nodes[0], "n2").Records)
		c.Network.Heal(c.Host(0), c.Host(2))
		for began := time.Now(); held() <= had; time.Sleep(time.Millisecond) {
			if time.Since(began) > time.Minute {
				t.Fatal("nothing is compared")
			}
		}
		if h := hintsFor(t, c.Nodes[0], "n2"); h.Dirty == 0 || h.Lag == 0 {
			t.Errorf("while it is compared the node lacks nothing: %+v", h)
		}
		want(t, c.Do(0, "DYN.HINTS", "WAIT", 10), 2) // n1 has no time to say what it keeps
		cut()
		time.Sleep(3 * time.Second)
		if h := hintsFor(t, c.Nodes[0], "n2"); h.Dirty != marks || h.Lag < 5*time.Second {
			t.Errorf("%d ranges are dirty for %v after a comparison that broke off, %d before", h.Dirty, h.Lag, marks)
		}
		want(t, gathered(t, c.Nodes[0])["dynomited_comparisons_total"], compared)
		c.Network.SetDelay(0)
		c.Network.Heal(c.Host(0), c.Host(2))
		c.WaitComplete(2)
		handedOver(t, c)
		equalCopies(t, c)
	})
}

// Without data directories a crash takes the hints too, and with them the
// knowledge of what others lack: here those of another datacenter, with whom
// nobody compares on returning.
func TestHints_TheirHolderForgets_AndComparesEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 6, nodetest.WithConfig(twoDatacenters))
		cut := func(a int) {
			for b := 3; b < 6; b++ {
				c.Network.Cut(c.Host(a), c.Host(b))
			}
		}
		for a := range 3 {
			cut(a)
		}
		time.Sleep(2 * time.Second)
		for i := range 40 {
			c.Do(i%3, "SET", fmt.Sprintf("k%d", i), i)
		}
		for a := range 3 {
			c.Crash(a)
			c.Start(a)
			c.WaitReady(a)
			time.Sleep(time.Second)
		}
		for a := range 3 {
			for b := 3; b < 6; b++ {
				c.Network.Heal(c.Host(a), c.Host(b))
			}
		}
		time.Sleep(3 * time.Second)
		handedOver(t, c)
		equalCopies(t, c)
		want(t, c.Do(4, "DYN.LOCAL", "DBSIZE"), 40)
	})
}

// With a data directory they outlive a clean stop, and damage in their files
// is a reason to compare and none to deliver anything else.
func TestHints_OnDisk(t *testing.T) {
	for _, damaged := range []bool{false, true} {
		t.Run(fmt.Sprintf("damaged=%v", damaged), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir := t.TempDir()
				c := nodetest.NewCluster(t, 3, nodetest.WithConfig(func(i int, cfg *node.Config) {
					cfg.DataDir = filepath.Join(dir, cfg.Name)
				}))
				away(c)
				for i := range 100 {
					c.Do(0, "SET", fmt.Sprintf("k%d", i), i)
				}
				kept := hintsFor(t, c.Nodes[0], "n2").Records
				c.Stop(0)
				if damaged {
					spoil(t, filepath.Join(dir, "n0", "hints"))
				}
				c.Start(0)
				c.WaitReady(0)
				h := hintsFor(t, c.Nodes[0], "n2")
				if got := h.Records; damaged == (got == kept) {
					t.Errorf("%d hints after the restart, %d before", got, kept)
				}
				if damaged == (h.Dirty == 0) {
					t.Errorf("%d dirty ranges", h.Dirty)
				}
				c.Network.Rejoin(c.Host(2))
				c.WaitComplete(2)
				handedOver(t, c)
				equalCopies(t, c)
			})
		})
	}
}

// spoil changes a byte in the middle of each file of hints.
func spoil(t *testing.T, dir string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		path := filepath.Join(dir, f.Name())
		b, err := os.ReadFile(path)
		if err != nil || len(b) < 200 {
			continue
		}
		b[len(b)/2] ^= 1
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestHints_AFlushIsHandedOverWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3)
		for i := range 30 {
			c.Do(0, "SET", fmt.Sprintf("k%d", i), i)
		}
		away(c)
		c.Do(0, "FLUSHALL")
		c.Do(0, "SET", "after", 1)
		c.Network.Rejoin(c.Host(2))
		c.WaitComplete(2)
		handedOver(t, c)
		equalCopies(t, c)
		want(t, c.Do(2, "DYN.LOCAL", "DBSIZE"), 1)
	})
}

// A cut between datacenters leaves both sides writable; what each missed is
// kept, the lag is said per peer, and both join when it heals.
func TestHints_BridgeACutBetweenDatacenters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 6, nodetest.WithConfig(twoDatacenters))
		between := func(f func(a, b string)) {
			for a := range 3 {
				for b := 3; b < 6; b++ {
					f(c.Host(a), c.Host(b))
				}
			}
		}
		between(c.Network.Cut)
		time.Sleep(2 * time.Second)
		for i := range 100 {
			c.Do(i%3, "SET", fmt.Sprintf("a%d", i), i)
			c.Do(3+i%3, "SET", fmt.Sprintf("b%d", i), i)
			c.Do(i%3, "INCR", "n")
			c.Do(3+i%3, "INCR", "n")
		}
		time.Sleep(10 * time.Second)
		m := gathered(t, c.Nodes[0])
		if lag := m["dynomited_replication_lag_seconds{dc=dc1}"]; lag < 3*10 || lag > 3*13 {
			t.Errorf("a lag of %v s to the three nodes of the other datacenter after 10 s", lag)
		}
		if lag := m["dynomited_replication_lag_seconds{dc=dc0}"]; lag != 0 {
			t.Errorf("a lag of %v s at home", lag)
		}
		runs := m["dynomited_catch_ups_total"]
		between(c.Network.Heal)
		time.Sleep(2 * time.Second)
		handedOver(t, c)
		equalCopies(t, c)
		for i := range c.Nodes {
			want(t, c.Do(i, "GET", "n"), 200)
		}
		if m := gathered(t, c.Nodes[0]); m["dynomited_catch_ups_total"] != runs {
			t.Error("a node that kept its majority was catching up")
		}
	})
}

// A large record gets the time that a slow link needs for it.
func TestHints_ALargeOneOverASlowLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3)
		away(c)
		large := strings.Repeat("x", 12<<20)
		want(t, c.Do(0, "SET", "large", large), "OK")
		want(t, c.Do(0, "SET", "small", "v"), "OK")
		c.Network.SetRate(1 << 20)
		c.Network.Rejoin(c.Host(2))
		want(t, c.Do(0, "DYN.HINTS", "WAIT", 90_000), 0)
		c.Network.SetRate(0)
		want(t, c.Do(2, "DYN.LOCAL", "GET", "large"), large)
		want(t, c.Do(2, "DYN.LOCAL", "GET", "small"), "v")
		const delivered = "dynomited_hints_delivered_total"
		if gathered(t, c.Nodes[0])[delivered]+gathered(t, c.Nodes[1])[delivered] < 2 {
			t.Error("not both came as hints")
		}
	})
}

// lacks has node 2 away for some keys with values of a size, and links that take
// 4 MiB a second.
func lacks(t *testing.T, c *nodetest.Cluster, keys, size int) {
	t.Helper()
	away(c)
	value := strings.Repeat("x", size)
	for i := range keys {
		want(t, c.Do(0, "SET", fmt.Sprint("k", i), value), "OK")
	}
	c.Network.SetRate(4 << 20)
}

// using has clients use the nodes that are up until the function that it returns is called.
func using(c *nodetest.Cluster, nodes ...int) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for _, i := range nodes {
		all.Go(func() {
			for ctx.Err() == nil {
				_, _ = c.Try(i, "GET", "small")
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	return func() { cancel(); all.Wait() }
}

// Between two large records a holder rests while there are clients, but not for so long
// that the node that returned takes it for one that sends no more, and compares.
func TestHints_LargeOnesBesideClients_AreWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3)
		lacks(t, c, 24, 600<<10)
		stop := using(c, 0, 1)
		began := time.Now()
		c.Network.Rejoin(c.Host(2))
		time.Sleep(time.Second)
		c.WaitComplete(2)
		took := time.Since(began)
		stop()
		c.Network.SetRate(0)
		if got := total(t, c, "repairs_total{cause=catch_up}"); got != 0 {
			t.Errorf("%v came by comparing", got)
		}
		for i := range 2 {
			if left := hintsFor(t, c.Nodes[i], "n2").Records; left != 0 {
				t.Errorf("n%d keeps %d", i, left)
			}
		}
		if took < 10*time.Second {
			t.Errorf("14 MiB in %v, beside clients", took)
		}
		equalCopies(t, c)
	})
}

// Clients make the difference to how fast hints go, and to how fast they are said to go.
func TestHints_GoFasterWithoutClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bring := func(clients bool) (took time.Duration, rate float64) {
			c := nodetest.NewCluster(t, 3)
			lacks(t, c, 1000, 4<<10)
			if clients {
				defer using(c, 0, 1)()
			}
			delay := func(d time.Duration) {
				for i := range 2 {
					c.Network.SetDelayBetween(c.Host(i), c.Host(2), d)
				}
			}
			delay(20 * time.Millisecond) // pings that are slow at first say nothing of those after
			began := time.Now()
			c.Network.Rejoin(c.Host(2))
			time.AfterFunc(3200*time.Millisecond, func() { delay(0) })
			for left := 1; left > 0; time.Sleep(100 * time.Millisecond) {
				left = 0
				for i := range 2 {
					h := hintsFor(t, c.Nodes[i], "n2")
					left, rate = left+h.Records, max(rate, h.Rate)
				}
			}
			return time.Since(began), rate
		}
		slow, rate := bring(true)
		quick, faster := bring(false)
		if slow < 3*quick {
			t.Errorf("%v beside clients, %v without", slow, quick)
		}
		if rate <= 0 || faster < 2*rate {
			t.Errorf("%.0f records a second beside clients, %.0f without", rate, faster)
		}
	})
}

// A node that is back before anybody has looked is met as one that was away for long:
// for a second it gets the least, until it is known how far away it is.
func TestHints_ToANodeThatRestarts_BeginSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3)
		lacks(t, c, 6000, 4<<10)
		sent := func(d time.Duration) int {
			left := func() int { return hintsFor(t, c.Nodes[0], "n2").Records + hintsFor(t, c.Nodes[1], "n2").Records }
			before := left()
			for range 1000 {
				if left() != before {
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
			time.Sleep(d)
			return before - left()
		}
		c.Network.Rejoin(c.Host(2))
		for range 3 {
			sent(time.Second)
		}
		if got := sent(800 * time.Millisecond); got < 150 {
			t.Fatalf("%d in 0.8 s", got)
		}
		c.Crash(2)
		c.Start(2)
		if got := sent(800 * time.Millisecond); got > 80 {
			t.Errorf("%d in 0.8 s", got)
		}
	})
}

func TestHints_WaitIsASyncPoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3)
		want(t, c.Do(0, "DYN.HINTS", "WAIT", 0), 0)
		away(c)
		for i := range 20 {
			c.Do(0, "SET", fmt.Sprintf("k%d", i), i)
		}
		began := time.Now()
		want(t, c.Do(0, "DYN.HINTS", "WAIT", 500), 1)
		if took := time.Since(began); took != 500*time.Millisecond {
			t.Errorf("waited %v, not 500ms", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Nodes[0].Do(ctx, "DYN.HINTS", "WAIT", "0"); err == nil {
			t.Error("a wait without end ended")
		}
		all := c.Do(0, "DYN.HINTS").(map[string]any)
		if got := all["n2"].(map[string]any)["records"]; got == int64(0) {
			t.Errorf("%v", all)
		}
		for args, reply := range map[[2]string]string{
			{"WAIT", "x"}:                   "ERR timeout is not an integer or out of range",
			{"WAIT", "9223372036854775807"}: "ERR timeout is not an integer or out of range",
			{"WAIT", "-1"}:                  "ERR timeout is negative",
			{"SHOW", "1"}:                   "ERR syntax error",
		} {
			if _, err := c.Try(0, "DYN.HINTS", args[0], args[1]); err == nil || err.Error() != reply {
				t.Errorf("DYN.HINTS %v: %v, want %s", args, err, reply)
			}
		}
		done := make(chan any)
		go func() { done <- c.Do(0, "DYN.HINTS", "WAIT", 0) }()
		time.Sleep(time.Second)
		c.Network.Rejoin(c.Host(2))
		want(t, <-done, 0)
		handedOver(t, c)
		equalCopies(t, c)

		// A node that stops does not wait for those who wait.
		away(c)
		c.Do(0, "SET", "k", 1)
		go func() { _, _ = c.Try(0, "DYN.HINTS", "WAIT", 0); done <- nil }()
		synctest.Wait()
		began = time.Now()
		c.Stop(0)
		<-done
		if took := time.Since(began); took > time.Second {
			t.Errorf("stopping took %v", took)
		}
		c.Start(0)
		c.Network.Rejoin(c.Host(2))
		c.WaitComplete(0)
	})
}
