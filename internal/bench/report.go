package main

import (
	"fmt"
	"strings"
	"time"
)

// report is docs/performance.md as it grows.
type report struct{ text strings.Builder }

func (r *report) line(format string, args ...any) {
	fmt.Fprintf(&r.text, format+"\n", args...)
}

// heading opens the page.
func (r *report) heading(machine, command string, day time.Time, runs int, length time.Duration) {
	r.line("# Performance")
	r.line("")
	r.line("Measured by `%s` on %s: %s.", command, day.Format("2 January 2006"), machine)
	r.line("")
	r.line("Both servers and the load generator share the machine. Each figure is `min / median / max` of %d runs of about %v, the two servers' runs interleaved; a ratio is taken pair by pair, ours over redis-server's. **slower** marks every case that we lose, **below the goal** those under the least ratio that the project asks of itself. CPU is the processor time of the server processes per request, user and system, of all nodes together.", runs, length)
	r.line("")
	r.line("Load: `%s`, with `-t set,get` and `-P 1,32`.", "redis-benchmark "+strings.Join(baseArgs(), " "))
}

// baseArgs are the arguments that all loads share, for the reader.
func baseArgs() []string {
	all := load{}.args(0, 0)
	return all[2:8] // -c, -d and -r with their values
}

// rates writes one comparison's table.
func (r *report) rates(c comparison, rows []row) {
	r.line("")
	r.line("## %s", c.title)
	r.line("")
	r.line("%s", c.note)
	r.line("")
	r.line("| load | redis-server, requests/s | dynomited, requests/s | ratio | goal | | CPU us/request, redis-server | dynomited |")
	r.line("|---|---|---|---|---|---|---|---|")
	for _, row := range rows {
		ratio := spreadOf(ratios(row.ours, row.theirs))
		goal := ""
		if row.goal > 0 {
			goal = fmt.Sprintf("%.2f", row.goal)
		}
		r.line("| %s | %s | %s | %s | %s | %s | %.1f | %.1f |", row.load, whole(spreadOf(row.theirs)), whole(spreadOf(row.ours)),
			fraction(ratio), goal, marks(ratio.median, row.goal), spreadOf(row.theirsCPU).median, spreadOf(row.oursCPU).median)
	}
}

// marks says what there is to regret about a ratio of rates.
func marks(ratio, goal float64) string {
	var words []string
	if ratio < 1 {
		words = append(words, "**slower**")
	}
	if ratio < goal {
		words = append(words, "**below the goal**")
	}
	return strings.Join(words, ", ")
}

// memory writes the weights.
func (r *report) memory(ours, theirs footprint) {
	r.line("")
	r.line("## Memory")
	r.line("")
	r.line("Resident memory with %d keys of 16 bytes, values of %d bytes, no log. \"Growth\" leaves out what the empty server took. The goal is redis-server's growth.", ours.keys, size)
	r.line("")
	r.line("| | empty, MB | full, MB | growth, bytes/key | total, bytes/key | |")
	r.line("|---|---|---|---|---|---|")
	mark := ""
	if ours.growth() > theirs.growth() {
		mark = "**more than redis-server, below the goal**"
	}
	for _, f := range []struct {
		name string
		footprint
		mark string
	}{{"redis-server", theirs, ""}, {"dynomited", ours, mark}} {
		r.line("| %s | %.1f | %.1f | %.0f | %.0f | %s |", f.name, float64(f.empty)/1e6, float64(f.full)/1e6, f.growth(), f.total(), f.mark)
	}
}

// starts writes the start times; the goal is 300 ms.
func (r *report) starts(ours, theirs []float64) {
	const goal = 300
	r.line("")
	r.line("## Start")
	r.line("")
	r.line("From starting the process to its first PONG, in ms, an empty node without a log. The goal is %d.", goal)
	r.line("")
	r.line("| redis-server | dynomited | |")
	r.line("|---|---|---|")
	o, t := spreadOf(ours), spreadOf(theirs)
	var words []string
	if o.median > t.median {
		words = append(words, "**slower**")
	}
	if o.median > goal {
		words = append(words, "**below the goal**")
	}
	r.line("| %s | %s | %s |", whole(t), whole(o), strings.Join(words, ", "))
}

func whole(s spread) string { return fmt.Sprintf("%.0f / %.0f / %.0f", s.min, s.median, s.max) }

func fraction(s spread) string { return fmt.Sprintf("%.2f / **%.2f** / %.2f", s.min, s.median, s.max) }
