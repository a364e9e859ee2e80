package main

import (
	"context"
	"fmt"
	"time"
)

// footprint is the resident memory of a server, empty and full.
type footprint struct {
	empty, full int64
	keys        int
}

// growth is the memory that each key added.
func (f footprint) growth() float64 { return float64(f.full-f.empty) / float64(f.keys) }

// total is all of the server's memory, shared out among the keys.
func (f footprint) total() float64 { return float64(f.full) / float64(f.keys) }

// weigh fills a server and takes its memory once it no longer changes: a
// collector may still be giving back what the loading took.
func weigh(ctx context.Context, start starter, keys int) (footprint, error) {
	s, stop, err := begin(ctx, start)
	if err != nil {
		return footprint{}, err
	}
	defer stop()
	pid := s.pids()[0]
	f := footprint{keys: keys}
	if f.empty, err = resident(pid); err != nil {
		return f, err
	}
	if err := fill(ctx, s.port, keys); err != nil {
		return f, fmt.Errorf("filling: %w", err)
	}
	f.full, err = settled(ctx, func() (int64, error) { return resident(pid) }, time.Second)
	return f, err
}

// settled samples until five samples in a row differ by less than a percent,
// or a minute of them has passed.
func settled(ctx context.Context, sample func() (int64, error), pause time.Duration) (int64, error) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	var last int64
	same := 0
	for range 60 {
		now, err := sample()
		if err != nil {
			return 0, err
		}
		if d := now - last; d < now/100 && d > -now/100 {
			same++
		} else {
			same, last = 0, now
		}
		if same == 5 {
			return now, nil
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-tick.C:
		}
	}
	return last, nil
}

// startTimes starts and stops a server several times and returns, in
// milliseconds, how long each took from fork to first answer.
func startTimes(ctx context.Context, start starter, runs int) ([]float64, error) {
	var took []float64
	for range runs {
		began := time.Now()
		_, stop, err := begin(ctx, start)
		if err != nil {
			return nil, err
		}
		took = append(took, float64(time.Since(began).Microseconds())/1000)
		stop()
	}
	return took, nil
}
