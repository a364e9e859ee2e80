package coordinator

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/quorum"
)

func TestPipeline_RepliesInOrder_AcrossPrimaries(t *testing.T) {
	b := newBench(t, 3)
	var lines, want []string
	for i := range 60 {
		lines = append(lines, fmt.Sprintf("SET k%d v%d", i, i), fmt.Sprintf("GET k%d", i), fmt.Sprintf("APPEND k%d x", i), fmt.Sprintf("STRLEN k%d", i))
		n := len(fmt.Sprintf("v%d", i)) + 1
		want = append(want, "+OK", fmt.Sprintf("v%d", i), fmt.Sprintf(":%d", n), fmt.Sprintf(":%d", n))
	}
	got := b.run(0, lines...)
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("got  %v\nwant %v", got, want)
	}
}

func TestWrite_LostToSomethingUnseen_IsExecutedAgainOnWhatBeatIt(t *testing.T) {
	b := newBench(t, 3)
	key := b.keyOf(0, 1, 2)
	// Nodes 1 and 2 hold a value from a clock far ahead that node 0 never saw.
	for _, i := range []int{1, 2} {
		b.clocks[i].Observe(datastore.At(time.Now().Add(time.Hour).UnixMilli(), 0, 9))
		if got := b.runAt(i, quorum.DCOne, "DYN.LOCAL GET "+key); got[0] != "$-1" {
			t.Fatal(got)
		}
	}
	b.setFault(func(from, to int, kind byte) error {
		if to == 0 || from == 0 {
			return benchError{sent: false}
		}
		return nil
	})
	b.coords[1].Cluster().Members[0].SetHealth(false, false)
	b.expect(1, "SET "+key+" 40", "+OK")
	b.setFault(nil)
	// Node 0's clock is behind: its own stamp loses, and the command runs again.
	b.expect(0, "INCRBY "+key+" 2", ":42")
	for i := range 3 {
		b.expect(i, "GET "+key, "42")
	}
	if b.coords[0].Counts().Reexecutions == 0 {
		t.Fatal("nothing was executed again")
	}
}

func TestRead_OwnerThatIsBehind_GetsTheRecordBeforeTheReply(t *testing.T) {
	b := newBench(t, 3)
	key := b.keyOf(0, 1, 2)
	b.setFault(func(_, to int, kind byte) error {
		if kind == KindApply && to != 0 {
			return benchError{sent: false}
		}
		return nil
	})
	if got := b.runAt(0, quorum.DCOne, "SET "+key+" v"); got[0] != "+OK" {
		t.Fatal(got)
	}
	b.setFault(nil)
	b.expect(0, "GET "+key, "v")
	held := 0
	for i := range 3 {
		if got := b.run(i, "DYN.LOCAL GET "+key); got[0] == "v" {
			held++
		}
	}
	if held < 2 {
		t.Fatalf("%d copies hold what a quorum read showed", held)
	}
	if b.coords[0].Counts().ReadRepairs.Out == 0 {
		t.Fatal("nothing was written back")
	}
}

func TestRead_NodeThatIsBehind_ShowsWhatTheMajorityHolds(t *testing.T) {
	b := newBench(t, 3)
	key := b.keyOf(0, 1, 2)
	b.setFault(func(_, to int, kind byte) error {
		if kind == KindApply && to == 2 {
			return benchError{sent: false}
		}
		return nil
	})
	b.expect(0, "SET "+key+" new", "+OK")
	b.setFault(nil)
	b.expect(2, "GET "+key, "new")
	b.expect(2, "DYN.LOCAL GET "+key, "new")
}

func TestWrite_ExecutorThatNeverGotIt_IsGoneAround(t *testing.T) {
	b := newBench(t, 3)
	key := b.keyOf(1, 2, 0)
	b.setFault(func(_, to int, kind byte) error {
		if to == 1 {
			return benchError{sent: false}
		}
		return nil
	})
	b.expect(0, "INCR "+key, ":1")
}

