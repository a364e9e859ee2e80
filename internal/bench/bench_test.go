package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestSpreadOf(t *testing.T) {
	for _, c := range []struct {
		in   []float64
		want spread
	}{
		{[]float64{3, 1, 2}, spread{1, 2, 3}},
		{[]float64{4, 1, 2, 3}, spread{1, 2.5, 4}},
		{[]float64{7}, spread{7, 7, 7}},
	} {
		if got := spreadOf(c.in); got != c.want {
			t.Errorf("spreadOf(%v) = %v, want %v", c.in, got, c.want)
		}
	}
	if got := spreadOf(nil); !math.IsNaN(got.median) {
		t.Errorf("the median of nothing is %v", got.median)
	}
}

func TestRatios_ArePaired(t *testing.T) {
	// The median of the quotients is 1; the quotient of the medians is 2.
	got := spreadOf(ratios([]float64{1, 10, 100}, []float64{1, 5, 200}))
	if want := (spread{0.5, 1, 2}); got != want {
		t.Errorf("ratios %v, want %v", got, want)
	}
}

func TestParseCSV(t *testing.T) {
	out := "\"test\",\"rps\",\"avg_latency_ms\",\"min_latency_ms\"\n\"SET\",\"123456.78\",\"0.2\",\"0.1\"\n\"GET\",\"99.5\",\"0.2\",\"0.1\"\n"
	for test, want := range map[string]float64{"set": 123456.78, "get": 99.5} {
		if got, err := parseCSV(out, test); err != nil || got != want {
			t.Errorf("%s: %v, %v, want %v", test, got, err, want)
		}
	}
	for _, bad := range []string{"", "\"INCR\",\"1\"\n", "\"SET\"\n", "\"SET\",\"nan-ish\"\n", "\"SET\",\"0.00\"\n", "\"SET\n"} {
		if got, err := parseCSV(bad, "set"); err == nil {
			t.Errorf("%q: %v, want an error", bad, got)
		}
	}
}

func TestParseStat(t *testing.T) {
	line := "1234 (a (strange) name) S 1 1234 1234 0 -1 4194560 100 0 0 0 250 50 7 8 20 0 5 0 1000 1 2\n"
	if got, err := parseStat(line); err != nil || got != 3*time.Second {
		t.Errorf("%v, %v, want 3s", got, err)
	}
	for _, bad := range []string{"", "1234 name S", "1 (x) S 1 2 3", "1 (x) S 1 1 1 0 -1 0 0 0 0 0 x y 0"} {
		if got, err := parseStat(bad); err == nil {
			t.Errorf("%q: %v, want an error", bad, got)
		}
	}
}

func TestProc_ReadsThisProcess(t *testing.T) {
	if _, err := cpuTime(os.Getpid()); err != nil {
		t.Error(err)
	}
	if rss, err := resident(os.Getpid()); err != nil || rss < 1<<20 {
		t.Errorf("resident memory %d, %v", rss, err)
	}
}

func TestParseResident(t *testing.T) {
	if got, err := parseResident("Name:\tx\nVmRSS:\t    2048 kB\nThreads:\t1\n"); err != nil || got != 2<<20 {
		t.Errorf("%d, %v", got, err)
	}
	for _, bad := range []string{"", "VmRSS:\t12 MB\n", "VmRSS:\tx kB\n"} {
		if got, err := parseResident(bad); err == nil {
			t.Errorf("%q: %d, want an error", bad, got)
		}
	}
}

func TestMachine_Parsing(t *testing.T) {
	if got := parseModel("processor\t: 0\nmodel name\t: Some CPU @ 2GHz \n"); got != "Some CPU @ 2GHz" {
		t.Errorf("model %q", got)
	}
	if got := parseVersion("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64"); got != "7.0.15" {
		t.Errorf("version %q", got)
	}
}

func TestSettled_WaitsForFiveEqualSamples(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		samples := []int64{1000, 2000, 1500, 1501, 1499, 1500, 1502, 1500, 9999}
		at := 0
		got, err := settled(t.Context(), func() (int64, error) { at++; return samples[at-1], nil }, time.Second)
		if err != nil || got != 1500 || at != 8 {
			t.Errorf("%d after %d samples, %v", got, at, err)
		}
		broken := errors.New("gone")
		if _, err := settled(t.Context(), func() (int64, error) { return 0, broken }, time.Second); !errors.Is(err, broken) {
			t.Errorf("error %v", err)
		}
	})
}

