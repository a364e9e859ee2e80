package coordinator

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestUnderway_WaitsForWhatBeganBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUnderway()
		if err := u.settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := u.begin()
		settled := make(chan error, 1)
		go func() { settled <- u.settle(t.Context()) }()
		time.Sleep(time.Second)
		after := u.begin()
		select {
		case <-settled:
			t.Fatal("settled with one under way")
		default:
		}
		u.end(before)
		if err := <-settled; err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := u.settle(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v with one under way", err)
		}
		go func() { settled <- u.settle(t.Context()) }()
		time.Sleep(time.Second)
		select {
		case <-settled:
			t.Fatal("settled with one under way that another gave up waiting for")
		default:
		}
		u.end(after)
		if err := <-settled; err != nil {
			t.Error(err)
		}
	})
}

// Whoever begins before a settle begins has ended when that is over.
func TestUnderway_Random(t *testing.T) {
	seed := rand.Uint64()
	synctest.Test(t, func(t *testing.T) {
		u := newUnderway()
		var mu sync.Mutex
		running := map[int]time.Time{}
		var all sync.WaitGroup
		for i := range 40 {
			all.Go(func() {
				rng := rand.New(rand.NewPCG(seed, uint64(i)))
				for range 50 {
					time.Sleep(time.Duration(rng.IntN(20)) * time.Millisecond)
					if i%4 == 0 {
						began := time.Now()
						ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rng.IntN(60))*time.Millisecond)
						err := u.settle(ctx)
						cancel()
						mu.Lock()
						for other, since := range running {
							if err == nil && since.Before(began) {
								t.Errorf("seed %d: %d is under way since %v before", seed, other, began.Sub(since))
							}
						}
						mu.Unlock()
						continue
					}
					g := u.begin()
					mu.Lock()
					running[i] = time.Now()
					mu.Unlock()
					time.Sleep(time.Duration(rng.IntN(20)) * time.Millisecond)
					mu.Lock()
					delete(running, i)
					mu.Unlock()
					u.end(g)
				}
			})
		}
		all.Wait()
	})
}
