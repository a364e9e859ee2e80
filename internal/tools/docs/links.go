package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// brokenLinks returns the relative links of a Markdown file that lead to no
// file. Code blocks are passed over; so are addresses and anchors.
func brokenLinks(root, name string) []string {
	data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		return []string{err.Error()}
	}
	var problems []string
	code := false
	for i, line := range strings.Split(string(data), "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			code = !code
			continue
		}
		if code {
			continue
		}
		for _, found := range link.FindAllStringSubmatch(line, -1) {
			target, _, _ := strings.Cut(found[1], "#")
			if target == "" || strings.Contains(target, ":") {
				continue
			}
			at := path.Join(path.Dir(name), target)
			if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(at))); err != nil {
				problems = append(problems, fmt.Sprintf("%s:%d: the link to %s leads nowhere", name, i+1, target))
			}
		}
	}
	return problems
}