func TestNodeConfig_ThreeNodes(t *testing.T) {
	got := nodeConfig(1, 3, []int{1, 2, 3, 11, 12, 13}, "/data", true)
	want := "name: node2\nrack: rack2\nlisten: 127.0.0.1:2\npeer_listen: 127.0.0.1:12\nadmin_listen: none\n" +
		"seeds: [127.0.0.1:11]\nexpect: 3\ndata_dir: /data/data2\nappendfsync: everysec\n"
	if got != want {
		t.Errorf("config\n%s\nwant\n%s", got, want)
	}
	if alone := nodeConfig(0, 1, []int{1, 2}, "/data", false); strings.Contains(alone, "seeds") || strings.Contains(alone, "data_dir") {
		t.Errorf("config of a lone node without a log\n%s", alone)
	}
}

func TestReport_MarksWhatIsLost(t *testing.T) {
	var r report
	r.heading("a machine", "make bench", time.Date(2025, 1, 2, 0, 0, 0, 0, time.UTC), 3, time.Second)
	r.rates(comparison{title: "Title", note: "Note."}, []row{
		{load: load{"set", 1}, ours: []float64{80}, theirs: []float64{100}, oursCPU: []float64{2}, theirsCPU: []float64{1}, goal: 0.75},
		{load: load{"get", 1}, ours: []float64{70}, theirs: []float64{100}, oursCPU: []float64{2}, theirsCPU: []float64{1}, goal: 0.75},
		{load: load{"get", 32}, ours: []float64{120}, theirs: []float64{100}, oursCPU: []float64{2}, theirsCPU: []float64{1}, goal: 1.3},
		{load: load{"set", 32}, ours: []float64{120}, theirs: []float64{100}, oursCPU: []float64{2}, theirsCPU: []float64{1}},
	})
	r.memory(footprint{empty: 1e6, full: 3e6, keys: 10000}, footprint{empty: 1e6, full: 2e6, keys: 10000})
	r.starts([]float64{400}, []float64{10})
	text := r.text.String()
	for _, want := range []string{
		"on 2 January 2025: a machine.",
		"`redis-benchmark -c 50 -d 100 -r 100000`",
		"| set -P 1 | 100 / 100 / 100 | 80 / 80 / 80 | 0.80 / **0.80** / 0.80 | 0.75 | **slower** | 1.0 | 2.0 |",
		"| 0.70 / **0.70** / 0.70 | 0.75 | **slower**, **below the goal** |",
		"| 1.20 / **1.20** / 1.20 | 1.30 | **below the goal** |",
		"| 1.20 / **1.20** / 1.20 |  |  |",
		"| dynomited | 1.0 | 3.0 | 200 | 300 | **more than redis-server, below the goal** |",
		"| redis-server | 1.0 | 2.0 | 100 | 200 |  |",
		"| 10 / 10 / 10 | 400 / 400 / 400 | **slower**, **below the goal** |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks %q:\n%s", want, text)
		}
	}
}

// The real programs, for a moment: redis-server plays both parts.
func TestCompare_RedisAgainstItself(t *testing.T) {
	rows, err := comparison{title: "itself", ours: redisServer(true), theirs: redisServer(false)}.compare(t.Context(), 2, 50*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != len(loads) {
		t.Fatalf("%d rows, want %d", len(rows), len(loads))
	}
	for _, r := range rows {
		if len(r.ours) != 2 || len(r.theirs) != 2 || slices.Min(r.ours) <= 0 || slices.Min(r.theirs) <= 0 {
			t.Errorf("%v: %v against %v", r.load, r.ours, r.theirs)
		}
	}
}

func TestWeighAndStart_Redis(t *testing.T) {
	f, err := weigh(t.Context(), redisServer(false), 20000)
	if err != nil {
		t.Fatal(err)
	}
	if g := f.growth(); g < size || g > 20*size {
		t.Errorf("%.0f bytes for each key with a value of %d", g, size)
	}
	took, err := startTimes(t.Context(), redisServer(false), 2)
	if err != nil || len(took) != 2 {
		t.Errorf("start times %v, %v", took, err)
	}
}

func TestBench_RefusesAnUnknownPart(t *testing.T) {
	err := bench(t.Context(), options{parts: []string{"single", "none"}, binary: "x"})
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", "none")) {
		t.Errorf("error %v", err)
	}
}
