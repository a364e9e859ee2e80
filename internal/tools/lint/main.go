// Lint runs gofmt, gofumpt, go vet and staticcheck over the workspace and
// over the two modules outside it. With -fix it formats instead.
//
// It expects gofumpt and staticcheck beside itself, built from the tool lines
// of this module's go.mod.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/dynomite-go/dynomite/internal/tools/run"
	"github.com/dynomite-go/dynomite/internal/tools/workspace"
)

func main() {
	dir := flag.String("C", ".", "a folder of the repository")
	fix := flag.Bool("fix", false, "format the files instead of checking them")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	if err := lint(ctx, *dir, *fix); err != nil {
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(1)
	}
}

func lint(ctx context.Context, dir string, fix bool) error {
	root, err := workspace.Root(dir)
	if err != nil {
		return err
	}
	ws, err := workspace.Load(root)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	bin := filepath.Dir(self)
	if fix {
		return format(ctx, ws, filepath.Join(bin, "gofumpt"), "-w")
	}
	errs := []error{
		format(ctx, ws, "gofmt", "-l", "-s"),
		format(ctx, ws, filepath.Join(bin, "gofumpt"), "-l"),
	}
	check := func(where, work, pattern string) {
		c := run.Command{Dir: filepath.Join(root, filepath.FromSlash(where)), Env: []string{work}}
		for _, args := range [][]string{{"go", "vet", pattern}, {filepath.Join(bin, "staticcheck"), pattern}} {
			if out, err := c.Output(ctx, args[0], args[1:]...); err != nil {
				errs = append(errs, fmt.Errorf("%s %s: %w\n%s", filepath.Base(args[0]), pattern, err, strings.TrimSpace(out)))
			}
		}
	}
	check(".", ws.Env(), "work")
	for _, m := range ws.Modules {
		if !m.InWork {
			check(m.Dir, "GOWORK=off", "./...")
		}
	}
	return errors.Join(errs...)
}

// format runs a formatter over every Go file. What it prints is a complaint.
func format(ctx context.Context, ws *workspace.Workspace, program string, flags ...string) error {
	files, err := ws.Files(".go")
	if err != nil || len(files) == 0 {
		return err
	}
	out, err := run.Command{Dir: ws.Root}.Output(ctx, program, append(flags, files...)...)
	if err == nil && out != "" {
		err = fmt.Errorf("%s: make format would change:\n%s", filepath.Base(program), strings.TrimSpace(out))
	}
	return err
}
