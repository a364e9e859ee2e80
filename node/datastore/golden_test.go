package datastore

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"testing"
)

// goldenHistory is a history that the specification's own model ran, with what
// it came to. Every line of testdata/golden.jsonl.gz is one.
type goldenHistory struct {
	Skews []int64
	Steps []struct {
		Node  int
		Merge int // delta to merge, from 1; zero: execute Do
		At    int64
		Do    struct {
			Op, Key, Val string
			By, Last     int64
		}
		Reply, Stamp string
		Wrote        bool
	}
	Replicas []string // the record of each replica
	All      string   // the record that all deltas together make
	Times    []int64
	Views    []string // what All shows at Times
}

// TestGolden_ModelsHistories_SameRecordsAndViews replays the model's histories
// on the oracle and the engine.
func TestGolden_ModelsHistories_SameRecordsAndViews(t *testing.T) {
	histories := readGolden(t)
	if len(histories) < 2000 {
		t.Fatalf("%d histories", len(histories))
	}
	for i, h := range histories {
		replayGolden(t, i, forms[i%len(forms)], h)
	}
}

func replayGolden(t *testing.T, line int, f form, h goldenHistory) {
	defer func() {
		if t.Failed() {
			t.Logf("history %d, %v form", line+1, f)
		}
	}()
	var rs []*replica
	var ds []*odelta
	for i, skew := range h.Skews {
		rs = append(rs, newReplica(t, f, uint32(i+1), skew))
	}
	for _, s := range h.Steps {
		r := rs[s.Node]
		if s.Merge > 0 {
			r.merge(ds[s.Merge-1])
			continue
		}
		c := oCommand{op: s.Do.Op, key: s.Do.Key, val: s.Do.Val, by: s.Do.By, last: s.Do.Last}
		v, reply, d := r.do(s.At, c)
		if v.String() != s.Stamp || reply != s.Reply || (d != nil) != s.Wrote {
			t.Fatalf("%v at %v replied %q and wrote %v; the model: %s, %q, %v", c, v, reply, d != nil, s.Stamp, s.Reply, s.Wrote)
		}
		if d != nil {
			ds = append(ds, d)
		}
	}
	for i, r := range rs {
		if r.o.text() != h.Replicas[i] {
			t.Fatalf("replica %d\n  got %s\nmodel %s", i+1, r.o.text(), h.Replicas[i])
		}
	}
	all := fold(t, f, ds)
	if all.o.text() != h.All {
		t.Fatalf("all\n  got %s\nmodel %s", all.o.text(), h.All)
	}
	all.compareViews(h.Times...)
	for i, q := range h.Times {
		if got := all.o.view(q); got != h.Views[i] {
			t.Fatalf("view at %d: %s, the model %s", q, got, h.Views[i])
		}
	}
}

func readGolden(t *testing.T) (hs []goldenHistory) {
	t.Helper()
	f, err := os.Open("testdata/golden.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var h goldenHistory
		if err := json.Unmarshal(lines.Bytes(), &h); err != nil {
			t.Fatal(err)
		}
		hs = append(hs, h)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return hs
}
