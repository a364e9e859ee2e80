package quorum

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestGather_Thrifty_AsksNoMoreThanItNeeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked [3]atomic.Int32
		broken := errors.New("broken pipe")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		read := func(fail, hang int) ([]Reply[int, int], error) {
			return Gather(ctx, mustRule(t, DCQuorum, 0, 3), ids(3), func(ctx context.Context, owner int) (int, error) {
				asked[owner].Add(1)
				if owner < fail {
					return 0, broken
				}
				if owner < hang {
					<-ctx.Done()
				}
				return owner, ctx.Err()
			}, Config[int, int]{Thrifty: true})
		}
		if replies, err := read(0, 0); err != nil || len(replies) != 2 || asked[2].Load() != 0 {
			t.Errorf("replies %v, %v, the third was asked %d times", replies, err, asked[2].Load())
		}
		if replies, err := read(1, 0); err != nil || len(replies) != 3 || asked[2].Load() != 1 {
			t.Errorf("replies %v, %v, the third was asked %d times", replies, err, asked[2].Load())
		}
		var level *Error
		if _, err := read(2, 0); !errors.As(err, &level) || !errors.Is(err, broken) || !slices.Equal(level.Failed, []string{"0", "1"}) {
			t.Errorf("error %v", err)
		}
	})
}

func TestGather_Thrifty_OwnersThatAreNotAskedCountAsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err := Gather(ctx, mustRule(t, DCQuorum, 0, 3), ids(3), func(ctx context.Context, owner int) (int, error) {
			<-ctx.Done()
			<-time.After(time.Millisecond)
			return 0, ctx.Err()
		}, Config[int, int]{Thrifty: true})
		var level *Error
		if !errors.As(err, &level) || !slices.Equal(level.Silent, []string{"0", "1"}) || !slices.Equal(level.Refused, []string{"2"}) || !level.MayHaveBeenApplied {
			t.Errorf("error %v", err)
		}
		<-time.After(time.Second)
	})
}

// A peer of a hedging test: it answers after a while unless it has stopped.
type peers struct {
	latencies Latencies[int]
	stopped   [3]atomic.Bool
	asked     [3]atomic.Int32
	answer    func() time.Duration
}

func (p *peers) ask(ctx context.Context, owner int) (int, error) {
	p.asked[owner].Add(1)
	wait := p.answer()
	if p.stopped[owner].Load() {
		wait = time.Hour
	}
	select {
	case <-time.After(wait):
		return owner, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// read gives how long a thrifty read of two of three takes.
func (p *peers) read(t *testing.T) time.Duration {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	return took(func() {
		_, err := Gather(ctx, mustRule(t, DCQuorum, 0, 3), ids(3), p.ask, Config[int, int]{Thrifty: true, Latency: p.latencies.Of})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestGather_OverdueOwner_AnotherIsAskedAfterTheDelayLearnt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := peers{answer: constant(4 * time.Millisecond)}
		for range 100 {
			if d := p.read(t); d != 4*time.Millisecond {
				t.Fatalf("a read takes %v", d)
			}
		}
		if n := p.asked[2].Load(); n > 10 { // one answer in twenty is above the 95th percentile
			t.Errorf("the third owner was asked %d times for nothing", n)
		}
		p.stopped[0].Store(true)
		for i, want := range []time.Duration{8, 8, 8, 4, 4, 4} { // the delay of 4 ms, three times
			if d := p.read(t).Round(time.Millisecond); d != want*time.Millisecond {
				t.Errorf("read %d after an owner stopped takes %v, want %vms", i, d, want)
			}
		}
		p.stopped[0].Store(false)
		p.read(t)
		<-time.After(time.Second) // the late answer of the owner that is back
		before := p.asked[2].Load()
		for range 10 {
			p.read(t)
		}
		if n := p.asked[2].Load() - before; n > 2 {
			t.Errorf("the third owner is asked %d times in 10 though the first is back", n)
		}
	})
}

func TestGather_StoppedOwner_P99RisesLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		rng := rand.New(rand.NewPCG(7, 7))
		p := peers{answer: func() time.Duration {
			mu.Lock()
			defer mu.Unlock()
			return time.Millisecond + time.Duration(rng.ExpFloat64()*float64(2*time.Millisecond))
		}}
		p99 := func(reads int) time.Duration {
			var all []time.Duration
			var clients sync.WaitGroup
			for range 20 {
				clients.Go(func() {
					for range reads / 20 {
						d := p.read(t)
						mu.Lock()
						all = append(all, d)
						mu.Unlock()
					}
				})
			}
			clients.Wait()
			slices.Sort(all)
			return all[len(all)*99/100]
		}
		p99(2000) // it learns
		before := p99(4000)
		p.stopped[0].Store(true)
		p.read(t)
		after := p99(4000)
		t.Logf("p99 %v, with an owner that stopped %v", before, after)
		if after > before*3/2 {
			t.Errorf("an owner that stopped raises the p99 from %v to %v", before, after)
		}
		<-time.After(time.Second) // until the deadline of the last read
	})
}

