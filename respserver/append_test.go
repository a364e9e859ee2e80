package respserver

import (
	"math"
	"math/big"
	"strconv"
	"testing"
)

func TestAppend(t *testing.T) {
	type row struct {
		name  string
		write func(dst []byte, proto int) []byte
		resp2 string
		resp3 string
	}
	for _, c := range []row{
		{"OK", func(b []byte, _ int) []byte { return AppendOK(b) }, "+OK\r\n", "+OK\r\n"},
		{"simple", func(b []byte, _ int) []byte { return AppendSimple(b, "PONG") }, "+PONG\r\n", "+PONG\r\n"},
		{"simple with line ends", func(b []byte, _ int) []byte { return AppendSimple(b, "a\r\n+b") }, "+a  +b\r\n", "+a  +b\r\n"},
		{"error", func(b []byte, _ int) []byte { return AppendError(b, "ERR no") }, "-ERR no\r\n", "-ERR no\r\n"},
		{"error with line ends", func(b []byte, _ int) []byte { return AppendError(b, "ERR '\n\r'") }, "-ERR '  '\r\n", "-ERR '  '\r\n"},
		{"integer", func(b []byte, _ int) []byte { return AppendInt(b, math.MinInt64) }, ":-9223372036854775808\r\n", ":-9223372036854775808\r\n"},
		{"bulk", func(b []byte, _ int) []byte { return AppendBulk(b, []byte("a\r\nb")) }, "$4\r\na\r\nb\r\n", "$4\r\na\r\nb\r\n"},
		{"nil bulk", func(b []byte, _ int) []byte { return AppendBulk(b, nil) }, "$0\r\n\r\n", "$0\r\n\r\n"},
		{"bulk string", func(b []byte, _ int) []byte { return AppendBulkString(b, "0123456789") }, "$10\r\n0123456789\r\n", "$10\r\n0123456789\r\n"},
		{"array", func(b []byte, _ int) []byte { return AppendArray(b, 12) }, "*12\r\n", "*12\r\n"},
		{"null", AppendNull, "$-1\r\n", "_\r\n"},
		{"null array", AppendNullArray, "*-1\r\n", "_\r\n"},
		{"map", func(b []byte, p int) []byte { return AppendMap(b, p, 3) }, "*6\r\n", "%3\r\n"},
		{"set", func(b []byte, p int) []byte { return AppendSet(b, p, 3) }, "*3\r\n", "~3\r\n"},
		{"push", func(b []byte, p int) []byte { return AppendPush(b, p, 3) }, "*3\r\n", ">3\r\n"},
		{"true", func(b []byte, p int) []byte { return AppendBool(b, p, true) }, ":1\r\n", "#t\r\n"},
		{"false", func(b []byte, p int) []byte { return AppendBool(b, p, false) }, ":0\r\n", "#f\r\n"},
		{"verbatim", func(b []byte, p int) []byte { return AppendVerbatim(b, p, "txt", "a\nb") }, "$3\r\na\nb\r\n", "=7\r\ntxt:a\nb\r\n"},
		{"verbatim of a short format", func(b []byte, p int) []byte { return AppendVerbatim(b, p, "m", "") }, "$0\r\n\r\n", "=4\r\nm  :\r\n"},
		{"verbatim of a long format", func(b []byte, p int) []byte { return AppendVerbatim(b, p, "text", "") }, "$0\r\n\r\n", "=4\r\ntex:\r\n"},
		{"big number", func(b []byte, p int) []byte {
			return AppendBigNumber(b, p, big.NewInt(0).Lsh(big.NewInt(-1), 64).Append(nil, 10))
		}, "$21\r\n-18446744073709551616\r\n", "(-18446744073709551616\r\n"},
		{"not a number", func(b []byte, p int) []byte { return AppendDouble(b, p, math.NaN()) }, "$3\r\nnan\r\n", ",nan\r\n"},
	} {
		for proto, want := range map[int]string{0: c.resp2, 2: c.resp2, 3: c.resp3} {
			if got := c.write([]byte("before"), proto); string(got) != "before"+want {
				t.Errorf("%s in RESP%d: got %q, want %q", c.name, proto, got, want)
			}
		}
	}
}

func TestAppendDouble_AsRecordedFromRedis(t *testing.T) {
	for _, row := range recorded(t, "double.txt") {
		f, err := strconv.ParseFloat(row[0], 64)
		if err != nil {
			t.Fatal(err)
		}
		for i, proto := range []int{2, 3} {
			if got := AppendDouble(nil, proto, f); string(got) != row[1+i] {
				t.Errorf("%s in RESP%d: got %q, want %q", row[0], proto, got, row[1+i])
			}
		}
	}
}

// By the rules of fpconv_dtoa and d2string in Redis 7.2.
func TestAppendShortDouble(t *testing.T) {
	for f, want := range map[float64]string{
		0: "0", 1: "1", -1: "-1", 3.1: "3.1", 0.1: "0.1", 100: "100", 1e8: "100000000",
		1 << 52: "4503599627370496", 1 << 53: "9007199254740992", 1e17: "1e+17", 1e20: "1e+20",
		1.25e-7: "1.25e-7", 0.000125: "0.000125", 0.00001: "0.00001", 0.0000001: "1e-7",
		1e100: "1e+100", 1.5e300: "1.5e+300", -2.5: "-2.5", 1234.5678: "1234.5678",
		17179869184.25: "17179869184.25", 123456789.123456789: "1.2345678912345679e+8",
		math.Inf(1): "inf", math.Inf(-1): "-inf",
	} {
		if got := AppendShortDouble(nil, 3, f); string(got) != ","+want+"\r\n" {
			t.Errorf("%v: got %q, want %q", f, got, want)
		}
	}
	if got := AppendShortDouble(nil, 3, math.Copysign(0, -1)); string(got) != ",-0\r\n" {
		t.Errorf("-0: got %q", got)
	}
}

func FuzzAppendDouble(f *testing.F) {
	f.Add(3.1)
	f.Add(math.Copysign(0, -1))
	f.Add(5e-324)
	f.Fuzz(func(t *testing.T, v float64) {
		if math.IsNaN(v) {
			return
		}
		for name, write := range map[string]func([]byte, int, float64) []byte{
			"AppendDouble": AppendDouble, "AppendShortDouble": AppendShortDouble,
		} {
			text := write(nil, 3, v)
			back, err := strconv.ParseFloat(string(text[1:len(text)-2]), 64)
			if err != nil || math.Float64bits(back) != math.Float64bits(v) {
				t.Errorf("%s(%v) = %q, which reads %v (%v)", name, v, text, back, err)
			}
		}
	})
}
