package main

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestSteps_GoOnAfterAFailure(t *testing.T) {
	var ran []string
	results := steps(t.Context(), time.Minute, []string{"a", "b", "c"}, func(_ context.Context, name string) error {
		ran = append(ran, name)
		if name == "b" {
			return errors.New("broken")
		}
		return nil
	})
	if !slices.Equal(ran, []string{"a", "b", "c"}) {
		t.Errorf("ran %v", ran)
	}
	var out bytes.Buffer
	if failed := report(&out, results); failed != 1 {
		t.Errorf("%d failed, want 1", failed)
	}
	if !strings.HasSuffix(out.String(), "\n2 passed, 1 failed\n") {
		t.Errorf("report:\n%s", out.String())
	}
}

func TestSteps_TimeLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeoutCause(t.Context(), 3*time.Minute, errors.New("all over"))
		defer cancel()
		results := steps(ctx, 2*time.Minute, []string{"hangs", "hangs too", "never starts"}, func(ctx context.Context, _ string) error {
			<-ctx.Done()
			return context.Cause(ctx)
		})
		want := []struct {
			took time.Duration
			err  string
		}{{2 * time.Minute, "longer than 2m0s"}, {time.Minute, "all over"}, {0, "all over"}}
		for i, w := range want {
			if r := results[i]; r.took != w.took || r.err == nil || r.err.Error() != w.err {
				t.Errorf("%s took %v, error %v; want %v, %s", r.name, r.took, r.err, w.took, w.err)
			}
		}
	})
}
