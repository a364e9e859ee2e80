package coordinator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/quorum"
)

const lastToken = ^uint64(0)

// close has all owners promise and close up to what any of them has stamped.
func (b *bench) close() (v datastore.Version) {
	for _, clock := range b.clocks {
		if high := clock.High(); v.Less(high) {
			v = high
		}
	}
	for _, m := range b.stores {
		m.Promise(v)
	}
	for _, m := range b.stores {
		m.CloseUpTo(0, lastToken, v)
	}
	return v
}

// finish delivers what is sent until the reply is there.
func finish(t *testing.T, sent chan heldMessage, replies <-chan []string) []string {
	t.Helper()
	for {
		select {
		case m := <-sent:
			m.deliver()
		case got := <-replies:
			return got
		case <-time.After(10 * time.Second):
			t.Fatal("no reply in ten seconds")
		}
	}
}

// raise has some owners raise their floors to v, and all begin another round.
func (b *bench) raise(v datastore.Version, nodes ...int) {
	for _, i := range nodes {
		b.stores[i].SetFloor(0, lastToken, v, datastore.Version{})
	}
	b.clocks[0].Stamp()
	b.close()
}

// only has node i alone execute a write.
func (b *bench) only(i int, line string) {
	b.t.Helper()
	before := b.fault
	b.setFault(func(int, int, byte) error { return benchError{sent: false} })
	for j, m := range b.coords[i].Cluster().Members {
		m.SetHealth(i == j, i == j)
	}
	if got := b.runAt(i, quorum.DCOne, line); got[0][0] == '-' {
		b.t.Fatal(got)
	}
	for _, m := range b.coords[i].Cluster().Members {
		m.SetHealth(true, true)
	}
	b.coords[i].cautiousUntil.Store(0)
	b.setFault(before)
}

// without keeps what is sent to a node from it.
func (b *bench) without(node int) {
	b.setFault(func(_, to int, _ byte) error {
		if to == node {
			return benchError{sent: false}
		}
		return nil
	})
}

func (b *bench) holds(i int, key, want string) {
	b.t.Helper()
	if got := b.run(i, "DYN.LOCAL GET "+key)[0]; got != want {
		b.t.Errorf("node %d holds %q, want %q", i, got, want)
	}
}

func (b *bench) equal(key string, nodes ...int) {
	b.t.Helper()
	for _, i := range nodes[1:] {
		if x, y := b.digest(nodes[0], key), b.digest(i, key); x != y {
			b.t.Errorf("nodes %d and %d hold %x and %x", nodes[0], i, x, y)
		}
	}
}

func (b *bench) digest(i int, key string) uint64 {
	b.t.Helper()
	d, err := b.stores[i].Digest([]byte(key))
	if err != nil {
		b.t.Fatal(err)
	}
	return d
}

// While a round is under way, what one owner holds and another lacks is read, and
// held by a majority before the reply, whoever executes.
func TestRound_OneOwnerHoldsWhatIsClosed_ReadsAreAnswered(t *testing.T) {
	for _, holder := range []int{0, 1} {
		b := newBench(t, 3)
		key := b.keyOf(0, 1, 2)
		b.only(holder, "SET "+key+" v")
		b.close()
		b.without(2)
		b.expect(0, "GET "+key, "v")
		b.equal(key, 0, 1)
		b.holds(0, key, "v")
		if n := b.coords[0].Counts().Reexecutions; n != uint64(holder) {
			t.Errorf("executed again %d times", n)
		}
	}
}

// What was answered by an owner to what was asked before our floor rose may be
// dead for all owners: it is not taken, and that owner does not vote.
func TestRound_FloorRisesBeforeTheAnswer_IsTakenAsAnythingElse(t *testing.T) {
	for _, rises := range []bool{false, true} {
		b := newBench(t, 3)
		key := b.keyOf(0, 1, 2)
		b.only(1, "SET "+key+" v")
		v := b.close()
		sent := b.hold(0)
		replies := b.begin(0, "GET "+key)
		m := <-sent
		want := "v"
		if rises {
			b.raise(v, 0)
			want = "$-1"
		}
		m.deliver()
		if got := finish(t, sent, replies)[0]; got != want {
			t.Errorf("rises %v: %q, want %q", rises, got, want)
		}
		b.holds(0, key, want)
	}
}

