package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// promises begins the chapter of the README whose table says what a client
// sees, a row for each failure, a column for each level. A cell's test is
// named for both, and stands in a file of package node named guarantee_*_test.go:
//
//	|                  | `DC_QUORUM` (the default)                    |
//	|------------------|----------------------------------------------|
//	| one node is away | TestGuarantee_OneNodeIsAway_DCQuorum         |
const promises = "## What it promises"

var guaranteeTest = regexp.MustCompile(`(?m)^func (TestGuarantee_\w+)\(`)

// unproven returns the cells of the README's table of guarantees that have no
// test, and the tests that belong to no cell.
func unproven(root string) []string {
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		return nil // that there is none is another check's to say
	}
	_, chapter, _ := strings.Cut(string(readme), promises+"\n")
	cells := cellTests(chapter)
	files, err := filepath.Glob(filepath.Join(root, "node", "guarantee*_test.go"))
	if err != nil {
		return []string{err.Error()}
	}
	var tests, problems []string
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			return []string{err.Error()}
		}
		for _, m := range guaranteeTest.FindAllStringSubmatch(string(data), -1) {
			tests = append(tests, m[1])
			if !slices.Contains(cells, m[1]) {
				problems = append(problems, fmt.Sprintf("%s: %s is the test of no cell in README.md's table", name, m[1]))
			}
		}
	}
	for _, c := range cells {
		if !slices.Contains(tests, c) {
			problems = append(problems, fmt.Sprintf("README.md: a guarantee without its test: no %s in node/guarantee_*_test.go", c))
		}
	}
	return problems
}

// cellTests are the names of the tests of a chapter's first table.
func cellTests(chapter string) []string {
	var levels, names []string
	for line := range strings.Lines(chapter) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			if levels != nil {
				break
			}
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		switch {
		case levels == nil:
			for _, c := range cells[1:] {
				level, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(c), "`"), "`")
				levels = append(levels, camel(strings.ToLower(level)))
			}
		case strings.Trim(line, "|-: ") == "":
		default:
			for _, level := range levels {
				names = append(names, "TestGuarantee_"+camel(cells[0])+"_"+level)
			}
		}
	}
	return names
}

// camel makes one word of several; a datacenter is DC, as in package quorum.
func camel(text string) string {
	var out strings.Builder
	for _, w := range strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if w == "dc" {
			w = "DC"
		}
		out.WriteString(strings.ToUpper(w[:1]) + w[1:])
	}
	return out.String()
}
