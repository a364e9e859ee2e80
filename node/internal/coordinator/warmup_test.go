package coordinator

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestWarmup_CommandsWaitForPeersToSayHowTheyAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, 3)
		c := b.coords[0]
		for _, m := range c.Cluster().Members[1:] {
			m.SetHealth(false, false)
		}
		c.Install(c.Cluster(), c.store, c.onNewest)
		began := time.Now()
		go func() {
			time.Sleep(300 * time.Millisecond)
			c.Cluster().Members[1].SetHealth(true, true)
			c.HealthChanged()
		}()
		b.expect(0, "SET k v", "+OK")
		if took := time.Since(began); took != 300*time.Millisecond {
			t.Errorf("served after %v", took)
		}
	})
}

func TestWarmup_NobodyComes_RefusesAfterASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, 3)
		c := b.coords[0]
		for _, m := range c.Cluster().Members[1:] {
			m.SetHealth(false, false)
		}
		c.Install(c.Cluster(), c.store, c.onNewest)
		began := time.Now()
		for range 2 { // the second is not kept waiting again
			if got := b.run(0, "SET k v")[0]; got[:9] != "-NOQUORUM" {
				t.Error(got)
			}
		}
		if took := time.Since(began); took != warmTime {
			t.Errorf("refused after %v", took)
		}
	})
}
