package workspace

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Package is one folder of Go files.
type Package struct {
	Module *Module
	Dir    string // below the root, with slashes
	Files  []*File
}

// File is one parsed Go file.
type File struct {
	Name   string // its path below the root, with slashes
	Test   bool   // whether it ends in _test.go
	Syntax *ast.File
}

// Path is the package's import path.
func (p *Package) Path() string { return Prefix + "/" + p.Dir }

// Name is the package clause of its production files, or of its tests
// without the _test suffix when it has nothing else.
func (p *Package) Name() string {
	for _, f := range p.Files {
		if !f.Test {
			return f.Syntax.Name.Name
		}
	}
	return strings.TrimSuffix(p.Files[0].Syntax.Name.Name, "_test")
}

// Packages parses every Go file of the repository, comments included, and
// returns the packages sorted by Dir. Build constraints are ignored: the
// files of every platform count.
func (ws *Workspace) Packages(set *token.FileSet) ([]*Package, error) {
	byDir := map[string]*Package{}
	err := walk(ws.Root, func(name string) error {
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		dir := path.Dir(name)
		m := ws.owner(dir)
		if m == nil {
			return fmt.Errorf("workspace: %s belongs to no module", name)
		}
		syntax, err := parser.ParseFile(set, filepath.Join(ws.Root, filepath.FromSlash(name)), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("workspace: %w", err)
		}
		p := byDir[dir]
		if p == nil {
			p = &Package{Module: m, Dir: dir}
			byDir[dir] = p
		}
		p.Files = append(p.Files, &File{Name: name, Test: strings.HasSuffix(name, "_test.go"), Syntax: syntax})
		return nil
	})
	if err != nil {
		return nil, err
	}
	var all []*Package
	for _, p := range byDir {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b *Package) int { return strings.Compare(a.Dir, b.Dir) })
	return all, nil
}

// Imports lists the import paths of the package's production files, or those
// of its test files, sorted, each once.
func (p *Package) Imports(tests bool) []string {
	var paths []string
	for _, f := range p.Files {
		if f.Test != tests {
			continue
		}
		for _, spec := range f.Syntax.Imports {
			if name, err := strconv.Unquote(spec.Path.Value); err == nil {
				paths = append(paths, name)
			}
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// owner is the module whose folder is the nearest at or above dir.
func (ws *Workspace) owner(dir string) *Module {
	for ; dir != "."; dir = path.Dir(dir) {
		if m := ws.Module(dir); m != nil {
			return m
		}
	}
	return ws.Module(".")
}

// Provider names the module that provides an import of m: a sibling's folder
// (its own included), a third-party module's path, or "" for the standard
// library. It fails for a path that no direct requirement covers.
func (ws *Workspace) Provider(m *Module, importPath string) (name string, sibling bool, err error) {
	if dir, ours := strings.CutPrefix(importPath, Prefix+"/"); ours {
		if owner := ws.owner(dir); owner != nil {
			return owner.Dir, true, nil
		}
		return "", false, fmt.Errorf("no module here provides %s", importPath)
	}
	first, _, _ := strings.Cut(importPath, "/")
	if !strings.Contains(first, ".") {
		return "", false, nil
	}
	best := ""
	for required := range m.Requires() {
		if covers(required, importPath) && len(required) > len(best) {
			best = required
		}
	}
	if best == "" {
		return "", false, fmt.Errorf("%s is no direct requirement of %s/go.mod", importPath, m.Dir)
	}
	return best, false, nil
}

// covers reports whether the import path p lies at or below prefix.
func covers(prefix, p string) bool {
	rest, ok := strings.CutPrefix(p, prefix)
	return ok && (rest == "" || rest[0] == '/')
}
