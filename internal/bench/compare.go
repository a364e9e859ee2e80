package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

// comparison is one kind of our server against one kind of redis-server.
type comparison struct {
	title        string
	note         string // what the reader should know, below the title
	ours, theirs starter
	goals        map[string]float64 // least median ratio by the load's name; 0 is none
}

// row is the outcome for one load.
type row struct {
	load               load
	n                  int // requests of one run of ours
	ours, theirs       []float64
	oursCPU, theirsCPU []float64 // microseconds of the servers' processors per request
	goal               float64
}

var loads = []load{{"set", 1}, {"get", 1}, {"set", 32}, {"get", 32}}

func (l load) String() string { return fmt.Sprintf("%s -P %d", l.test, l.pipeline) }

// compare starts both servers, measures every load in turn, and stops them.
func (c comparison) compare(ctx context.Context, runs int, length time.Duration) ([]row, error) {
	ours, stopOurs, err := begin(ctx, c.ours)
	if err != nil {
		return nil, fmt.Errorf("dynomited: %w", err)
	}
	defer stopOurs()
	theirs, stopTheirs, err := begin(ctx, c.theirs)
	if err != nil {
		return nil, fmt.Errorf("redis-server: %w", err)
	}
	defer stopTheirs()
	// Every key exists before the first GET, on both sides alike.
	for _, s := range []*server{ours, theirs} {
		if err := fill(ctx, s.port, keys); err != nil {
			return nil, fmt.Errorf("filling: %w", err)
		}
	}
	var rows []row
	for _, l := range loads {
		r := row{load: l, goal: c.goals[l.String()]}
		// A short run of each warms up and tells how many requests make a
		// run of the length asked for.
		nOurs, err := calibrate(ctx, l, ours.port, length)
		if err != nil {
			return nil, err
		}
		nTheirs, err := calibrate(ctx, l, theirs.port, length)
		if err != nil {
			return nil, err
		}
		r.n = nOurs
		for range runs {
			rate, cpu, err := measure(ctx, l, theirs, nTheirs)
			if err != nil {
				return nil, err
			}
			r.theirs, r.theirsCPU = append(r.theirs, rate), append(r.theirsCPU, cpu)
			if rate, cpu, err = measure(ctx, l, ours, nOurs); err != nil {
				return nil, err
			}
			r.ours, r.oursCPU = append(r.ours, rate), append(r.oursCPU, cpu)
		}
		ratio := spreadOf(ratios(r.ours, r.theirs))
		fmt.Printf("%s, %s: %.2f (%.2f to %.2f) of redis-server\n", c.title, l, ratio.median, ratio.min, ratio.max)
		rows = append(rows, r)
	}
	return rows, nil
}

// begin starts a server in a temporary folder.
func begin(ctx context.Context, start starter) (*server, func(), error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, nil, err
	}
	s, err := start(ctx, dir)
	if err != nil {
		os.RemoveAll(dir)
		return nil, nil, err
	}
	return s, func() {
		s.stop()
		os.RemoveAll(dir)
	}, nil
}

// calibrate returns the number of requests that take about the length.
func calibrate(ctx context.Context, l load, port int, length time.Duration) (int, error) {
	const first = 20000
	rate, err := l.run(ctx, port, first)
	if err != nil {
		return 0, err
	}
	// A pipelined load is over too soon to tell: once more, half as long.
	if rate, err = l.run(ctx, port, max(first, int(rate*length.Seconds()/2))); err != nil {
		return 0, err
	}
	return max(first, int(rate*length.Seconds())), nil
}

// measure returns the rate and the servers' processor time per request.
func measure(ctx context.Context, l load, s *server, n int) (rate, cpu float64, err error) {
	before, err := cpuTime(s.pids()...)
	if err != nil {
		return 0, 0, err
	}
	if rate, err = l.run(ctx, s.port, n); err != nil {
		return 0, 0, err
	}
	after, err := cpuTime(s.pids()...)
	return rate, float64((after - before).Microseconds()) / float64(n), err
}
