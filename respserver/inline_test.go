package respserver

import (
	"bytes"
	"testing"
)

func TestInline_AsRecordedFromRedis(t *testing.T) {
	for _, row := range recorded(t, "inline.txt") {
		data := []byte(`eval "return ARGV" 0 ` + row[0] + "\r\n")
		for _, size := range []int{len(data), 1} {
			if got := play(t, Config{Handler: redisLike()}, cut(bytes.Clone(data), size)...); got != row[1] {
				t.Errorf("%q:\n got %q\nwant %q", row[0], got, row[1])
			}
		}
	}
}

func TestInline_NULIsAByteLikeOthers(t *testing.T) {
	got := play(t, Config{Handler: hooks{}}, []byte("ECHO a\x00b \"\x00\"\r\n"))
	if want := request("ECHO", "a\x00b", "\x00"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzSplitArgs(f *testing.F) {
	for _, row := range recorded(f, "inline.txt") {
		f.Add([]byte(row[0]))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		work := bytes.Clone(line)
		spans, ok := splitArgs(work, nil)
		last := 0
		for _, s := range spans {
			if s.from < last || s.to < s.from || s.to > len(work) {
				t.Fatalf("%q: span %v behind %d", line, s, last)
			}
			last = s.to
		}
		if !ok {
			return
		}
		// Words quoted as Redis prints them come back as they are.
		var again []byte
		for _, s := range spans {
			again = append(again, '"')
			for _, b := range work[s.from:s.to] {
				const digits = "0123456789abcdef"
				again = append(again, '\\', 'x', digits[b>>4], digits[b&15])
			}
			again = append(again, '"', ' ')
		}
		quoted, ok := splitArgs(again, nil)
		if !ok || len(quoted) != len(spans) {
			t.Fatalf("%q: %d words, quoted %d (%t)", line, len(spans), len(quoted), ok)
		}
		for i, s := range spans {
			if !bytes.Equal(work[s.from:s.to], again[quoted[i].from:quoted[i].to]) {
				t.Fatalf("%q: word %d differs", line, i)
			}
		}
	})
}
