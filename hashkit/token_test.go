package hashkit

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestParseToken(t *testing.T) {
	for text, want := range map[string]Token{
		"0":                    0,
		"42":                   42,
		"007":                  7,
		"4294967296":           1 << 32,
		"18446744073709551615": MaxToken,
		"0x0":                  0,
		"0xff":                 255,
		"0XFF":                 255,
		"0xFFFFFFFFFFFFFFFF":   MaxToken,
		"0x00000000000000000a": 10,
	} {
		if got, err := ParseToken(text); err != nil || got != want {
			t.Errorf("ParseToken(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestParseToken_WrongText_ErrorNamesIt(t *testing.T) {
	for _, text := range []string{
		"", "-", "-1", "+1", " 1", "1 ", "1_000", "ff", "0x", "x1", "0x-1", "0xg", "0b1", "1e3", "1.0",
		"18446744073709551616", "0x10000000000000000", "٣", "\x00",
	} {
		got, err := ParseToken(text)
		if err == nil {
			t.Errorf("ParseToken(%q) = %v, want an error", text, got)
			continue
		}
		if !strings.Contains(err.Error(), fmt.Sprintf("%q", text)) {
			t.Errorf("ParseToken(%q): error %q does not name the text", text, err)
		}
	}
	_, err := ParseToken(strings.Repeat("9", 1<<20))
	if err == nil || len(err.Error()) > 200 || !strings.Contains(err.Error(), "64 bits") {
		t.Errorf("a long text gives error %.300v", err)
	}
}

func TestToken_TextIsOrderedAndReadBack(t *testing.T) {
	tokens := []Token{0, 1, 15, 16, 1 << 31, 1 << 32, 1<<50 - 1, 1 << 50, 1 << 63, MaxToken}
	var texts []string
	for _, token := range tokens {
		texts = append(texts, token.String())
		if back, err := ParseToken(token.String()); err != nil || back != token {
			t.Errorf("%v reads back as %v, %v", token, back, err)
		}
	}
	if !slices.IsSorted(texts) {
		t.Errorf("texts are not in the order of their tokens: %v", texts)
	}
}

func TestToken_AsText_InJSON(t *testing.T) {
	blob, err := json.Marshal(Token(255))
	if err != nil || string(blob) != `"0x00000000000000ff"` {
		t.Fatalf("Marshal = %s, %v", blob, err)
	}
	var token Token
	if err := json.Unmarshal([]byte(`"255"`), &token); err != nil || token != 255 {
		t.Fatalf("Unmarshal = %v, %v", token, err)
	}
	if err := json.Unmarshal([]byte(`"no"`), &token); err == nil || token != 255 {
		t.Fatalf("a wrong text gives %v and leaves %v", err, token)
	}
}

func TestToken32_KeepsOrderInTheHighHalf(t *testing.T) {
	if got := Token32(0xdeadbeef); got != 0xdeadbeef00000000 {
		t.Errorf("Token32 = %v", got)
	}
}

func TestToken_AroundTheRing(t *testing.T) {
	for _, c := range []struct {
		from, to Token
		want     uint64
	}{{0, 0, 0}, {3, 10, 7}, {10, 3, math.MaxUint64 - 6}, {MaxToken, 0, 1}, {0, MaxToken, math.MaxUint64}} {
		if got := c.from.Distance(c.to); got != c.want {
			t.Errorf("from %v to %v it is %d, want %d", c.from, c.to, got, c.want)
		}
	}
	for _, c := range []struct {
		t, after, to Token
		want         bool
	}{
		{5, 3, 10, true},
		{10, 3, 10, true},
		{3, 3, 10, false},
		{11, 3, 10, false},
		{2, 3, 10, false},
		{MaxToken, 10, 3, true},
		{0, 10, 3, true},
		{3, 10, 3, true},
		{4, 10, 3, false},
		{10, 10, 3, false},
		{0, 7, 7, true},
		{7, 7, 7, true},
		{8, 7, 7, true},
		{0, MaxToken, 0, true},
		{MaxToken, MaxToken, 0, false},
	} {
		if got := c.t.Between(c.after, c.to); got != c.want {
			t.Errorf("%v in (%v, %v] = %v", c.t, c.after, c.to, got)
		}
	}
}

func FuzzParseToken(f *testing.F) {
	for _, text := range []string{"", "0", "12345678901", "0x1F", "18446744073709551616", "-7"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		token, err := ParseToken(text)
		if err != nil {
			if token != 0 {
				t.Fatalf("ParseToken(%q) = %v beside an error", text, token)
			}
			return
		}
		if back, err := ParseToken(token.String()); err != nil || back != token {
			t.Fatalf("ParseToken(%q) = %v, which reads back as %v, %v", text, token, back, err)
		}
		decimal := strings.TrimLeft(text, "0")
		if !strings.HasPrefix(text, "0x") && !strings.HasPrefix(text, "0X") &&
			fmt.Sprintf("%d", uint64(token)) != decimal && token != 0 {
			t.Fatalf("ParseToken(%q) = %d", text, uint64(token))
		}
	})
}
