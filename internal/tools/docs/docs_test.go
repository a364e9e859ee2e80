package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/dynomite-go/dynomite/internal/tools/treetest"
)

func TestAdds(t *testing.T) {
	for _, c := range []struct {
		name, comment string
		want          bool
	}{
		{"Token", "Token is a token.", false},
		{"Tokens", "Tokens returns the tokens", false},
		{"MaxBytes", "MaxBytes is the max bytes", false},
		{"MaxBytes", "MaxBytes bounds a queue's memory; zero is 64 MiB.", true},
		{"Owners", "Owners returns the nodes that hold the token.", true},
		{"Close", "", false},
		{"TTLSeconds", "the TTL in seconds", false},
		{"DC", "a datacenter's name", true},
	} {
		if got := adds(c.name, c.comment); got != c.want {
			t.Errorf("adds(%q, %q) = %v", c.name, c.comment, got)
		}
	}
}

func TestSplit(t *testing.T) {
	if got, want := split("TTLSeconds maxBytes2, the-HTTP"), []string{"ttl", "seconds", "max", "bytes2", "the", "http"}; !slices.Equal(got, want) {
		t.Errorf("split = %v, want %v", got, want)
	}
}

// tree is a complete repository of one module.
func tree() map[string]string {
	return map[string]string{
		"LICENSE":                  "Apache\n",
		"NOTICE":                   "Ours.\n\n  example.org/far   MIT\n",
		"ring/go.mod":              "module github.com/dynomite-go/dynomite/ring\n\ngo 1.26\n\nrequire example.org/far v1.0.0 // indirect\n",
		"README.md":                "[the ring](ring/README.md#use) [a site](https://example.org) [here](#x)\n\n<!-- copy of ring/doc.go -->\n```go\n// Package ring maps tokens to their owners.\npackage ring\n```\n" + promise("One"),
		"ring/LICENSE":             "Apache\n",
		"ring/README.md":           "```\n[not a link](nowhere)\n```\n",
		"ring/doc.go":              "// Package ring maps tokens to their owners.\npackage ring\n",
		"ring/example_test.go":     "package ring_test\n\nfunc Example() {\n\t// Output: x\n}\n",
		"ring/internal/x/x.go":     "// Package x holds the arcs of the circle.\npackage x\n",
		"ring/internal/x/y.go":     "package x\n",
		"ring/hidden.go":           "package ring\n\ntype hidden struct{}\n\nfunc (hidden) Exported() {}\n",
		"ring/conventional.go":     "package ring\n\n// Level says how many owners must answer.\ntype Level int\n\nfunc (Level) String() string { return \"\" }\n",
		"ring/groups.go":           "package ring\n\n// How far away an owner is, in steps.\nconst (\n\tNear = iota\n\tFar\n)\n",
		"ring/testdata/broken.x":   "",
		"node/go.mod":              "module github.com/dynomite-go/dynomite/node\n\ngo 1.26\n",
		"node/LICENSE":             "Apache\n",
		"node/README.md":           "# Node\n",
		"node/doc.go":              "// Package node assembles all parts.\npackage node\n",
		"node/example_test.go":     "package node_test\n\nfunc Example() {\n\t// Output: x\n}\n",
		"node/guarantee_x_test.go": "package node_test\n\nfunc TestGuarantee_OneNodeIsAwayDiskSet_DCEachQuorum(t *testing.T) {}\n",
	}
}

// promise is a README with one guarantee.
func promise(first string) string {
	return "## What it promises\n\nMuch.\n\n| | `DC_EACH_QUORUM` (the default) |\n|---|---|\n| " + first + " node is away (`disk` set) | nothing |\n\n| another | table |\n"
}

