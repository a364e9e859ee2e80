package command

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
)

// bigHash fills a hash that is far from compact.
func bigHash(t *testing.T, l *local, key string, n int) {
	args := []string{"hset", key}
	for i := range n {
		args = append(args, "field:"+strconv.Itoa(i), strconv.Itoa(i))
	}
	if got := string(l.do(args...)); got != fmt.Sprintf(":%d\r\n", n) {
		t.Fatalf("HSET: %q", got)
	}
}

func TestHScan_BigHash_SeesEveryStayingFieldOnce(t *testing.T) {
	l := newLocal(t, 2)
	bigHash(t, l, "h", 2000)
	seen := make(map[string]int)
	cursor, calls := "0", 0
	for {
		r := parseReply(t, l.do("hscan", "h", cursor, "count", "50"))
		for i := 0; i < len(r.list[1].list); i += 2 {
			field, value := r.list[1].list[i].text, r.list[1].list[i+1].text
			if field != "field:"+value {
				t.Fatalf("%s has value %s", field, value)
			}
			seen[field]++
		}
		if n := len(r.list[1].list) / 2; n > 60 {
			t.Fatalf("COUNT 50 returned %d fields", n)
		}
		// What comes and goes meanwhile must not matter.
		l.do("hset", "h", "new:"+strconv.Itoa(calls), "new:"+strconv.Itoa(calls))
		l.do("hdel", "h", "new:"+strconv.Itoa(calls))
		calls++
		if cursor = r.list[0].text; cursor == "0" {
			break
		}
	}
	if calls < 30 {
		t.Errorf("a walk of 2000 fields took %d calls", calls)
	}
	for i := range 2000 {
		if n := seen["field:"+strconv.Itoa(i)]; n != 1 {
			t.Fatalf("field %d was seen %d times", i, n)
		}
	}
}

func TestHScan_Count_IsAboutFieldsLookedAt(t *testing.T) {
	l := newLocal(t, 2)
	bigHash(t, l, "h", 1000)
	found, cursor := 0, "0"
	for {
		r := parseReply(t, l.do("hscan", "h", cursor, "match", "field:77*", "count", "100"))
		found += len(r.list[1].list) / 2
		if cursor = r.list[0].text; cursor == "0" {
			break
		}
	}
	if found != 11 {
		t.Errorf("found %d fields, want 77 and 770 to 779", found)
	}
}

// TestHRandField_Draws_AreFair draws often and counts.
func TestHRandField_Draws_AreFair(t *testing.T) {
	const fields, draws = 10, 20_000
	for _, count := range []string{"", "1", "-1", "3", "-3"} {
		l := newLocal(t, 2)
		l.call.Rand = rand.New(rand.NewPCG(1, 2))
		bigHash(t, l, "h", fields)
		counts, total := make(map[string]int), 0
		for range draws {
			args := []string{"hrandfield", "h"}
			if count != "" {
				args = append(args, count)
			}
			r := parseReply(t, l.do(args...))
			names := r.texts()
			if count == "" {
				names = []string{r.text}
			}
			for _, name := range names {
				counts[name]++
				total++
			}
		}
		want := float64(total) / fields
		for name, n := range counts {
			if float64(n) < 0.9*want || float64(n) > 1.1*want {
				t.Errorf("count %q: %s was drawn %d times, want about %.0f", count, name, n, want)
			}
		}
		if len(counts) != fields {
			t.Errorf("count %q: %d fields were drawn", count, len(counts))
		}
	}
}

func TestHRandField_BigHash_DrawsItsFields(t *testing.T) {
	const size = gatherUpTo + 1000
	l := newLocal(t, 3)
	bigHash(t, l, "h", size)
	r := parseReply(t, l.do("hrandfield", "h", "-500", "withvalues"))
	if len(r.list) != 500 {
		t.Fatalf("%d fields", len(r.list))
	}
	different := make(map[string]bool)
	for _, pair := range r.list {
		if pair.list[0].text != "field:"+pair.list[1].text {
			t.Fatalf("%s", pair)
		}
		different[pair.list[0].text] = true
	}
	if len(different) < 350 {
		t.Errorf("500 draws of %d fields gave %d different ones", size, len(different))
	}
	seen := make(map[string]bool)
	for _, name := range parseReply(t, l.do("hrandfield", "h", "4000")).texts() {
		if seen[name] {
			t.Fatalf("%s twice in a draw without repetition", name)
		}
		seen[name] = true
	}
	if len(seen) != 4000 {
		t.Errorf("%d different fields", len(seen))
	}
}

func TestHSet_FieldNamedTwice_LastValueCounts(t *testing.T) {
	l := newLocal(t, 2)
	args := []string{"hset", "h"}
	for i := range 300 {
		args = append(args, "f"+strconv.Itoa(i%100), strconv.Itoa(i))
	}
	if got := string(l.do(args...)); got != ":100\r\n" {
		t.Errorf("%q", got)
	}
	if got := string(l.do("hmget", "h", "f0", "f99")); got != "*2\r\n$3\r\n200\r\n$3\r\n299\r\n" {
		t.Errorf("%q", got)
	}
}

// TestIncr_FarNumbers_DoNotSaturate walks from one end of the integers to the
// other: the sum of the increments alone would not fit.
func TestIncr_FarNumbers_DoNotSaturate(t *testing.T) {
	l := newLocal(t, 2)
	for _, step := range []struct{ line, want string }{
		{"-9223372036854775808", ":-9223372036854775808\r\n"},
		{"9223372036854775807", ":-1\r\n"},
		{"9223372036854775807", ":9223372036854775806\r\n"},
		{"1", ":9223372036854775807\r\n"},
		{"1", "-ERR increment or decrement would overflow\r\n"},
		{"-9223372036854775807", ":0\r\n"},
	} {
		if got := string(l.do("incrby", "n", step.line)); got != step.want {
			t.Errorf("INCRBY %s: %q, want %q", step.line, got, step.want)
		}
		if got := string(l.do("hincrby", "h", "n", step.line)); got[0] != '-' && got != step.want {
			t.Errorf("HINCRBY %s: %q, want %q", step.line, got, step.want)
		}
	}
}
