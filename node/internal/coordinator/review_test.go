package coordinator

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/node/internal/command"
	"github.com/dynomite-go/dynomite/node/internal/frontend"
	"github.com/dynomite-go/dynomite/quorum"
)

// heldMessage is a message that a test delivers, or fails, when it likes.
type heldMessage struct {
	b        *bench
	from, to int
	kind     byte
	payload  []byte
	done     func([]byte, error)
}

// deliver has the receiver serve the message and hands the answer back.
func (m heldMessage) deliver() {
	answered := make(chan struct{})
	benchPeers{m.b, m.from}.Send(m.to, m.kind, m.payload, time.Time{}, func(reply []byte, err error) {
		m.done(reply, err)
		close(answered)
	})
	<-answered
}

func (m heldMessage) fail(sent bool) { m.done(nil, benchError{sent: sent}) }

// heldPeers keeps what its coordinator sends.
type heldPeers struct {
	benchPeers
	sent chan heldMessage
}

func (p heldPeers) Send(to int, kind byte, payload []byte, _ time.Time, done func([]byte, error)) {
	p.sent <- heldMessage{p.b, p.from, to, kind, append([]byte(nil), payload...), done}
}

// hold keeps everything that node i sends from now on.
func (b *bench) hold(i int) chan heldMessage {
	p := heldPeers{benchPeers{b, i}, make(chan heldMessage, 64)}
	b.coords[i].peers = p
	return p.sent
}

// begin starts a pipeline on node i.
func (b *bench) begin(i int, lines ...string) <-chan []string {
	replies := make(chan []string, 1)
	go func() { replies <- b.run(i, lines...) }()
	return replies
}

// soon waits for the reply to what cannot take long.
func soon(t *testing.T, replies <-chan []string) []string {
	t.Helper()
	select {
	case got := <-replies:
		return got
	case <-time.After(10 * time.Second):
		t.Fatal("no reply in ten seconds")
		return nil
	}
}

func TestLook_LateAnswer_CountsNeitherAsAnAckNorAsALoss(t *testing.T) {
	b := newBench(t, 3)
	key := b.keyOf(0, 1, 2)
	c := b.coords[0]
	c.hurry()
	c.Caution()
	sent := b.hold(0)
	replies := b.begin(0, "INCR "+key)
	first := <-sent // the look at node 1, which is slow
	c.Tick()
	(<-sent).deliver() // the look at node 2: the command executes
	deltas := []heldMessage{<-sent, <-sent}
	first.deliver()
	for _, m := range deltas {
		m.fail(true)
	}
	if got := soon(t, replies); !strings.HasPrefix(got[0], "-TIMEOUT") {
		t.Fatalf("nobody else has the increment, the reply is %q", got[0])
	}
}

func TestLook_WithoutAMajorityOfVoters_WritesNothing(t *testing.T) {
	b := newBench(t, 3)
	key := b.keyOf(0, 1, 2)
	for _, i := range []int{1, 2} {
		b.coords[0].Cluster().Members[i].SetHealth(true, false)
	}
	b.coords[0].Caution()
	for i, got := range b.run(0, "INCR "+key, "INCR "+key, "INCR "+key) {
		if !strings.HasPrefix(got, "-NOQUORUM") {
			t.Errorf("command %d: %q", i, got)
		}
	}
	if got := b.run(0, "DYN.LOCAL GET "+key); got[0] != "$-1" {
		t.Fatalf("it was written all the same: %q", got[0])
	}
}

func TestLook_OfOneOperation_DoesNotExecuteAnotherTwice(t *testing.T) {
	b := newBench(t, 3)
	slow, moved := b.keyOf(0, 1, 2), b.keyOf(1, 0, 2)
	b.coords[0].Caution()
	sent := b.hold(0)
	replies := b.begin(0, "INCR "+slow, "INCR "+moved)
	var look heldMessage
	for range 2 {
		if m := <-sent; m.kind == KindExec {
			m.fail(false) // its primary is gone: it executes here
		} else {
			look = m
		}
	}
	look.deliver()
	for {
		select {
		case m := <-sent:
			m.deliver()
			continue
		case got := <-replies:
			if fmt.Sprint(got) != "[:1 :1]" {
				t.Fatalf("two first increments: %q", got)
			}
		}
		break
	}
	if got := b.run(0, "DYN.LOCAL GET "+moved); got[0] != "1" {
		t.Fatalf("one increment made %q", got[0])
	}
}

// faultyStore cannot give whole records, once it is broken.
type faultyStore struct {
	datastore.Store
	broken *atomic.Bool
}

func (s faultyStore) Record(key, dst []byte) ([]byte, error) {
	if s.broken.Load() {
		return dst, errors.New("disk gone")
	}
	return s.Store.Record(key, dst)
}

func TestRead_WhenTheRecordCannotBePushed_StillReplies(t *testing.T) {
	b := newBench(t, 3)
	var broken atomic.Bool
	b.coords[0].store = faultyStore{b.coords[0].store, &broken}
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
	broken.Store(true)
	if got := soon(t, b.begin(0, "GET "+key)); !strings.HasPrefix(got[0], "-NOQUORUM") {
		t.Fatalf("nobody else holds it, the reply is %q", got[0])
	}
}

