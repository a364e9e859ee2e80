package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dynomite-go/dynomite/internal/tools/treetest"
)

const readme = "# x\n\n```go\nfunc main() {}\n```\n\n" +
	"```sh\ngo run ./cmd/dynomited dev   # three nodes\n```\n\nthen\n\n" +
	"```console\n$ redis-cli -p 8102 set greeting hello\nOK\n$ redis-cli -p 8112 get greeting\n\"hello\"\n```\n\n" +
	"```sh\nredis-cli -p 9999 flushall\n```\n"

func TestReadSession(t *testing.T) {
	s, err := readSession(readme)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(s.start, " "); got != "go run ./cmd/dynomited dev" {
		t.Errorf("start %q", got)
	}
	if len(s.client) != 2 || s.client[0].reply != "OK" || s.client[1].reply != `"hello"` {
		t.Errorf("client %+v", s.client)
	}
	if got := s.ports(); !slices.Equal(got, []int{8102, 8112}) {
		t.Errorf("ports %v", got)
	}
	args, err := s.client[1].at(s.ports(), []string{"127.0.0.1:1", "127.0.0.1:2"})
	if err != nil || !slices.Equal(args, []string{"-p", "2", "get", "greeting"}) {
		t.Errorf("args %v, %v", args, err)
	}
	if _, err := readSession("nothing to type"); err == nil {
		t.Error("no error without commands")
	}
}

func TestCheck_ComparesAPipeWithATerminal(t *testing.T) {
	for _, c := range []struct {
		shown, got string
		ok         bool
	}{
		{"OK", "OK\n", true},
		{`"hello"`, "hello\n", true},
		{"(integer) 3", "3\n", true},
		{"(nil)", "\n", true},
		{`"hello"`, "hell\n", false},
		{"(integer) 3", "4\n", false},
		{"", "anything\n", true},
		{"", "ERR unknown command\n", false},
	} {
		if err := (exchange{reply: c.shown}).check(c.got); (err == nil) != c.ok {
			t.Errorf("the README shows %q, the server says %q: %v", c.shown, c.got, err)
		}
	}
}

// repository is a git repository whose dynomited is a stand-in.
func repository(t *testing.T) string {
	t.Helper()
	root := treetest.Write(t, []string{"cmd/dynomited"}, map[string]string{
		"README.md":             readme,
		".gitignore":            "/ignored\n",
		"cmd/dynomited/main.go": treetest.FakeServer,
	})
	for _, args := range [][]string{
		{"init", "-q"},
		{"add", "."},
		{"-c", "user.name=n", "-c", "user.email=e@example.org", "commit", "-q", "-m", "first"},
	} {
		cmd := exec.Command("git", args...)
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	return root
}

func TestFresh_CleanTree(t *testing.T) {
	if err := fresh(t.Context(), repository(t)); err != nil {
		t.Error(err)
	}
}

func TestFresh_ReplyThatTheREADMEDoesNotShow(t *testing.T) {
	root := repository(t)
	wrong := strings.Replace(readme, `"hello"`, `"bye"`, 1)
	if err := os.WriteFile(filepath.Join(root, "README.md"), []byte(wrong), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := fresh(t.Context(), root); err == nil || !strings.Contains(err.Error(), "the README shows") {
		t.Errorf("error %v", err)
	}
}

func TestCopyTree_WithChanges_TakesWhatGitWouldAdd(t *testing.T) {
	root := repository(t)
	for name, text := range map[string]string{"new": "n", "ignored": "i", "README.md": "changed"} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(root, ".gitignore")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, ".git", "info", "exclude"), []byte("/ignored\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	stage := t.TempDir()
	to := filepath.Join(stage, "to")
	if err := copyTree(t.Context(), root, stage, to); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"new": "n", "ignored": "", "README.md": "changed", ".gitignore": "", "cmd/dynomited/main.go": treetest.FakeServer} {
		got, _ := os.ReadFile(filepath.Join(to, name))
		if string(got) != want {
			t.Errorf("%s holds %q, want %q", name, got, want)
		}
	}
}
