package frontend

import (
	"math"
	"strconv"
	"testing"
)

func TestReplyLen_MeasuresWholeReplies(t *testing.T) {
	for _, reply := range []string{
		"+OK\r\n", "-ERR x\r\n", ":1\r\n", "$3\r\nabc\r\n", "$0\r\n\r\n", "$-1\r\n", "*-1\r\n", "*0\r\n", "_\r\n",
		"#t\r\n", ",1.5\r\n", "(123\r\n", "=7\r\ntxt:abc\r\n", "!5\r\nERR x\r\n",
		"*2\r\n$1\r\n\n\r\n:1\r\n", "%1\r\n+a\r\n*2\r\n_\r\n~1\r\n:1\r\n", "|1\r\n+a\r\n+b\r\n:5\r\n",
		"*1\r\n*1\r\n*1\r\n*0\r\n",
	} {
		if got := replyLen([]byte(reply + "+next\r\n")); got != len(reply) {
			t.Errorf("%q: %d", reply, got)
		}
		for cut := range reply {
			if got := replyLen([]byte(reply[:cut])); got != 0 {
				t.Errorf("%q: %d", reply[:cut], got)
			}
		}
	}
}

func FuzzReplyLen(f *testing.F) {
	f.Add([]byte("*2\r\n$1\r\na\r\n:1\r\n"))
	f.Add([]byte("$99999999999999999999\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if n := replyLen(b); n < 0 || n > len(b) {
			t.Errorf("%d of %d", n, len(b))
		}
	})
}

func TestParseInt_IsAsStrictAsRedis(t *testing.T) {
	for _, n := range []int64{0, 1, -1, 10, math.MaxInt64, math.MinInt64} {
		if got, ok := parseInt([]byte(strconv.FormatInt(n, 10))); !ok || got != n {
			t.Errorf("%d: %d, %v", n, got, ok)
		}
	}
	for _, word := range []string{"", "-", "+1", " 1", "1 ", "01", "-0", "-01", "1_0", "0x1", "1.0", "9223372036854775808"} {
		if got, ok := parseInt([]byte(word)); ok {
			t.Errorf("%q: %d", word, got)
		}
	}
}
