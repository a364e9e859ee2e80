package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/dynomite-go/dynomite/internal/tools/workspace"
)

// noticed finds the modules in NOTICE's table: a line of a module path and
// its licence.
var noticed = regexp.MustCompile(`(?m)^  (\S+\.\S+/\S+) +\S`)

// unnoticed compares NOTICE with what the modules of go.work require, others'
// modules only: each must be named there with its licence, and nothing else.
func unnoticed(ws *workspace.Workspace) ([]string, error) {
	data, err := os.ReadFile(filepath.Join(ws.Root, "NOTICE"))
	if err != nil {
		return nil, err
	}
	var named []string
	for _, found := range noticed.FindAllStringSubmatch(string(data), -1) {
		named = append(named, found[1])
	}
	var required []string
	for _, m := range ws.Modules {
		if !m.InWork {
			continue
		}
		for _, r := range m.File.Require {
			if !strings.HasPrefix(r.Mod.Path, workspace.Prefix+"/") {
				required = append(required, r.Mod.Path)
			}
		}
	}
	slices.Sort(required)
	required = slices.Compact(required)
	var problems []string
	for _, r := range required {
		if !slices.Contains(named, r) {
			problems = append(problems, fmt.Sprintf("NOTICE: %s is required and not named", r))
		}
	}
	for _, n := range named {
		if !slices.Contains(required, n) {
			problems = append(problems, fmt.Sprintf("NOTICE: %s is named and not required", n))
		}
	}
	return problems, nil
}
