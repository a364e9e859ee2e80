package main

import (
	"strings"
	"testing"
	"time"

	"github.com/dynomite-go/dynomite/internal/tools/treetest"
)

const (
	code = "package quorum\n\n// Majority of n.\nfunc Majority(n int) int {\n\treturn n/2 + 1\n}\n"
	test = `package quorum

import "testing"

func TestMajority(t *testing.T) {
	if got := Majority(4); got != 3 {
		t.Fatalf("a majority of 4 is %d", got)
	}
}

func TestOther(t *testing.T) {}
`
)

func patch(headers, becomes string) string {
	return headers + "--- a/quorum/quorum.go\n+++ b/quorum/quorum.go\n@@ -2,5 +2,5 @@\n \n // Majority of n.\n func Majority(n int) int {\n-\treturn n/2 + 1\n+" + becomes + "\n }\n"
}

const headers = "# Half is no majority.\n# Test: ^TestMajority$\n# Package: ./quorum\n"

func TestTry(t *testing.T) {
	for name, c := range map[string]struct {
		patch string
		files map[string]string
		want  string // "" is noticed
	}{
		"noticed":                {patch(headers, "\treturn n / 2"), nil, ""},
		"noticed, as wanted":     {patch(headers+"# Wants: of 4 is 2\n", "\treturn n / 2"), nil, ""},
		"noticed by a panic":     {patch(headers, "\tpanic(n)"), nil, ""},
		"for another reason":     {patch(headers+"# Wants: of 5\n", "\treturn n / 2"), nil, "without saying"},
		"not noticed":            {patch(headers, "\treturn 1 + n/2"), nil, "the test passes"},
		"does not compile":       {patch(headers, "\treturn m"), nil, "does not compile"},
		"does not apply":         {strings.Replace(patch(headers, "\treturn n / 2"), "n/2 + 1", "n/3 + 1", 1), nil, "does not apply"},
		"no such test":           {patch("# Test: ^TestGone$\n# Package: ./quorum\n", "\treturn n / 2"), nil, "no test has that name"},
		"endless":                {patch(headers, "\tfor {\n+\t}"), nil, "does not apply"},
		"test hangs":             {patch(headers, "\tselect {} // for ever"), nil, "time limit"},
		"no test named":          {patch("# Package: ./quorum\n", "\treturn 1"), nil, "no \"# Test"},
		"no package named":       {patch("# Test: x\n", "\treturn 1"), nil, "no \"# Package"},
		"changes a test":         {strings.ReplaceAll(patch(headers, "\treturn 1"), "quorum.go", "q_test.go"), nil, "production Go files only"},
		"adds a file":            {headers + "--- /dev/null\n+++ b/quorum/new.go\n@@ -0,0 +1 @@\n+package quorum\n", nil, "neither adds nor removes"},
		"broken without defect":  {patch(headers, "\treturn n / 2"), map[string]string{"quorum/z_test.go": "package quorum\n\nfunc init() { panic(\"early\") }\n"}, "without the defect"},
		"another test fails too": {patch("# Test: ^TestOther$\n# Package: ./quorum\n", "\treturn n / 2"), nil, "the test passes"},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"quorum/quorum.go": code, "quorum/quorum_test.go": test, "quorum/testdata/mutants/half.patch": c.patch}
			for k, v := range c.files {
				files[k] = v
			}
			root := treetest.Write(t, []string{"quorum"}, files)
			names, err := find(root)
			if err != nil || len(names) != 1 {
				t.Fatalf("found %v, %v", names, err)
			}
			l := &lab{root: root, scratch: t.TempDir(), options: options{each: 5 * time.Second, baseline: true}, sound: map[string]func() error{}}
			err = l.try(t.Context(), names[0], 0)
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("error %v, want one that says %q", err, c.want)
			}
		})
	}
}

func TestMutants_CountsAndSelects(t *testing.T) {
	root := treetest.Write(t, []string{"quorum"}, map[string]string{
		"quorum/quorum.go":                   code,
		"quorum/quorum_test.go":              test,
		"quorum/testdata/mutants/half.patch": patch(headers, "\treturn n / 2"),
		"quorum/testdata/mutants/same.patch": patch(headers, "\treturn 1 + n/2"),
	})
	for only, want := range map[string]bool{"half": true, "same": false, "": false} {
		ok, err := mutants(t.Context(), options{dir: root, parallel: 2, each: time.Minute, only: only})
		if err != nil || ok != want {
			t.Errorf("-only=%q: %v, %v, want %v", only, ok, err, want)
		}
	}
}
