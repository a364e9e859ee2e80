package frontend

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The transcripts are what clients send at connect. "> words" is sent as an
// array, ">> line" as it is, "< pattern" is the next reply, in the notation of
// wire. Requests before a reply are one pipeline.
func TestTranscripts_OfClientsAtConnect(t *testing.T) {
	files, err := filepath.Glob("testdata/clients/*.txt")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d transcripts, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, w := one(t, Config{})
			play(t, w, string(text))
		})
	}
}

func play(t *testing.T, w *wire, transcript string) {
	t.Helper()
	var sent strings.Builder
	quit := false
	for line := range strings.Lines(transcript) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "" || line[0] == '#':
		case strings.HasPrefix(line, ">> "):
			sent.WriteString(line[3:] + "\r\n")
		case strings.HasPrefix(line, "> "):
			sent.WriteString(request(words(t, line[2:])...))
			quit = strings.EqualFold(line[2:], "quit")
		case strings.HasPrefix(line, "< "):
			w.write(sent.String())
			sent.Reset()
			if got := w.reply(); !like(got, line[2:]) {
				t.Fatalf("got %.2000s\nwant %s", got, line[2:])
			}
		default:
			t.Fatalf("no line of a transcript: %q", line)
		}
	}
	if quit {
		w.end()
		return
	}
	// Nothing more came than was expected.
	w.expect("ECHO end", `"end"`)
}