// A look before a write trusts only an owner all of whose record could be taken.
func TestRound_LookWhoseAnswerIsTooOld_AsksAnotherOwner(t *testing.T) {
	b := newBench(t, 3)
	key := b.keyOf(0, 1, 2)
	b.only(1, "SET "+key+" 5")
	v := b.close()
	b.coords[0].Caution()
	sent := b.hold(0)
	replies := b.begin(0, "INCR "+key)
	look := <-sent
	b.raise(v, 0)
	look.deliver()
	m := <-sent
	if m.to != 2 {
		t.Fatalf("after a look that failed node %d is sent %q", m.to, m.payload)
	}
	m.deliver()
	if got := finish(t, sent, replies)[0]; got != ":1" {
		t.Errorf("%q", got)
	}
}

// A delta that comes when all have closed above it is no ack; the record, which
// then comes as held, is. It is executed once.
func TestRound_DeltaComesTooLate_IsAckedByTheRecord(t *testing.T) {
	b := newBench(t, 3)
	key := b.keyOf(0, 1, 2)
	b.expect(0, "SET "+key+" 4", "+OK")
	b.waitFor(key, "4")
	sent := b.hold(0)
	replies := b.begin(0, "INCR "+key)
	one, two := <-sent, <-sent
	if one.to == 2 {
		one, two = two, one
	}
	b.close()
	one.deliver()
	b.holds(1, key, "4")
	select {
	case got := <-replies:
		t.Fatalf("%q, and nobody else holds it", got)
	case m := <-sent:
		m.deliver()
	}
	if got := soon(t, replies)[0]; got != ":5" {
		t.Fatal(got)
	}
	two.deliver()
	b.holds(1, key, "5")
	b.equal(key, 0, 1)
	if c := b.coords[0].Counts(); c.Reexecutions != 0 || c.WriteRepairs.Out != 1 {
		t.Errorf("%+v", c)
	}
	if n := b.stores[2].Stats().Refused; n == 0 {
		t.Error("node 2 has refused nothing")
	}
}

// A counter goes on above what is closed, where an owner never saw it begin.
func TestRound_CounterBornBelow_GoesOnWhereItIsNotHeld(t *testing.T) {
	b := newBench(t, 3)
	key := b.keyOf(0, 1, 2)
	b.only(0, "INCR "+key)
	b.close()
	b.without(2)
	b.expect(0, "INCR "+key, ":2")
	b.equal(key, 0, 1)
	b.holds(1, key, "2")
	if n := b.coords[0].Counts().Reexecutions; n != 0 {
		t.Errorf("executed again %d times", n)
	}
}

// An owner that refused our record does not hold it, and another one is asked:
// its floor is higher than ours was.
func TestRound_RecordIsRefused_IsNoVote(t *testing.T) {
	for _, line := range []string{"GET", "INCR"} {
		b := newBench(t, 3)
		key := b.keyOf(0, 1, 2)
		b.only(0, "INCR "+key)
		b.raise(b.close(), 1)
		want := "1"
		if line == "INCR" {
			want = ":2"
		}
		b.expect(0, line+" "+key, want)
		b.holds(1, key, "$-1")
		b.equal(key, 0, 2)
		b.without(2)
		if got := b.run(0, line+" "+key)[0]; got[0] != '-' {
			t.Errorf("%s without node 2: %q", line, got)
		}
	}
}

