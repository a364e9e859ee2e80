package main

import (
	"context"
	"fmt"
)

// maxHints is a limit that nothing here reaches.
const maxHints = 1 << 30

func measureHints(ctx context.Context, o repairOptions) (string, error) {
	var ours, theirs, syncs []float64
	for range o.runs {
		bare, err := syncRate(o.length / 4)
		if err != nil {
			return "", err
		}
		rival, err := appendRate(ctx, openPebble, o.length)
		if err != nil {
			return "", fmt.Errorf("pebble: %w", err)
		}
		own, err := appendRate(ctx, openHints, o.length)
		if err != nil {
			return "", err
		}
		ours, theirs, syncs = append(ours, own), append(theirs, rival), append(syncs, bare)
		fmt.Printf("hints: %.0f appends/s, Pebble %.0f, %.0f bare syncs/s\n", own, rival, bare)
	}
	const writes, keys = 1000000, 10000
	var folds, rivals []folded
	for range min(o.runs, 3) {
		rival, err := fold(ctx, openPebble, writes, keys)
		if err != nil {
			return "", fmt.Errorf("pebble: %w", err)
		}
		own, err := fold(ctx, openHints, writes, keys)
		if err != nil {
			return "", err
		}
		folds, rivals = append(folds, own), append(rivals, rival)
		fmt.Printf("hints: %d records, %v, %d bytes; Pebble %d, %v, %d\n", own.records, own.took, own.bytes, rival.records, rival.took, rival.bytes)
	}
	return fmt.Sprintf(`%d goroutines append deltas of %d bytes, of different keys, each returning after its own sync (`+"`hints.Always`"+`, `+"`pebble.Sync`"+`), %d runs of about %v each, the two in turn. Pebble is cockroachdb/pebble/v2 v2.1.7 with its default options. A bare sync is one goroutine's write of 8 KiB into room that a file has already, and its sync, one after the other. A sync that others run beside, such as a flush's, may take less than a bare one: the processor is not asleep when it ends.

%s

Many writes of few keys, each thousand synced together. Hints keep the join of what is queued for a key, here the newer one.

%s`, appenders, deltaSize, o.runs, o.length, appendTable(ours, theirs, syncs), foldTable(writes, keys, folds, rivals)), nil
}

func measureReplay(ctx context.Context, o repairOptions) (string, error) {
	f, err := newFleet(ctx, o.binary, fmt.Sprintf("hint_bytes: %d\n", maxHints))
	if err != nil {
		return "", err
	}
	defer f.stop()
	load := traffic{clients: clients, rate: o.rate, sets: .5, level: "DC_QUORUM", keys: o.writes}
	r, err := replayUnderLoad(ctx, f, o.writes, load)
	if err == nil {
		err = f.awaitEqual(ctx)
	}
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, f.said())
	}
	fmt.Printf("replay: p99 %.2f over paused, whole after %v\n", spreadOf(r.raised()).median, r.whole)
	return fmt.Sprintf(`The third of three nodes is killed, %d keys are written, and it is started again. From then on %d clients of the first node send %.0f requests a second, SETs and GETs alike, each due at its own moment: a latency counts from then, not from when the client got to send. Hints go for %v and are paused for %v (`+"`POST /hints/pause`"+`) in turn, %d times at most, so that the rest of what the machine does, and the absence of a third voter, is in both. The times are without the pauses.

%s`, o.writes, clients, o.rate, window, window, maxPairs, replayTable(load, r)), nil
}

func measureLevels(ctx context.Context, o repairOptions) (string, error) {
	f, err := newFleet(ctx, o.binary, "")
	if err != nil {
		return "", err
	}
	defer f.stop()
	if err := fill(ctx, f.nodes[0].port, keys); err != nil {
		return "", err
	}
	names, all := []string{"GET", "SET"}, map[string][]levelRun{}
	for i, name := range names {
		load := traffic{clients: clients, sets: float64(i), keys: keys}
		if all[name], err = compareLevels(ctx, f, load, o.runs, o.length); err != nil {
			return "", err
		}
		for _, r := range all[name] {
			fmt.Printf("levels: %s p99 %v at DC_QUORUM, %v at DC_ONE\n", name, r.quorum.quantile(.99), r.one.quantile(.99))
		}
	}
	return fmt.Sprintf(`%d clients of the first of three nodes, each sending its next request when the last is answered, keys drawn from %d, values of %d bytes, %d runs of about %v at each level in turn.

%s`, clients, keys, size, o.runs, o.length, levelsTable(names, all)), nil
}

func measureStopped(ctx context.Context, o repairOptions) (string, error) {
	f, err := newFleet(ctx, o.binary, "")
	if err != nil {
		return "", err
	}
	defer f.stop()
	if err := fill(ctx, f.nodes[0].port, keys); err != nil {
		return "", err
	}
	load := traffic{clients: clients, rate: o.rate, keys: keys}
	var all []stoppedRun
	for range o.runs {
		r, err := stopOne(ctx, f, load, o.length)
		if err != nil {
			return "", fmt.Errorf("%w\n%s", err, f.said())
		}
		all = append(all, r)
		fmt.Printf("stopped: p99 %v, first second %v, then %v\n", r.before.quantile(.99), r.first.quantile(.99), r.then.quantile(.99))
	}
	return fmt.Sprintf(`%d clients of the first node send %.0f GETs a second at DC_QUORUM, each due at its own moment, while the third node gets a SIGSTOP: for %v before, the second after it, and for %v from then on; then it goes on and catches up. %d times.

%s`, clients, o.rate, o.length, o.length, o.runs, stoppedTable(all)), nil
}

func measureAway(ctx context.Context, o repairOptions) (string, error) {
	var rows []absence
	writes := o.writes / 2
	for _, within := range []int64{maxHints, 100000} {
		a, err := goAway(ctx, o.binary, writes, within)
		if err != nil {
			return "", err
		}
		fmt.Printf("away: %d kept, equal after %v\n", a.records, a.equal)
		rows = append(rows, a)
	}
	return fmt.Sprintf(`The third of three nodes is killed, %d keys are written, and it is started on its own, empty, data: once all that it missed fits into hint_bytes, once hardly any. Its copy is equal to the others' when the digests of all three are: the sums of the digests of all their records. Nobody else uses the cluster.

%s`, writes, awayTable(rows)), nil
}
