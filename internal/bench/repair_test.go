package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestHistogram_IsNearerThanTwoPercent(t *testing.T) {
	var h, other histogram
	for i := range 1000 {
		h.add(time.Duration(i+1) * time.Millisecond)
		other.add(time.Second)
	}
	for q, want := range map[float64]time.Duration{.5: 500 * time.Millisecond, .99: 990 * time.Millisecond, 1: time.Second} {
		if got := h.quantile(q); got < want || got > want+want/50 {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	h.join(&other)
	if got := h.quantile(.6); got != time.Second || h.total != 2000 {
		t.Errorf("%v of %d", got, h.total)
	}
	if got := new(histogram).quantile(.99); got != 0 {
		t.Errorf("%v of nothing", got)
	}
}

func TestHistogram_EveryBucketEndsWhereTheNextBegins(t *testing.T) {
	for b := range bucketCount - 1 {
		if u := upper(b); bucket(u) != b || bucket(u+1) != b+1 {
			t.Fatalf("bucket %d ends at %d, which is in %d; the next is in %d", b, u, bucket(u), bucket(u+1))
		}
	}
	if got := bucket(-time.Second); got != 0 {
		t.Errorf("a duration below zero is in bucket %d", got)
	}
}

func TestPage_APartTakesThePlaceOfItsSection(t *testing.T) {
	order := []string{"A", "B", "C"}
	p := parsePage("# Title\n\nIntro.\n\n## B\n\nold\n\n## By hand\n\nstays\n")
	p.put(section{"C", "c"}, order)
	p.put(section{"B", "new"}, order)
	p.put(section{"A", "a"}, order)
	want := "# Title\n\nIntro.\n\n## A\n\na\n\n## B\n\nnew\n\n## C\n\nc\n\n## By hand\n\nstays\n"
	if got := p.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if again := parsePage(p.String()).String(); again != want {
		t.Errorf("read again it is\n%s", again)
	}
	if p, err := readPage(filepath.Join(t.TempDir(), "none.md")); err != nil || len(p.sections) != 0 {
		t.Errorf("%v, %v of a file that is not there", p, err)
	}
}

func run(p99 time.Duration) *latencies {
	l := &latencies{took: time.Second}
	l.add(p99)
	return l
}

func TestRepairTables_MarkWhatMissesItsGoal(t *testing.T) {
	const millisecond = time.Millisecond
	for name, c := range map[string]struct {
		table string
		want  []string
	}{
		"appends":        {appendTable([]float64{100000}, []float64{200000}, []float64{3000}), []string{"**slower**, **goal missed**", "0.50 / **0.50** / 0.50"}},
		"enough appends": {appendTable([]float64{300000}, []float64{200000}, []float64{3000}), []string{"| 200000 |  |"}},
		"folded": {foldTable(100, 10, []folded{{2 * time.Second, 11, 5e6}}, []folded{{time.Second, 10, 1e6}}), []string{
			"| hints | 2.0 / 2.0 / 2.0 | 11 | 10 | 5.0 / 5.0 / 5.0 | **slower**, **goal missed** |", "| Pebble | 1.0 / 1.0 / 1.0 | 10 |",
		}},
		"replay": {replayTable(traffic{rate: 10}, replayRun{
			replayed: []*latencies{run(2 * millisecond)}, paused: []*latencies{run(millisecond)}, compare: run(millisecond),
			missed: 7, first: time.Second, handed: 2 * time.Second, whole: 3 * time.Second, busy: []float64{1}, idle: []float64{.5},
		}), []string{"| 7 | 1 | 2.00 / **2.00** / 2.00 | 2.00 | 1.2 | **goal missed** | 1.0 | 2.0 | 3.0 |", "| hints replayed | 1 | 2.00 | 2.00 | 2.00 | 0 | 1.00 |"}},
		"levels": {levelsTable([]string{"GET"}, map[string][]levelRun{"GET": {{run(millisecond), run(3 * millisecond)}}}), []string{
			"| GET | 1.0 / 1.0 / 1.0 | 3.0 / 3.0 / 3.0 | 3.00 / **3.00** / 3.00 | 2.0 | **goal missed** | 1 | 1 |",
		}},
		"stopped": {stoppedTable([]stoppedRun{{run(millisecond), run(9 * millisecond), run(millisecond)}}), []string{
			"| 1.0 / 1.0 / 1.0 | 9.0 / 9.0 / 9.0 | 1.0 / 1.0 / 1.0 | 1.00 / **1.00** / 1.00 | 1.5 |  | 0 |",
		}},
		"away": {awayTable([]absence{{within: 5, records: 4, dirty: 3, equal: 61 * time.Second}}), []string{"| 5 | 4 | 3 | 0.0 | 0.0 | 61.0 | 60 | **goal missed** |"}},
	} {
		for _, want := range c.want {
			if !strings.Contains(c.table, want) {
				t.Errorf("%s lacks %q:\n%s", name, want, c.table)
			}
		}
	}
}

func TestReplayRun_AWindowIsComparedWithThePausesAroundIt(t *testing.T) {
	const ms = time.Millisecond
	r := replayRun{
		replayed: []*latencies{run(2 * ms), run(2 * ms), run(2 * ms)},
		paused:   []*latencies{run(1 * ms), run(4 * ms), run(4 * ms)},
	}
	got := fmt.Sprintf("%.1f", r.raised())
	if want := "[2.0 1.0 0.5]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestFill_WritesAgainWhatIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		refused func(n int) bool // the nth SET
		sent    int
		want    string
	}{
		"once":   {func(n int) bool { return n == 2 || n == 7 }, 502, ""},
		"always": {func(n int) bool { return true }, 1500, "SET of key 0: TIMEOUT it may have been applied"},
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		keys, sent := make(map[string]bool), 0
		go func() {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			for in := bufio.NewScanner(conn); in.Scan(); {
				if !strings.HasPrefix(in.Text(), "key:") {
					continue
				}
				sent++
				if c.refused(sent) {
					_, _ = io.WriteString(conn, "-TIMEOUT it may have been applied\r\n")
					continue
				}
				keys[in.Text()] = true
				_, _ = io.WriteString(conn, "+OK\r\n")
			}
		}()
		got := ""
		if err := fill(t.Context(), l.Addr().(*net.TCPAddr).Port, 500); err != nil {
			got = err.Error()
		}
		if got != c.want || sent != c.sent || len(keys) != 500 && c.want == "" {
			t.Errorf("%s: %q, %d keys of %d sent", name, got, len(keys), sent)
		}
	}
}

// slowServer answers every request after a delay, one at a time and in order.
func slowServer(t *testing.T, delay time.Duration, reply string) (port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				in := bufio.NewReader(conn)
				for n := 0; ; n++ {
					if line, err := in.ReadString('\n'); err != nil {
						return
					} else if line[0] != '*' {
						continue // the words of a request
					}
					if n == 0 { // the level
						_, _ = conn.Write([]byte("+OK\r\n"))
						continue
					}
					time.Sleep(delay)
					_, _ = conn.Write([]byte(reply))
				}
			}()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

func TestTraffic_LatencyCountsFromWhenARequestIsDue(t *testing.T) {
	load := traffic{port: slowServer(t, 20*time.Millisecond, "$1\r\nx\r\n"), clients: 1, rate: 100, level: "DC_ONE", keys: 10}
	got, err := load.run(t.Context(), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	// 100 are due in a second and 50 are answered: the last ones waited for half.
	if most := got.most; most < 200*time.Millisecond || got.total > 60 {
		t.Errorf("%d answers, the slowest after %v", got.total, most)
	}
	load = traffic{port: slowServer(t, 20*time.Millisecond, "-NOQUORUM x\r\n"), clients: 2, sets: 1, level: "DC_ONE", keys: 10}
	if got, err = load.run(t.Context(), 500*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if got.errors != got.total || got.total == 0 || got.first.Error() != "NOQUORUM x" || got.quantile(.5) > 100*time.Millisecond {
		t.Errorf("%d answers, %d errors (%v), half of them within %v", got.total, got.errors, got.first, got.quantile(.5))
	}
}

func TestKeepers_HaveOneRecordPerKey(t *testing.T) {
	for name, open := range map[string]opener{"hints": openHints, "pebble": openPebble} {
		f, err := fold(t.Context(), open, 2000, 50)
		if err != nil || f.records != 50 || f.bytes == 0 {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
		if rate, err := appendRate(t.Context(), open, 20*time.Millisecond); err != nil || rate <= 0 {
			t.Errorf("%s: %v appends/s, %v", name, rate, err)
		}
	}
}

func TestRepair_RefusesAnUnknownPart(t *testing.T) {
	err := repair(t.Context(), []string{"-parts", "hints,none"})
	if err == nil || !strings.Contains(err.Error(), `"none"`) {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := newFleet(ctx, "/no/such/binary", ""); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("a fleet of a binary that is not there: %v", err)
	}
}
