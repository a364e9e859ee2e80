package node

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynomite-go/dynomite/hints"
	"github.com/dynomite-go/dynomite/node/internal/coordinator"
	"github.com/dynomite-go/dynomite/peerwire"
)

// handOver plays a peer that takes work for each byte and is rtt away, and
// returns how long bytes took, of which busy was spent on them.
func handOver(t *testing.T, bytes int, clients bool, rtt time.Duration, work func() time.Duration) (took, busy time.Duration) {
	t.Helper()
	p := newPace()
	commands := uint64(0)
	p.owes(int64(bytes))
	began := time.Now()
	for left := bytes; left > 0; {
		n := min(left, p.budget.Batch())
		if err := p.budget.Take(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		d := work() * time.Duration(n) / 1024
		time.Sleep(rtt + d)
		p.clients(time.Now(), commands)
		p.took(time.Now(), n, rtt+d, rtt)
		if clients {
			commands += 100
		}
		left -= n
		busy += d
	}
	return time.Since(began), busy
}

func TestPace_APeerIsBusyWithHintsForItsShareOfTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		took, busy := handOver(t, 4<<20, true, 100*time.Microsecond, func() time.Duration { return 10 * time.Microsecond })
		if share := float64(busy) / float64(took); share > busyShare*1.1 || share < busyShare/2 {
			t.Errorf("%v of %v, a share of %.3f", busy, took, share)
		}
	})
}

// Nobody is disturbed where there are no clients.
func TestPace_WithoutClientsItIsALargeShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		took, busy := handOver(t, 64<<20, false, 0, func() time.Duration { return 20 * time.Microsecond })
		if share := float64(busy) / float64(took); share > idleShare*1.1 || share < idleShare/2 {
			t.Errorf("%v of %v, a share of %.3f", busy, took, share)
		}
	})
}

// A peer that slows down gets fewer, but gets all in the end: the floor.
func TestPace_ASlowPeerGetsFewer_ButAllInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fast, _ := handOver(t, 32<<20, true, 0, func() time.Duration { return 2 * time.Microsecond })
		slow, _ := handOver(t, 32<<20, true, 0, func() time.Duration { return 10 * time.Microsecond })
		if slow < 4*fast {
			t.Errorf("five times as slow, %v became %v", fast, slow)
		}
		crawling, _ := handOver(t, 100<<20, true, 0, func() time.Duration { return time.Millisecond })
		if crawling < handoffTime*9/10 || crawling > handoffTime*12/10 {
			t.Errorf("%v, want about %v", crawling, handoffTime)
		}
	})
}

// How far a peer is away says nothing about how busy it is.
func TestPace_ADistantPeerIsNotABusyOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		work := func() time.Duration { return 5 * time.Microsecond }
		took, _ := handOver(t, 4<<20, true, 80*time.Millisecond, work)
		if most := 4 << 20 / distantBatch * 150 * time.Millisecond; took > most {
			t.Errorf("%v over a distance, want at most %v", took, most)
		}
	})
}

// settledPace has got its first message a while ago.
func settledPace() *pace {
	p := newPace()
	p.took(time.Now(), nearBatch, time.Millisecond, 50*time.Microsecond)
	time.Sleep(settleTime)
	return p
}

// pauseAfter is how long a message of hints waits for a whole one before it.
func pauseAfter(t *testing.T, p *pace) time.Duration {
	t.Helper()
	var began time.Time
	for range 2 {
		began = time.Now()
		if err := p.budget.Take(t.Context(), 64<<10); err != nil {
			t.Fatal(err)
		}
	}
	return time.Since(began)
}

// What a hundred bytes take is the way there and back; taken for a rate, it would
// have a large record wait for minutes.
func TestPace_ASmallMessageSaysNothingOfALargeOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := settledPace()
		p.took(time.Now(), 100, time.Millisecond, 50*time.Microsecond)
		small := p.perByte
		p = settledPace()
		p.took(time.Now(), nearBatch, time.Millisecond, 50*time.Microsecond)
		if small != p.perByte {
			t.Errorf("%v seconds a byte from a small message, %v from a whole one that took as long", small, p.perByte)
		}
	})
}

