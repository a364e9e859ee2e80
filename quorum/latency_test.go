package quorum

import (
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// feed adds n answers, and gives how many came after the delay of their time.
func feed(l *Latency, n int, answer func() time.Duration) (above int) {
	for range n {
		took := answer()
		if took > l.Delay() {
			above++
		}
		l.Add(took)
	}
	return above
}

// near says whether two delays are equal but for the rounding of a float32.
func near(a, b time.Duration) bool { return math.Abs(float64(a-b)) <= 1e-6*float64(b) }

func constant(d time.Duration) func() time.Duration { return func() time.Duration { return d } }

// spreads are ways for answers to be spread, each with a 95th percentile of 20 ms.
func spreads(rng *rand.Rand) map[string]func() time.Duration {
	const target = float64(20 * time.Millisecond)
	return map[string]func() time.Duration{
		"exponential": func() time.Duration { return time.Duration(rng.ExpFloat64() * target / -math.Log(0.05)) },
		"uniform":     func() time.Duration { return time.Duration(rng.Float64() * target / 0.95) },
		"lognormal":   func() time.Duration { return time.Duration(target * math.Exp(0.5*(rng.NormFloat64()-1.6449))) },
	}
}

func TestLatency_Delay_IsThe95thPercentile(t *testing.T) {
	for name, answer := range spreads(rand.New(rand.NewPCG(1, 2))) {
		var l Latency
		feed(&l, 500, answer)
		const n = 20_000
		above, sum := 0, 0.0
		for range n {
			above += feed(&l, 1, answer)
			sum += float64(l.Delay())
		}
		if part := float64(above) / n; part < 0.04 || part > 0.06 {
			t.Errorf("%s: %.1f %% of the answers come after the delay, want 5 %%", name, part*100)
		}
		if mean := time.Duration(sum / n); mean < 18*time.Millisecond || mean > 22*time.Millisecond {
			t.Errorf("%s: delay %v on average, want some 20ms", name, mean)
		}
	}
}

func TestLatency_FirstAnswers_TeachAtOnce(t *testing.T) {
	var l Latency
	if d := l.Delay(); d != Unlearnt {
		t.Errorf("before any answer %v, want %v", d, Unlearnt)
	}
	l.Add(5 * time.Millisecond)
	if d := l.Delay(); !near(d, 5*time.Millisecond) {
		t.Errorf("after one answer of 5ms: %v", d)
	}
	// The first happened to be fast: ten more, ten times slower, are enough.
	if feed(&l, 10, constant(50*time.Millisecond)); l.Delay() < 25*time.Millisecond {
		t.Errorf("after ten answers of 50ms: %v", l.Delay())
	}
}

func TestLatency_Change_IsFollowedAsDocumented(t *testing.T) {
	var l Latency
	feed(&l, 1000, constant(5*time.Millisecond))
	if feed(&l, 40, constant(60*time.Millisecond)); l.Delay() < 50*time.Millisecond {
		t.Errorf("40 answers after it became ten times slower: %v", l.Delay())
	}
	slow := l.Delay()
	if feed(&l, 740, constant(time.Millisecond)); l.Delay() > slow/10 {
		t.Errorf("740 answers after it became faster: %v, before %v", l.Delay(), slow)
	}
}

func TestLatency_OneOutlier_ChangesLittle(t *testing.T) {
	var l Latency
	feed(&l, 1000, constant(5*time.Millisecond))
	before := l.Delay()
	l.Add(time.Hour)
	if after := l.Delay(); after > before*107/100 {
		t.Errorf("one answer of an hour moves the delay from %v to %v", before, after)
	}
}

func TestLatency_StaysWithinItsBounds(t *testing.T) {
	for _, c := range []struct{ least, most, wantLeast, wantMost time.Duration }{
		{0, 0, DefaultLeast, DefaultMost},
		{5 * time.Millisecond, 50 * time.Millisecond, 5 * time.Millisecond, 50 * time.Millisecond},
		{0, 500 * time.Microsecond, 500 * time.Microsecond, 500 * time.Microsecond},
		{time.Second, time.Minute, time.Second, time.Minute},
		{-1, -1, DefaultLeast, DefaultMost},
	} {
		l := Latency{Least: c.least, Most: c.most}
		if d := l.Delay(); d < c.wantLeast || d > c.wantMost {
			t.Errorf("bounds %v and %v: %v before any answer", c.least, c.most, d)
		}
		for _, answer := range []time.Duration{0, -time.Second, 1, math.MinInt64} {
			if feed(&l, 10_000, constant(answer)); !near(l.Delay(), c.wantLeast) {
				t.Errorf("bounds %v and %v: %v after answers of %v", c.least, c.most, l.Delay(), answer)
			}
			// What was below the bound does not count against the way up.
			if feed(&l, 2000, constant(math.MaxInt64)); !near(l.Delay(), c.wantMost) {
				t.Errorf("bounds %v and %v: %v after endless answers", c.least, c.most, l.Delay())
			}
		}
	}
}

func TestLatency_QuietPeer_IsNotWaitedForUntilItAnswers(t *testing.T) {
	var l Latency
	feed(&l, 100, constant(5*time.Millisecond))
	learnt := l.Delay()
	for miss := 1; miss <= 5; miss++ {
		l.Miss()
		if want := map[bool]time.Duration{true: 0, false: learnt}[miss >= 3]; l.Delay() != want {
			t.Errorf("after %d misses %v, want %v", miss, l.Delay(), want)
		}
	}
	l.Add(5 * time.Millisecond)
	if d := l.Delay(); d > learnt || d < learnt*9/10 {
		t.Errorf("it answers again: %v, want some %v", d, learnt)
	}
	for range 100 { // one in two overdue is slow, not quiet
		l.Miss()
		l.Miss()
		l.Add(50 * time.Millisecond)
		if l.Delay() == 0 {
			t.Fatal("a slow peer counts as quiet")
		}
	}
}

func TestLatency_NeverAnswered_BecomesQuiet(t *testing.T) {
	var l Latency
	for range quietMisses {
		l.Miss()
	}
	if l.Delay() != 0 {
		t.Errorf("delay %v", l.Delay())
	}
}

func TestLatency_ManyAtOnce_StaySound(t *testing.T) {
	var l Latency
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				l.Add(7 * time.Millisecond)
				l.Miss()
				_ = l.Delay()
			}
		})
	}
	all.Wait()
	l.Add(7 * time.Millisecond)
	// 8001 steps of 0.31 % and 5.9 % around 7 ms.
	if d := l.Delay(); d < 6500*time.Microsecond || d > 7500*time.Microsecond {
		t.Errorf("delay %v, want some 7ms", d)
	}
	if now := unpack(l.word.Load()); now.seen != gains || now.misses != 0 {
		t.Errorf("learnt %+v", now)
	}
}

