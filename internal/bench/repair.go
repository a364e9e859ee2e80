package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// repairOptions are the flags of "repair".
type repairOptions struct {
	parts   []string
	runs    int
	length  time.Duration
	writes  int
	rate    float64
	binary  string
	out     string
	command string
}

// repairParts are what can be measured, by name, and the section of the page
// that each writes, in the page's order.
var repairParts = []struct {
	name, title string
	run         func(context.Context, repairOptions) (string, error)
}{
	{"hints", "Keeping hints", measureHints},
	{"replay", "Replay under load", measureReplay},
	{"levels", "DC_QUORUM against DC_ONE", measureLevels},
	{"stopped", "A node that stands still", measureStopped},
	{"away", "Away and back", measureAway},
	{"compare", "Comparing copies", measureCompare},
	{"upkeep", "Upkeep", measureUpkeep},
}

const repairIntro = `# Repair

What it costs that a replica was away, and what a quorum costs when none is. ` + "`make bench-repair`" + ` measures it; a part that is measured again, by BENCH='-parts NAME', takes the place of its section here.

Everything shares one machine: three processes of dynomited on loopback addresses, and the clients. Figures are ` + "`min / median / max`" + ` where there are three. **goal missed** marks what falls short of what the project asks of itself, **slower** what a rival does better.`

// repair measures what hints and quorums cost, and writes docs/repair.md.
func repair(ctx context.Context, args []string) error {
	var o repairOptions
	var names []string
	for _, p := range repairParts {
		names = append(names, p.name)
	}
	flags := flag.NewFlagSet("repair", flag.ContinueOnError)
	parts := flags.String("parts", strings.Join(names, ","), "what to measure")
	flags.IntVar(&o.runs, "runs", 5, "interleaved runs of each case; absences are measured once")
	seconds := flags.Float64("seconds", 3, "about how long a run takes")
	flags.IntVar(&o.writes, "writes", 1000000, "what a node misses that gets hints under load; half as many for the part away")
	flags.Float64Var(&o.rate, "rate", 1000, "requests a second of the clients while hints are replayed")
	flags.StringVar(&o.binary, "dynomited", "", "a built dynomited; by default the tree's is built")
	flags.StringVar(&o.out, "o", "../../docs/repair.md", "the page; - is standard output")
	if err := flags.Parse(args); err != nil {
		return err
	}
	o.parts, o.length = strings.Split(*parts, ","), time.Duration(*seconds*float64(time.Second))
	o.command = "make bench-repair"
	if len(args) > 0 {
		o.command += " BENCH='" + strings.Join(args, " ") + "'"
	}
	for _, p := range o.parts {
		if !slices.Contains(names, p) {
			return fmt.Errorf("no part %q; there are %s", p, strings.Join(names, ", "))
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
	for _, p := range repairParts {
		if !slices.Contains(o.parts, p.name) {
			continue
		}
		body, err := p.run(ctx, o)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		body = fmt.Sprintf("Measured by `%s` on %s: %s.\n\n%s", o.command, time.Now().Format("2 January 2006, 15:04"), machine(ctx), body)
		if err := publish(o.out, section{p.title, body}); err != nil {
			return err
		}
	}
	return nil
}

// publish puts a section where it belongs.
func publish(path string, s section) error {
	if path == "-" {
		fmt.Printf("## %s\n\n%s\n\n", s.title, s.body)
		return nil
	}
	p, err := readPage(path)
	if err != nil {
		return err
	}
	var order []string
	for _, part := range repairParts {
		order = append(order, part.title)
	}
	p.intro = repairIntro
	p.put(s, order)
	return errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(p.String()), 0o644))
}

// build makes the tree's dynomited in a temporary folder.
func build(ctx context.Context) (binary string, remove func(), err error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return "", nil, err
	}
	binary = filepath.Join(dir, "dynomited")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/dynomited")
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(os.Environ(), "GOWORK=")
	if out, err := cmd.CombinedOutput(); err != nil {
		os.RemoveAll(dir)
		return "", nil, fmt.Errorf("building dynomited: %w\n%s", err, out)
	}
	return binary, func() { os.RemoveAll(dir) }, nil
}
