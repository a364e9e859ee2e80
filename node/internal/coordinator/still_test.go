package coordinator

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
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