func TestWrite_ExecutorThatMayHaveGotIt_IsNotRepeated(t *testing.T) {
	b := newBench(t, 3)
	key := b.keyOf(1, 2, 0)
	var execs atomic.Int32
	b.setFault(func(_, to int, kind byte) error {
		if kind == KindExec {
			execs.Add(1)
			return benchError{sent: true}
		}
		return nil
	})
	got := b.run(0, "INCR "+key)
	if !strings.HasPrefix(got[0], "-TIMEOUT node n1 took the write and did not answer") || !strings.Contains(got[0], "it may have been applied; of the other owners it is not known: rack r") {
		t.Fatal(got)
	}
	if execs.Load() != 1 {
		t.Fatalf("sent %d times", execs.Load())
	}
	// A read whose executor fell silent goes to the next.
	b.coords[0].Cluster().SelfMember().SetHealth(true, false)
	b.setFault(func(_, to int, kind byte) error {
		if kind == KindExec && to == 1 {
			return benchError{sent: true}
		}
		return nil
	})
	if got := b.run(0, "GET "+key); got[0] != "$-1" {
		t.Fatal(got)
	}
}

func TestWrite_MajorityThatDoesNotAnswer_IsAnUnknownOutcome(t *testing.T) {
	b := newBench(t, 3)
	key := b.keyOf(0, 1, 2)
	b.setFault(func(_, to int, kind byte) error { return benchError{sent: true} })
	got := b.run(0, "SET "+key+" v")
	if !strings.HasPrefix(got[0], "-TIMEOUT DC_QUORUM needs 2 of 3 owners, 1 answered: rack r0 (node n0); rack r1 (node n1) failed, rack r2 (node n2) failed") ||
		!strings.HasSuffix(got[0], "the write may have been applied") {
		t.Fatal(got)
	}
}

func TestQuorum_RefusedBeforeAnythingIsWritten_NamingWhoMisses(t *testing.T) {
	b := newBench(t, 3)
	key := b.keyOf(0, 1, 2)
	cl := b.coords[0].Cluster()
	cl.Members[1].SetHealth(false, false)
	cl.Members[2].SetHealth(true, false)
	got := b.run(0, "GET "+key)
	if !strings.HasPrefix(got[0], "-NOQUORUM DC_QUORUM needs 2 of 3 owners") || !strings.Contains(got[0], "rack r1 (node n1) does not answer, rack r2 (node n2) is catching up") {
		t.Fatal(got)
	}
	cl.Members[2].SetHealth(false, false)
	got = b.run(0, "SET "+key+" v")
	if !strings.HasPrefix(got[0], "-NOQUORUM") || !strings.HasSuffix(got[0], "nothing was written") {
		t.Fatal(got)
	}
	if n := b.stores[0].Len(); n != 0 {
		t.Fatalf("%d keys were written all the same", n)
	}
}

func TestLook_PrimaryThatWasBypassed_LooksAtAMajorityFirst(t *testing.T) {
	b := newBench(t, 3)
	key := b.keyOf(0, 1, 2)
	// Node 1 takes node 0 for dead and goes around it; nothing reaches node 0,
	// whose clock is ahead, so that what it stamps would win.
	b.coords[1].Cluster().Members[0].SetHealth(false, false)
	b.expect(1, "SET "+key+" taken", "+OK")
	b.clocks[0].Observe(datastore.At(time.Now().Add(time.Hour).UnixMilli(), 0, 9))
	b.coords[0].Caution()
	b.expect(0, "SET "+key+" mine NX", "$-1")
	b.expect(0, "GET "+key, "taken")
	gone := b.keyOf(0, 2, 1)
	b.coords[2].Cluster().Members[0].SetHealth(false, false)
	b.expect(2, "SET "+gone+" v", "+OK")
	b.expect(0, "DEL "+gone, ":1")
	if got := b.run(0, "SETNX "+key+" x", "APPEND "+key+" !", "GET "+key); fmt.Sprint(got) != "[:0 :6 taken!]" {
		t.Fatal(got)
	}
}

func TestWatchPrimary_WarnsWhoWasGoneAround(t *testing.T) {
	b := newBench(t, 3)
	key := b.keyOf(0, 1, 2)
	warned := make(chan int, 10)
	b.coords[2].onBypassed = func(node int) { warned <- node }
	b.coords[1].Cluster().Members[0].SetHealth(false, false)
	b.expect(1, "SET "+key+" v", "+OK")
	if got := <-warned; got != 0 {
		t.Fatalf("node %d was warned", got)
	}
}

