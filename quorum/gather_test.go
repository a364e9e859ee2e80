package quorum

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// script is how an owner behaves: it answers after a while, with an error maybe.
type script struct {
	after time.Duration
	err   error
}

// ask plays the scripts: owner i answers with i*10. It ends with its ctx.
func ask(scripts []script) func(context.Context, int) (int, error) {
	return func(ctx context.Context, owner int) (int, error) {
		select {
		case <-time.After(scripts[owner].after):
			return owner * 10, scripts[owner].err
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

func ids(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func took(do func()) time.Duration {
	start := time.Now()
	do()
	return time.Since(start)
}

func TestGather_OneSlowReplica_ReturnsAtQuorum(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var late []Reply[int, int]
		var replies []Reply[int, int]
		var err error
		if d := took(func() {
			replies, err = Gather(ctx, mustRule(t, DCQuorum, 0, 3), ids(3),
				ask([]script{{after: 5 * time.Second}, {after: 2 * time.Second}, {after: time.Second}}),
				Config[int, int]{Late: func(r Reply[int, int]) { late = append(late, r) }})
		}); d != 2*time.Second {
			t.Errorf("returned after %v, want 2s", d)
		}
		want := []Reply[int, int]{
			{Owner: 2, ID: 2, Try: 1, Result: 20, Took: time.Second, Answer: Won},
			{Owner: 1, ID: 1, Try: 1, Result: 10, Took: 2 * time.Second, Answer: Won},
		}
		if err != nil || !slices.Equal(replies, want) {
			t.Errorf("replies %v, %v; want %v", replies, err, want)
		}
		<-time.After(4 * time.Second)
		synctest.Wait()
		if want := []Reply[int, int]{{Owner: 0, ID: 0, Try: 1, Took: 5 * time.Second, Answer: Won}}; !slices.Equal(late, want) {
			t.Errorf("late %v, want %v", late, want)
		}
	})
}

func TestGather_CallerCancelsAfterReturn_LateOwnersAreStillAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := make(chan Reply[int, int], 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		if _, err := Gather(ctx, mustRule(t, DCOne, 0, 2), ids(2),
			ask([]script{{}, {after: 30 * time.Second}}), Config[int, int]{Late: func(r Reply[int, int]) { late <- r }}); err != nil {
			t.Fatal(err)
		}
		cancel()
		if r := <-late; r.Err != nil || r.Owner != 1 || r.Result != 10 {
			t.Errorf("late reply %+v", r)
		}
	})
}

func TestGather_LateOwner_EndsAtTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := make(chan Reply[int, int], 1)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if d := took(func() {
			if _, err := Gather(ctx, mustRule(t, DCOne, 0, 2), ids(2),
				ask([]script{{}, {after: time.Hour}}), Config[int, int]{Late: func(r Reply[int, int]) { late <- r }}); err != nil {
				t.Fatal(err)
			}
			if r := <-late; !errors.Is(r.Err, context.DeadlineExceeded) || r.Answer != Failed {
				t.Errorf("late reply %+v", r)
			}
		}); d != 10*time.Second {
			t.Errorf("the late owner ended after %v", d)
		}
	})
}

func TestGather_LastReply_EndsTheOwnersContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, need := range []int{1, 2} { // with a late reply, and without
			level := map[int]Level{1: DCOne, 2: DCQuorum}[need]
			var seen [2]context.Context
			_, err := Gather(t.Context(), mustRule(t, level, 0, 2), ids(2), func(ctx context.Context, owner int) (int, error) {
				seen[owner] = ctx
				<-time.After(time.Duration(owner) * time.Second)
				return 0, ctx.Err()
			}, Config[int, int]{})
			if err != nil {
				t.Fatal(err)
			}
			<-time.After(2 * time.Second)
			synctest.Wait()
			if seen[0].Err() == nil || seen[1].Err() == nil {
				t.Errorf("%v: the owners' context is never released", level)
			}
		}
	})
}

func TestGather_Impossible_ReturnsAtOnceAndSaysWho(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken pipe")
		var lates int
		if d := took(func() {
			replies, err := Gather(t.Context(), mustRule(t, DCQuorum, 0, 3), []string{"ann", "bob", "cyd"},
				func(_ context.Context, owner string) (int, error) {
					switch owner {
					case "ann":
						<-time.After(time.Second)
						return 0, fmt.Errorf("ann says: %w", ErrLost)
					case "bob":
						<-time.After(2 * time.Second)
						return 0, broken
					}
					<-time.After(time.Hour)
					return 1, nil
				}, Config[string, int]{Late: func(Reply[string, int]) { lates++ }})
			var level *Error
			if !errors.As(err, &level) {
				t.Fatalf("error %v", err)
			}
			if len(replies) != 2 || replies[0].Answer != Lost || replies[1].Answer != Failed {
				t.Errorf("replies %v", replies)
			}
			if level.Level != DCQuorum || level.Need != 2 || level.Got != 0 || !level.MayHaveBeenApplied ||
				!slices.Equal(level.Lost, []string{"ann"}) || !slices.Equal(level.Failed, []string{"bob"}) || !slices.Equal(level.Silent, []string{"cyd"}) {
				t.Errorf("error %+v", level)
			}
			if !errors.Is(err, broken) || !errors.Is(err, ErrLost) {
				t.Errorf("error %v does not wrap what the owners said", err)
			}
			if text := err.Error(); !strings.Contains(text, "bob: broken pipe") || strings.Contains(text, "\n") {
				t.Errorf("text %q", text)
			}
		}); d != 2*time.Second {
			t.Errorf("returned after %v, want 2s", d)
		}
		<-time.After(time.Hour)
		synctest.Wait()
		if lates != 1 {
			t.Errorf("%d late replies, want 1", lates)
		}
	})
}

