package main

import (
	"errors"
	"slices"
	"testing"
)

func TestMissing_NamesEachPackageOnce(t *testing.T) {
	there := []string{"gcc", "git", "redis-server"}
	look := func(program string) (string, error) {
		if slices.Contains(there, program) {
			return "/usr/bin/" + program, nil
		}
		return "", errors.New("not found")
	}
	if got, want := missing(always, look), []string{"redis-tools", "tcl"}; !slices.Equal(got, want) {
		t.Errorf("missing %v, want %v", got, want)
	}
	there = append(there, "redis-cli", "redis-benchmark", "tclsh")
	if got := missing(always, look); got != nil {
		t.Errorf("missing %v, want none", got)
	}
}
