package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"time"
)

// replayRun is one absence of a node: what the clients of another one saw
// while hints went to it, and in the pauses between, of the same length.
type replayRun struct {
	replayed, paused []*latencies
	missed           int           // hints kept for the node when it came back
	first            time.Duration // from its start to its first hint
	handed           time.Duration // to its last one, without the pauses
	whole            time.Duration // until all nodes took it for complete, without the pauses
	compare          *latencies    // after the last hint
	busy, idle       []float64     // cores that the nodes used in the windows of hints, and in the pauses
}

// window is how long hints go, and how long they then pause: short, since what
// else a shared machine does comes and goes within seconds, and shorter than the time
// after which a returning node waits for hints no longer.
const window = time.Second

// maxPairs is how many windows there are at most; the rest of the hints goes
// without pauses, or it would take twice as long to be done.
const maxPairs = 200

// replayUnderLoad kills the third node, writes n keys, starts it again, and
// measures the clients while it gets its hints, pausing them every other
// window: what else the machine does, and that a node is not complete, is the
// same in both.
func replayUnderLoad(ctx context.Context, f *fleet, n int, load traffic) (r replayRun, err error) {
	load.port = f.nodes[0].port
	away := f.nodes[2]
	away.kill()
	if err := fill(ctx, load.port, n); err != nil {
		return r, err
	}
	var delivered int
	if r.missed, delivered, err = f.owed(ctx, away.name); err != nil {
		return r, err
	}
	m, stop, err := load.start(ctx)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	if err := rest(ctx, time.Second); err != nil { // the clients find their pace
		return r, err
	}
	began := time.Now()
	if err := away.start(); err != nil {
		return r, err
	}
	if err := until(ctx, "hints to arrive", func() (bool, error) {
		_, now, err := f.owed(ctx, away.name)
		return now > delivered, err
	}); err != nil {
		return r, err
	}
	r.first = time.Since(began)
	var paused time.Duration
	look := func() (*latencies, float64, error) {
		before, err := cpuTime(f.pids()...)
		m.turn()
		err = errors.Join(err, rest(ctx, window))
		got := m.turn()
		after, cpuErr := cpuTime(f.pids()...)
		return got, (after - before).Seconds() / window.Seconds(), errors.Join(err, cpuErr)
	}
	for left := r.missed; left > r.missed/50 && len(r.paused) < maxPairs; { // less is too short for a window
		got, cores, err := look()
		if err != nil {
			return r, err
		}
		r.replayed, r.busy = append(r.replayed, got), append(r.busy, cores)
		stopped := time.Now()
		if err := f.pause(ctx, window+time.Second); err != nil {
			return r, err
		}
		if got, cores, err = look(); err != nil {
			return r, err
		}
		r.paused, r.idle = append(r.paused, got), append(r.idle, cores)
		if left, _, err = f.owed(ctx, away.name); err != nil {
			return r, err
		}
		if err := f.pause(ctx, 0); err != nil {
			return r, err
		}
		last := len(r.paused) - 1
		fmt.Printf("replay: %d to go, p99 %v, %v paused\n", left, r.replayed[last].quantile(.99), r.paused[last].quantile(.99))
		paused += time.Since(stopped)
	}
	if err := until(ctx, "hints to have arrived", func() (bool, error) {
		left, _, err := f.owed(ctx, away.name)
		return left < 100, err // the clients go on: some are always on their way
	}); err != nil {
		return r, err
	}
	r.handed = time.Since(began) - paused
	m.turn()
	if err := f.awaitWhole(ctx); err != nil {
		return r, err
	}
	r.whole = time.Since(began) - paused
	r.compare = m.turn()
	return r, nil
}

// owed is what the other two nodes keep for one and have delivered to it.
func (f *fleet) owed(ctx context.Context, id string) (records, delivered int, err error) {
	for _, n := range f.nodes {
		if n.name != id {
			r, _, d, err := n.kept(ctx, id)
			if err != nil {
				return 0, 0, err
			}
			records += r
			delivered += d
		}
	}
	return records, delivered, nil
}

// pause has the first two nodes hold back hints for a while.
func (f *fleet) pause(ctx context.Context, d time.Duration) error {
	for _, n := range f.nodes[:2] {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, fmt.Sprintf("http://127.0.0.1:%d/hints/pause?for=%v", n.admin, d), nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("pausing %s: %s", n.name, res.Status)
		}
	}
	return nil
}

// together is what all the windows of a kind saw.
func together(all []*latencies) *histogram {
	var h histogram
	for _, l := range all {
		h.join(&l.histogram)
	}
	return &h
}

// raised is how many times as long the p99 was while hints went than in the
// pauses before and after, window by window: what the rest of the machine does
// comes and goes, and is in both. Of two pauses it is the geometric mean, which
// makes no difference between 2 and 1/2.
func (r replayRun) raised() []float64 {
	p99 := func(l *latencies) float64 { return ms(l.quantile(.99)) }
	var times []float64
	for i, l := range r.replayed {
		before, after := r.paused[max(i-1, 0)], r.paused[i]
		times = append(times, p99(l)/math.Sqrt(p99(before)*p99(after)))
	}
	return times
}
