package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// quoted marks a code block as a copy of a file:
//
//	<!-- copy of examples/embed/main.go -->
var quoted = regexp.MustCompile(`^<!-- copy of (\S+) -->$`)

// staleCopies returns the code blocks of a Markdown file that are marked as a
// copy of a file, by its path from the root, and differ from it.
func staleCopies(root, name string) []string {
	data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		return []string{err.Error()}
	}
	lines := strings.Split(string(data), "\n")
	var problems []string
	for i, line := range lines {
		found := quoted.FindStringSubmatch(strings.TrimSpace(line))
		if found == nil {
			continue
		}
		want, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(found[1])))
		switch {
		case err != nil:
			problems = append(problems, fmt.Sprintf("%s:%d: no file %s", name, i+1, found[1]))
		case block(lines[i+1:]) != strings.TrimSpace(string(want)):
			problems = append(problems, fmt.Sprintf("%s:%d: the code block is no copy of %s", name, i+1, found[1]))
		}
	}
	return problems
}

// block is the content of the first code block of the lines.
func block(lines []string) string {
	var content []string
	code := false
	for _, line := range lines {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			if code {
				break
			}
			code = true
			continue
		}
		if code {
			content = append(content, line)
		}
	}
	return strings.TrimSpace(strings.Join(content, "\n"))
}
