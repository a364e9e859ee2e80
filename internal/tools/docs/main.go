// Docs checks that the documentation is there: every exported name has a
// comment that says more than the name, every package has one, every released
// module has doc.go, README.md, a LICENSE equal to the root's and an example
// that runs, every relative link of the Markdown files leads somewhere, every
// code block marked as a copy of a file is one, NOTICE names every third-party
// module that is required, and every guarantee of the README has its test.
package main

import (
	"flag"
	"fmt"
	"go/token"
	"os"
	"path/filepath"
	"strings"

	"github.com/dynomite-go/dynomite/internal/tools/workspace"
)

func main() {
	dir := flag.String("C", ".", "a folder of the repository")
	flag.Parse()
	problems, err := docs(*dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, "docs:", err)
		os.Exit(1)
	}
	for _, p := range problems {
		fmt.Fprintln(os.Stderr, p)
	}
	if len(problems) > 0 {
		os.Exit(1)
	}
}

func docs(dir string) ([]string, error) {
	root, err := workspace.Root(dir)
	if err != nil {
		return nil, err
	}
	ws, err := workspace.Load(root)
	if err != nil {
		return nil, err
	}
	set := token.NewFileSet()
	packages, err := ws.Packages(set)
	if err != nil {
		return nil, err
	}
	var problems []string
	for _, m := range ws.Modules {
		if m.Tagged() {
			problems = append(problems, incomplete(ws, m, packages)...)
		}
	}
	for _, p := range packages {
		problems = append(problems, overview(p)...)
		problems = append(problems, undocumented(set, p)...)
	}
	names, err := ws.Files(".md")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		problems = append(problems, brokenLinks(root, name)...)
		problems = append(problems, staleCopies(root, name)...)
	}
	notice, err := unnoticed(ws)
	if err != nil {
		return nil, err
	}
	problems = append(problems, notice...)
	problems = append(problems, unproven(root)...)
	for i, p := range problems {
		problems[i] = strings.TrimPrefix(p, root+string(filepath.Separator))
	}
	return problems, nil
}
