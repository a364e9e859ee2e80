// Fuzz finds every fuzz target of the workspace and fuzzes each for a few
// seconds, one after the other.
package main

import (
	"context"
	"flag"
	"fmt"
	"go/ast"
	"go/token"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dynomite-go/dynomite/internal/tools/run"
	"github.com/dynomite-go/dynomite/internal/tools/workspace"
)

func main() {
	dir := flag.String("C", ".", "a folder of the repository")
	each := flag.Duration("each", 5*time.Second, "how long to fuzz each target")
	only := flag.String("only", "", "only targets whose package or name contains this")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := fuzz(ctx, *dir, *only, *each); err != nil {
		fmt.Fprintln(os.Stderr, "fuzz:", err)
		stop()
		os.Exit(1)
	}
}

func fuzz(ctx context.Context, dir, only string, each time.Duration) error {
	root, err := workspace.Root(dir)
	if err != nil {
		return err
	}
	ws, err := workspace.Load(root)
	if err != nil {
		return err
	}
	found, err := targets(ws)
	if err != nil {
		return err
	}
	passed, failed := 0, 0
	for _, t := range found {
		if !strings.Contains(t.dir+" "+t.name, only) {
			continue
		}
		// Beyond the fuzzing itself: the build, and a minute for the minimizer.
		limited, cancel := context.WithTimeout(ctx, each+3*time.Minute)
		c := run.Command{Dir: filepath.Join(root, filepath.FromSlash(t.module.Dir)), Env: []string{ws.Env()}, Stdout: os.Stdout, Stderr: os.Stderr}
		rel := "." + strings.TrimPrefix(t.dir, t.module.Dir)
		err := c.Exec(limited, "go", "test", "-run=^$", "-fuzz=^"+t.name+"$", "-fuzztime="+each.String(), rel)
		cancel()
		if err != nil {
			failed++
			fmt.Printf("FAIL %s %s: %v\n", t.dir, t.name, err)
			continue
		}
		passed++
	}
	fmt.Printf("fuzz: %d passed, %d failed\n", passed, failed)
	if failed > 0 {
		return fmt.Errorf("%d of %d targets failed", failed, passed+failed)
	}
	return ctx.Err()
}

// fuzzTarget is a function FuzzXxx(*testing.F).
type fuzzTarget struct {
	module *workspace.Module
	dir    string
	name   string
}

func targets(ws *workspace.Workspace) ([]fuzzTarget, error) {
	packages, err := ws.Packages(token.NewFileSet())
	if err != nil {
		return nil, err
	}
	var found []fuzzTarget
	for _, p := range packages {
		for _, f := range p.Files {
			if !f.Test {
				continue
			}
			for _, d := range f.Syntax.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && isTarget(fn.Name.Name) {
					found = append(found, fuzzTarget{p.Module, p.Dir, fn.Name.Name})
				}
			}
		}
	}
	return found, nil
}

// isTarget is the go command's own rule: Fuzz, and then no lower-case letter.
func isTarget(name string) bool {
	rest, ok := strings.CutPrefix(name, "Fuzz")
	first, _ := utf8.DecodeRuneInString(rest)
	return ok && !unicode.IsLower(first)
}
