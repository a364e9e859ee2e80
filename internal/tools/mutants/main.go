// Mutants plants known defects, one at a time, and requires the test that
// guards each law to notice. A defect is a patch in some package's
// testdata/mutants, whose header names the test:
//
//	# Test: ^TestGather_OneSlowReplica
//	# Package: ./quorum
//	# Wants: acknowledged too early     (optional: a regexp of what it prints)
//
// The test must pass without the patch, and with it must run and fail: a
// patch that no longer applies or compiles, a test that is not there, and a
// run into the time limit are faults of the mutant, and are reported as such.
//
// The tree stays as it is: the patched files live in a temporary folder, and
// the go command sees them in place of the originals through -overlay. So
// everything that a patch does not touch comes from the build cache.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/dynomite-go/dynomite/internal/tools/run"
	"github.com/dynomite-go/dynomite/internal/tools/workspace"
)

// options are the flags.
type options struct {
	dir      string
	parallel int
	each     time.Duration
	baseline bool
	only     string
}

func main() {
	var o options
	flag.StringVar(&o.dir, "C", ".", "a folder of the repository")
	flag.IntVar(&o.parallel, "parallel", 2, "how many mutants run at a time")
	flag.DurationVar(&o.each, "each", 2*time.Minute, "time limit of one test run")
	flag.BoolVar(&o.baseline, "baseline", true, "first require each test to pass without its defect")
	flag.StringVar(&o.only, "only", "", "only the patches whose path contains this")
	total := flag.Duration("timeout", 25*time.Minute, "time limit of everything")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, *total)
	defer cancel()
	ok, err := mutants(ctx, o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
	}
	if err != nil || !ok {
		stop()
		os.Exit(1)
	}
}

// mutants runs them all, prints a line for each as it ends, and says whether
// every one was noticed.
func mutants(ctx context.Context, o options) (bool, error) {
	root, err := workspace.Root(o.dir)
	if err != nil {
		return false, err
	}
	names, err := find(root)
	if err != nil {
		return false, err
	}
	lab := &lab{root: root, options: o, sound: map[string]func() error{}}
	if lab.scratch, err = os.MkdirTemp("", "mutants"); err != nil {
		return false, err
	}
	defer os.RemoveAll(lab.scratch)

	problems := make([]error, len(names))
	places := make(chan struct{}, max(1, o.parallel))
	var running sync.WaitGroup
	count := 0
	for i, name := range names {
		if !strings.Contains(name, o.only) {
			continue
		}
		count++
		places <- struct{}{}
		running.Go(func() {
			defer func() { <-places }()
			began := time.Now()
			problems[i] = lab.try(ctx, name, i)
			took := time.Since(began).Round(10 * time.Millisecond)
			if problems[i] == nil {
				fmt.Printf("noticed %s (%v)\n", name, took)
			} else {
				fmt.Printf("MISSED  %v (%v)\n", problems[i], took)
			}
		})
	}
	running.Wait()
	bad := 0
	for _, p := range problems {
		if p != nil {
			bad++
		}
	}
	fmt.Printf("mutants: %d passed, %d failed\n", count-bad, bad)
	return bad == 0, nil
}

// lab runs tests on the tree with and without a patch.
type lab struct {
	root, scratch string
	options

	mu    sync.Mutex
	sound map[string]func() error // by package and test: the run without a defect
}

// try returns nil if the mutant was noticed for the right reason.
func (l *lab) try(ctx context.Context, name string, number int) error {
	m, err := readMutant(l.root, name)
	if err != nil {
		return err
	}
	overlay, err := l.apply(ctx, m, filepath.Join(l.scratch, fmt.Sprint(number)))
	if err != nil {
		return fmt.Errorf("%s: the patch does not apply: %w", name, err)
	}
	if l.baseline {
		if err := l.soundness(ctx, m); err != nil {
			return fmt.Errorf("%s: without the defect: %w", name, err)
		}
	}
	// A test that draws its cases at random gets three draws.
	v, text, err := l.test(ctx, m, "-overlay="+overlay)
	for range 2 {
		if err == nil && v == passed {
			v, text, err = l.test(ctx, m, "-overlay="+overlay, "-count=1")
		}
	}
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", name, err)
	case v != failed:
		return fmt.Errorf("%s: %s in %s: %v%s", name, m.test, m.pkg, v, excerpt(v, text))
	case m.wants != nil && !m.wants.MatchString(text):
		return fmt.Errorf("%s: %s fails without saying %q%s", name, m.test, m.wants, excerpt(v, text))
	}
	return nil
}

// soundness runs the mutant's test on the tree as it is, once for all mutants
// that share it.
func (l *lab) soundness(ctx context.Context, m *mutant) error {
	l.mu.Lock()
	key := m.pkg + " " + m.test
	once := l.sound[key]
	if once == nil {
		once = sync.OnceValue(func() error {
			v, text, err := l.test(ctx, m)
			if err == nil && v != passed {
				err = fmt.Errorf("%v%s", v, excerpt(v, text))
			}
			return err
		})
		l.sound[key] = once
	}
	l.mu.Unlock()
	return once()
}

// apply writes the patched files below dir and returns the overlay's name.
func (l *lab) apply(ctx context.Context, m *mutant, dir string) (string, error) {
	replace := map[string]string{}
	for _, f := range m.touches {
		from, to := filepath.Join(l.root, filepath.FromSlash(f)), filepath.Join(dir, filepath.FromSlash(f))
		data, err := os.ReadFile(from)
		if err != nil {
			return "", err
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return "", err
		}
		if err := os.WriteFile(to, data, 0o644); err != nil {
			return "", err
		}
		replace[from] = to
	}
	// The ceiling keeps git from finding a repository around the folder: it
	// would take the patch's paths as that repository's and change nothing.
	git := run.Command{Dir: dir, Env: []string{"GIT_CEILING_DIRECTORIES=" + filepath.Dir(dir)}}
	if _, err := git.Output(ctx, "git", "apply", "-p1", filepath.Join(l.root, filepath.FromSlash(m.name))); err != nil {
		return "", err
	}
	data, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, data, 0o644)
}

func (l *lab) test(ctx context.Context, m *mutant, flags ...string) (verdict, string, error) {
	var out bytes.Buffer
	args := append([]string{"test", "-json", "-vet=off", "-run=" + m.test, "-timeout=" + l.each.String()}, flags...)
	// The go command itself fails when a test does, so its error says nothing
	// beyond what judge reads from its output; only the end of ctx matters.
	err := run.Command{Dir: l.root, Env: []string{"GOWORK=" + filepath.Join(l.root, "go.work")}, Stdout: &out, Stderr: &out}.Exec(ctx, "go", append(args, m.pkg)...)
	if ctx.Err() != nil {
		return other, "", err
	}
	v, text := judge(&out, m.test)
	return v, text, nil
}

// excerpt is the end of what a run printed, for the cases that need a look.
func excerpt(v verdict, text string) string {
	text = strings.TrimSpace(text)
	if v == passed || text == "" {
		return ""
	}
	const most = 1500 // bytes, about a screen
	if len(text) > most {
		text = "..." + text[len(text)-most:]
	}
	return "\n" + text
}
