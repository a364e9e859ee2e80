// Package treetest writes small repositories for the tests of the tools.
package treetest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Write makes a temporary folder with the given files and returns its name.
// A "go.work" and the go.mod of each folder in modules are added unless the
// files have them. The modules' paths are those of the real repository.
func Write(t *testing.T, modules []string, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	all := map[string]string{}
	work := "go 1.26\n"
	for _, m := range modules {
		all[m+"/go.mod"] = "module github.com/dynomite-go/dynomite/" + m + "\n\ngo 1.26\n"
		if !strings.HasPrefix(m, "internal/") {
			work += "\nuse ./" + m + "\n"
		}
	}
	all["go.work"] = work
	for name, text := range files {
		all[name] = text
	}
	for name, text := range all {
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}
