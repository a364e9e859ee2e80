package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/dynomite-go/dynomite/internal/tools/workspace"
)

// incomplete returns what a released module lacks: doc.go, README.md, a
// LICENSE equal to the root's, and an example that runs.
func incomplete(ws *workspace.Workspace, m *workspace.Module, packages []*workspace.Package) []string {
	var problems []string
	add := func(format string, args ...any) {
		problems = append(problems, m.Dir+": "+fmt.Sprintf(format, args...))
	}
	dir := filepath.Join(ws.Root, filepath.FromSlash(m.Dir))
	for _, name := range []string{"doc.go", "README.md"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			add("has no %s", name)
		}
	}
	root, _ := os.ReadFile(filepath.Join(ws.Root, "LICENSE"))
	own, err := os.ReadFile(filepath.Join(dir, "LICENSE"))
	switch {
	case err != nil:
		add("has no LICENSE")
	case !bytes.Equal(root, own):
		add("its LICENSE differs from the root's")
	}
	at := slices.IndexFunc(packages, func(p *workspace.Package) bool { return p.Dir == m.Dir })
	switch {
	case at < 0:
		add("has no package in its own folder")
	case packages[at].Name() != "main" && !runsExample(packages[at]):
		add("example_test.go has no example with an output")
	}
	return problems
}

var output = regexp.MustCompile(`(?i)^[[:space:]]*(unordered )?output:`)

// runsExample reports whether example_test.go holds an Example function whose
// output is checked.
func runsExample(p *workspace.Package) bool {
	for _, f := range p.Files {
		if filepath.Base(f.Name) != "example_test.go" {
			continue
		}
		for _, d := range f.Syntax.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || !strings.HasPrefix(fn.Name.Name, "Example") || fn.Body == nil {
				continue
			}
			for _, group := range f.Syntax.Comments {
				if group.Pos() > fn.Body.Lbrace && group.End() < fn.Body.Rbrace && output.MatchString(group.Text()) {
					return true
				}
			}
		}
	}
	return false
}

// overview asks for a package comment that says more than the package's name.
func overview(p *workspace.Package) []string {
	text := ""
	production := false
	for _, f := range p.Files {
		if !f.Test {
			production = true
			text += f.Syntax.Doc.Text()
		}
	}
	if production && !adds("package "+p.Name(), text) {
		return []string{p.Dir + ": the package has no comment that says what it is"}
	}
	return nil
}
