package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/dynomite-go/dynomite/internal/tools/treetest"
)

const rulesText = `
# a picture
node     -> hashkit quorum   # two siblings
         -> example.org/heavy
  tests  -> example.org/check
hashkit  -> nothing
  never  -> net os
quorum   -> nothing
`

func TestParseRules(t *testing.T) {
	rules, err := parseRules(strings.NewReader(rulesText))
	if err != nil {
		t.Fatal(err)
	}
	if len(rules) != 3 {
		t.Fatalf("%d rules, want 3", len(rules))
	}
	node, hashkit := rules[0], rules[1]
	if want := []string{"hashkit", "quorum", "example.org/heavy"}; !slices.Equal(node.imports, want) {
		t.Errorf("node imports %v, want %v", node.imports, want)
	}
	if want := []string{"example.org/check"}; !slices.Equal(node.tests, want) {
		t.Errorf("node tests %v, want %v", node.tests, want)
	}
	if want := []string{"net", "os"}; !slices.Equal(hashkit.never, want) || hashkit.imports != nil {
		t.Errorf("hashkit %+v", hashkit)
	}
}

func TestParseRules_Refuses(t *testing.T) {
	for text, want := range map[string]string{
		"node hashkit":               "no \"->\"",
		"  tests -> x":               "before the first folder",
		"a -> nothing\na -> nothing": "has a rule already",
		"a -> nothing\n  test -> x":  "neither",
	} {
		_, err := parseRules(strings.NewReader(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one that says %q", text, err, want)
		}
	}
}

func TestGoverning_LongestFolderWins(t *testing.T) {
	rules := []*rule{{folder: "node"}, {folder: "node/datastore"}, {folder: "no"}}
	for dir, want := range map[string]string{
		"node": "node", "node/router": "node", "node/datastore/internal/x": "node/datastore", "nodes": "",
	} {
		got := ""
		if r := governing(rules, dir); r != nil {
			got = r.folder
		}
		if got != want {
			t.Errorf("%s is governed by %q, want %q", dir, got, want)
		}
	}
}

// tree is a repository in which everything is as rulesText says.
func tree() map[string]string {
	path := "github.com/dynomite-go/dynomite/"
	return map[string]string{
		"layers.txt": rulesText,
		"node/go.mod": "module " + path + "node\n\ngo 1.26\n\nrequire (\n\t" + path + "hashkit v0.1.0\n\t" + path + "quorum v0.1.0\n" +
			"\texample.org/heavy v1.0.0\n\texample.org/check v1.0.0\n)\n",
		"node/node.go":       "package node\n\nimport (\n\t_ \"" + path + "hashkit\"\n\t_ \"" + path + "quorum\"\n\t_ \"example.org/heavy/part\"\n\t_ \"" + path + "node/sub\"\n)\n",
		"node/sub/sub.go":    "package sub\n",
		"node/node_test.go":  "package node\n\nimport _ \"example.org/check\"\n",
		"hashkit/hashkit.go": "package hashkit\n\nimport _ \"strings\"\n",
		"quorum/quorum.go":   "package quorum\n\nimport _ \"net\"\n",
	}
}

func TestLayers(t *testing.T) {
	path := "github.com/dynomite-go/dynomite/"
	for name, c := range map[string]struct {
		file, text string // what is different from tree
		want       string // the one problem; "" is none
	}{
		"as it should be":     {"layers.txt", rulesText, ""},
		"sibling":             {"quorum/q.go", "package quorum\n\nimport _ \"" + path + "hashkit\"\n", "quorum: imports " + path + "hashkit, which layers.txt:8 does not allow quorum"},
		"third party":         {"hashkit/h.go", "package hashkit\n\nimport _ \"example.org/heavy\"\n", "no direct requirement"},
		"test-only import":    {"node/n.go", "package node\n\nimport _ \"example.org/check\"\n", "node: imports example.org/check"},
		"forbidden std":       {"hashkit/h.go", "package hashkit\n\nimport _ \"net/http\"\n", "hashkit: imports net/http, which layers.txt:6 keeps out"},
		"std in a test":       {"hashkit/h_test.go", "package hashkit\n\nimport _ \"net/http\"\n", ""},
		"sibling in a test":   {"quorum/q_test.go", "package quorum\n\nimport _ \"" + path + "hashkit\"\n", "quorum: its tests import"},
		"empty name, folder":  {"node/util/u.go", "package good\n", "the name \"util\" says nothing"},
		"empty name, package": {"node/good/u.go", "package common\n", "the name \"common\" says nothing"},
		"no rule":             {"layers.txt", strings.ReplaceAll(rulesText, "quorum   -> nothing", ""), "quorum: no rule"},
		"stale import":        {"layers.txt", strings.ReplaceAll(rulesText, "quorum   -> nothing", "quorum -> hashkit"), "layers.txt:8: nothing in quorum imports hashkit"},
		"stale test import":   {"layers.txt", rulesText + "  tests -> example.org/none\n", "layers.txt:8: no test in quorum needs example.org/none"},
		"stale folder":        {"layers.txt", rulesText + "gone -> nothing\n", "layers.txt:9: no package in gone"},
		"two versions":        {"quorum/go.mod", "module " + path + "quorum\n\ngo 1.26\n\nrequire example.org/heavy v1.1.0\n", "quorum requires example.org/heavy v1.1.0, node requires v1.0.0"},
	} {
		t.Run(name, func(t *testing.T) {
			files := tree()
			files[c.file] = c.text
			problems, err := layers(treetest.Write(t, []string{"node", "hashkit", "quorum"}, files))
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case c.want == "" && len(problems) > 0:
				t.Errorf("problems %q, want none", problems)
			case c.want != "" && (len(problems) != 1 || !strings.Contains(problems[0], c.want)):
				t.Errorf("problems %q, want one that says %q", problems, c.want)
			}
		})
	}
}
