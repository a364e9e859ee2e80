// Deps installs, through apt-get, what the tests call and the machine lacks:
//
//	deps              gcc, git, redis-server, redis-cli, redis-benchmark, tclsh
//	deps -clients     node, npm and redis-py besides
//
// A package that brings a service is kept from starting it. Nothing is
// installed, and no privilege is needed, when everything is there.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/dynomite-go/dynomite/internal/tools/run"
)

// need is a program and the Debian package that brings it.
type need struct{ program, pkg string }

var always = []need{
	{"gcc", "gcc"}, // for the race detector
	{"git", "git"},
	{"redis-server", "redis-server"},
	{"redis-cli", "redis-tools"},
	{"redis-benchmark", "redis-tools"},
	{"tclsh", "tcl"},
}

var forClients = []need{{"node", "nodejs"}, {"npm", "npm"}}

// policy tells Debian's packages not to start services; 101 means "action
// forbidden by policy".
const (
	policyFile = "/usr/sbin/policy-rc.d"
	policyText = "#!/bin/sh\nexit 101\n"
)

func main() {
	clients := flag.Bool("clients", false, "what the foreign clients need as well")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	if err := deps(ctx, *clients); err != nil {
		fmt.Fprintln(os.Stderr, "deps:", err)
		cancel()
		os.Exit(1)
	}
}

func deps(ctx context.Context, clients bool) error {
	needs := always
	if clients {
		needs = slices.Concat(always, forClients)
	}
	packages := missing(needs, exec.LookPath)
	// The Debian package of redis-py is for Debian's own interpreter.
	if clients && exec.CommandContext(ctx, "/usr/bin/python3", "-c", "import redis").Run() != nil {
		packages = append(packages, "python3", "python3-redis")
	}
	if len(packages) == 0 {
		return nil
	}
	fmt.Println("deps: installing", packages)
	return install(ctx, packages)
}

// missing lists the packages of the programs that look does not find, each
// once.
func missing(needs []need, look func(string) (string, error)) []string {
	var packages []string
	for _, n := range needs {
		if _, err := look(n.program); err != nil && !slices.Contains(packages, n.pkg) {
			packages = append(packages, n.pkg)
		}
	}
	return packages
}

func install(ctx context.Context, packages []string) error {
	var as []string
	if os.Geteuid() != 0 {
		as = []string{"sudo", "-n"}
	}
	root := func(args ...string) error {
		args = slices.Concat(as, args)
		c := run.Command{Env: []string{"DEBIAN_FRONTEND=noninteractive"}, Stdout: os.Stdout, Stderr: os.Stderr}
		return c.Exec(ctx, args[0], args[1:]...)
	}
	if _, err := os.Stat(policyFile); errors.Is(err, os.ErrNotExist) {
		script := fmt.Sprintf("printf '%%s' '%s' > %s && chmod 755 %s", policyText, policyFile, policyFile)
		if err := root("sh", "-c", script); err != nil {
			return err
		}
		defer root("rm", "-f", policyFile)
	}
	get := []string{"env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "Acquire::Retries=3"}
	if err := root(slices.Concat(get, []string{"update"})...); err != nil {
		return err
	}
	return root(slices.Concat(get, []string{"install", "-y", "--no-install-recommends"}, packages)...)
}