func TestLatency_AllocatesNothing(t *testing.T) {
	var l Latency
	if n := testing.AllocsPerRun(100, func() {
		l.Add(time.Millisecond)
		l.Miss()
		_ = l.Delay()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestLatencies_OnePerPeer(t *testing.T) {
	peers := Latencies[string]{Least: 3 * time.Millisecond, Most: 9 * time.Millisecond}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { peers.Of("ann").Add(time.Hour) })
	}
	all.Wait()
	if d := peers.Of("ann").Delay(); !near(d, 9*time.Millisecond) {
		t.Errorf("ann's delay %v, want 9ms", d)
	}
	peers.Of("bob").Add(0)
	if d := peers.Of("bob").Delay(); !near(d, 3*time.Millisecond) {
		t.Errorf("bob's delay %v, want 3ms", d)
	}
	old := peers.Of("ann")
	if peers.Of("ann") != old || peers.Of("bob") == old {
		t.Error("a peer has another's latency")
	}
	peers.Forget("ann")
	if now := peers.Of("ann"); now == old || unpack(now.word.Load()).seen != 0 {
		t.Error("ann is not forgotten")
	}
}

func BenchmarkLatency(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	var answers [1024]time.Duration
	for i := range answers {
		answers[i] = time.Duration(rng.ExpFloat64() * float64(5*time.Millisecond))
	}
	b.Run("add", func(b *testing.B) {
		var l Latency
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			l.Add(answers[i%len(answers)])
		}
	})
	b.Run("add by all cores", func(b *testing.B) {
		var l Latency
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				l.Add(answers[i%len(answers)])
			}
		})
	})
	b.Run("delay", func(b *testing.B) {
		var l Latency
		l.Add(time.Millisecond)
		b.ReportAllocs()
		for b.Loop() {
			_ = l.Delay()
		}
	})
	b.Run("of 9 peers", func(b *testing.B) {
		var peers Latencies[int]
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			_ = peers.Of(i % 9)
		}
	})
}