// A peer that stood still answers late. That says nothing of the time after.
func TestPace_AMessageThatTookSeconds_DelaysNothingForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := settledPace()
		p.took(time.Now(), 64<<10, time.Millisecond, 50*time.Microsecond)
		for range 10 {
			p.took(time.Now(), 64<<10, 4*time.Second, 500*time.Millisecond)
		}
		if got := pauseAfter(t, p); got > time.Second {
			t.Errorf("the next message waits for %v", got)
		}
		p.forget()
		if got := pauseAfter(t, p); got > 0 {
			t.Errorf("a peer that was away and is back waits for %v", got)
		}
	})
}

func TestPace_ALargeRecord_DelaysNothingForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const large = 16 << 20
		p := settledPace()
		p.took(time.Now(), nearBatch, time.Millisecond, 50*time.Microsecond)
		small := p.budget.Rate()
		if err := p.budget.Take(t.Context(), large); err != nil {
			t.Fatal(err)
		}
		p.took(time.Now(), large, 4*time.Second, 50*time.Microsecond)
		began := time.Now()
		if err := p.budget.Take(t.Context(), nearBatch); err != nil {
			t.Fatal(err)
		}
		if rest := time.Since(began); rest > longestRest+time.Millisecond || rest < longestRest/2 {
			t.Errorf("a rest of %v after a large record", rest)
		}
		p.took(time.Now(), nearBatch, time.Millisecond, 50*time.Microsecond)
		if got := p.budget.Rate(); got > small {
			t.Errorf("%.0f bytes a second after it, %.0f before", got, small)
		}
	})
}

// Pings that are slow while a connection is new must not hide what messages take.
func TestPace_SlowPingsAtFirst_DoNotMakeItQuick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace()
		const work = 3 * time.Millisecond
		way, began := 3*time.Millisecond, time.Now()
		for time.Since(began) < 10*time.Second {
			if err := p.budget.Take(t.Context(), nearBatch); err != nil {
				t.Fatal(err)
			}
			time.Sleep(work)
			if time.Since(began) > 500*time.Millisecond {
				way = 10 * time.Microsecond
			}
			p.took(time.Now(), nearBatch, work, way)
			if got := p.budget.Rate(); got > 1.1*busyShare*nearBatch/work.Seconds() && got > leastRate {
				t.Fatalf("%.0f bytes a second after %v", got, time.Since(began))
			}
		}
	})
}

// idleLooks is how often hints go as fast as if nobody used the cluster, of all looks.
func idleLooks(commands func(at time.Duration) uint64) float64 {
	p, began := settledPace(), time.Now()
	idle, looks := 0.0, 0.0
	for looks = 0; looks < 2000; looks++ {
		time.Sleep(10 * time.Millisecond)
		p.clients(time.Now(), commands(time.Since(began)))
		if p.share == idleShare {
			idle++
		}
	}
	return idle / looks
}

// Clients that all wait for an answer, or until they give up, are still there.
func TestPace_ClientsThatWait_AreClients(t *testing.T) {
	for pause, want := range map[time.Duration]bool{2200 * time.Millisecond: false, 5 * time.Second: true} {
		synctest.Test(t, func(t *testing.T) {
			sum, last := uint64(0), time.Duration(0)
			got := idleLooks(func(at time.Duration) uint64 {
				if at%(pause+time.Second) < time.Second {
					sum += uint64((at - last) / time.Millisecond)
				}
				last = at
				return sum
			})
			if got > 0 != want {
				t.Errorf("pauses of %v: idle for %.3f of the time", pause, got)
			}
		})
	}
}

// What looks after a node sends a few commands now and then, all at once.
func TestPace_AMonitorIsNoClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if got := idleLooks(func(at time.Duration) uint64 { return 10 * uint64(at/time.Second) }); got < 0.8 {
			t.Errorf("idle for %.3f of the time", got)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		if got := idleLooks(func(at time.Duration) uint64 { return 40 * uint64(at/time.Second) }); got > 0.1 {
			t.Errorf("idle for %.3f of the time, with 40 commands a second", got)
		}
	})
}

