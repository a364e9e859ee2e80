package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The whole run, with sets that are small enough for a test.
func TestReconcile_WritesATable(t *testing.T) {
	out := filepath.Join(t.TempDir(), "report.md")
	if err := reconcile(20000, 1, out); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| 0 | 4,096 B | 8 B | **41 B** |", "| 10,000 |"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(string(text), "| 100,000 |") {
		t.Error("more differences than items")
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}
