package workspace

import (
	"go/token"
	"slices"
	"strings"
	"testing"

	"github.com/dynomite-go/dynomite/internal/tools/treetest"
)

func TestLoad_SortsModulesAndMarksThoseOutside(t *testing.T) {
	root := treetest.Write(t, []string{"quorum", "internal/tools", "node/datastore", "node"}, map[string]string{
		"quorum/testdata/m/go.mod": "module example.org/hidden\n",
		".cache/x/go.mod":          "module example.org/hidden\n",
	})
	ws, err := Load(root)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range ws.Modules {
		mark := ""
		if m.InWork {
			mark += "+"
		}
		if m.Tagged() {
			mark += "*"
		}
		got = append(got, m.Dir+mark)
	}
	want := []string{"internal/tools", "node+*", "node/datastore+*", "quorum+*"}
	if !slices.Equal(got, want) {
		t.Errorf("modules %v, want %v", got, want)
	}
}

func TestLoad_RefusesAWrongWorkspace(t *testing.T) {
	for name, c := range map[string]struct {
		modules []string
		files   map[string]string
		want    string
	}{
		"not used":       {[]string{"quorum"}, map[string]string{"go.work": "go 1.26\n"}, "does not use quorum"},
		"used, missing":  {[]string{"quorum"}, map[string]string{"go.work": "go 1.26\nuse ./quorum\nuse ./gone\n"}, "gone, which has no go.mod"},
		"tools inside":   {[]string{"internal/tools"}, map[string]string{"go.work": "go 1.26\nuse ./internal/tools\n"}, "must stay outside"},
		"root module":    {nil, map[string]string{"go.mod": "module example.org/root\n", "go.work": "go 1.26\nuse .\n"}, "at the root"},
		"wrong path":     {[]string{"quorum"}, map[string]string{"quorum/go.mod": "module example.org/quorum\n"}, "declares example.org/quorum"},
		"broken go.mod":  {[]string{"quorum"}, map[string]string{"quorum/go.mod": "modul\n"}, "unknown directive"},
		"nameless":       {[]string{"quorum"}, map[string]string{"quorum/go.mod": "go 1.26\n"}, "names no module"},
		"broken go.work": {[]string{"quorum"}, map[string]string{"go.work": "used ./quorum\n"}, "unknown directive"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(treetest.Write(t, c.modules, c.files))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one that says %q", err, c.want)
			}
		})
	}
}

func TestRoot_WalksUp(t *testing.T) {
	root := treetest.Write(t, []string{"node/datastore"}, nil)
	got, err := Root(root + "/node/datastore")
	if err != nil || got != root {
		t.Errorf("Root = %q, %v, want %q", got, err, root)
	}
	if _, err := Root(t.TempDir()); err == nil {
		t.Error("no error outside a workspace")
	}
}

func TestSiblings_FollowsRequirements(t *testing.T) {
	require := func(m string) string { return "\nrequire " + Prefix + "/" + m + " v0.1.0\n" }
	mod := func(m, rest string) string { return "module " + Prefix + "/" + m + "\n\ngo 1.26\n" + rest }
	root := treetest.Write(t, []string{"cmd/d", "node", "tokenring", "hashkit", "quorum"}, map[string]string{
		"cmd/d/go.mod":     mod("cmd/d", require("node")),
		"node/go.mod":      mod("node", require("tokenring")+require("quorum")),
		"tokenring/go.mod": mod("tokenring", require("hashkit")),
	})
	ws, err := Load(root)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range ws.Siblings(ws.Module("cmd/d")) {
		got = append(got, m.Dir)
	}
	if want := []string{"hashkit", "node", "quorum", "tokenring"}; !slices.Equal(got, want) {
		t.Errorf("siblings %v, want %v", got, want)
	}
}

func TestPackages_SeparatesTestsAndFindsProviders(t *testing.T) {
	root := treetest.Write(t, []string{"node", "node/datastore"}, map[string]string{
		"node/go.mod":         "module " + Prefix + "/node\n\ngo 1.26\n\nrequire (\n\texample.org/a v1.0.0\n\texample.org/a/b v1.0.0\n\texample.org/c v1.0.0 // indirect\n)\n",
		"node/x.go":           "package node\n\nimport (\n\t\"net/http\"\n\t\"example.org/a/b/c\"\n)\n",
		"node/x_windows.go":   "package node\n\nimport \"example.org/a\"\n",
		"node/x_test.go":      "package node_test\n\nimport \"testing\"\n",
		"node/datastore/y.go": "package datastore\n",
		"node/sub/z.go":       "package sub\n",
	})
	ws, err := Load(root)
	if err != nil {
		t.Fatal(err)
	}
	packages, err := ws.Packages(token.NewFileSet())
	if err != nil {
		t.Fatal(err)
	}
	var owners []string
	for _, p := range packages {
		owners = append(owners, p.Dir+" of "+p.Module.Dir)
	}
	if want := []string{"node of node", "node/datastore of node/datastore", "node/sub of node"}; !slices.Equal(owners, want) {
		t.Fatalf("packages %v, want %v", owners, want)
	}
	node := packages[0]
	if got, want := node.Imports(false), []string{"example.org/a", "example.org/a/b/c", "net/http"}; !slices.Equal(got, want) {
		t.Errorf("production imports %v, want %v", got, want)
	}
	if got, want := node.Imports(true), []string{"testing"}; !slices.Equal(got, want) {
		t.Errorf("test imports %v, want %v", got, want)
	}
	for name, want := range map[string]string{
		"net/http":                 "",
		"example.org/a":            "example.org/a",
		"example.org/a/b/c":        "example.org/a/b",
		"example.org/ab":           "error",
		"example.org/c":            "error", // an indirect requirement does not count
		Prefix + "/node/datastore": "node/datastore",
		Prefix + "/node/sub":       "node",
		Prefix + "/elsewhere":      "error",
	} {
		got, _, err := ws.Provider(node.Module, name)
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("the provider of %s is %q, want %q", name, got, want)
		}
	}
}
