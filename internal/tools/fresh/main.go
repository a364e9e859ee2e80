// Fresh does what a newcomer does: it clones the repository into a new
// folder and, with an empty module cache, types the README's commands there.
// The server takes free ports instead of the usual ones.
//
// A clean tree is cloned by git. In one with changes the files that git knows
// or would add are copied, so that the check can run before the commit.
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

	"github.com/dynomite-go/dynomite/internal/tools/run"
	"github.com/dynomite-go/dynomite/internal/tools/server"
	"github.com/dynomite-go/dynomite/internal/tools/workspace"
)

func main() {
	dir := flag.String("C", ".", "a folder of the repository")
	total := flag.Duration("timeout", 10*time.Minute, "time limit of everything")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, *total)
	defer cancel()
	if err := fresh(ctx, *dir); err != nil {
		fmt.Fprintln(os.Stderr, "fresh:", err)
		stop()
		os.Exit(1)
	}
}

func fresh(ctx context.Context, dir string) error {
	root, err := workspace.Root(dir)
	if err != nil {
		return err
	}
	stage, err := os.MkdirTemp("", "fresh")
	if err != nil {
		return err
	}
	defer os.RemoveAll(stage)
	clone := filepath.Join(stage, "dynomite")
	if err := copyTree(ctx, root, stage, clone); err != nil {
		return fmt.Errorf("cloning: %w", err)
	}
	readme, err := os.ReadFile(filepath.Join(clone, "README.md"))
	if err != nil {
		return err
	}
	s, err := readSession(string(readme))
	if err != nil {
		return err
	}
	return play(ctx, stage, clone, s)
}

// play types the session in the clone.
func play(ctx context.Context, stage, clone string, s session) error {
	env := server.Env{
		"GOWORK=",
		"GOMODCACHE=" + filepath.Join(stage, "modcache"),
		// Writable, so that the folder can be removed; trimmed paths, so that
		// the build cache serves every empty module cache alike.
		"GOFLAGS=-modcacherw -trimpath -buildvcs=false",
	}
	ports := s.ports()
	args := slices.Clone(s.start)
	if slices.Contains(args, "dev") {
		args = append(args, "--base-port", "0")
	} else {
		args = append(args, server.Lone...)
	}
	began := time.Now()
	srv, err := env.Start(ctx, clone, args[0], args[1:]...)
	if err != nil {
		return err
	}
	defer srv.Stop()
	if err := srv.Await(ctx, len(ports)); err != nil {
		return err
	}
	fmt.Printf("%s: answers after %.1fs\n", strings.Join(s.start, " "), time.Since(began).Seconds())
	for _, e := range s.client {
		args, err := e.at(ports, srv.Addrs)
		if err != nil {
			return err
		}
		limited, cancel := context.WithTimeout(ctx, time.Minute)
		reply, err := run.Command{}.Output(limited, "redis-cli", args...)
		cancel()
		if err != nil {
			return err
		}
		if err := e.check(reply); err != nil {
			return fmt.Errorf("%w\n%s", err, srv.Output())
		}
		fmt.Printf("redis-cli %s: %s\n", strings.Join(e.args, " "), strings.TrimSpace(reply))
	}
	return srv.Stop()
}

// copyTree clones root into the folder to.
func copyTree(ctx context.Context, root, stage, to string) error {
	// A checkout may belong to another user than the one who runs the tests.
	config := filepath.Join(stage, "gitconfig")
	if err := os.WriteFile(config, []byte("[safe]\n\tdirectory = *\n"), 0o644); err != nil {
		return err
	}
	git := run.Command{Dir: root, Env: []string{"GIT_CONFIG_GLOBAL=" + config}}
	status, err := git.Output(ctx, "git", "status", "--porcelain")
	if err != nil {
		return err
	}
	if status == "" {
		fmt.Println("cloning HEAD")
		_, err := git.Output(ctx, "git", "clone", "--quiet", "--depth=1", "file://"+root, to)
		return err
	}
	fmt.Println("the tree has changes: copying it")
	names, err := git.Output(ctx, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		return err
	}
	for _, name := range strings.FieldsFunc(names, func(r rune) bool { return r == 0 }) {
		err := copyFile(filepath.Join(root, name), filepath.Join(to, name))
		if err != nil && !errors.Is(err, os.ErrNotExist) { // removed, not yet from the index
			return err
		}
	}
	return nil
}

func copyFile(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, data, info.Mode().Perm())
}
