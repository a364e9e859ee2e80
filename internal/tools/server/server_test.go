package server

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/dynomite-go/dynomite/internal/tools/treetest"
)

// fake builds the stand-in for dynomited.
func fake(t *testing.T) string {
	t.Helper()
	root := treetest.Write(t, []string{"cmd/fake"}, map[string]string{"cmd/fake/main.go": treetest.FakeServer})
	binary := filepath.Join(root, "fake")
	cmd := exec.Command("go", "build", "-o", binary, "./cmd/fake")
	cmd.Dir = root
	cmd.Env = append(cmd.Environ(), "GOWORK=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

func TestStart_FindsTheClientAddresses(t *testing.T) {
	s, err := Start(t.Context(), "", fake(t), Three...)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	if err := s.Await(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	for _, addr := range s.Addrs {
		if !strings.Contains(s.Output(), "clients on "+addr) {
			t.Errorf("%s is not an address for clients:\n%s", addr, s.Output())
		}
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if err := s.Stop(); err != nil {
		t.Errorf("the second Stop: %v", err)
	}
	if _, err := answers(s.Addrs[0]); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("after Stop: %v, want a refused connection", err)
	}
}

func TestStart_ChildEnds_SaysWhatItPrinted(t *testing.T) {
	_, err := Start(t.Context(), "", fake(t), "exit")
	if err == nil || !strings.Contains(err.Error(), "no such configuration") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("error %v", err)
	}
}

func TestStart_ContextEnds_LeavesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Start(ctx, "", fake(t), "mute"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}