func TestGather_OwnersWithoutLatency_AreNotHedged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		p := peers{answer: constant(0)}
		p.stopped[0].Store(true)
		_, err := Gather(ctx, mustRule(t, DCOne, 0, 3), ids(3), p.ask, Config[int, int]{Thrifty: true, Latency: func(int) *Latency { return nil }})
		if !errors.Is(err, context.DeadlineExceeded) || p.asked[1].Load() != 0 {
			t.Errorf("error %v, the second owner was asked %d times", err, p.asked[1].Load())
		}
	})
}

func TestGather_Failures_TeachNoLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var latency Latency
		for range 100 {
			_, err := Gather(t.Context(), mustRule(t, DCOne, 0, 1), ids(1), ask([]script{{err: errors.New("refused at once")}}),
				Config[int, int]{Latency: func(int) *Latency { return &latency }})
			if err == nil {
				t.Fatal("no error")
			}
		}
		if latency.Delay() != Unlearnt {
			t.Errorf("delay %v", latency.Delay())
		}
	})
}

func TestGather_Judge_SaysWhatCountsAlsoLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var judged, late []string
		say := func(r Reply[int, int]) string { return fmt.Sprintf("%d %v", r.Owner, r.Answer) }
		replies, err := Gather(t.Context(), mustRule(t, DCQuorum, 0, 5), ids(5),
			ask([]script{{after: 1}, {after: 2, err: ErrRefused}, {after: 3}, {after: 4}, {after: 5}}),
			Config[int, int]{
				Judge: func(r Reply[int, int]) Answer {
					judged = append(judged, say(r))
					if r.Result == 0 || r.Result == 40 { // owners 0 and 4
						return Lost
					}
					if r.Owner == 2 {
						return Failed
					}
					return r.Answer
				},
				Late: func(r Reply[int, int]) { late = append(late, say(r)) },
			})
		var level *Error
		if !errors.As(err, &level) || fmt.Sprint(level.Lost, level.Refused, level.Failed, level.Silent) != "[0] [1] [2] [3 4]" || len(replies) != 3 {
			t.Errorf("error %+v, replies %v", level, replies)
		}
		<-time.After(time.Second)
		synctest.Wait()
		if got := fmt.Sprint(judged, late); got != "[0 won 1 refused 2 won 3 won 4 won] [3 won 4 lost]" {
			t.Errorf("judged and late: %s", got)
		}
	})
}

func TestGather_JudgeThatSaysNothing_Panics(t *testing.T) {
	for _, answer := range []Answer{Silent, Won + 1} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%v: no panic", answer)
				}
			}()
			_, err := Gather(t.Context(), mustRule(t, DCOne, 0, 1), ids(1), ask(make([]script, 1)),
				Config[int, int]{Judge: func(Reply[int, int]) Answer { return answer }})
			t.Errorf("%v: returned %v", answer, err)
		}()
	}
}

// A register of a test's owner: the highest stamp wins, and an owner that holds a
// higher one answers with it.
type register struct {
	mu    sync.Mutex
	stamp int
}

