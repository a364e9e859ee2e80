package command

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

func FuzzParseInt(f *testing.F) {
	for _, seed := range append(integers, "-9223372036854775809", "-", "--1", "00", "12a") {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		// A number is accepted if it is written the way that it is printed.
		want, err := strconv.ParseInt(string(text), 10, 64)
		valid := err == nil && strconv.FormatInt(want, 10) == string(text)
		if got, ok := parseInt(text); ok != valid || ok && got != want {
			t.Errorf("parseInt(%q) is %d, %v; want %d, %v", text, got, ok, want, valid)
		}
	})
}

func TestSum_Edges_DoNotWrap(t *testing.T) {
	for _, test := range []struct {
		a, b int64
		ok   bool
	}{
		{math.MaxInt64, 0, true},
		{math.MaxInt64, 1, false},
		{math.MinInt64, -1, false},
		{math.MinInt64, 0, true},
		{math.MaxInt64, math.MinInt64, true},
		{-1, math.MinInt64, false},
		{0, 0, true},
		{1 << 62, 1 << 62, false},
	} {
		if _, ok := sum(test.a, test.b); ok != test.ok {
			t.Errorf("%d + %d: %v", test.a, test.b, ok)
		}
	}
}

func TestParseCursor_Words_AsStrtoul(t *testing.T) {
	for _, test := range []struct {
		word string
		want uint64
		ok   bool
	}{
		{"0", 0, true},
		{"", 0, true},
		{"18446744073709551615", math.MaxUint64, true},
		{"18446744073709551616", 0, false},
		{"-1", math.MaxUint64, true},
		{"+7", 7, true},
		{"007", 7, true},
		{"x", 0, false},
		{"1x", 0, false},
		{"-", 0, false},
		{" 1", 0, false},
		{"1\x00x", 1, true},
		{"99999999999999999999", 0, false},
	} {
		if got, ok := parseCursor([]byte(test.word)); ok != test.ok || ok && got != test.want {
			t.Errorf("parseCursor(%q) is %d, %v", test.word, got, ok)
		}
	}
}

func FuzzFloat(f *testing.F) {
	for _, seed := range floats {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var x, again float
		if !x.parse(text) || x.IsInf() {
			return
		}
		printed := x.append(nil)
		if strings.Trim(string(printed), "-.0123456789") != "" {
			t.Fatalf("%q prints as %q", text, printed)
		}
		// What is printed is stored and read again. It prints alike, unless
		// its 17 decimals say more than 64 bits hold.
		if !again.parse(printed) {
			t.Fatalf("%q prints as %q, which is no number", text, printed)
		}
		var zero float
		if !zero.parse([]byte("0")) || !x.add(&zero) || string(x.append(nil)) != string(printed) {
			t.Errorf("%q plus 0 is no longer %q", text, printed)
		}
	})
}

func TestFloat_HugeInput_IsRefusedAtOnce(t *testing.T) {
	for _, text := range []string{
		"1e999999999999999999", "-1e-999999999999999999", "1e4933", "1e-4952", strings.Repeat("9", 5120), "0x1p16384", "0x1p-16446",
		strings.Repeat("1", 5000), "0x1p999999999999",
	} {
		var x float
		if x.parse([]byte(text)) {
			t.Errorf("%.30q is taken for %s", text, x.append(nil)[:20])
		}
	}
	for _, text := range []string{
		"1e4932", "1e-4950", "0e999999999999", "0x1p16383", "0x1p-16445", "0." + strings.Repeat("0", 4000) + "1",
		"1" + strings.Repeat("0", 4932), "0x" + strings.Repeat("0", 5000) + "1p-3",
	} {
		var x float
		if !x.parse([]byte(text)) {
			t.Errorf("%.30q is refused", text)
		}
	}
}

// TestFloat_RandomSums_EqualRedis compares the arithmetic of long double.
func TestFloat_RandomSums_EqualRedis(t *testing.T) {
	seed := rand.Uint64()
	g := &generator{rand.New(rand.NewPCG(seed, 0))}
	redis, ours := startRedis(t), newLocal(t, 2)
	for range 5000 {
		a, b := g.float(), g.float()
		if g.IntN(3) == 0 {
			// Digits at the border of 64 bits.
			a = strconv.FormatUint(g.Uint64(), 10) + "." + strconv.Itoa(g.IntN(1000))
		}
		redis.do("SET", "f", a)
		ours.do("SET", "f", a)
		want, got := redis.do("INCRBYFLOAT", "f", b), ours.do("INCRBYFLOAT", "f", b)
		if string(want) != string(got) {
			t.Fatalf("seed %d: %s + %s\nredis: %q\nours:  %q", seed, a, b, want, got)
		}
	}
}
