package coordinator

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynomite-go/dynomite/node/datastore"
)

// awake is a bench whose nodes have just noted that they do not stand still.
func awake(t *testing.T) *bench {
	b := newBench(t, 3)
	time.Sleep(time.Millisecond) // a clock of 0 is none
	b.tick()
	return b
}

func (b *bench) tick() {
	for _, c := range b.coords {
		c.Tick()
	}
}

// away has the other nodes go around node 0 while do runs.
func (b *bench) away(do func()) {
	for _, c := range b.coords[1:] {
		c.Cluster().Members[0].SetHealth(false, false)
	}
	do()
	for _, c := range b.coords[1:] {
		c.Cluster().Members[0].SetHealth(true, true)
	}
}

// A primary on whose copy a key lives that expired while others went around it.
func TestStoodStill_ACommandThatLooks_AsksAMajorityFirst(t *testing.T) {
	for _, stood := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			b := awake(t)
			key := b.keyOf(0, 1, 2)
			b.expect(0, "SET "+key+" first", "+OK")
			synctest.Wait()
			b.away(func() { b.expect(1, "SET "+key+" short-lived PX 200", "+OK") })
			for range 10 {
				time.Sleep(stillTime / 6)
				if !stood {
					b.tick()
				}
			}
			// The one that ran all the time would have learnt that it was cut off.
			want := map[bool]string{true: ":0", false: ":1"}[stood]
			b.expect(0, "EXPIRE "+key+" 1000", want)
			if n := b.coords[0].Counts().Stops; (n == 1) != stood {
				t.Errorf("stood still %d times, %v", n, stood)
			}
			if stood {
				b.tick() // timers run again, and what was missed is still missed
				b.expect(0, "PERSIST "+key, ":0")
				b.waitFor(key, "$-1")
			}
			if c := b.coords[0].Cautious(); c != stood {
				t.Errorf("cautious %v", c)
			}
			for range 60 {
				time.Sleep(cautionTime / 50)
				b.tick()
			}
			if b.coords[0].Cautious() || b.coords[0].Counts().Stops > 1 {
				t.Error("still cautious")
			}
		})
	}
}

func TestStoodStill_DuringTheLook_LooksAgain(t *testing.T) {
	for _, stood := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			b := awake(t)
			first, second := b.keyOf(0, 1, 2), b.keyOf(0, 2, 1)
			b.coords[0].Caution()
			var looks atomic.Int32
			b.setFault(func(int, int, byte) error {
				if b.stores[0].Len() == 0 && looks.Add(1) <= 2 && stood {
					time.Sleep(stillTime)
				}
				return nil
			})
			got := b.run(0, "APPEND "+first+" x", "INCR "+second, "APPEND "+first+" y")
			if strings.Join(got, " ") != ":1 :1 :2" {
				t.Error(got)
			}
			synctest.Wait()
			if want := map[bool]int32{true: 4, false: 2}[stood]; looks.Load() != want {
				t.Errorf("%d looks, want %d", looks.Load(), want)
			}
		})
	}
}

func TestStoodStill_BeatenAfterIt_IsNotExecutedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := awake(t)
		key := b.keyOf(0, 1, 2)
		b.ahead(1, key, "SET "+key+" 7")
		b.slowly(KindApply, stillTime, func(to int) error {
			if to == 2 {
				return benchError{sent: false}
			}
			return nil
		})
		got := b.run(0, "INCR "+key)
		if !strings.HasPrefix(got[0], "-TIMEOUT ") || !strings.Contains(got[0], string(errStill)) {
			t.Error(got)
		}
		if n := b.coords[0].Counts().Reexecutions; n != 0 {
			t.Errorf("executed again %d times", n)
		}
	})
}

// pausing is a store after whose first update something happens.
type pausing struct {
	*datastore.Memory
	once sync.Once
	then func()
}

func (s *pausing) Update(key []byte, u datastore.Updater, dst []byte) (datastore.Update, error) {
	up, err := s.Memory.Update(key, u, dst)
	s.once.Do(s.then)
	return up, err
}

