package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dynomite-go/dynomite/internal/tools/treetest"
	"github.com/dynomite-go/dynomite/internal/tools/workspace"
)

const prefix = workspace.Prefix

// tree is a repository in which node finds quorum by a replace of its own and
// the command finds both by the temporary go.mod.
func tree() map[string]string {
	return map[string]string{
		"quorum/quorum.go":      "package quorum\n",
		"quorum/q_test.go":      "package quorum\n\nimport \"testing\"\n\nfunc TestFails(t *testing.T) { t.Fatal(\"as it must\") }\n",
		"node/go.mod":           "module " + prefix + "/node\n\ngo 1.26\n\nrequire " + prefix + "/quorum v0.1.0\n\nreplace " + prefix + "/quorum => ../quorum\n",
		"node/node.go":          "package node\n\nimport _ \"" + prefix + "/quorum\"\n",
		"cmd/dynomited/go.mod":  "module " + prefix + "/cmd/dynomited\n\ngo 1.26\n\nrequire " + prefix + "/node v0.1.0\n\nrequire " + prefix + "/quorum v0.1.0 // indirect\n",
		"cmd/dynomited/main.go": "package main\n\nimport _ \"" + prefix + "/node\"\n\nfunc main() {}\n",
	}
}

func TestIsolated(t *testing.T) {
	t.Setenv("GOPROXY", "off")
	t.Setenv("GOFLAGS", "-mod=readonly")
	for name, c := range map[string]struct {
		file, text string
		test       bool
		want       string // "" is no error
	}{
		"as it should be":     {"quorum/quorum.go", "package quorum\n", false, ""},
		"tests":               {"quorum/quorum.go", "package quorum\n", true, "as it must"},
		"missing requirement": {"node/go.mod", "module " + prefix + "/node\n\ngo 1.26\n", false, "node: go build"},
		"untidy":              {"quorum/go.mod", "module " + prefix + "/quorum\n\ngo 1.26\n\nrequire " + prefix + "/node v0.1.0\n\nreplace " + prefix + "/node => ../node\n", false, "quorum: go mod tidy -diff"},
		"untidy command":      {"cmd/dynomited/go.mod", strings.Replace(tree()["cmd/dynomited/go.mod"], " // indirect", "", 1), false, "cmd/dynomited: go mod tidy"},
		"vet":                 {"node/n.go", "package node\n\nimport \"fmt\"\n\nfunc init() { fmt.Printf(\"%d\", \"x\") }\n", false, "node: go vet"},
	} {
		t.Run(name, func(t *testing.T) {
			files := tree()
			files[c.file] = c.text
			err := isolated(t.Context(), treetest.Write(t, []string{"quorum", "node", "cmd/dynomited"}, files), "", do(c.test, false))
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("error %v, want one that says %q", err, c.want)
			}
		})
	}
}

func TestIsolated_Tidy_MendsTheCommandWithoutReplaces(t *testing.T) {
	t.Setenv("GOPROXY", "off")
	files := tree()
	want := files["cmd/dynomited/go.mod"]
	files["cmd/dynomited/go.mod"] = strings.Replace(want, "\nrequire "+prefix+"/quorum v0.1.0 // indirect\n", "", 1)
	root := treetest.Write(t, []string{"quorum", "node", "cmd/dynomited"}, files)
	if err := isolated(t.Context(), root, "", do(false, true)); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(root, "cmd", "dynomited", "go.mod"))
	if err != nil || strings.TrimSpace(string(got)) != strings.TrimSpace(want) {
		t.Errorf("go.mod is, %v,\n%s\nwant\n%s", err, got, want)
	}
	if err := isolated(t.Context(), root, "", do(false, false)); err != nil {
		t.Error(err)
	}
}
