package main

import (
	"bufio"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// mutant is one planted defect: a patch with a header that says which test
// must notice it.
//
//	# Test: ^TestGather_OneSlowReplica
//	# Package: ./quorum/...
//	# Wants: acknowledged too early
//	--- a/quorum/gather.go
//	+++ b/quorum/gather.go
//	@@ ...
type mutant struct {
	name    string         // the patch's path below the root
	test    string         // for go test -run
	pkg     string         // package pattern, from the root
	wants   *regexp.Regexp // optional: what the failing test must print
	touches []string       // files that the patch changes, below the root
}

// readMutant parses a patch's header and the names of the files it changes.
func readMutant(root, name string) (*mutant, error) {
	file, err := os.Open(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	m := &mutant{name: name}
	scan := bufio.NewScanner(file)
	scan.Buffer(nil, 1<<20)
	for scan.Scan() {
		line := scan.Text()
		switch {
		case strings.HasPrefix(line, "# Test:"):
			m.test = strings.TrimSpace(strings.TrimPrefix(line, "# Test:"))
		case strings.HasPrefix(line, "# Package:"):
			m.pkg = strings.TrimSpace(strings.TrimPrefix(line, "# Package:"))
		case strings.HasPrefix(line, "# Wants:"):
			m.wants, err = regexp.Compile(strings.TrimSpace(strings.TrimPrefix(line, "# Wants:")))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		case strings.HasPrefix(line, "--- a/"):
			file, _, _ := strings.Cut(strings.TrimPrefix(line, "--- a/"), "\t")
			m.touches = append(m.touches, file)
		case strings.HasPrefix(line, "--- /dev/null"), strings.HasPrefix(line, "+++ /dev/null"):
			return nil, fmt.Errorf("%s: a mutant changes files, it neither adds nor removes them", name)
		}
	}
	if err := scan.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return m, m.validate()
}

func (m *mutant) validate() error {
	switch {
	case m.test == "":
		return fmt.Errorf("%s: no \"# Test: regexp\" line", m.name)
	case !strings.HasPrefix(m.pkg, "./"):
		return fmt.Errorf("%s: no \"# Package: ./path\" line", m.name)
	case len(m.touches) == 0:
		return fmt.Errorf("%s: changes no file", m.name)
	}
	if _, err := regexp.Compile(m.test); err != nil {
		return fmt.Errorf("%s: %w", m.name, err)
	}
	for _, f := range m.touches {
		if !strings.HasSuffix(f, ".go") || strings.HasSuffix(f, "_test.go") || path.Clean(f) != f || strings.HasPrefix(f, "..") {
			return fmt.Errorf("%s: changes %s; a mutant changes production Go files only", m.name, f)
		}
	}
	return nil
}

// find lists the patches below root: */testdata/mutants/*.patch, at any
// depth, in order.
func find(root string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(root, func(name string, d os.DirEntry, err error) error {
		if err != nil {
			if os.IsNotExist(err) {
				return nil
			}
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if rel != "." && strings.HasPrefix(d.Name(), ".") || rel == "bin" || d.Name() == "node_modules" {
				return filepath.SkipDir
			}
			return nil
		}
		if ok, _ := path.Match("*.patch", d.Name()); ok && strings.HasSuffix(path.Dir(rel), "testdata/mutants") {
			names = append(names, rel)
		}
		return nil
	})
	slices.Sort(names)
	return names, err
}
