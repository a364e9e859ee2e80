// Package workspace finds the modules of this repository and reads their Go
// files. It looks at files only and never calls the go command, so it is fast
// and sees every operating system's files alike.
package workspace

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// Prefix is what every module path of this repository begins with.
const Prefix = "github.com/dynomite-go/dynomite"

// outside are the modules that go.work must not use: a module in the
// workspace raises everybody's versions.
var outside = []string{"internal/bench", "internal/tools"}

// untagged are the modules that are never released, and so need neither a
// licence file nor a manual of their own.
var untagged = []string{"examples", "internal/bench", "internal/tools"}

// Module is one go.mod of the repository.
type Module struct {
	Dir    string        // its folder below the root, with slashes: "node/datastore"
	Path   string        // its module path
	File   *modfile.File // its go.mod, parsed
	InWork bool          // whether go.work uses it
}

// Tagged reports whether the module is released under a version of its own.
func (m *Module) Tagged() bool { return !slices.Contains(untagged, m.Dir) }

// Requires maps each required module's path to its version, direct
// requirements only.
func (m *Module) Requires() map[string]string {
	direct := map[string]string{}
	for _, r := range m.File.Require {
		if !r.Indirect {
			direct[r.Mod.Path] = r.Mod.Version
		}
	}
	return direct
}

// Workspace is the repository: a root folder and its modules, sorted by Dir.
type Workspace struct {
	Root    string
	Modules []*Module
}

// Root walks up from dir to the folder that holds go.work.
func Root(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.work")); err == nil {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("workspace: no go.work at or above %s", dir)
		}
	}
}

// Load reads go.work at the root and every go.mod below it. A module that is
// neither in go.work nor one of those kept outside is an error, and so is the
// reverse.
func Load(root string) (*Workspace, error) {
	used, err := uses(root)
	if err != nil {
		return nil, err
	}
	ws := &Workspace{Root: root}
	err = walk(root, func(file string) error {
		if path.Base(file) != "go.mod" {
			return nil
		}
		m, err := readModule(root, file)
		if err != nil {
			return err
		}
		m.InWork = slices.Contains(used, m.Dir)
		ws.Modules = append(ws.Modules, m)
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(ws.Modules, func(a, b *Module) int { return strings.Compare(a.Dir, b.Dir) })
	return ws, ws.checkMembership(used)
}

func (ws *Workspace) checkMembership(used []string) error {
	var errs []error
	for _, m := range ws.Modules {
		switch kept := slices.Contains(outside, m.Dir); {
		case m.Dir == ".":
			errs = append(errs, errors.New("workspace: a go.mod at the root; every module has a folder of its own"))
		case kept && m.InWork:
			errs = append(errs, fmt.Errorf("workspace: go.work uses %s, which must stay outside", m.Dir))
		case !kept && !m.InWork:
			errs = append(errs, fmt.Errorf("workspace: go.work does not use %s", m.Dir))
		}
		if want := Prefix + "/" + m.Dir; m.Dir != "." && m.Path != want {
			errs = append(errs, fmt.Errorf("workspace: %s/go.mod declares %s, want %s", m.Dir, m.Path, want))
		}
	}
	for _, dir := range used {
		if ws.Module(dir) == nil {
			errs = append(errs, fmt.Errorf("workspace: go.work uses %s, which has no go.mod", dir))
		}
	}
	return errors.Join(errs...)
}

// Module returns the module in the folder dir, or nil.
func (ws *Workspace) Module(dir string) *Module {
	for _, m := range ws.Modules {
		if m.Dir == dir {
			return m
		}
	}
	return nil
}

// Siblings lists the modules of this repository that m's build reaches by
// requirements, itself left out, sorted by Dir.
func (ws *Workspace) Siblings(m *Module) []*Module {
	seen := map[*Module]bool{m: true}
	var found []*Module
	queue := []*Module{m}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, r := range at.File.Require {
			dir, ours := strings.CutPrefix(r.Mod.Path, Prefix+"/")
			next := ws.Module(dir)
			if !ours || next == nil || seen[next] {
				continue
			}
			seen[next] = true
			found = append(found, next)
			queue = append(queue, next)
		}
	}
	slices.SortFunc(found, func(a, b *Module) int { return strings.Compare(a.Dir, b.Dir) })
	return found
}

func uses(root string) ([]string, error) {
	name := filepath.Join(root, "go.work")
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("workspace: %w", err)
	}
	work, err := modfile.ParseWork(name, data, nil)
	if err != nil {
		return nil, fmt.Errorf("workspace: %w", err)
	}
	var dirs []string
	for _, u := range work.Use {
		dirs = append(dirs, path.Clean(filepath.ToSlash(u.Path)))
	}
	return dirs, nil
}

func readModule(root, file string) (*Module, error) {
	name := filepath.Join(root, filepath.FromSlash(file))
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("workspace: %w", err)
	}
	parsed, err := modfile.Parse(name, data, nil)
	if err != nil {
		return nil, fmt.Errorf("workspace: %w", err)
	}
	if parsed.Module == nil {
		return nil, fmt.Errorf("workspace: %s names no module", file)
	}
	return &Module{Dir: path.Dir(file), Path: parsed.Module.Mod.Path, File: parsed}, nil
}

// walk calls visit with every file below root, by its slash path, and leaves
// out what the go command leaves out (testdata, names that begin with a dot
// or an underscore) and what builds leave behind.
func walk(root string, visit func(file string) error) error {
	return fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // removed while we walk: a test's folder, say
			}
			return err
		}
		if !d.IsDir() {
			return visit(name)
		}
		base := d.Name()
		if name != "." && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") ||
			base == "testdata" || base == "node_modules" || name == "bin") {
			return fs.SkipDir
		}
		return nil
	})
}

// Files lists the files with the given ending, by their slash paths below the
// root, in order.
func (ws *Workspace) Files(ending string) ([]string, error) {
	var names []string
	err := walk(ws.Root, func(name string) error {
		if strings.HasSuffix(name, ending) {
			names = append(names, name)
		}
		return nil
	})
	return names, err
}

// Env makes a child's go command work in workspace mode, whatever the
// caller's environment says.
func (ws *Workspace) Env() string { return "GOWORK=" + filepath.Join(ws.Root, "go.work") }