func (r *register) write(stamp int) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stamp > stamp {
		return r.stamp, ErrLost
	}
	r.stamp = stamp
	return stamp, nil
}

func TestGather_DeltaThatLost_IsMadeAnewAboveWhatBeatIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		owners := []*register{{stamp: 7}, {}, {}}
		pause := []time.Duration{time.Millisecond, 2 * time.Millisecond, 3 * time.Millisecond}
		write := func(stamp int) func(context.Context, int) (int, error) {
			return func(_ context.Context, owner int) (int, error) {
				<-time.After(pause[owner])
				return owners[owner].write(stamp)
			}
		}
		seen := map[string]int{}
		var mu sync.Mutex // Late may be called while this test counts what was returned
		count := func(where string, r Reply[int, int]) {
			mu.Lock()
			defer mu.Unlock()
			seen[fmt.Sprintf("%s: %d in try %d %v", where, r.Owner, r.Try, r.Answer)]++
		}
		replies, err := Gather(t.Context(), mustRule(t, DCQuorum, 0, 3), ids(3), write(1), Config[int, int]{
			Retry: func(_ context.Context, replies []Reply[int, int]) (func(context.Context, int) (int, error), error) {
				stamp := 0
				for _, r := range replies {
					count("retry", r)
					stamp = max(stamp, r.Result)
				}
				return write(stamp + 1), nil
			},
			Late: func(r Reply[int, int]) { count("late", r) },
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range replies {
			count("returned", r)
		}
		<-time.After(time.Second)
		synctest.Wait()
		want := map[string]int{
			"retry: 0 in try 1 lost":   1,
			"late: 1 in try 1 won":     1,
			"returned: 0 in try 2 won": 1,
			"returned: 1 in try 2 won": 1,
			"late: 2 in try 1 won":     1,
			"late: 2 in try 2 won":     1,
		}
		if fmt.Sprint(seen) != fmt.Sprint(want) {
			t.Errorf("seen %v\nwant %v", seen, want)
		}
		for i, r := range owners {
			if r.stamp != 8 {
				t.Errorf("owner %d holds %d, want 8", i, r.stamp)
			}
		}
	})
}

func TestGather_KeepsLosing_FailsAfterItsTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct{ tries, want int }{{0, DefaultTries}, {3, 3}, {1, 1}} {
			asked, retried := 0, 0
			_, err := Gather(t.Context(), mustRule(t, DCOne, 0, 1), ids(1), func(context.Context, int) (int, error) {
				asked++
				return 0, ErrLost
			}, Config[int, int]{
				Tries: c.tries,
				Retry: func(context.Context, []Reply[int, int]) (func(context.Context, int) (int, error), error) {
					retried++
					return nil, nil // ask as before
				},
			})
			if !errors.Is(err, ErrLost) || asked != c.want || retried != c.want-1 {
				t.Errorf("%d tries: asked %d times, made anew %d times, %v", c.tries, asked, retried, err)
			}
		}
	})
}

func TestGather_RetryGivesUp_ErrorSaysWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		taken := errors.New("the key is taken")
		replies, err := Gather(t.Context(), mustRule(t, DCQuorum, 0, 2), ids(2), ask([]script{{err: ErrLost}, {after: time.Second}}), Config[int, int]{
			Retry: func(context.Context, []Reply[int, int]) (func(context.Context, int) (int, error), error) {
				return nil, taken
			},
		})
		var level *Error
		if !errors.Is(err, taken) || !errors.As(err, &level) || !level.MayHaveBeenApplied || !slices.Equal(level.Lost, []string{"0"}) || replies != nil {
			t.Errorf("replies %v, error %+v", replies, level)
		}
		<-time.After(time.Second) // the other owner ends
	})
}