func TestStoodStill_WithinAPipeline_TheRestLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := awake(t)
		first, second := b.keyOf(0, 2, 1), b.keyOf(0, 1, 2)
		b.expect(0, "SET "+first+" x", "+OK")
		b.expect(0, "SET "+second+" first", "+OK")
		synctest.Wait()
		b.coords[0].store = &pausing{Memory: b.stores[0], then: func() {
			b.away(func() { b.expect(1, "SET "+second+" short-lived PX 200", "+OK") })
			time.Sleep(2 * time.Second)
		}}
		got := b.run(0, "EXPIRE "+first+" 1000", "EXPIRE "+second+" 1000", "SET "+first+" y", "GET "+first)
		if strings.Join(got, " ") != ":1 :0 +OK y" {
			t.Error(got)
		}
		b.waitFor(second, "$-1")
	})
}

// A node that hardly runs does not look for ever.
func TestStoodStill_AgainAndAgain_NothingIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := awake(t)
		b.coords[0].Caution()
		b.slowly(KindApply, stillTime, func(int) error { return nil })
		began := time.Now()
		got := b.run(0, "INCR "+b.keyOf(0, 1, 2))
		if !strings.HasPrefix(got[0], "-NOQUORUM ") || !strings.Contains(got[0], string(errStill)) || !strings.HasSuffix(got[0], nothingWritten) {
			t.Error(got)
		}
		if took := time.Since(began); took != mostLooks*stillTime {
			t.Errorf("after %v", took)
		}
		if n := b.stores[0].Len(); n != 0 {
			t.Errorf("%d keys were written", n)
		}
	})
}

// Whoever asks after a stop is told of it, also while another finds it.
func TestStoodStill_FoundByTwoAtOnce(t *testing.T) {
	c := New(Config{Peers: benchPeers{}})
	c.born = time.Now().Add(-time.Hour)
	for range 20_000 {
		b := batch{c: c, stops: c.Stops()}
		c.pulse.last.Store(c.clock() - int64(time.Second))
		var both sync.WaitGroup
		var told atomic.Int32
		for range 2 {
			both.Go(func() {
				if b.stood() {
					told.Add(1)
				}
			})
		}
		both.Wait()
		if told.Load() != 2 || c.pulse.stops.Load() != b.stops+1 {
			t.Fatalf("%d of 2 were told of %d stops", told.Load(), c.pulse.stops.Load()-b.stops)
		}
	}
}

func TestCaution_OfBeforeAStop_DoesNotShortenIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := awake(t).coords[0]
		until := c.clock() + 2*int64(cautionTime)
		c.cautiousUntil.Store(until)
		c.Caution()
		if got := c.cautiousUntil.Load(); got != until {
			t.Errorf("until %v, not %v", time.Duration(got), time.Duration(until))
		}
	})
}

// A batch can be busy with the disk for long; the node does not stand still.
func TestTick_DoesNotWaitForABatch(t *testing.T) {
	b := newBench(t, 3)
	c := b.coords[0]
	c.hurry()
	held := b.hold(0)
	got := b.begin(0, "GET "+b.keyOf(0, 1, 2))
	m := <-held
	c.mu.Lock()
	busy := c.oldest
	c.mu.Unlock()
	busy.mu.Lock()
	ticked := make(chan bool)
	go func() {
		time.Sleep(time.Millisecond) // until it is due
		c.Tick()
		ticked <- true
	}()
	select {
	case <-ticked:
	case <-time.After(10 * time.Second):
		t.Error("Tick waits for a batch")
	}
	busy.mu.Unlock()
	m.deliver()
	<-got
}

// An owner that is asked to execute, and takes another for the primary, may lack
// what that one wrote a moment ago.
func TestExec_AtWhoIsNotPrimary_LooksFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := awake(t)
		key := b.keyOf(0, 1, 2)
		b.expect(0, "SET "+key+" 5", "+OK")
		synctest.Wait()
		b.setFault(func(from, to int, kind byte) error {
			switch {
			case from == 0 && to == 1 && kind == KindApply:
				time.Sleep(100 * time.Millisecond) // acknowledged by 0 and 2 meanwhile
			case from == 2 && to == 0 && kind == KindExec:
				return benchError{sent: false} // refused: so it goes to 1
			}
			return nil
		})
		b.expect(0, "SET "+key+" 10", "+OK")
		b.expect(2, "APPEND "+key+" x", ":3")
		time.Sleep(time.Second)
		b.waitFor(key, "10x")
	})
}
