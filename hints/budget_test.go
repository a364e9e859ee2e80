package hints

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// taking returns what waits for n bytes of a budget, and says how long it did.
func taking(t *testing.T, b *Budget, n int) (took func() time.Duration) {
	began, done := time.Now(), make(chan time.Duration, 1)
	go func() {
		if err := b.Take(t.Context(), n); err != nil {
			t.Error(err)
		}
		done <- time.Since(began)
	}()
	synctest.Wait()
	return func() time.Duration { return <-done }
}

// What is owed are bytes, so a new rate says how long they take.
func TestBudget_ANewRate_HoldsForWhatIsOwed(t *testing.T) {
	for _, c := range []struct {
		name string
		rate float64 // after 600 s of 3600 bytes at 1 a second
		want time.Duration
	}{
		{"faster", 1e9, 3 * time.Microsecond},
		{"twice as fast", 2, 1500 * time.Second},
		{"the same", 1, 3000 * time.Second},
		{"slower", 0.5, 6000 * time.Second},
		{"unlimited", 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var b Budget
				b.Set(1)
				if err := b.Take(t.Context(), 3600); err != nil {
					t.Fatal(err)
				}
				time.Sleep(600 * time.Second)
				b.Set(c.rate)
				if took := taking(t, &b, 1)(); took != c.want {
					t.Errorf("the next waited for %v, want %v", took, c.want)
				}
			})
		})
	}
}

// Those who wait already, each for those before it, wait by the new rate from
// then on, however often it changes.
func TestBudget_ANewRate_HoldsForThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b Budget
		b.Set(1)
		if err := b.Take(t.Context(), 1000); err != nil {
			t.Fatal(err)
		}
		first, second := taking(t, &b, 1000), taking(t, &b, 1000)
		time.Sleep(500 * time.Second)
		b.Set(10)
		synctest.Wait()
		third := taking(t, &b, 1000) // 2,500 bytes are before it
		time.Sleep(10 * time.Second)
		b.Set(4) // 2,400 are
		b.Set(2)
		for i, c := range []struct {
			took func() time.Duration
			want time.Duration
		}{{first, (500 + 10 + 200) * time.Second}, {second, (500 + 10 + 700) * time.Second}, {third, (10 + 1200) * time.Second}} {
			if took := c.took(); took != c.want {
				t.Errorf("the one at %d waited for %v, want %v", i, took, c.want)
			}
		}
	})
}

func TestBudget_Unlimited_LetsAllGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b Budget
		b.Set(1e-300) // for ever
		if err := b.Take(t.Context(), 1000); err != nil {
			t.Fatal(err)
		}
		first, second := taking(t, &b, 1000), taking(t, &b, 1000)
		time.Sleep(time.Hour)
		b.Set(0)
		for _, took := range []func() time.Duration{first, second} {
			if took := took(); took != time.Hour {
				t.Errorf("waited for %v", took)
			}
		}
		b.Set(1) // and nothing is owed any more
		if took := taking(t, &b, 1)(); took != 0 {
			t.Errorf("waited for %v", took)
		}
	})
}

func TestBudget_WhoGivesUp_IsPaidFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b Budget
		b.Set(1)
		if err := b.Take(t.Context(), 100); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.Take(ctx, 100); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if took := taking(t, &b, 1)(); took != 199*time.Second {
			t.Errorf("waited for %v", took)
		}
		if n := len(b.waiting); n != 0 {
			t.Errorf("%d wait still", n)
		}
	})
}

func TestBudget_IsSafeForConcurrentUse(t *testing.T) {
	var b Budget
	b.Set(1e9)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 100 {
				if err := b.Take(t.Context(), 1000); err != nil {
					t.Error(err)
				}
				b.Set(1e9 * float64(1+i%2))
			}
		})
	}
	all.Wait()
}
