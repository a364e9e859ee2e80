package main

import (
	"bufio"
	"encoding/json"
	"io"
	"regexp"
	"strings"
)

// verdict is how a run of the named test ended.
type verdict int

const (
	passed   verdict = iota // the test ran and did not mind
	failed                  // the test ran and failed: what a mutant must bring about
	unbuilt                 // the code does not compile
	unnamed                 // no test has the name
	timedOut                // the test ran into its time limit
	other                   // something else failed
)

func (v verdict) String() string {
	return [...]string{
		"the test passes", "the test fails", "the code does not compile",
		"no test has that name", "the test ran into its time limit", "something other than the test failed",
	}[v]
}

// event is a line of go test -json.
type event struct {
	Action, Package, Test, Output, ImportPath string
}

// judge reads the output of go test -json and says how the tests matching
// name fared, with the text that the failing ones printed.
func judge(r io.Reader, name string) (verdict, string) {
	// -run matches the parts of a subtest's name one by one; the first part
	// is enough to tell the named test from its neighbours.
	first, _, _ := strings.Cut(name, "/")
	match, err := regexp.Compile(first)
	if err != nil {
		return other, err.Error()
	}
	var text, all strings.Builder
	var ran, fell, broken, elsewhere bool
	scan := bufio.NewScanner(r)
	scan.Buffer(nil, 16<<20)
	for scan.Scan() {
		var e event
		if json.Unmarshal(scan.Bytes(), &e) != nil {
			all.WriteString(scan.Text() + "\n")
			continue
		}
		top, _, _ := strings.Cut(e.Test, "/")
		named := e.Test != "" && match.MatchString(top)
		all.WriteString(e.Output)
		if named {
			text.WriteString(e.Output)
		}
		switch e.Action {
		case "run":
			ran = ran || named
		case "fail":
			fell = fell || named
			elsewhere = elsewhere || !named
		case "build-fail":
			broken = true
		}
	}
	switch {
	case broken:
		return unbuilt, all.String()
	case strings.Contains(all.String(), "panic: test timed out"):
		return timedOut, text.String()
	case fell:
		return failed, text.String()
	case elsewhere:
		return other, all.String()
	case !ran:
		return unnamed, all.String()
	}
	return passed, text.String()
}
