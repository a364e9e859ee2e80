package frontend

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dynomite-go/dynomite/respserver"
)

// wire is a client that shows replies as text:
//
//	+OK  -ERR text  :5  "bulk"  nil  [a, b]  {key: value}  ~{a, b}  txt"verbatim"
type wire struct {
	t    testing.TB
	conn net.Conn
	in   *bufio.Reader
}

func dial(t testing.TB, network, addr string) *wire {
	t.Helper()
	conn, err := net.Dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	return newWire(t, conn)
}

func newWire(t testing.TB, conn net.Conn) *wire {
	return &wire{t: t, conn: conn, in: bufio.NewReader(conn)}
}

// send writes a request; its words are split as redis-cli would.
func (w *wire) send(line string) {
	w.t.Helper()
	w.write(request(words(w.t, line)...))
}

func (w *wire) write(data string) {
	w.t.Helper()
	if _, err := io.WriteString(w.conn, data); err != nil {
		w.t.Fatal(err)
	}
}

// do sends a request and returns its reply.
func (w *wire) do(line string) string {
	w.t.Helper()
	w.send(line)
	return w.reply()
}

// expect sends a request and compares its reply with a pattern.
func (w *wire) expect(line, pattern string) {
	w.t.Helper()
	if got := w.do(line); !like(got, pattern) {
		w.t.Errorf("%s\n got %s\nwant %s", line, got, pattern)
	}
}

// end expects that the server closes the connection.
func (w *wire) end() {
	w.t.Helper()
	if rest, err := io.ReadAll(w.in); len(rest) > 0 || err != nil {
		w.t.Errorf("connection not closed: %q, %v", rest, err)
	}
}

func (w *wire) reply() string {
	w.t.Helper()
	reply, err := readReply(w.in)
	if err != nil {
		w.t.Fatal(err)
	}
	return reply
}

func readReply(in *bufio.Reader) (string, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return "", err
	}
	if len(line) < 3 {
		return "", fmt.Errorf("short line %q", line)
	}
	line = line[:len(line)-2]
	switch marker, rest := line[0], line[1:]; marker {
	case '+', '-', ':', ',', '#', '(':
		return line, nil
	case '_':
		return "nil", nil
	case '$', '=':
		n, err := strconv.Atoi(rest)
		if err != nil || n < 0 {
			return "nil", err
		}
		body := make([]byte, n+2)
		if _, err := io.ReadFull(in, body); err != nil {
			return "", err
		}
		if marker == '=' {
			return string(body[:3]) + strconv.Quote(string(body[4:n])), nil
		}
		return strconv.Quote(string(body[:n])), nil
	case '*', '~', '>', '%':
		n, err := strconv.Atoi(rest)
		if err != nil || n < 0 {
			return "nil", err
		}
		return readElements(in, marker, n)
	}
	return "", fmt.Errorf("unknown reply %q", line)
}

func readElements(in *bufio.Reader, marker byte, n int) (string, error) {
	open, end := map[byte]string{'*': "[", '~': "~{", '>': ">[", '%': "{"}[marker], "]"
	if marker == '~' || marker == '%' {
		end = "}"
	}
	var parts []string
	for range n {
		part, err := readReply(in)
		if err != nil {
			return "", err
		}
		if marker == '%' {
			value, err := readReply(in)
			if err != nil {
				return "", err
			}
			part += ": " + value
		}
		parts = append(parts, part)
	}
	return open + strings.Join(parts, ", ") + end, nil
}

// like compares with a pattern in which … stands for any text.
func like(got, pattern string) bool {
	parts := strings.Split(pattern, "…")
	if len(parts) == 1 {
		return got == pattern
	}
	if !strings.HasPrefix(got, parts[0]) {
		return false
	}
	got = got[len(parts[0]):]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(got, part)
		if i < 0 {
			return false
		}
		got = got[i+len(part):]
	}
	return strings.HasSuffix(got, parts[len(parts)-1])
}

// words splits a line at spaces; a word in double quotes is one of Go's.
func words(t testing.TB, line string) []string {
	t.Helper()
	var list []string
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimLeft(line, " ") {
		if line[0] != '"' {
			word, rest, _ := strings.Cut(line, " ")
			list, line = append(list, word), rest
			continue
		}
		quoted, err := strconv.QuotedPrefix(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		word, _ := strconv.Unquote(quoted)
		list, line = append(list, word), line[len(quoted):]
	}
	return list
}

func request(words ...string) string {
	var b []byte
	b = respserver.AppendArray(b, len(words))
	for _, word := range words {
		b = respserver.AppendBulkString(b, word)
	}
	return string(b)
}
