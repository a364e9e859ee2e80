package tokenring

import (
	"errors"
	"strings"
	"testing"
)

func TestDescribe_ErrorOfWriterComesBack(t *testing.T) {
	broken := errors.New("broken")
	if err := mustNew(t, Config{Nodes: layout(3, 3)}).Describe(failing{broken}); !errors.Is(err, broken) {
		t.Errorf("Describe = %v, want %v", err, broken)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestDescribe_ManyNodes_AllListed(t *testing.T) {
	var text strings.Builder
	if err := mustNew(t, Config{Nodes: layout(70, 1), Distribution: VNode, TokensPerNode: 1}).Describe(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{" A node1 ", " * node70 ", "owns 1.4"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the text lacks %q:\n%s", want, text.String())
		}
	}
	if n := strings.Count(text.String(), "\n"); n != 2+1+70+1 {
		t.Errorf("%d lines, want a line for each of 70 nodes and four more:\n%s", n, text.String())
	}
}