func TestCompare_MakesBothSidesEqual(t *testing.T) {
	b := newBench(t, 3)
	b.setFault(func(_, _ int, _ byte) error { return benchError{sent: false} })
	for i := range 3000 {
		b.runAt(0, quorum.DCOne, fmt.Sprintf("SET {%d}a%d x", i%10, i))
	}
	for i := range 200 {
		key := fmt.Sprintf("only1:%d", i)
		b.coords[1].store.Update([]byte(key), setter{}, nil)
	}
	b.stores[0].ResetRange(0, 10)
	b.setFault(nil)
	got, err := b.coords[1].Compare(t.Context(), benchCaller(b, 1), 0, whole, true)
	if err != nil {
		t.Fatal(err)
	}
	if got.Pushed < 200 || got.Fetched == 0 {
		t.Fatalf("%+v", got)
	}
	x, _ := scanSum(&digests{store: b.stores[0]}, 0, hashkit.MaxToken)
	y, _ := scanSum(&digests{store: b.stores[1]}, 0, hashkit.MaxToken)
	if x != y || x.Count == 0 {
		t.Fatalf("still different: %+v %+v", x, y)
	}
}

type setter struct{}

func (setter) Update(_ *datastore.View, d *datastore.Delta) { d.Overwrite([]byte("v")) }

func TestWrite_LostAtAnOwnerThatIsMerelyBehind_IsNotCountedTwice(t *testing.T) {
	b := newBench(t, 3)
	key := b.keyOf(0, 1, 2)
	b.expect(0, "SET "+key+" 5 PX 60000", "+OK")
	b.expect(0, "INCR "+key, ":6") // the slot is born before the expiry
	b.waitFor(key, "6")
	// Node 1 never hears that the key persists, and takes it for expired.
	b.setFault(func(_, to int, _ byte) error {
		if to == 1 {
			return benchError{sent: false}
		}
		return nil
	})
	b.expect(0, "PERSIST "+key, ":1")
	for _, c := range b.clocks {
		c.Observe(datastore.At(time.Now().Add(time.Hour).UnixMilli(), 0, 9))
	}
	b.setFault(func(_, to int, _ byte) error {
		if to == 2 {
			return benchError{sent: false}
		}
		return nil
	})
	b.expect(0, "INCR "+key, ":7")
	b.setFault(nil)
	b.expect(0, "GET "+key, "7")
	b.expect(1, "DYN.LOCAL GET "+key, "7")
}

func TestCommand_OneKeyRefusedOfSeveral_DoesNotSayThatNothingWasWritten(t *testing.T) {
	b := newBench(t, 3)
	ours, theirs := b.keyOf(0, 1, 2), b.keyOf(1, 0, 2)
	// Node 1 reaches nobody, and says so.
	cl := b.coords[1].Cluster()
	cl.Members[0].SetHealth(false, false)
	cl.Members[2].SetHealth(false, false)
	got := b.run(0, "MSET "+theirs+" v "+ours+" v")
	if !strings.HasPrefix(got[0], "-TIMEOUT DC_QUORUM needs 2 of 3 owners") || !strings.HasSuffix(got[0], "; other keys of the command may have been written") {
		t.Fatal(got)
	}
	b.expect(0, "GET "+ours, "v")
	if got := b.run(0, "MSET "+theirs+" v "+theirs+" v"); !strings.HasSuffix(got[0], "; nothing was written") {
		t.Fatal(got)
	}
}

func TestHedge_LookThatIsOver_DoesNotEndTheWrite(t *testing.T) {
	b := newBench(t, 3)
	slow, fast := b.keyOf(0, 1, 2), b.keyOf(0, 2, 1)
	b.coords[0].Caution()
	held := make(chan struct{})
	var looks atomic.Int32
	b.setFault(func(_, to int, kind byte) error {
		if to == 1 { // who is asked about the first key
			<-held
		} else if looks.Add(1) == 1 {
			go func() {
				// The second key's look is over. Whoever hedges asks for the first alone.
				for b.coords[0].Counts().Hedges == 0 {
					b.coords[0].Tick()
				}
				close(held)
			}()
		}
		return nil
	})
	if got := b.run(0, "APPEND "+slow+" x", "APPEND "+fast+" y"); fmt.Sprint(got) != "[:1 :1]" {
		t.Fatal(got)
	}
}
