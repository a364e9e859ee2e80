package coordinator

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynomite-go/dynomite/quorum"
)

// slowly lets every message of a kind take that long, longer than the bench's
// timeout; then to says what becomes of it.
func (b *bench) slowly(kind byte, d time.Duration, to func(to int) error) {
	b.setFault(func(_, node int, k byte) error {
		if k != kind {
			return nil
		}
		time.Sleep(d)
		return to(node)
	})
}

func TestServeExec_AfterItsDeadline_DoesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, 3)
		key := b.keyOf(0, 1, 2)
		msg := appendExecCommand(appendExecHead(nil, 2, quorum.DCQuorum, quorum.DCQuorum), [][]byte{[]byte("INCR"), []byte(key)})
		for _, ago := range []time.Duration{time.Minute, time.Nanosecond, 0} {
			err := b.coords[0].ServeExec(msg, time.Now().Add(-ago), func(reply []byte) { t.Errorf("%v ago: %q", ago, reply) })
			if !errors.Is(err, ErrGivenUp) {
				t.Errorf("%v ago: %v", ago, err)
			}
		}
		synctest.Wait()
		if n := b.stores[0].Len(); n != 0 {
			t.Errorf("%d keys were written", n)
		}
		for i, deadline := range []time.Time{time.Now().Add(time.Second), {}} { // in time, or never
			replies := make(chan string, 1)
			if err := b.coords[0].ServeExec(msg, deadline, func(reply []byte) { replies <- string(reply) }); err != nil {
				t.Fatal(err)
			}
			if got, want := <-replies, fmt.Sprintf(":%d\r\n", i+1); !strings.HasSuffix(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
		}
	})
}

func TestExec_ThatArrivesTooLate_SaysThatNothingWasWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, 3)
		key := b.keyOf(1, 0, 2)
		b.slowly(KindExec, 11*time.Second, func(int) error { return nil })
		got := b.run(0, "INCR "+key)
		if !strings.HasPrefix(got[0], "-NOQUORUM ") || !strings.HasSuffix(got[0], nothingWritten) {
			t.Error(got)
		}
		for i, s := range b.stores {
			if n := s.Len(); n != 0 {
				t.Errorf("node %d has %d keys", i, n)
			}
		}
	})
}

// A write behind one that looked first, and looked in vain until all was late.
func TestLook_ThatTookAllTheTime_NothingIsExecutedAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, 3)
		first, second := b.keyOf(0, 1, 2), b.keyOf(0, 2, 1)
		b.coords[0].Caution()
		b.slowly(KindApply, 11*time.Second, func(int) error { return benchError{sent: true} })
		for _, reply := range b.run(0, "APPEND "+first+" x", "SET "+second+" v") {
			if !strings.HasPrefix(reply, "-NOQUORUM ") || !strings.HasSuffix(reply, nothingWritten) {
				t.Error(reply)
			}
		}
		if n := b.stores[0].Len(); n != 0 {
			t.Errorf("%d keys were written", n)
		}
	})
}

func TestWrite_BeatenAfterItsDeadline_IsNotExecutedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, 3)
		key := b.keyOf(0, 1, 2)
		b.ahead(1, key, "SET "+key+" 7")
		b.slowly(KindApply, 11*time.Second, func(to int) error {
			if to == 2 {
				return benchError{sent: false}
			}
			return nil
		})
		got := b.run(0, "INCR "+key)
		if !strings.HasPrefix(got[0], "-TIMEOUT ") || !strings.HasSuffix(got[0], "; the write may have been applied") {
			t.Error(got)
		}
		if n := b.coords[0].Counts().Reexecutions; n != 0 {
			t.Errorf("executed again %d times", n)
		}
		b.expect(0, "DYN.LOCAL GET "+key, "7")
	})
}
