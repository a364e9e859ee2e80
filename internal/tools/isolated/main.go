// Isolated builds each module on its own, with GOWORK=off, as the go command
// of a stranger sees it: build, vet, tidy without a difference, and the tests
// if asked. Workspace mode hides a missing requirement; this does not.
// With -tidy it tidies them instead.
//
// A module that replaces its siblings by path is built as it is. The command
// cmd/dynomited has no replace, for one would break "go install ...@latest";
// it is built through a copy of its go.mod with the replaces added.
package main

import (
	"bytes"
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

	"golang.org/x/mod/modfile"

	"github.com/dynomite-go/dynomite/internal/tools/run"
	"github.com/dynomite-go/dynomite/internal/tools/workspace"
)

func main() {
	dir := flag.String("C", ".", "a folder of the repository")
	test := flag.Bool("test", false, "run the tests as well")
	tidy := flag.Bool("tidy", false, "tidy every module instead of checking it")
	only := flag.String("only", "", "only the module in this folder")
	total := flag.Duration("timeout", 15*time.Minute, "time limit of everything")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, *total)
	defer cancel()
	if err := isolated(ctx, *dir, *only, do(*test, *tidy)); err != nil {
		fmt.Fprintln(os.Stderr, "isolated:", err)
		stop()
		os.Exit(1)
	}
}

// do lists the go commands that each module goes through.
func do(test, tidy bool) [][]string {
	if tidy {
		return [][]string{{"mod", "tidy"}}
	}
	steps := [][]string{{"build", "-o", os.DevNull, "./..."}, {"vet", "./..."}, {"mod", "tidy", "-diff"}}
	if test {
		steps = append(steps, []string{"test", "-timeout=10m", "./..."})
	}
	return steps
}

func isolated(ctx context.Context, dir, only string, steps [][]string) error {
	root, err := workspace.Root(dir)
	if err != nil {
		return err
	}
	ws, err := workspace.Load(root)
	if err != nil {
		return err
	}
	// Dependencies come first. When go vet meets a package as a dependency it
	// caches that it has no findings, and would repeat this when the package's
	// own turn comes.
	order := slices.Clone(ws.Modules)
	slices.SortStableFunc(order, func(a, b *workspace.Module) int {
		return len(ws.Siblings(a)) - len(ws.Siblings(b))
	})
	var errs []error
	for _, m := range order {
		if only != "" && only != m.Dir {
			continue
		}
		began := time.Now()
		err := alone(ctx, ws, m, steps)
		word := "ok  "
		if err != nil {
			word = "FAIL"
			errs = append(errs, fmt.Errorf("%s: %w", m.Dir, err))
		}
		fmt.Printf("%s %-16s alone %6.1fs\n", word, m.Dir, time.Since(began).Seconds())
	}
	return errors.Join(errs...)
}

// alone runs the go commands in the module's folder and returns the first
// failure.
func alone(ctx context.Context, ws *workspace.Workspace, m *workspace.Module, steps [][]string) error {
	temporary, remove, err := withReplaces(ws, m)
	if err != nil {
		return err
	}
	defer remove()
	for _, args := range steps {
		if temporary != "" {
			verb := 1
			if args[0] == "mod" {
				verb = 2
			}
			args = slices.Insert(slices.Clone(args), verb, "-modfile="+temporary)
		}
		c := run.Command{Dir: filepath.Join(ws.Root, filepath.FromSlash(m.Dir)), Env: []string{"GOWORK=off"}}
		if out, err := c.Output(ctx, "go", args...); err != nil {
			return fmt.Errorf("%w\n%s", err, strings.TrimSpace(out))
		}
	}
	if temporary == "" {
		return nil
	}
	return takeBack(ws, m, temporary)
}

// withReplaces writes a copy of m's go.mod and go.sum that finds the siblings
// by their folders, and returns its name; "" if m's own go.mod does so.
func withReplaces(ws *workspace.Workspace, m *workspace.Module) (name string, remove func(), err error) {
	siblings := ws.Siblings(m)
	if len(siblings) == 0 || len(m.File.Replace) > 0 {
		return "", func() {}, nil
	}
	dir, err := os.MkdirTemp("", "isolated")
	if err != nil {
		return "", nil, err
	}
	remove = func() { os.RemoveAll(dir) }
	defer func() {
		if err != nil {
			remove()
		}
	}()
	from := filepath.Join(ws.Root, filepath.FromSlash(m.Dir))
	mod, err := os.ReadFile(filepath.Join(from, "go.mod"))
	if err != nil {
		return "", nil, err
	}
	var text strings.Builder
	text.Write(mod)
	for _, s := range siblings {
		fmt.Fprintf(&text, "\nreplace %s => %s\n", s.Path, filepath.Join(ws.Root, filepath.FromSlash(s.Dir)))
	}
	name = filepath.Join(dir, "go.mod")
	if err = os.WriteFile(name, []byte(text.String()), 0o644); err != nil {
		return "", nil, err
	}
	sum, err := os.ReadFile(filepath.Join(from, "go.sum"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", nil, err
	}
	return name, remove, os.WriteFile(filepath.Join(dir, "go.sum"), sum, 0o644)
}

// takeBack copies what the go commands made of the temporary go.mod and
// go.sum to the module, without the replaces. Only tidying changes anything.
func takeBack(ws *workspace.Workspace, m *workspace.Module, name string) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	file, err := modfile.Parse(name, data, nil)
	if err != nil {
		return err
	}
	for _, r := range slices.Clone(file.Replace) {
		if err := file.DropReplace(r.Old.Path, r.Old.Version); err != nil {
			return err
		}
	}
	file.Cleanup()
	mod, err := file.Format()
	if err != nil {
		return err
	}
	sum, err := os.ReadFile(filepath.Join(filepath.Dir(name), "go.sum"))
	if err != nil {
		return err
	}
	to := filepath.Join(ws.Root, filepath.FromSlash(m.Dir))
	for file, text := range map[string][]byte{"go.mod": mod, "go.sum": sum} {
		file = filepath.Join(to, file)
		old, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if bytes.Equal(bytes.TrimSpace(old), bytes.TrimSpace(text)) {
			continue
		}
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
