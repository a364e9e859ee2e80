package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	parts   []string
	runs    int
	length  time.Duration
	keys    int
	binary  string
	out     string
	command string
}

var allParts = []string{"single", "log", "aof", "three", "memory", "start"}

func main() {
	var o options
	parts := flag.String("parts", strings.Join(allParts, ","), "what to measure")
	flag.IntVar(&o.runs, "runs", 5, "interleaved runs of each case")
	seconds := flag.Float64("seconds", 3, "about how long a run takes")
	flag.IntVar(&o.keys, "keys", 1000000, "how many keys the memory is measured with")
	flag.StringVar(&o.binary, "dynomited", "", "a built dynomited; by default the tree's is built")
	flag.StringVar(&o.out, "o", "../../docs/performance.md", "where the report goes; - is standard output")
	flag.Parse()
	run := func(ctx context.Context) error { return bench(ctx, o) }
	if flag.Arg(0) == "repair" {
		run = func(ctx context.Context) error { return repair(ctx, flag.Args()[1:]) }
	}
	o.parts = strings.Split(*parts, ",")
	o.length = time.Duration(*seconds * float64(time.Second))
	o.command = strings.TrimSpace("make bench " + benchFlags())
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

// benchFlags are this run's own flags, as make takes them.
func benchFlags() string {
	if len(os.Args) < 2 {
		return ""
	}
	return "BENCH='" + strings.Join(os.Args[1:], " ") + "'"
}

func bench(ctx context.Context, o options) error {
	for _, p := range o.parts {
		if !slices.Contains(allParts, p) {
			return fmt.Errorf("no part %q; there are %s", p, strings.Join(allParts, ", "))
		}
	}
	if o.binary == "" {
		built, remove, err := build(ctx)
		if err != nil {
			return err
		}
		defer remove()
		o.binary = built
	}
	var r report
	r.heading(machine(ctx), o.command, time.Now(), o.runs, o.length)
	for _, p := range o.parts {
		if err := part(ctx, o, p, &r); err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
	}
	if o.out == "-" {
		fmt.Print(r.text.String())
		return nil
	}
	return errors.Join(os.MkdirAll(filepath.Dir(o.out), 0o755), os.WriteFile(o.out, []byte(r.text.String()), 0o644))
}

// comparisons are the parts that are about rates.
func comparisons(binary string) map[string]comparison {
	return map[string]comparison{
		"single": {
			title:  "One node, no log",
			note:   "`dynomited` without `data_dir` against `redis-server --save '' --appendonly no`.",
			ours:   dynomited(binary, 1, false),
			theirs: redisServer(false),
			goals:  map[string]float64{"set -P 1": 0.75, "get -P 1": 0.75, "set -P 32": 1.1, "get -P 32": 1.3},
		},
		"log": {
			title:  "One node with its log, against a Redis without one",
			note:   "`dynomited` with `data_dir` and `appendfsync: everysec` against `redis-server --save '' --appendonly no`.",
			ours:   dynomited(binary, 1, true),
			theirs: redisServer(false),
		},
		"aof": {
			title:  "One node with its log, against a Redis with one",
			note:   "`dynomited` with `data_dir` and `appendfsync: everysec` against `redis-server --save '' --appendonly yes --appendfsync everysec`.",
			ours:   dynomited(binary, 1, true),
			theirs: redisServer(true),
		},
		"three": {
			title:  "Three nodes, DC_QUORUM",
			note:   "Three processes of `dynomited`, one per rack, every key on all three, no log; the load goes through one of them. Against one `redis-server --save '' --appendonly no`, which keeps one copy.",
			ours:   dynomited(binary, 3, false),
			theirs: redisServer(false),
			goals:  map[string]float64{"set -P 1": 0.40, "get -P 1": 0.40, "set -P 32": 0.20, "get -P 32": 0.20},
		},
	}
}

// part measures one part and writes it to the report.
func part(ctx context.Context, o options, name string, r *report) error {
	alone, rival := dynomited(o.binary, 1, false), redisServer(false)
	switch name {
	case "memory":
		ours, err := weigh(ctx, alone, o.keys)
		if err != nil {
			return err
		}
		theirs, err := weigh(ctx, rival, o.keys)
		if err != nil {
			return err
		}
		fmt.Printf("memory: %.0f bytes/key, redis-server %.0f\n", ours.growth(), theirs.growth())
		r.memory(ours, theirs)
	case "start":
		// Not the first start of a binary: that one reads it from the disk.
		if _, err := startTimes(ctx, alone, 1); err != nil {
			return err
		}
		ours, err := startTimes(ctx, alone, 2*o.runs)
		if err != nil {
			return err
		}
		theirs, err := startTimes(ctx, rival, 2*o.runs)
		if err != nil {
			return err
		}
		fmt.Printf("start: %.0f ms, redis-server %.0f ms\n", spreadOf(ours).median, spreadOf(theirs).median)
		r.starts(ours, theirs)
	default:
		c := comparisons(o.binary)[name]
		rows, err := c.compare(ctx, o.runs, o.length)
		if err != nil {
			return err
		}
		r.rates(c, rows)
	}
	return nil
}
