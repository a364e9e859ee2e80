package command

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// redis is a real redis-server, and one connection to it.
type redis struct {
	t  testing.TB
	in *bufio.Reader
	w  net.Conn
}

// startRedis starts a redis-server of our own, on a socket in a fresh folder. Without
// redis-server the tests fail: they would say nothing.
func startRedis(t testing.TB) *redis {
	t.Helper()
	dir, err := os.MkdirTemp("", "redis") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "s")
	cmd := exec.Command("redis-server", "--port", "0", "--unixsocket", socket, "--dir", dir,
		"--save", "", "--appendonly", "no", "--loglevel", "notice")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("these tests compare with redis-server, which has to be installed: %v", err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		os.RemoveAll(dir)
	})
	lines := bufio.NewScanner(stdout)
	for ready := false; !ready; {
		if !lines.Scan() {
			t.Fatal("redis-server ended before it was ready")
		}
		ready = strings.Contains(lines.Text(), "eady to accept connections")
	}
	go io.Copy(io.Discard, stdout)
	conn, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &redis{t: t, in: bufio.NewReaderSize(conn, 1<<16), w: conn}
}

// do sends a command and returns the bytes of its reply.
func (r *redis) do(args ...string) []byte {
	r.t.Helper()
	var b bytes.Buffer
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, arg := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(arg), arg)
	}
	if _, err := r.w.Write(b.Bytes()); err != nil {
		r.t.Fatal(err)
	}
	raw, err := readReply(r.in)
	if err != nil {
		r.t.Fatalf("%q: %v", args, err)
	}
	return raw
}

// readReply reads the bytes of one reply.
func readReply(in *bufio.Reader) ([]byte, error) {
	raw, err := in.ReadBytes('\n')
	if err != nil {
		return raw, err
	}
	n, _ := strconv.Atoi(string(raw[1 : len(raw)-2]))
	switch raw[0] {
	case '$', '=':
		if n >= 0 {
			body := make([]byte, n+2)
			_, err = io.ReadFull(in, body)
			raw = append(raw, body...)
		}
		return raw, err
	case '%':
		n *= 2
	case '*', '~':
	default:
		n = 0
	}
	for ; n > 0 && err == nil; n-- {
		var element []byte
		element, err = readReply(in)
		raw = append(raw, element...)
	}
	return raw, err
}

// reply is a reply, taken apart.
type reply struct {
	kind byte // RESP's marker; maps and sets stay what they are
	text string
	null bool
	list []reply
}

func parseReply(t testing.TB, raw []byte) reply {
	t.Helper()
	r, rest := parseOne(raw)
	if len(rest) > 0 {
		t.Fatalf("behind the reply %q there is %q", raw, rest)
	}
	return r
}

func parseOne(raw []byte) (r reply, rest []byte) {
	line, rest, ok := bytes.Cut(raw, []byte("\r\n"))
	if !ok || len(line) == 0 {
		return reply{kind: '?', text: string(raw)}, nil
	}
	r.kind, r.text = line[0], string(line[1:])
	n, _ := strconv.Atoi(r.text)
	switch r.kind {
	case '_':
		r.null = true
		return r, rest
	case '$', '=':
		if n < 0 {
			r.null = true
			return r, rest
		}
		if len(rest) < n+2 {
			return reply{kind: '?', text: string(raw)}, nil
		}
		r.text = string(rest[:n])
		return r, rest[n+2:]
	case '*', '~', '%':
		r.text, r.null = "", n < 0
		if r.kind == '%' {
			n *= 2
		}
		for ; n > 0; n-- {
			var element reply
			element, rest = parseOne(rest)
			r.list = append(r.list, element)
		}
	}
	return r, rest
}

func (r reply) String() string {
	switch r.kind {
	case '*', '~', '%':
		if r.null {
			return "null array"
		}
		parts := make([]string, len(r.list))
		for i, element := range r.list {
			parts[i] = element.String()
		}
		return string(r.kind) + "[" + strings.Join(parts, " ") + "]"
	case '$':
		if r.null {
			return "null"
		}
		return strconv.Quote(r.text)
	}
	return string(r.kind) + r.text
}

// sorted returns r with its list in order, n elements being one unit.
func (r reply) sorted(n int) reply {
	if len(r.list)%n != 0 {
		return r
	}
	units := slices.Collect(slices.Chunk(r.list, n))
	slices.SortFunc(units, func(a, b []reply) int {
		return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
	})
	r.list = slices.Concat(units...)
	return r
}

func (r reply) texts() []string {
	texts := make([]string, len(r.list))
	for i, element := range r.list {
		texts[i] = element.text
	}
	return texts
}
