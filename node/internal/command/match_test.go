package command

import (
	"strings"
	"testing"
)

func TestMatch_Patterns_AsInRedis(t *testing.T) {
	for _, test := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true},
		{"*", "", false},
		{"", "a", false},
		{"a", "", false},
		{"*", "a", true},
		{"**", "a", true},
		{"a*", "a", true},
		{"*a", "a", true},
		{"a**", "a", true},
		{"?", "a", true},
		{"?", "ab", false},
		{"a?c", "abc", true},
		{"a*b*c", "aXbXbXc", true},
		{"a*b*c", "aXbXbX", false},
		{"*ab", "aab", true},
		{"*aab*", "aaaab", true},
		{"[abc]", "b", true},
		{"[^abc]", "b", false},
		{"[^abc]", "d", true},
		{"[a-c]", "b", true},
		{"[c-a]", "b", true},
		{"[]", "a", false},
		{"[^]", "a", true},
		{"[a", "a", true},
		{"[^a", "b", true},
		{"[", "[", false},
		{"[", "a", false},
		{"[a-", "-", true},
		{"[a-", "a", true},
		{"[a-]", "]", true},
		{"[a-]x", "_x", false},
		{"[a-]x]", "_x", false},
		{"[a-]]", "b", false},
		{"[\\]]", "]", true},
		{"[\\a-c]", "b", false},
		{"[\\", "\\", true},
		{"\\*", "*", true},
		{"\\*", "a", false},
		{"\\", "\\", true},
		{"a\\", "a\\", true},
		{"\x80", "\x80", true},
		{"[\x80-\xff]", "\x90", true},
		{"[\xff-\x01]", "\x00", true},
		{"[\x01-\xff]", "\x80", false},
		{"A", "a", false},
		{"\x00", "\x00", true},
	} {
		if got := Match([]byte(test.pattern), []byte(test.s)); got != test.want {
			t.Errorf("Match(%q, %q) is %v", test.pattern, test.s, got)
		}
	}
	if !matchFold([]byte("[A-C]x*"), []byte("bXyz")) {
		t.Error("matchFold minds the case")
	}
}

// TestMatch_ManyStars_TakesNoTime would run for ages if stars tried all ways.
func TestMatch_ManyStars_TakesNoTime(t *testing.T) {
	pattern := strings.Repeat("a*", 200) + "b"
	s := strings.Repeat("a", 20_000)
	if Match([]byte(pattern), []byte(s)) {
		t.Error("no b, but a match")
	}
	if !Match([]byte(pattern), []byte(s+"b")) {
		t.Error("no match")
	}
}

// matchAll tries every way: what match must agree with.
func matchAll(pattern, s []byte) bool {
	switch {
	case len(pattern) == 0:
		return len(s) == 0
	case pattern[0] == '*':
		for i := range len(s) + 1 {
			if matchAll(pattern[1:], s[i:]) {
				return true
			}
		}
		return false
	case len(s) == 0:
		return false
	}
	next, ok := matchOne(pattern, 0, s[0], false)
	return ok && matchAll(pattern[next:], s[1:])
}

func FuzzMatch(f *testing.F) {
	f.Add([]byte("a*[b-d]?\\*"), []byte("aaab*"))
	f.Add([]byte("[^"), []byte("x"))
	f.Fuzz(func(t *testing.T, pattern, s []byte) {
		// The oracle is exponential.
		if len(pattern) > 12 || len(s) > 12 || len(s) == 0 {
			Match(pattern, s)
			return
		}
		if got, want := Match(pattern, s), matchAll(pattern, s); got != want {
			t.Errorf("Match(%q, %q) is %v", pattern, s, got)
		}
	})
}
