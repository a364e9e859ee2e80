package command

import (
	"bufio"
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

var record = flag.Bool("record", false, "write the replies of a redis-server into the transcripts")

// TestTranscripts_RecordedFromRedis_ReplyTheSame plays the transcripts in
// testdata. A line "> words" is a command, the quoted line below it the bytes
// that Redis 7.0.15 replied; "proto 3" changes the protocol. With -record the
// replies are written anew.
func TestTranscripts_RecordedFromRedis_ReplyTheSame(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if *record {
				if err := os.WriteFile(file, recorded(t, text), 0o666); err != nil {
					t.Fatal(err)
				}
				return
			}
			play(t, text)
		})
	}
}

func recorded(t *testing.T, text []byte) []byte {
	redis := startRedis(t)
	var out bytes.Buffer
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, `"`) {
			continue
		}
		out.WriteString(line + "\n")
		if proto, ok := strings.CutPrefix(line, "proto "); ok {
			redis.do("HELLO", proto)
		}
		if command, ok := strings.CutPrefix(line, "> "); ok {
			out.WriteString(strconv.Quote(string(redis.do(split(t, command)...))) + "\n")
		}
	}
	return out.Bytes()
}

func play(t *testing.T, text []byte) {
	l := newLocal(t, 2)
	n, commands := 0, 0
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		n++
		if proto, ok := strings.CutPrefix(lines.Text(), "proto "); ok {
			l.call.Proto, _ = strconv.Atoi(proto)
		}
		command, ok := strings.CutPrefix(lines.Text(), "> ")
		if !ok {
			continue
		}
		args := split(t, command)
		lines.Scan()
		n++
		commands++
		raw, err := strconv.Unquote(lines.Text())
		if err != nil {
			t.Fatalf("line %d: no reply is recorded", n)
		}
		got := l.do(args...)
		if string(got) == raw {
			continue
		}
		want, have := parseReply(t, []byte(raw)), parseReply(t, got)
		if alike(strings.ToLower(args[0]), want, have) {
			continue
		}
		t.Errorf("line %d: %s\nredis: %s\nours:  %s", n, command, want, have)
	}
	if commands == 0 {
		t.Error("no commands")
	}
}

// alike compares replies whose order, or time, is left open.
func alike(name string, want, got reply) bool {
	switch name {
	case "hkeys", "hvals", "keys":
		return want.sorted(1).String() == got.sorted(1).String()
	case "hgetall":
		return want.sorted(2).String() == got.sorted(2).String()
	case "hscan":
		return len(want.list) == 2 && len(got.list) == 2 && want.list[0].text == got.list[0].text &&
			want.list[1].sorted(2).String() == got.list[1].sorted(2).String()
	case "ttl":
		return near(want, got, 1).String() == want.String()
	case "pttl":
		return near(want, got, 1000).String() == want.String()
	}
	return false
}

// split takes a line apart at spaces; a word in double quotes may hold escapes.
func split(t *testing.T, line string) []string {
	var out []string
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimLeft(line, " ") {
		if line[0] != '"' {
			word, rest, _ := strings.Cut(line, " ")
			out, line = append(out, word), rest
			continue
		}
		quoted, err := strconv.QuotedPrefix(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		word, _ := strconv.Unquote(quoted)
		out, line = append(out, word), line[len(quoted):]
	}
	return out
}
