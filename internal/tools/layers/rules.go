package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// rule is one folder's paragraph of layers.txt. It governs the packages at
// and below the folder, unless a longer folder has a rule of its own.
type rule struct {
	folder  string
	line    int
	imports []string // sibling folders and third-party modules
	tests   []string // what _test.go files may import besides
	never   []string // standard packages that production code keeps out
}

// parseRules reads layers.txt:
//
//	# a comment
//	folder   -> sibling other/sibling example.org/module
//	  tests  -> example.org/another
//	  never  -> net os
//
// "nothing" stands for an empty list. A line that begins with "->" goes on
// with the list above it.
func parseRules(r io.Reader) ([]*rule, error) {
	var rules []*rule
	var list *[]string // the list that a continuation goes on with
	seen := map[string]bool{}
	scan := bufio.NewScanner(r)
	for n := 1; scan.Scan(); n++ {
		text, _, _ := strings.Cut(scan.Text(), "#")
		if strings.TrimSpace(text) == "" {
			continue
		}
		left, right, ok := strings.Cut(text, "->")
		if !ok {
			return nil, fmt.Errorf("layers.txt:%d: no \"->\"", n)
		}
		indented := left == "" || left[0] == ' ' || left[0] == '\t'
		left = strings.TrimSpace(left)
		switch {
		case !indented:
			if seen[left] {
				return nil, fmt.Errorf("layers.txt:%d: %s has a rule already", n, left)
			}
			seen[left] = true
			rules = append(rules, &rule{folder: left, line: n})
			list = &rules[len(rules)-1].imports
		case len(rules) == 0:
			return nil, fmt.Errorf("layers.txt:%d: an indented line before the first folder", n)
		case left == "tests":
			list = &rules[len(rules)-1].tests
		case left == "never":
			list = &rules[len(rules)-1].never
		case left != "":
			return nil, fmt.Errorf("layers.txt:%d: %q is neither \"tests\" nor \"never\"", n, left)
		}
		for _, name := range strings.Fields(right) {
			if name != "nothing" {
				*list = append(*list, name)
			}
		}
	}
	return rules, scan.Err()
}

// governing returns the rule with the longest folder at or above dir, or nil.
func governing(rules []*rule, dir string) *rule {
	var best *rule
	for _, r := range rules {
		if within(r.folder, dir) && (best == nil || len(r.folder) > len(best.folder)) {
			best = r
		}
	}
	return best
}

// within reports whether name is prefix or lies below it.
func within(prefix, name string) bool {
	rest, ok := strings.CutPrefix(name, prefix)
	return ok && (rest == "" || rest[0] == '/')
}
