// Clients builds dynomited, starts it on free ports, and runs the scripts of
// internal/clients against it with the real node-redis, ioredis and redis-py.
// The first two are fetched by npm into .cache/clients; redis-py is Debian's.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/dynomite-go/dynomite/internal/tools/run"
	"github.com/dynomite-go/dynomite/internal/tools/server"
	"github.com/dynomite-go/dynomite/internal/tools/workspace"
)

// scripts are run with the interpreter of their ending, and print "OK name"
// last.
var scripts = []struct{ interpreter, file string }{
	{"node", "node-redis.js"},
	{"node", "ioredis.js"},
	{"/usr/bin/python3", "redis-py.py"}, // Debian's interpreter, where apt puts redis-py
}

func main() {
	dir := flag.String("C", ".", "a folder of the repository")
	addr := flag.String("addr", "", "use the server at this address instead of building one")
	dev := flag.Bool("dev", false, "start three nodes instead of one")
	total := flag.Duration("timeout", 10*time.Minute, "time limit of everything")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, *total)
	defer cancel()
	if err := clients(ctx, *dir, *addr, *dev); err != nil {
		fmt.Fprintln(os.Stderr, "clients:", err)
		stop()
		os.Exit(1)
	}
}

func clients(ctx context.Context, dir, addr string, dev bool) error {
	root, err := workspace.Root(dir)
	if err != nil {
		return err
	}
	cache := filepath.Join(root, ".cache", "clients")
	if err := prepare(ctx, filepath.Join(root, "internal", "clients"), cache); err != nil {
		return err
	}
	if addr == "" {
		binary := filepath.Join(cache, "dynomited")
		if _, err := (run.Command{Dir: root}).Output(ctx, "go", "build", "-o", binary, "./cmd/dynomited"); err != nil {
			return err
		}
		args := server.Lone
		if dev {
			args = server.Three
		}
		s, err := server.Start(ctx, cache, binary, args...)
		if err != nil {
			return err
		}
		defer s.Stop()
		addr = s.Addrs[0]
	}
	return play(ctx, cache, addr)
}

// prepare copies the scripts to the cache and lets npm fetch the clients
// there, so that nothing is written among the sources.
func prepare(ctx context.Context, from, cache string) error {
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(from, e.Name()))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(cache, e.Name()), data, 0o644); err != nil {
			return err
		}
	}
	_, err = run.Command{Dir: cache}.Output(ctx, "npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
	return err
}

// play runs every script, also after one failed.
func play(ctx context.Context, cache, addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	passed := 0
	var errs []error
	for _, s := range scripts {
		limited, cancel := context.WithTimeout(ctx, 2*time.Minute)
		out, err := run.Command{Dir: cache}.Output(limited, s.interpreter, s.file, host, port)
		cancel()
		if err == nil && !strings.Contains(out, "OK ") {
			err = fmt.Errorf("%s ended without OK", s.file)
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		passed++
		fmt.Print(out)
	}
	fmt.Printf("clients: %d passed, %d failed\n", passed, len(errs))
	return errors.Join(errs...)
}
