// Layers checks the imports of every package, production code and tests
// apart, against layers.txt at the root: which sibling modules, third-party
// modules and standard packages each folder may use. It also refuses package
// names that say nothing, entries of layers.txt that nothing needs, and one
// third-party module at two versions.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/dynomite-go/dynomite/internal/tools/workspace"
)

func main() {
	dir := flag.String("C", ".", "a folder of the repository")
	flag.Parse()
	problems, err := layers(*dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, "layers:", err)
		os.Exit(1)
	}
	for _, p := range problems {
		fmt.Fprintln(os.Stderr, p)
	}
	if len(problems) > 0 {
		os.Exit(1)
	}
}

func layers(dir string) ([]string, error) {
	root, err := workspace.Root(dir)
	if err != nil {
		return nil, err
	}
	ws, err := workspace.Load(root)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(filepath.Join(root, "layers.txt"))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	rules, err := parseRules(file)
	if err != nil {
		return nil, err
	}
	return check(ws, rules)
}
