// Steps runs make targets one after the other, each in its own process group
// with a time limit, goes on after a failure, and ends with the time that
// each took and a line "N passed, N failed".
//
//	steps -each 15m lint layers docs unit
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/dynomite-go/dynomite/internal/tools/run"
)

func main() {
	each := flag.Duration("each", 15*time.Minute, "time limit of one step")
	total := flag.Duration("timeout", 38*time.Minute, "time limit of all steps together")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeoutCause(ctx, *total, fmt.Errorf("the time of all steps, %v, is over", *total))
	defer cancel()
	results := steps(ctx, *each, flag.Args(), target)
	failed := report(os.Stdout, results)
	if failed > 0 {
		stop()
		os.Exit(1)
	}
}

// target makes one target. Its output is ours.
func target(ctx context.Context, name string) error {
	return run.Command{Stdout: os.Stdout, Stderr: os.Stderr}.Exec(ctx, "make", "--no-print-directory", name)
}

// result is how a step ended.
type result struct {
	name string
	err  error
	took time.Duration
}

func steps(ctx context.Context, each time.Duration, names []string, do func(context.Context, string) error) []result {
	var results []result
	for _, name := range names {
		fmt.Printf("=== %s\n", name)
		began := time.Now()
		err := context.Cause(ctx)
		if err == nil {
			limited, cancel := context.WithTimeoutCause(ctx, each, fmt.Errorf("longer than %v", each))
			err = do(limited, name)
			cancel()
		}
		took := time.Since(began)
		results = append(results, result{name, err, took})
		if err != nil {
			fmt.Printf("--- FAIL: %s (%.1fs): %v\n", name, took.Seconds(), err)
		} else {
			fmt.Printf("--- PASS: %s (%.1fs)\n", name, took.Seconds())
		}
	}
	return results
}

// report prints the summary and returns the number of failures.
func report(w io.Writer, results []result) (failed int) {
	var sum time.Duration
	fmt.Fprintln(w, "\nstep               seconds")
	for _, r := range results {
		note := ""
		if r.err != nil {
			failed++
			note = "  FAILED"
		}
		sum += r.took
		fmt.Fprintf(w, "%-18s %7.1f%s\n", r.name, r.took.Seconds(), note)
	}
	fmt.Fprintf(w, "%-18s %7.1f\n%d passed, %d failed\n", "together", sum.Seconds(), len(results)-failed, failed)
	return failed
}