func TestGather_AllRefuse_NothingWasApplied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, err := Gather(t.Context(), mustRule(t, DCEachSafeQuorum, 0, 1, 1), ids(2), ask([]script{
			{err: ErrRefused}, {err: fmt.Errorf("catching up: %w", ErrRefused)},
		}), Config[int, int]{})
		var level *Error
		if !errors.As(err, &level) {
			t.Fatalf("error %v", err)
		}
		// The first refusal already decides; the second owner may do it yet.
		if len(level.Refused) != 2 && !level.MayHaveBeenApplied {
			t.Errorf("error %+v", level)
		}
		_, err = Gather(t.Context(), mustRule(t, DCOne, 0, 2), ids(2), ask([]script{{err: ErrRefused}, {err: ErrRefused}}), Config[int, int]{})
		if !errors.As(err, &level) || level.MayHaveBeenApplied || len(level.Refused) != 2 {
			t.Errorf("error %+v", level)
		}
	})
}

func TestGather_Deadline_ReportsWhoIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if d := took(func() {
			replies, err := Gather(ctx, mustRule(t, DCQuorum, 0, 3), ids(3),
				ask([]script{{after: time.Second}, {after: time.Hour}, {after: time.Hour}}), Config[int, int]{})
			var level *Error
			if !errors.As(err, &level) || !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("error %v", err)
			}
			// Owners see the same deadline: they may have said so in time to be heard.
			if len(replies) == 0 || level.Got != 1 || !slices.Equal(level.Won, []string{"0"}) ||
				len(level.Silent)+len(level.Failed) != 2 || !level.MayHaveBeenApplied {
				t.Errorf("replies %v, error %+v", replies, level)
			}
		}); d != 3*time.Second {
			t.Errorf("returned after %v, want 3s", d)
		}
	})
}

func TestGather_Deadline_AlsoSaysWhyOthersFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken pipe")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := Gather(ctx, mustRule(t, DCQuorum, 0, 3), ids(3),
			ask([]script{{err: broken}, {}, {after: time.Hour}}), Config[int, int]{})
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, broken) {
			t.Errorf("error %v", err)
		}
	})
}

func TestGather_Cancelled_OwnersAreCancelledToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reason := errors.New("client is gone")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(reason) })
		var late []Reply[int, int]
		if d := took(func() {
			replies, err := Gather(ctx, mustRule(t, DCOne, 0, 2), ids(2),
				ask([]script{{after: time.Hour}, {after: time.Hour}}),
				Config[int, int]{Late: func(r Reply[int, int]) { late = append(late, r) }})
			if !errors.Is(err, reason) && !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
			synctest.Wait()
			if len(replies)+len(late) != 2 {
				t.Errorf("replies %v and late %v, want two in all", replies, late)
			}
		}); d != time.Second {
			t.Errorf("took %v, want 1s", d)
		}
	})
}

func TestGather_EndedContext_AsksNobody(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Gather(ctx, mustRule(t, DCOne, 0, 2), ids(2), func(context.Context, int) (int, error) {
		t.Error("an owner was asked")
		return 0, nil
	}, Config[int, int]{})
	var level *Error
	if !errors.As(err, &level) || level.MayHaveBeenApplied || len(level.Refused) != 2 || !errors.Is(err, context.Canceled) {
		t.Errorf("error %+v", err)
	}
}

func TestGather_OwnersNotOfTheRule_Error(t *testing.T) {
	_, err := Gather(t.Context(), mustRule(t, DCOne, 0, 3), ids(2), ask(make([]script, 2)), Config[int, int]{})
	if err == nil || !strings.Contains(err.Error(), "2 owners to ask, the rule counts 3") {
		t.Errorf("error %v", err)
	}
}

func TestGather_OtherDatacenterWins_DoesNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if d := took(func() {
			replies, err := Gather(t.Context(), mustRule(t, DCOne, 1, 2, 1), ids(3),
				ask([]script{{after: 1}, {after: 2}, {after: time.Second}}), Config[int, int]{})
			if err != nil || len(replies) != 3 {
				t.Errorf("replies %v, %v", replies, err)
			}
		}); d != time.Second {
			t.Errorf("returned after %v, want the local owner's 1s", d)
		}
	})
}

func TestGather_ValuesOfTheContextReachTheOwners(t *testing.T) {
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "trace")
	replies, err := Gather(ctx, mustRule(t, DCOne, 0, 1), ids(1), func(ctx context.Context, _ int) (any, error) {
		return ctx.Value(key{}), nil
	}, Config[int, any]{})
	if err != nil || replies[0].Result != "trace" {
		t.Errorf("replies %v, %v", replies, err)
	}
}

func BenchmarkGather(b *testing.B) {
	for _, n := range []int{3, 9} {
		b.Run(fmt.Sprintf("%d owners", n), func(b *testing.B) {
			rule := mustRule(b, DCQuorum, 0, n)
			owners := ids(n)
			b.ReportAllocs()
			for b.Loop() {
				_, err := Gather(b.Context(), rule, owners, func(context.Context, int) (int, error) { return 0, nil }, Config[int, int]{})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
