package respserver

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// script is a connection whose client sends the chunks, one per read, and
// then the end. What the server writes is kept. No goroutine is needed.
type script struct {
	chunks [][]byte
	again  int // send all chunks so many more times
	next   int
	out    bytes.Buffer
	mute   bool // forget what is written
	writes int
}

func (s *script) Read(p []byte) (int, error) {
	if s.next == len(s.chunks) {
		if s.again == 0 {
			return 0, io.EOF
		}
		s.again--
		s.next = 0
	}
	chunk := s.chunks[s.next]
	n := copy(p, chunk)
	if n < len(chunk) {
		s.chunks[s.next] = chunk[n:]
	} else {
		s.next++
	}
	return n, nil
}

func (s *script) Write(p []byte) (int, error) {
	s.writes++
	if s.mute {
		return len(p), nil
	}
	return s.out.Write(p)
}

func (*script) Close() error                     { return nil }
func (*script) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (*script) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (*script) SetDeadline(time.Time) error      { return nil }
func (*script) SetReadDeadline(time.Time) error  { return nil }
func (*script) SetWriteDeadline(time.Time) error { return nil }

// play serves the chunks and returns all replies.
func play(t testing.TB, cfg Config, chunks ...[]byte) string {
	t.Helper()
	conn := &script{chunks: chunks}
	mustNew(t, cfg).ServeConn(conn)
	return conn.out.String()
}

// cut splits data into chunks of the given sizes, used in turn.
func cut(data []byte, sizes ...int) [][]byte {
	var chunks [][]byte
	for i := 0; len(data) > 0; i++ {
		n := min(max(1, sizes[i%len(sizes)]), len(data))
		chunks = append(chunks, data[:n:n])
		data = data[n:]
	}
	return chunks
}

// redisLike answers as Redis does the few commands that the recorded replies
// need; password is "pw" where Config.RequireAuth is set.
func redisLike() hooks {
	return hooks{serve: func(c *Conn, batch []Command) {
		for _, cmd := range batch {
			name := strings.ToUpper(string(cmd.Args[0]))
			switch {
			case name == "AUTH" && len(cmd.Args) == 2:
				if string(cmd.Args[1]) == "pw" {
					c.SetAuthenticated(true)
					c.Out = AppendOK(c.Out)
				} else {
					c.Out = AppendError(c.Out, "WRONGPASS invalid username-password pair or user is disabled.")
				}
			case !c.Trusted():
				c.Out = AppendError(c.Out, "NOAUTH Authentication required.")
			case name == "PING" && len(cmd.Args) == 1:
				c.Out = AppendSimple(c.Out, "PONG")
			case name == "PING" && len(cmd.Args) > 2:
				c.Out = AppendError(c.Out, "ERR wrong number of arguments for 'ping' command")
			case (name == "ECHO" || name == "PING") && len(cmd.Args) == 2:
				c.Out = AppendBulk(c.Out, cmd.Args[1])
			case name == "ECHO":
				c.Out = AppendError(c.Out, "ERR wrong number of arguments for 'echo' command")
			case name == "EVAL":
				c.Out = AppendArray(c.Out, len(cmd.Args)-3)
				for _, arg := range cmd.Args[3:] {
					c.Out = AppendBulk(c.Out, arg)
				}
			default:
				text := "ERR unknown command '" + string(cmd.Args[0]) + "', with args beginning with: "
				for _, arg := range cmd.Args[1:] {
					text += "'" + string(arg) + "' "
				}
				c.Out = AppendError(c.Out, text)
			}
		}
	}}
}

// recorded reads the quoted fields of a file of Redis's replies.
func recorded(t testing.TB, name string) [][]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "redis-7.0.15", name))
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for scan := bufio.NewScanner(bytes.NewReader(data)); scan.Scan(); {
		var row []string
		for rest := scan.Text(); rest != ""; {
			field, err := strconv.QuotedPrefix(rest)
			value := field
			if err == nil {
				value, err = strconv.Unquote(field)
				if err != nil {
					t.Fatalf("%s: %s: %v", name, field, err)
				}
			} else {
				field, _, _ = strings.Cut(rest, " ")
				value = field
			}
			row = append(row, value)
			rest = strings.TrimPrefix(rest[len(field):], " ")
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		t.Fatalf("%s is empty", name)
	}
	return rows
}
