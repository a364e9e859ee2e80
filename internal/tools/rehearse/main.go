// Rehearse goes through a release without making one. It packs every released
// module into a folder laid out as a module proxy and then, with an empty
// module cache and that folder before the ordinary proxy,
//
//   - installs cmd/dynomited by version, as "go install path@version" does,
//     starts what it installed, and has it answer a PING;
//   - builds two programs outside the repository, one that imports hashkit and
//     one that imports quorum, and compares their build lists with what the
//     README promises: hashkit brings xxhash and nothing else, quorum nothing.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
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

// consumers are the modules that strangers take alone, and all that may come
// with each.
var consumers = map[string][]string{
	"hashkit": {"github.com/cespare/xxhash/v2"},
	"quorum":  {},
}

func main() {
	dir := flag.String("C", ".", "a folder of the repository")
	version := flag.String("version", "v0.1.0", "the version to rehearse; the siblings' go.mod files must ask for it")
	install := flag.Bool("install", true, "install and start cmd/dynomited")
	total := flag.Duration("timeout", 10*time.Minute, "time limit of everything")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, *total)
	defer cancel()
	if err := rehearse(ctx, *dir, *version, consumers, *install); err != nil {
		fmt.Fprintln(os.Stderr, "rehearse:", err)
		stop()
		os.Exit(1)
	}
}

func rehearse(ctx context.Context, dir, version string, consumers map[string][]string, install bool) error {
	root, err := workspace.Root(dir)
	if err != nil {
		return err
	}
	ws, err := workspace.Load(root)
	if err != nil {
		return err
	}
	stage, err := os.MkdirTemp("", "rehearse")
	if err != nil {
		return err
	}
	defer os.RemoveAll(stage)
	proxy := filepath.Join(stage, "proxy")
	for _, m := range ws.Modules {
		if !m.Tagged() {
			continue
		}
		if err := pack(proxy, ws, m, version); err != nil {
			return fmt.Errorf("packing %s: %w", m.Dir, err)
		}
		fmt.Println("packed", m.Path, version)
	}
	env, err := stranger(ctx, stage, proxy)
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(consumers)) {
		if err := consume(ctx, stage, env, name, version, consumers[name]); err != nil {
			errs = append(errs, fmt.Errorf("a consumer of %s: %w", name, err))
		}
	}
	if install {
		if err := installed(ctx, stage, env, version); err != nil {
			errs = append(errs, fmt.Errorf("the installed dynomited: %w", err))
		}
	}
	return errors.Join(errs...)
}

// stranger is the environment of somebody who has never seen the repository:
// an empty module cache, our proxy before the ordinary one.
func stranger(ctx context.Context, stage, proxy string) ([]string, error) {
	ordinary, err := run.Command{}.Output(ctx, "go", "env", "GOPROXY")
	if err != nil {
		return nil, err
	}
	return []string{
		"GOWORK=off",
		"GOPROXY=file://" + filepath.ToSlash(proxy) + "," + strings.TrimSpace(ordinary),
		"GONOSUMDB=" + workspace.Prefix,
		// Looking for a package, the go command asks for every shorter path
		// too. Nothing of ours may be fetched from where the real one lives.
		"GOVCS=" + workspace.Prefix + ":off,public:git|hg,private:all",
		"GOMODCACHE=" + filepath.Join(stage, "modcache"),
		"GOBIN=" + filepath.Join(stage, "bin"),
		// Writable, so that the folder can be removed; trimmed paths, so that
		// the build cache serves every empty module cache alike.
		"GOFLAGS=-modcacherw -trimpath",
	}, nil
}

// consume builds a program outside the repository that imports one module,
// and compares its build list with what the module may bring.
func consume(ctx context.Context, stage string, env []string, name, version string, brings []string) error {
	path := workspace.Prefix + "/" + name
	dir := filepath.Join(stage, "outside-"+name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	files := map[string]string{
		"go.mod":  "module example.org/outside\n\ngo 1.26\n\nrequire " + path + " " + version + "\n",
		"main.go": "package main\n\nimport _ \"" + path + "\"\n\nfunc main() {}\n",
	}
	for file, text := range files {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			return err
		}
	}
	c := run.Command{Dir: dir, Env: env}
	if _, err := c.Output(ctx, "go", "mod", "tidy"); err != nil {
		return err
	}
	if _, err := c.Output(ctx, "go", "build", "-o", os.DevNull, "."); err != nil {
		return err
	}
	out, err := c.Output(ctx, "go", "list", "-m", "-f", "{{.Path}}", "all")
	if err != nil {
		return err
	}
	want := append([]string{"example.org/outside", path}, brings...)
	if err := sameList(strings.Fields(out), want); err != nil {
		return err
	}
	fmt.Println("a consumer of", name, "builds with:", strings.Join(strings.Fields(out)[1:], ", "))
	return nil
}

// sameList compares two build lists as sets.
func sameList(got, want []string) error {
	got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		return fmt.Errorf("the build list is %v, want %v", got, want)
	}
	return nil
}

// installed installs the server by version, starts it and lets it answer.
func installed(ctx context.Context, stage string, env []string, version string) error {
	c := run.Command{Dir: stage, Env: env}
	began := time.Now()
	if _, err := c.Output(ctx, "go", "install", workspace.Prefix+"/cmd/dynomited@"+version); err != nil {
		return err
	}
	fmt.Printf("installed cmd/dynomited@%s (%.1fs)\n", version, time.Since(began).Seconds())
	s, err := server.Start(ctx, stage, filepath.Join(stage, "bin", "dynomited"), server.Lone...)
	if err != nil {
		return err
	}
	fmt.Println("it answers PING at", s.Addrs[0])
	return s.Stop()
}
