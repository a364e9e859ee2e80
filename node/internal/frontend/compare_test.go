package frontend

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// redisServer starts a redis-server on a Unix socket until the test ends.
func redisServer(t *testing.T) (socket string) {
	t.Helper()
	dir := t.TempDir()
	socket = filepath.Join(dir, "s")
	cmd := exec.Command("redis-server", "--port", "0", "--unixsocket", socket,
		"--save", "", "--appendonly", "no", "--dir", dir, "--daemonize", "no")
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatalf("redis-server is needed: %v", err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 500 {
		if conn, err := net.Dial("unix", socket); err == nil {
			conn.Close()
			return socket
		}
		<-tick.C
	}
	t.Fatalf("redis-server does not come up:\n%s", log.String())
	return ""
}

// masked is what may differ.
var masked = []struct {
	re *regexp.Regexp
	by string
}{
	{regexp.MustCompile(`"version", "[^"]*"`), `"version", "V"`},
	{regexp.MustCompile(`"version": "[^"]*"`), `"version": "V"`},
	{regexp.MustCompile(`"id", :\d+`), `"id", :N`},
	{regexp.MustCompile(`"id": :\d+`), `"id": :N`},
}

func mask(reply string) string {
	for _, m := range masked {
		reply = m.re.ReplaceAllString(reply, m.by)
	}
	return reply
}

func TestReplies_EqualThoseOfRedisServer(t *testing.T) {
	lines, err := os.ReadFile("testdata/compare.txt")
	if err != nil {
		t.Fatal(err)
	}
	socket := redisServer(t)
	_, addr := start(t, Config{})
	redis, ours := dial(t, "unix", socket), dial(t, "tcp", addr)
	for line := range strings.Lines(string(lines)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if line == "--" {
			redis.conn.Close()
			ours.conn.Close()
			redis, ours = dial(t, "unix", socket), dial(t, "tcp", addr)
			continue
		}
		want, got := mask(redis.do(line)), mask(ours.do(line))
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", line, got, want)
		}
	}
}
