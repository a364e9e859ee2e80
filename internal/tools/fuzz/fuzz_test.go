package main

import (
	"strings"
	"testing"
	"time"

	"github.com/dynomite-go/dynomite/internal/tools/treetest"
)

const fuzzers = `package wire

import "testing"

func FuzzDecode(f *testing.F) {
	f.Add([]byte("x"))
	f.Fuzz(func(t *testing.T, b []byte) { CONDITION })
}

func Fuzzy(t *testing.T) {}
`

func TestFuzz(t *testing.T) {
	for condition, fails := range map[string]bool{
		"_ = b":         false,
		"t.Fatal(\"\")": true,
	} {
		root := treetest.Write(t, []string{"wire", "other"}, map[string]string{
			"wire/inner/wire.go":      "package wire\n",
			"wire/inner/wire_test.go": strings.ReplaceAll(fuzzers, "CONDITION", condition),
			"other/other_test.go":     "package other\n",
		})
		err := fuzz(t.Context(), root, "", 100*time.Millisecond)
		if (err != nil) != fails {
			t.Errorf("%s: error %v", condition, err)
		}
		if err != nil && !strings.Contains(err.Error(), "1 of 1 targets") {
			t.Errorf("error %v", err)
		}
	}
}