// The owners take from each other what a hint would bring too late.
func TestDelivered_HintIsTooOld_CountsAsDelivered(t *testing.T) {
	b := newBench(t, 3)
	key := b.keyOf(0, 1, 2)
	notes := b.takeNotes(0)
	b.without(2)
	b.expect(0, "SET "+key+" v", "+OK")
	soonTrue(t, "the delta is kept for node 2", func() bool { return notes.of(2, key) != nil })
	b.close()
	var d Deliver
	d.Add([]byte(key), notes.of(2, key))
	reply, err := b.coords[2].ServeApply("n0", d.Message(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if taken, err := b.coords[0].Delivered(&d, reply); err != nil || !slices.Equal(taken, []bool{true}) {
		t.Error(taken, err)
	}
	b.holds(2, key, "$-1")
}

// A range reset that an owner refused is no level ground: it still shows what
// the reset killed here.
func TestRound_ResetIsRefused_NobodyVotesOnWhatItKilled(t *testing.T) {
	b := newBench(t, 3)
	key := b.keyOf(0, 1, 2)
	b.expect(0, "SET "+key+" v", "+OK")
	b.waitFor(key, "v")
	if _, err := b.stores[0].ResetRange(0, lastToken); err != nil {
		t.Fatal(err)
	}
	r := b.stores[0].Resets()[0]
	v := b.close()
	if got := b.run(0, "GET "+key)[0]; !strings.HasPrefix(got, "-NOQUORUM") {
		t.Errorf("%q", got)
	}
	b.holds(1, key, "v")
	// Each takes it from node 0. Where the floor has risen, it is forgotten.
	for _, i := range []int{1, 2} {
		if _, err := b.stores[i].ExchangeReset(r.From, r.To, r.Version); err != nil {
			t.Fatal(err)
		}
	}
	b.raise(v, 1)
	b.without(2)
	if n := len(b.stores[1].Resets()); n != 0 {
		t.Fatalf("%d resets", n)
	}
	b.expect(0, "GET "+key, "$-1")
}

// A flush that comes when all have closed above it is stamped again.
func TestFlush_ComesTooLate_IsStampedAgain(t *testing.T) {
	b := newBench(t, 3)
	key := b.keyOf(0, 1, 2)
	b.expect(0, "SET "+key+" v", "+OK")
	b.waitFor(key, "v")
	sent := b.hold(0)
	replies := b.begin(0, "FLUSHALL")
	late := []heldMessage{<-sent, <-sent}
	v := b.close()
	for _, m := range late {
		m.deliver()
	}
	if got := finish(t, sent, replies)[0]; got != "+OK" {
		t.Fatal(got)
	}
	for i, m := range b.stores {
		if r := m.Resets(); len(r) != 1 || !v.Less(r[0].Version) {
			t.Errorf("node %d: resets %v, closed %v", i, r, v)
		}
	}
}

// What both sides hold is equal after a comparison in the middle of a round,
// range resets of the other side included.
func TestCompare_InARound_TakesAndGivesWhatIsHeld(t *testing.T) {
	for _, long := range []int{1, 3000, 300_000} {
		b := newBench(t, 2)
		value := bytes.Repeat([]byte("v"), long)
		write := func(i int, key string) {
			if _, err := b.stores[i].Update([]byte(key), updateFunc(func(_ *datastore.View, d *datastore.Delta) { d.Overwrite(value) }), nil); err != nil {
				t.Fatal(err)
			}
		}
		b.stores[1].ResetRange(0, 1000)
		write(0, "a")
		write(1, "b")
		b.close()
		if _, err := b.coords[0].Compare(t.Context(), benchCaller(b, 0), 1, whole, true); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"a", "b"} {
			if b.equal(key, 0, 1); b.digest(0, key) == 0 {
				t.Errorf("%d bytes: nobody holds %s", long, key)
			}
		}
		if len(b.stores[0].Resets()) != 1 {
			t.Errorf("the other's reset is not taken")
		}
	}
}

// Where what is sent is refused, sending more of it brings nothing.
func TestCompare_RefusedAtOneToken_Ends(t *testing.T) {
	b := newBenchHashed(t, 2, 2, func([]byte) hashkit.Token { return 7 })
	value := bytes.Repeat([]byte("v"), 1000)
	for i := range 1000 {
		if _, err := b.stores[1].Update(fmt.Append(nil, "k", i), updateFunc(func(_ *datastore.View, d *datastore.Delta) { d.Overwrite(value) }), nil); err != nil {
			t.Fatal(err)
		}
	}
	b.stores[0].SetFloor(0, lastToken, b.close(), datastore.Version{})
	call, calls := benchCaller(b, 0), 0
	got, err := b.coords[0].Compare(t.Context(), func(ctx context.Context, node int, kind byte, payload []byte) ([]byte, error) {
		if calls++; calls > 10 {
			return nil, errors.New("asks again and again")
		}
		return call(ctx, node, kind, payload)
	}, 1, whole, true)
	if err != nil || got.Fetched != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}
