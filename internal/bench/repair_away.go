package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// absence is what became of a node that was away for many writes.
type absence struct {
	within                 int64 // hint_bytes
	records, dirty         int   // kept for it when it came back
	complete, whole, equal time.Duration
}

// goAway kills the third of three fresh nodes, writes, starts it again, and
// waits until its copy is equal to the others'. within is the most that may be
// kept for it.
func goAway(ctx context.Context, binary string, writes int, within int64) (a absence, err error) {
	a.within = within
	f, err := newFleet(ctx, binary, fmt.Sprintf("hint_bytes: %d\n", within))
	if err != nil {
		return a, err
	}
	defer f.stop()
	defer func() {
		if err != nil && ctx.Err() == nil {
			err = fmt.Errorf("%w\n%s", err, f.said())
		}
	}()
	away := f.nodes[2]
	away.kill()
	if err := fill(ctx, f.nodes[0].port, writes); err != nil {
		return a, err
	}
	for _, n := range f.nodes[:2] {
		records, dirty, _, err := n.kept(ctx, away.name)
		if err != nil {
			return a, err
		}
		a.records += records
		a.dirty += dirty
	}
	began := time.Now()
	if err := errors.Join(away.start(), f.awaitWhole(ctx)); err != nil {
		return a, err
	}
	a.complete = time.Since(began)
	if err := f.awaitHandedOver(ctx, away.name); err != nil {
		return a, err
	}
	a.whole = time.Since(began)
	digests, err := f.digests()
	a.equal = time.Since(began)
	if err == nil && (digests[0] != digests[1] || digests[0] != digests[2]) {
		err = fmt.Errorf("the copies differ: %q", digests)
	}
	return a, err
}
