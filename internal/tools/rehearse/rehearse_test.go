package main

import (
	"strings"
	"testing"

	"github.com/dynomite-go/dynomite/internal/tools/treetest"
	"github.com/dynomite-go/dynomite/internal/tools/workspace"
)

func mod(dir string, requires ...string) string {
	text := "module " + workspace.Prefix + "/" + dir + "\n\ngo 1.26\n"
	for _, r := range requires {
		text += "\nrequire " + workspace.Prefix + "/" + r + " v0.1.0\n\nreplace " + workspace.Prefix + "/" + r + " => ../" + r + "\n"
	}
	return text
}

// tree is a repository without third-party modules, so that no network is
// needed: a command on node, node on quorum.
func tree() map[string]string {
	return map[string]string{
		"quorum/quorum.go":      "package quorum\n",
		"node/go.mod":           mod("node", "quorum"),
		"node/node.go":          "package node\n\nimport _ \"" + workspace.Prefix + "/quorum\"\n",
		"node/inner/inner.go":   "package inner\n",
		"cmd/dynomited/go.mod":  mod("cmd/dynomited") + "\nrequire (\n\t" + workspace.Prefix + "/node v0.1.0\n\t" + workspace.Prefix + "/quorum v0.1.0 // indirect\n)\n",
		"cmd/dynomited/main.go": treetest.FakeServer,
		"cmd/dynomited/node.go": "package main\n\nimport _ \"" + workspace.Prefix + "/node\"\n",
	}
}

var modules = []string{"quorum", "node", "node/inner", "cmd/dynomited"}

func TestRehearse_InstallsAndBuildsOutside(t *testing.T) {
	t.Setenv("GOPROXY", "off")
	root := treetest.Write(t, modules, tree())
	promises := map[string][]string{"quorum": {}, "node": {workspace.Prefix + "/quorum"}}
	if err := rehearse(t.Context(), root, "v0.1.0", promises, true); err != nil {
		t.Error(err)
	}
}

func TestRehearse_Refuses(t *testing.T) {
	t.Setenv("GOPROXY", "off")
	for name, c := range map[string]struct {
		file, text string
		promises   map[string][]string
		install    bool
		want       string
	}{
		"more than promised": {
			"quorum/quorum.go", "package quorum\n",
			map[string][]string{"node": {}},
			false, "the build list is",
		},
		"a replace in the command": {
			"cmd/dynomited/go.mod", strings.Replace(tree()["cmd/dynomited/go.mod"], "\nrequire (", "\nreplace "+workspace.Prefix+"/node => ../../node\n\nrequire (", 1),
			nil,
			true, "replace",
		},
		"a missing requirement": {
			"node/go.mod", mod("node"),
			map[string][]string{"node": {}},
			false, "a consumer of node",
		},
	} {
		t.Run(name, func(t *testing.T) {
			files := tree()
			files[c.file] = c.text
			err := rehearse(t.Context(), treetest.Write(t, modules, files), "v0.1.0", c.promises, c.install)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one that says %q", err, c.want)
			}
		})
	}
}
