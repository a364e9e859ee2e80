package gossip

import (
	"log/slog"
	"strings"
	"testing"
)

func TestLineLogger_Prefixes_BecomeLevels(t *testing.T) {
	var out strings.Builder
	l := newLineLogger(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{
		Level: slog.LevelInfo,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	})))
	l.Printf("[DEBUG] memberlist: not shown")
	l.Printf("[INFO] memberlist: Suspect %s has failed", "n1")
	l.Printf("[WARN] memberlist: careful")
	l.Printf("[ERR] memberlist: failed\n")
	l.Printf("[ERROR] memberlist: failed")
	l.Printf("Err: no prefix")
	want := `level=INFO msg=memberlist text="Suspect n1 has failed"
level=WARN msg=memberlist text=careful
level=WARN msg=memberlist text=failed
level=WARN msg=memberlist text=failed
level=WARN msg=memberlist text="Err: no prefix"
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}