func TestRead_OfARecordOfTwoKinds_IsPushedOnce(t *testing.T) {
	b := newBench(t, 3)
	key := b.keyOf(0, 1, 2)
	b.setFault(func(_, to int, kind byte) error { return benchError{sent: false} })
	b.coords[1].Cluster().Members[0].SetHealth(false, false)
	if got := b.runAt(1, quorum.DCOne, "SET "+key+" text"); got[0] != "+OK" {
		t.Fatal(got)
	}
	b.clocks[0].Observe(b.clocks[1].High())
	if got := b.runAt(0, quorum.DCOne, "HSET "+key+" f v"); got[0] != ":1" {
		t.Fatal(got)
	}
	rec, err := b.stores[1].Record([]byte(key), nil)
	if err == nil {
		_, err = b.stores[0].Merge([]byte(key), rec, datastore.MergeOptions{}, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	b.setFault(nil)
	if got := soon(t, b.begin(0, "HGET "+key+" f")); got[0] != "v" {
		t.Fatal(got)
	}
	if n := b.coords[0].Counts().ReadRepairs.Out; n != 1 {
		t.Fatalf("%d records were written back", n)
	}
}

func TestServeExec_TooFewWords_AreAnError(t *testing.T) {
	b := newBench(t, 3)
	c := b.coords[0]
	c.Caution()
	for _, line := range []string{"SET k", "GET", "MSET k", "HSET k f", "INCRBY k", "EXPIRE k"} {
		var args [][]byte
		for _, w := range strings.Fields(line) {
			args = append(args, []byte(w))
		}
		msg := appendExecCommand(appendExecHead(nil, 2, quorum.DCQuorum, quorum.DCQuorum), args)
		reply := make(chan string, 1)
		if err := c.ServeExec(msg, time.Time{}, func(b []byte) { reply <- string(b) }); err != nil {
			continue
		}
		if got := <-reply; !strings.Contains(got, "-ERR") {
			t.Errorf("%s: %q", line, got)
		}
	}
}

func TestRead_OfAKeyThatIsWrittenAllTheTime_Succeeds(t *testing.T) {
	b := newBench(t, 3)
	key := b.keyOf(0, 1, 2)
	b.expect(0, "SET "+key+" 0", "+OK")
	s := b.session()
	s.ReadLevel, s.WriteLevel = quorum.DCOne, quorum.DCOne
	incr := []frontend.Request{{Spec: command.Lookup([]byte("INCR")), Args: [][]byte{[]byte("INCR"), []byte(key)}}}
	b.setFault(func(from, to int, kind byte) error {
		if from == 1 && to == 0 {
			b.coords[0].Run(s, incr, nil) // whenever node 1 asks, the record has just changed
		}
		if from == 0 {
			return benchError{sent: false}
		}
		return nil
	})
	if got := b.run(1, "GET "+key)[0]; strings.HasPrefix(got, "-") {
		t.Fatalf("%q (%d executed again)", got, b.coords[1].Counts().Reexecutions)
	}
}

func TestTick_LeavesTheNextUseOfABatchAlone(t *testing.T) {
	b := newBench(t, 3)
	c := b.coords[0]
	c.hurry()
	for range 100 { // a pool need not hand out what was put in last
		old := newBatch(c, c.Cluster(), time.Now())
		c.enlist(old)
		old.dueBy(0)
		slow, _ := c.slow(c.clock())
		c.delist(old)
		old.mu.Lock()
		old.finished = true
		old.release()
		next := newBatch(c, c.Cluster(), time.Now())
		for _, s := range slow {
			s.look(c.clock())
		}
		if next.finished {
			t.Fatal("a batch that was not begun yet is finished: its client waits for ever")
		}
		next.mu.Lock()
		next.release()
		if next == old {
			return
		}
	}
	t.Fatal("no batch was used again")
}

func TestRead_AfterAFlushThatOneNodeHas_IsWhatAMajorityHolds(t *testing.T) {
	for _, lostReset := range []bool{false, true} {
		b := newBench(t, 3)
		key := b.keyOf(1, 2, 0)
		b.expect(0, "SET "+key+" v", "+OK")
		b.setFault(func(int, int, byte) error { return benchError{sent: false} })
		b.run(0, "FLUSHALL") // nobody else hears of it
		if !lostReset {
			b.setFault(nil)
		} else {
			b.setFault(func(_, _ int, kind byte) error {
				if kind == KindReset {
					return benchError{sent: false}
				}
				return nil
			})
		}
		first := b.run(0, "GET "+key)[0]
		second := b.run(1, "GET "+key)[0]
		if first == "$-1" && second != "$-1" || lostReset && first != "v" && !strings.HasPrefix(first, "-NOQUORUM") {
			t.Errorf("reset lost %v: %q, and later %q", lostReset, first, second)
		}
	}
}
