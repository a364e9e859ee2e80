package main

import (
	"fmt"
	"go/token"
	"path"
	"slices"
	"strings"

	"github.com/dynomite-go/dynomite/internal/tools/workspace"
)

// banned are folder and package names that say nothing about their content.
var banned = []string{"util", "utils", "common", "base", "helper", "helpers", "types", "manager", "managers", "misc", "shared"}

// checker compares what the packages import with what the rules allow.
type checker struct {
	rules    []*rule
	used     map[string]bool // "line list name" of every entry that some import needed
	problems []string
}

// check returns what is wrong, one line each, in a stable order.
func check(ws *workspace.Workspace, rules []*rule) ([]string, error) {
	packages, err := ws.Packages(token.NewFileSet())
	if err != nil {
		return nil, err
	}
	c := &checker{rules: rules, used: map[string]bool{}}
	for _, p := range packages {
		c.names(p)
		r := governing(rules, p.Dir)
		if r == nil {
			c.add("%s: no rule in layers.txt", p.Dir)
			continue
		}
		for _, name := range p.Imports(false) {
			c.production(ws, p, r, name)
		}
		for _, name := range p.Imports(true) {
			c.test(ws, p, r, name)
		}
	}
	c.stale(packages)
	c.versions(ws)
	return c.problems, nil
}

func (c *checker) add(format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

func (c *checker) names(p *workspace.Package) {
	for _, name := range []string{path.Base(p.Dir), p.Name()} {
		if slices.Contains(banned, name) {
			c.add("%s: the name %q says nothing; a package is named after its one concept", p.Dir, name)
			return
		}
	}
}

func (c *checker) production(ws *workspace.Workspace, p *workspace.Package, r *rule, name string) {
	provider, sibling, err := ws.Provider(p.Module, name)
	switch {
	case err != nil:
		c.add("%s: imports %s: %v", p.Dir, name, err)
	case provider == "":
		if slices.ContainsFunc(r.never, func(std string) bool { return within(std, name) }) {
			c.add("%s: imports %s, which layers.txt:%d keeps out of %s", p.Dir, name, r.line, r.folder)
		}
	case sibling && provider == p.Module.Dir:
		// Packages of one module stand and fall together.
	case slices.Contains(r.imports, provider):
		c.use(r, "imports", provider)
	default:
		c.add("%s: imports %s, which layers.txt:%d does not allow %s", p.Dir, name, r.line, r.folder)
	}
}

func (c *checker) test(ws *workspace.Workspace, p *workspace.Package, r *rule, name string) {
	provider, sibling, err := ws.Provider(p.Module, name)
	switch {
	case err != nil:
		c.add("%s: its tests import %s: %v", p.Dir, name, err)
	case provider == "", sibling && provider == p.Module.Dir:
	case slices.Contains(r.imports, provider):
		// Not counted as used: the line speaks of production code.
	case slices.Contains(r.tests, provider):
		c.use(r, "tests", provider)
	default:
		c.add("%s: its tests import %s, which layers.txt:%d does not allow tests of %s", p.Dir, name, r.line, r.folder)
	}
}

func (c *checker) use(r *rule, list, name string) {
	c.used[fmt.Sprint(r.line, list, name)] = true
}

// stale reports rules and entries that nothing needs: the picture must be
// what is, not what was.
func (c *checker) stale(packages []*workspace.Package) {
	for _, r := range c.rules {
		if !slices.ContainsFunc(packages, func(p *workspace.Package) bool { return governing(c.rules, p.Dir) == r }) {
			c.add("layers.txt:%d: no package in %s", r.line, r.folder)
			continue
		}
		for _, name := range r.imports {
			if !c.used[fmt.Sprint(r.line, "imports", name)] {
				c.add("layers.txt:%d: nothing in %s imports %s", r.line, r.folder, name)
			}
		}
		for _, name := range r.tests {
			if !c.used[fmt.Sprint(r.line, "tests", name)] {
				c.add("layers.txt:%d: no test in %s needs %s", r.line, r.folder, name)
			}
		}
	}
}

// versions reports third-party modules that the workspace asks for at several
// versions: go.work would test the highest only.
func (c *checker) versions(ws *workspace.Workspace) {
	first := map[string]*workspace.Module{}
	for _, m := range ws.Modules {
		if !m.InWork {
			continue
		}
		for _, name := range sortedKeys(m.Requires()) {
			version := m.Requires()[name]
			before := first[name]
			switch {
			case strings.HasPrefix(name, workspace.Prefix+"/"):
			case before == nil:
				first[name] = m
			case before.Requires()[name] != version:
				c.add("%s requires %s %s, %s requires %s", m.Dir, name, version, before.Dir, before.Requires()[name])
			}
		}
	}
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