func TestDocs(t *testing.T) {
	for name, c := range map[string]struct {
		file, text string
		want       []string // what the problems say, in order
	}{
		"complete":          {"ring/doc.go", tree()["ring/doc.go"], nil},
		"no doc.go":         {"ring/doc.go", "", []string{"has no doc.go", "the package has no comment", "no file"}},
		"no README":         {"ring/README.md", "", []string{"has no README.md", "leads nowhere"}},
		"no LICENSE":        {"ring/LICENSE", "", []string{"has no LICENSE"}},
		"other LICENSE":     {"ring/LICENSE", "MIT\n", []string{"differs"}},
		"no example":        {"ring/example_test.go", "", []string{"no example with an output"}},
		"silent example":    {"ring/example_test.go", "package ring_test\n\nfunc Example() {\n}\n\n// Output: outside\n", []string{"no example with an output"}},
		"stale copy":        {"README.md", "<!-- copy of ring/doc.go -->\n```go\npackage ring\n```\n" + promise("One"), []string{"README.md:1: the code block is no copy of ring/doc.go"}},
		"copy of nothing":   {"README.md", "<!-- copy of ring/gone.go -->\n```go\n```\n" + promise("One"), []string{"no file ring/gone.go"}},
		"proven guarantee":  {"README.md", promise("One"), nil},
		"guarantee without": {"README.md", promise("Two"), []string{"TestGuarantee_OneNodeIsAwayDiskSet_DCEachQuorum is the test of no cell", "no TestGuarantee_TwoNodeIsAwayDiskSet_DCEachQuorum in"}},
		"dead link":         {"README.md", "[x](ring/gone.md)\n" + promise("One"), []string{"README.md:1: the link to ring/gone.md leads nowhere"}},
		"not in NOTICE":     {"NOTICE", "Ours.\n", []string{"example.org/far is required and not named"}},
		"only in NOTICE":    {"NOTICE", tree()["NOTICE"] + "  example.org/b/v2  MPL-2.0\n", []string{"example.org/b/v2 is named and not required"}},
		"package comment":   {"ring/internal/x/x.go", "// Package x is x.\npackage x\n", []string{"ring/internal/x: the package has no comment"}},
		"function":          {"ring/a.go", "package ring\n\nfunc Owners() {}\n", []string{"ring/a.go:3: Owners has no comment"}},
		"says its name":     {"ring/a.go", "package ring\n\n// Owners returns owners.\nfunc Owners() {}\n", []string{"says no more than its name"}},
		"method":            {"ring/a.go", "package ring\n\nfunc (*Level) Need() {}\n", []string{"Level.Need has no comment"}},
		"generic":           {"ring/a.go", "package ring\n\n// Set of things that compare.\ntype Set[T any] struct{}\n\nfunc (*Set[T]) Add() {}\n", []string{"Set.Add has no comment"}},
		"constant, grouped": {"ring/a.go", "package ring\n\nconst (\n\tA = 1 // the first of all letters\n\tB = 2\n)\n", []string{"a.go:5: B has no comment"}},
		"variable":          {"ring/a.go", "package ring\n\nvar Default int\n", []string{"Default has no comment"}},
		"interface": {
			"ring/a.go", "package ring\n\n// Store holds the records of a node.\ntype Store interface {\n\t// Read and Write move bytes about.\n\tRead()\n\tWrite()\n\n\tLen()\n\tScan()\n\tString() string\n}\n",
			[]string{"Store.Scan has no comment"},
		},
		"one method": {"ring/a.go", "package ring\n\n// Reader looks at one record.\ntype Reader interface{ Read() }\n", nil},
		"fields": {
			"ring/a.go", "package ring\n\n// Config says how a ring is laid out.\ntype Config struct {\n\t// Racks and Nodes count places.\n\tRacks int\n\tNodes int\n\n\tBytes int\n\tSize int // of a frame, in bytes\n\tsmall int\n}\n\n// Plain needs no field comments at all.\ntype Plain struct{ X int }\n",
			[]string{"Config.Bytes has no comment"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			files := tree()
			files[c.file] = c.text
			if c.text == "" {
				delete(files, c.file)
			}
			problems, err := docs(treetest.Write(t, []string{"ring", "node"}, files))
			if err != nil {
				t.Fatal(err)
			}
			if len(problems) != len(c.want) {
				t.Fatalf("problems %q, want %d", problems, len(c.want))
			}
			for i, want := range c.want {
				if !strings.Contains(problems[i], want) {
					t.Errorf("problem %q, want one that says %q", problems[i], want)
				}
			}
		})
	}
}