// The floor is for what was owed when it was most, until all is there.
func TestPace_WhatIsOwedCountsUntilAllIsThere(t *testing.T) {
	p := newPace()
	p.owes(1 << 30)
	p.owes(1 << 20)
	if want := 1 << 30 / handoffTime.Seconds(); p.floor != want {
		t.Errorf("a floor of %.0f, want %.0f", p.floor, want)
	}
	if p.owes(0); p.floor != leastRate {
		t.Errorf("a floor of %.0f, and nothing is owed", p.floor)
	}
}

// A peer that was away is met as if for the first time, one that was not is not.
func TestPace_MeetsAPeerAnew_WhenItWasAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := settledPace()
		quick := func() bool {
			p.took(time.Now(), nearBatch, 60*time.Microsecond, 50*time.Microsecond)
			return p.budget.Rate() > p.floor
		}
		p.owes(100 << 20)
		if !quick() {
			t.Fatal("slow after a second")
		}
		if p.meets(p.times); !quick() {
			t.Error("one that is still there is new")
		}
		p.took(time.Now(), nearBatch, 60*time.Millisecond, 50*time.Millisecond)
		if got := p.budget.Batch(); got != distantBatch {
			t.Errorf("batches of %d to a distant peer", got)
		}
		if p.meets(p.times + 1); quick() || p.floor == leastRate {
			t.Error("what is known of one that was away still holds, or what it is owed does not")
		}
		if got := p.budget.Batch(); got != nearBatch {
			t.Errorf("batches of %d to a peer of unknown distance", got)
		}
		time.Sleep(settleTime)
		for way, want := range map[time.Duration]int{50 * time.Millisecond: distantBatch, 50 * time.Microsecond: nearBatch} {
			p.took(time.Now(), nearBatch, 60*time.Millisecond, way)
			if got := p.budget.Batch(); got != want {
				t.Errorf("batches of %d to a peer %v away", got, way)
			}
		}
	})
}

// unreachable is n1, which no message reaches.
func unreachable(t *testing.T) *peer {
	t.Helper()
	wire, err := peerwire.NewPeer(peerwire.PeerConfig{
		Remote: "n1",
		Dial:   func(context.Context) (net.Conn, error) { return nil, errors.New("nobody") },
	})
	if err != nil {
		t.Fatal(err)
	}
	return &peer{member: &coordinator.Member{ID: "n1"}, wire: wire}
}

// A record that was not delivered holds up those behind it as others do, and longer
// only while it fails again.
func TestHandoff_ALargeRecordThatFails_IsSentAgainAfterARest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, _, err := hints.Open(hints.Config{Self: "n0", MaxBytes: 1 << 30})
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		if err := log.Add("n1", 1, []byte("k"), make([]byte, 12<<20)); err != nil {
			t.Fatal(err)
		}
		h := handoff{n: &Node{}}
		h.log.Store(log)
		p, q := settledPace(), unreachable(t)
		const s = time.Second
		for i, want := range []time.Duration{0, 3 * s / 2, 3 * s, 6 * s, 12 * s, 24 * s, 24 * s} {
			began := time.Now()
			if err := h.drain(t.Context(), q, p); err == nil {
				t.Fatal("delivered")
			}
			if took := time.Since(began); took < want-time.Millisecond || took > want+time.Millisecond {
				t.Errorf("sent for the %d. time after %v, want %v", i+1, took, want)
			}
		}
		p.took(time.Now(), nearBatch, time.Millisecond, 50*time.Microsecond)
		if p.fails(12 << 20); pauseAfter(t, p) > longestRest+time.Millisecond {
			t.Error("it counts that messages failed before others were answered")
		}
	})
}

// What is owed when a peer returns decides the floor, see TestPace_ASlowPeer...
func TestHandoff_TellsThePaceWhatIsOwed(t *testing.T) {
	log, _, err := hints.Open(hints.Config{Self: "n0", MaxBytes: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	delta := make([]byte, 8<<20)
	for i := range 12 {
		if err := log.Add("n1", uint64(i), []byte{byte(i)}, delta); err != nil {
			t.Fatal(err)
		}
	}
	var h handoff
	h.log.Store(log)
	p := newPace()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.drain(ctx, unreachable(t), p); err == nil {
		t.Error("delivered")
	}
	if want := 12 * 8 << 20 / handoffTime.Seconds(); p.floor < want {
		t.Errorf("a floor of %.0f bytes a second, want %.0f", p.floor, want)
	}
}
