package gossip

import (
	"bytes"
	"context"
	"log"
	"log/slog"
)

// levels are the prefixes of memberlist's messages. What it calls an error is
// trouble that heals by itself, a packet or a stream that failed.
var levels = []struct {
	prefix string
	level  slog.Level
}{
	{"[DEBUG]", slog.LevelDebug},
	{"[INFO]", slog.LevelInfo},
	{"[WARN]", slog.LevelWarn},
	{"[ERR]", slog.LevelWarn},
	{"[ERROR]", slog.LevelWarn},
}

// lineWriter turns the lines of a log.Logger into records.
type lineWriter struct{ to *slog.Logger }

func newLineLogger(to *slog.Logger) *log.Logger { return log.New(lineWriter{to}, "", 0) }

// Write is given one message.
func (w lineWriter) Write(line []byte) (int, error) {
	n := len(line)
	level, text := slog.LevelWarn, bytes.TrimSpace(line)
	for _, l := range levels {
		if rest, ok := bytes.CutPrefix(text, []byte(l.prefix)); ok {
			level, text = l.level, rest
			break
		}
	}
	if w.to.Enabled(context.Background(), level) {
		text = bytes.TrimPrefix(bytes.TrimSpace(text), []byte("memberlist: "))
		w.to.Log(context.Background(), level, "memberlist", "text", string(text))
	}
	return n, nil
}
