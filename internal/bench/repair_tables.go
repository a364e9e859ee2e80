package main

import (
	"fmt"
	"strings"
	"time"
)

// verdict marks a figure that misses its goal; most says that the goal is an
// upper bound.
func verdict(got, goal float64, most bool) string {
	if most && got > goal || !most && got < goal {
		return "**goal missed**"
	}
	return ""
}

// ms is a duration in milliseconds, as the tables have them.
func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// each applies f to all.
func each[T any](all []T, f func(T) float64) []float64 {
	var out []float64
	for _, x := range all {
		out = append(out, f(x))
	}
	return out
}

func thousands(s spread) string {
	return fmt.Sprintf("%.0f / **%.0f** / %.0f", s.min, s.median, s.max)
}

func tenths(s spread) string { return fmt.Sprintf("%.1f / %.1f / %.1f", s.min, s.median, s.max) }

// goals of the numbers, as the project asks them of itself.
const (
	goalAppends = 200000 // a second
	goalReplay  = 1.2    // p99 during replay over p99 without
	goalLevels  = 2.0    // p99 at DC_QUORUM over p99 at DC_ONE
	goalStopped = 1.5    // p99 after the first second over p99 before
	goalAway    = time.Minute
)

func appendTable(ours, theirs, syncs []float64) string {
	var out strings.Builder
	o, t, r := spreadOf(ours), spreadOf(theirs), spreadOf(ratios(ours, theirs))
	slower := ""
	if r.median < 1 {
		slower = "**slower**"
	}
	fmt.Fprintf(&out, "| appends/s, each after its own sync | Pebble | ratio | goal, appends/s | | bare syncs/s |\n|---|---|---|---|---|---|\n")
	fmt.Fprintf(&out, "| %s | %s | %s | %d | %s | %s |", thousands(o), thousands(t), fraction(r), goalAppends,
		join(slower, verdict(o.median, goalAppends, false)), thousands(spreadOf(syncs)))
	return out.String()
}

func foldTable(writes, keys int, ours, theirs []folded) string {
	var out strings.Builder
	fmt.Fprintf(&out, "| %d writes to %d keys | seconds | records left | goal | MB on the disk | |\n|---|---|---|---|---|---|\n", writes, keys)
	seconds := func(f folded) float64 { return f.took.Seconds() }
	mb := func(f folded) float64 { return float64(f.bytes) / 1e6 }
	slower := ""
	if spreadOf(ratios(each(ours, seconds), each(theirs, seconds))).median > 1 {
		slower = "**slower**"
	}
	missed := ""
	for _, f := range ours {
		if f.records != keys {
			missed = "**goal missed**"
		}
	}
	fmt.Fprintf(&out, "| hints | %s | %d | %d | %s | %s |\n", tenths(spreadOf(each(ours, seconds))), ours[0].records, keys, tenths(spreadOf(each(ours, mb))), join(slower, missed))
	fmt.Fprintf(&out, "| Pebble | %s | %d | | %s | |", tenths(spreadOf(each(theirs, seconds))), theirs[0].records, tenths(spreadOf(each(theirs, mb))))
	return out.String()
}

func join(words ...string) string {
	var some []string
	for _, w := range words {
		if w != "" {
			some = append(some, w)
		}
	}
	return strings.Join(some, ", ")
}