func TestGather_LostAsTheContextEnds_IsNotMadeAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := Gather(ctx, mustRule(t, DCOne, 0, 1), ids(1), ask([]script{{err: ErrLost}}), Config[int, int]{
			Judge: func(r Reply[int, int]) Answer {
				cancel()
				return r.Answer
			},
			Retry: func(context.Context, []Reply[int, int]) (func(context.Context, int) (int, error), error) {
				t.Error("made anew")
				return nil, nil
			},
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
}

func TestGather_Linger_EndsWhoIsStillSilent(t *testing.T) {
	for name, c := range map[string]struct{ deadline, linger, want time.Duration }{
		"neither":        {0, 0, DefaultLinger},
		"linger":         {0, time.Minute, time.Minute},
		"deadline":       {time.Hour, 0, time.Hour},
		"linger first":   {time.Hour, time.Second, time.Second},
		"deadline first": {time.Second, time.Minute, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if c.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, c.deadline)
					defer cancel()
				}
				late := make(chan Reply[int, int])
				_, err := Gather(ctx, mustRule(t, DCOne, 0, 2), ids(2), ask([]script{{}, {after: 1000 * time.Hour}}),
					Config[int, int]{Linger: c.linger, Late: func(r Reply[int, int]) { late <- r }})
				if err != nil {
					t.Fatal(err)
				}
				if d := took(func() { <-late }); d != c.want {
					t.Errorf("the silent owner ended after %v, want %v", d, c.want)
				}
			})
		})
	}
}

// slow is a context whose functions run too late: who stops them comes first.
type slow struct{ context.Context }

func (slow) AfterFunc(func()) func() bool { return func() bool { return true } }

func TestGather_CancelledAndDetachedAtOnce_OwnersAreCancelledAllTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		late := make(chan Reply[int, int])
		if d := took(func() {
			_, err := Gather(slow{ctx}, mustRule(t, DCOne, 0, 1), ids(1), ask([]script{{after: time.Hour}}),
				Config[int, int]{Linger: time.Minute, Late: func(r Reply[int, int]) { late <- r }})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
			<-late
		}); d != time.Second {
			t.Errorf("the owner ended after %v", d)
		}
	})
}

// Whatever owners do, every reply is seen once, the answer is in time, and nobody
// is left running: the bubble would not end.
func TestGather_RandomOwners_EveryReplyIsSeenOnce(t *testing.T) {
	for seed := range uint64(300) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 11))
			racks := shapes()[rng.IntN(39)]
			rule := mustRule(t, levels[rng.IntN(4)], rng.IntN(len(racks)), racks...)
			n := rule.Owners()
			scripts := make([]script, n)
			for i := range scripts {
				scripts[i] = script{time.Duration(rng.IntN(300)) * time.Millisecond, []error{nil, nil, nil, ErrLost, ErrRefused, errors.New("reset")}[rng.IntN(6)]}
			}
			var asked, seen atomic.Int32
			var latencies Latencies[int]
			cfg := Config[int, int]{
				Thrifty: rng.IntN(2) == 0, Latency: latencies.Of, Tries: 1 + rng.IntN(3),
				Retry: func(_ context.Context, replies []Reply[int, int]) (func(context.Context, int) (int, error), error) {
					seen.Add(int32(len(replies)))
					return nil, nil
				},
				Late: func(Reply[int, int]) { seen.Add(1) },
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+rng.IntN(500))*time.Millisecond)
			defer cancel()
			deadline, _ := ctx.Deadline()
			play := ask(scripts)
			replies, err := Gather(ctx, rule, ids(n), func(ctx context.Context, owner int) (int, error) {
				asked.Add(1)
				return play(ctx, owner)
			}, cfg)
			if time.Now().After(deadline) {
				t.Errorf("seed %d: returned after the deadline", seed)
			}
			tally := rule.Tally()
			for _, r := range replies {
				tally.Add(r.Owner, r.Answer)
			}
			if met := tally.State() == Met; met != (err == nil) {
				t.Errorf("seed %d: the replies are %v, the error %v", seed, tally.State(), err)
			}
			seen.Add(int32(len(replies)))
			<-time.After(time.Second)
			synctest.Wait()
			if asked.Load() != seen.Load() {
				t.Errorf("seed %d: %d askings, %d replies seen", seed, asked.Load(), seen.Load())
			}
		})
	}
}
