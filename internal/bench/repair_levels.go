package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"
)

// levelRun is the p99 of one run at each of two levels, in turn.
type levelRun struct{ one, quorum *latencies }

// compareLevels runs the same traffic at DC_ONE and at DC_QUORUM in turn.
func compareLevels(ctx context.Context, f *fleet, load traffic, runs int, length time.Duration) ([]levelRun, error) {
	load.port = f.nodes[0].port
	at := func(level string) (*latencies, error) {
		load.level = level
		got, err := load.run(ctx, length)
		if err == nil && got.errors > 0 {
			err = fmt.Errorf("%d requests at %s failed: %w", got.errors, level, got.first)
		}
		return got, err
	}
	var all []levelRun
	for range runs {
		one, err := at("DC_ONE")
		if err != nil {
			return nil, err
		}
		quorum, err := at("DC_QUORUM")
		if err != nil {
			return nil, err
		}
		all = append(all, levelRun{one, quorum})
	}
	return all, nil
}

// stoppedRun is what readers saw before a node was stopped, in the first
// second, and from then on.
type stoppedRun struct{ before, first, then *latencies }

// stopOne reads at DC_QUORUM through the first node while the last one is
// stopped, as by a debugger or a page fault without end, and lets it go on.
func stopOne(ctx context.Context, f *fleet, load traffic, length time.Duration) (r stoppedRun, err error) {
	load.port, load.level = f.nodes[0].port, "DC_QUORUM"
	last := f.nodes[len(f.nodes)-1]
	m, stop, err := load.start(ctx)
	if err != nil {
		return r, err
	}
	err = func() error {
		if err := rest(ctx, time.Second); err != nil {
			return err
		}
		m.turn()
		if err := rest(ctx, length); err != nil {
			return err
		}
		r.before = m.turn()
		if err := last.signal(syscall.SIGSTOP); err != nil {
			return err
		}
		if err := rest(ctx, time.Second); err != nil {
			return err
		}
		r.first = m.turn()
		if err := rest(ctx, length); err != nil {
			return err
		}
		r.then = m.turn()
		return nil
	}()
	err = errors.Join(err, stop(), last.signal(syscall.SIGCONT))
	if err != nil {
		return r, err
	}
	return r, f.awaitWhole(ctx)
}
