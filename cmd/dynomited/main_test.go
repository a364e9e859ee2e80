//go:build unix

package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

var (
	soak       = flag.Duration("soak", 0, "let the end-to-end tests go on for so long each, with a random order of faults")
	seed       = flag.Uint64("seed", 0, "seed of the end-to-end tests; 0 takes one from the clock")
	raceServer = flag.Bool("race-server", false, "build the server under test with the race detector")
	update     = flag.Bool("update", false, "rewrite docs/session.md")
)

// quiet drops what go-redis has to say about nodes that are down.
type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

// binary is the program under test, built once for all tests.
var binary string

func TestMain(m *testing.M) {
	flag.Parse()
	redis.SetLogger(quiet{})
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "dynomited")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "dynomited")
	args := []string{"build", "-o", binary}
	if *raceServer {
		args = append(args, "-race")
	}
	build := exec.Command("go", append(args, ".")...)
	// This module finds its siblings through the workspace alone, so the
	// program is built in it even if the tests are not.
	build.Env = append(os.Environ(), "GOWORK=")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go %s: %v\n%s", strings.Join(build.Args[1:], " "), err, out)
		return 1
	}
	return m.Run()
}
