package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/merkle"
)

func main() {
	n := flag.Int("n", 1000000, "how many items the sets have")
	runs := flag.Int("runs", 5, "runs of each case; fewer for the largest")
	out := flag.String("o", "../../docs/reconciliation.md", "where the report goes; - is standard output")
	flag.Parse()
	if err := reconcile(*n, *runs, *out); err != nil {
		fmt.Fprintln(os.Stderr, "reconcile:", err)
		os.Exit(1)
	}
}

// row is what one number of differences costs, at most of all runs.
type row struct {
	d            int
	grid, walk   cost
	ours         cost
	goal         int
	symbols      float64 // for a difference, the mean of the runs
	asks, answer time.Duration
}

// cost is what an exchange takes.
type cost struct{ bytes, trips int }

func (c cost) max(other cost) cost { return cost{max(c.bytes, other.bytes), max(c.trips, other.trips)} }

// goals are the bytes that the project allows itself with 1,000,000 items.
var goals = map[int]int{0: 64, 1: 1 << 10, 100: 8 << 10, 1000: 50 << 10, 100000: 5 << 20}

func reconcile(n, runs int, out string) error {
	r := rand.New(rand.NewPCG(uint64(n), 2402))
	base := make([]merkle.Item, n)
	for i := range base {
		base[i] = merkle.Item{Token: hashkit.Token(r.Uint64()), Digest: r.Uint64()}
	}
	base = merkle.NewItems(base...)
	var rows []row
	for _, d := range []int{0, 1, 10, 100, 1000, 10000, 100000} {
		if d > n/2 {
			continue
		}
		measured := row{d: d, goal: goals[d]}
		times := runs
		if d >= 10000 {
			times = 1
		}
		for range times {
			if err := measured.run(r, base); err != nil {
				return err
			}
		}
		measured.symbols /= float64(times * max(1, d))
		fmt.Printf("d=%d: grid %d, walk %d, merkle %d bytes in %d round trips\n", d,
			measured.grid.bytes, measured.walk.bytes, measured.ours.bytes, measured.ours.trips)
		rows = append(rows, measured)
	}
	text := report(n, runs, rows)
	if out == "-" {
		fmt.Print(text)
		return nil
	}
	return os.WriteFile(out, []byte(text), 0o644)
}

// run compares two sets that differ in d items, half of which either side lacks.
func (m *row) run(r *rand.Rand, base merkle.Items) error {
	lacking := map[int]bool{} // false: ours, true: theirs
	for len(lacking) < m.d {
		lacking[r.IntN(len(base))] = len(lacking)%2 == 0
	}
	var ours, theirs merkle.Items
	for i, it := range base {
		side, differs := lacking[i]
		if !differs || side {
			ours = append(ours, it)
		}
		if !differs || !side {
			theirs = append(theirs, it)
		}
	}
	m.grid = m.grid.max(grid(ours, theirs))
	m.walk = m.walk.max(walk(ours, theirs))
	return m.exchange(r, ours, theirs)
}

func (m *row) exchange(r *rand.Rand, ours, theirs merkle.Items) error {
	one, err := tree(ours)
	if err != nil {
		return err
	}
	two, err := tree(theirs)
	if err != nil {
		return err
	}
	key := merkle.Key([]byte("both sides' key."))
	x, err := merkle.NewExchange(one, merkle.Config{Key: key, Salt: r.Uint64()})
	if err != nil {
		return err
	}
	p := merkle.NewResponder(two, key)
	var asks, answers time.Duration
	found := 0
	for !x.Done() {
		began := time.Now()
		request, err := x.Request()
		if err != nil {
			return err
		}
		asks += time.Since(began)
		began = time.Now()
		reply, err := p.Answer(request)
		if err != nil {
			return err
		}
		answers += time.Since(began)
		began = time.Now()
		if err := x.Reply(reply); err != nil {
			return err
		}
		asks += time.Since(began)
		here, there := x.Take()
		found += len(here) + len(there)
	}
	s := x.Stats()
	if found != m.d || !s.Exact {
		return fmt.Errorf("%d differences, %d found, %+v", m.d, found, s)
	}
	m.ours = m.ours.max(cost{s.Sent + s.Received, s.RoundTrips})
	m.symbols += float64(s.Symbols)
	m.asks, m.answer = max(m.asks, asks), max(m.answer, answers)
	return nil
}

func tree(items merkle.Items) (*merkle.Tree, error) {
	t, err := merkle.NewTree(items, 16)
	if err != nil {
		return nil, err
	}
	return t, t.Refresh(0, hashkit.MaxToken)
}

func report(n, runs int, rows []row) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Finding differences\n\nMeasured by `make bench-reconcile` on %s: %d cores, %s/%s, %s.\n\n",
		time.Now().Format("2 January 2006"), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, strings.Replace(runtime.Version(), "go", "Go ", 1))
	fmt.Fprintf(&b, "Two sets of about %s items, d of which only one side has, half of them on either. An overwrite that one side missed is two such differences. "+
		"Bytes are those of both directions, with everything that is sent; at most of %d runs (one run from 10,000 on). "+
		"Resolving what was found to keys, and sending records, is not part of it: the token of an item finds its key.\n\n", thousands(n), runs)
	b.WriteString("- **grid**: 1,024 segments of 1,024 buckets, hashes of 4 bytes; differing buckets are listed, 16 bytes an item.\n" +
		"- **walk**: down a 16-way tree of 65,536 leaves, hashes of 8 bytes, level by level; differing leaves are listed, 16 bytes an item.\n" +
		"- **merkle**: the exchange of package [merkle](../merkle), its messages as they are.\n\n" +
		"The grid and the walk are counted without any framing. **missed** marks a goal that is not reached.\n\n")
	b.WriteString("| d | grid | walk | merkle | goal | round trips: grid | walk | merkle | symbols per difference | time, asking side | answering side |\n" +
		"|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, m := range rows {
		goal := ""
		if m.goal > 0 {
			goal = size(m.goal)
			if m.ours.bytes > m.goal {
				goal += " **missed**"
			}
		}
		symbols := "-"
		if m.d > 0 {
			symbols = fmt.Sprintf("%.2f", m.symbols)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | **%s** | %s | %d | %d | %d | %s | %s | %s |\n", thousands(m.d), size(m.grid.bytes), size(m.walk.bytes), size(m.ours.bytes), goal,
			m.grid.trips, m.walk.trips, m.ours.trips, symbols, m.asks.Round(100*time.Microsecond), m.answer.Round(100*time.Microsecond))
	}
	b.WriteString("\nWhat merkle pays for its bytes is reading: a sketch reads the items of the parts that differ, all of them from a few hundred differences on, where the walk reads the leaves that differ.\n")
	return b.String()
}

func size(bytes int) string {
	switch {
	case bytes < 10000:
		return thousands(bytes) + " B"
	case bytes < 10000000:
		return thousands(bytes/1000) + " KB"
	default:
		return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
	}
}

func thousands(n int) string {
	s := []byte(fmt.Sprint(n))
	for i := len(s) - 3; i > 0; i -= 3 {
		s = slices.Insert(s, i, ',')
	}
	return string(s)
}