func replayTable(load traffic, r replayRun) string {
	var out strings.Builder
	on, off := together(r.replayed), together(r.paused)
	fmt.Fprintf(&out, "| %.0f requests/s | requests | p50, ms | p99, ms | p99.9, ms | errors | cores used by the nodes |\n|---|---|---|---|---|---|---|\n", load.rate)
	for _, row := range []struct {
		name  string
		of    []*latencies
		cores []float64
	}{{"hints paused", r.paused, r.idle}, {"hints replayed", r.replayed, r.busy}, {"comparing, after the last hint", []*latencies{r.compare}, nil}} {
		h, errors, cores := together(row.of), uint64(0), ""
		for _, l := range row.of {
			errors += l.errors
		}
		if row.cores != nil {
			cores = fmt.Sprintf("%.2f", spreadOf(row.cores).median)
		}
		fmt.Fprintf(&out, "| %s | %d | %.2f | %.2f | %.2f | %d | %s |\n", row.name, h.total, ms(h.quantile(.5)), ms(h.quantile(.99)), ms(h.quantile(.999)), errors, cores)
	}
	ratio := spreadOf(r.raised())
	fmt.Fprintf(&out, "\n| hints | windows | p99 of a window over the pauses around it | of all windows | goal | | first hint after, s | last hint | whole |\n|---|---|---|---|---|---|---|---|---|\n")
	fmt.Fprintf(&out, "| %d | %d | %s | %.2f | %.1f | %s | %.1f | %.1f | %.1f |", r.missed, len(r.replayed), fraction(ratio),
		ms(on.quantile(.99))/ms(off.quantile(.99)), goalReplay, verdict(ratio.median, goalReplay, true),
		r.first.Seconds(), r.handed.Seconds(), r.whole.Seconds())
	return out.String()
}

func levelsTable(names []string, runs map[string][]levelRun) string {
	var out strings.Builder
	fmt.Fprintf(&out, "| | p99 at DC_ONE, ms | p99 at DC_QUORUM, ms | ratio | goal | | requests/s, DC_ONE | DC_QUORUM |\n|---|---|---|---|---|---|---|---|\n")
	var rows []string
	for _, name := range names {
		all := runs[name]
		one := each(all, func(r levelRun) float64 { return ms(r.one.quantile(.99)) })
		quorum := each(all, func(r levelRun) float64 { return ms(r.quorum.quantile(.99)) })
		ratio := spreadOf(ratios(quorum, one))
		rows = append(rows, fmt.Sprintf("| %s | %s | %s | %s | %.1f | %s | %.0f | %.0f |", name, tenths(spreadOf(one)), tenths(spreadOf(quorum)),
			fraction(ratio), goalLevels, verdict(ratio.median, goalLevels, true),
			spreadOf(each(all, func(r levelRun) float64 { return r.one.rate() })).median,
			spreadOf(each(all, func(r levelRun) float64 { return r.quorum.rate() })).median))
	}
	return out.String() + strings.Join(rows, "\n")
}

func stoppedTable(runs []stoppedRun) string {
	var out strings.Builder
	p99 := func(of func(stoppedRun) *latencies) []float64 {
		return each(runs, func(r stoppedRun) float64 { return ms(of(r).quantile(.99)) })
	}
	before := p99(func(r stoppedRun) *latencies { return r.before })
	first := p99(func(r stoppedRun) *latencies { return r.first })
	then := p99(func(r stoppedRun) *latencies { return r.then })
	ratio := spreadOf(ratios(then, before))
	failed := 0.0
	for _, r := range runs {
		failed += float64(r.first.errors + r.then.errors)
	}
	fmt.Fprintf(&out, "| p99 before, ms | p99 in the first second, ms | p99 from then on, ms | from then on, over before | goal | | errors |\n|---|---|---|---|---|---|---|\n")
	fmt.Fprintf(&out, "| %s | %s | %s | %s | %.1f | %s | %.0f |", tenths(spreadOf(before)), tenths(spreadOf(first)), tenths(spreadOf(then)),
		fraction(ratio), goalStopped, verdict(ratio.median, goalStopped, true), failed)
	return out.String()
}

func awayTable(rows []absence) string {
	var out strings.Builder
	fmt.Fprintf(&out, "| hint_bytes | records kept | dirty ranges | complete after, s | nothing owed after, s | copies equal after, s | goal, s | |\n|---|---|---|---|---|---|---|---|\n")
	var lines []string
	for _, a := range rows {
		lines = append(lines, fmt.Sprintf("| %d | %d | %d | %.1f | %.1f | %.1f | %.0f | %s |", a.within, a.records, a.dirty,
			a.complete.Seconds(), a.whole.Seconds(), a.equal.Seconds(), goalAway.Seconds(), verdict(a.equal.Seconds(), goalAway.Seconds(), true)))
	}
	return out.String() + strings.Join(lines, "\n")
}
