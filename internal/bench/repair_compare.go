package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// differing is what it took a node, which was away and got no hints, to find
// what it lacks and to get it.
type differing struct {
	lacked       int
	whole        time.Duration // from its start, which reads its own log
	compared     time.Duration // comparing alone
	keys, rounds float64
	bytes        float64
}

// compareCopies kills the third of three nodes that hold keys records, changes
// some, or takes all from it, and starts it again.
func compareCopies(ctx context.Context, f *fleet, keys, change int) (d differing, err error) {
	defer func() {
		if err != nil && ctx.Err() == nil {
			err = fmt.Errorf("%w\n%s", err, f.said())
		}
	}()
	away := f.nodes[2]
	away.kill()
	if change == keys {
		if err := os.RemoveAll(filepath.Join(f.dir, away.name)); err != nil {
			return d, err
		}
	} else if err := fill(ctx, f.nodes[0].port, change); err != nil {
		return d, err
	}
	d.lacked = change
	began := time.Now()
	if err := errors.Join(away.start(), f.awaitWhole(ctx)); err != nil {
		return d, err
	}
	d.whole = time.Since(began)
	if d.compared, err = away.caughtUpIn(); err != nil {
		return d, err
	}
	if err := f.awaitEqual(ctx); err != nil {
		return d, err
	}
	m, err := away.metrics(ctx)
	if err != nil {
		return d, err
	}
	d.keys, d.rounds = m["dynomited_comparison_keys_total"], m["dynomited_comparison_round_trips_total"]
	d.bytes = m[`dynomited_comparison_bytes_total{direction="in"}`] + m[`dynomited_comparison_bytes_total{direction="out"}`]
	return d, nil
}

// caughtUpIn is how long the node's last run took to catch up, by its log.
func (n *fleetNode) caughtUpIn() (time.Duration, error) {
	name := filepath.Join(n.dir, fmt.Sprintf("%s.output%d", n.name, n.runs-1))
	text, err := os.ReadFile(name)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if !strings.Contains(line, `"caught up"`) {
			continue
		}
		if _, took, ok := strings.Cut(strings.TrimSpace(line), "took="); ok {
			return time.ParseDuration(took)
		}
	}
	return 0, fmt.Errorf("%s does not say how long catching up took", name)
}

// metrics are the node's, by name and labels as they are printed.
func (n *fleetNode) metrics(ctx context.Context) (map[string]float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:"+strconv.Itoa(n.admin)+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	all := map[string]float64{}
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), " ")
		if v, err := strconv.ParseFloat(value, 64); ok && err == nil {
			all[name] = v
		}
	}
	return all, lines.Err()
}

const goalTaken = 50000 // keys a second, of a copy that lacks all

func measureCompare(ctx context.Context, o repairOptions) (string, error) {
	keys := o.writes
	f, err := newFleet(ctx, o.binary, "hint_bytes: 1\n")
	if err != nil {
		return "", err
	}
	defer f.stop()
	if err := fill(ctx, f.nodes[0].port, keys); err != nil {
		return "", err
	}
	if err := f.awaitEqual(ctx); err != nil {
		return "", err
	}
	var out strings.Builder
	out.WriteString("| the third copy lacks | of | found to differ | round trips | bytes, both ways | bytes a key | comparing, s | keys/s | goal | | whole after its start, s |\n|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, change := range []int{0, 1, 100, 1000, keys / 10, keys} {
		d, err := compareCopies(ctx, f, keys, change)
		if err != nil {
			return "", err
		}
		each, rate, goal, missed := "", "", "", ""
		if change > 0 {
			each = fmt.Sprintf("%.0f", d.bytes/float64(change))
			rate = fmt.Sprintf("%.0f", float64(change)/d.compared.Seconds())
		}
		if change == keys {
			goal, missed = strconv.Itoa(goalTaken), verdict(float64(change)/d.compared.Seconds(), goalTaken, false)
		}
		fmt.Fprintf(&out, "| %d | %d | %.0f | %.0f | %.0f | %s | %.2f | %s | %s | %s | %.1f |\n",
			change, keys, d.keys, d.rounds, d.bytes, each, d.compared.Seconds(), rate, goal, missed, d.whole.Seconds())
		fmt.Printf("compare: %d of %d: %.0f bytes, %v\n", change, keys, d.bytes, d.compared)
	}
	return fmt.Sprintf(`Three nodes hold %d keys with values of %d bytes. The third is killed, some keys are set anew without it, and it is started again with its own data; nothing is kept for it (`+"`hint_bytes: 1`"+`), so it compares with both others, first with one that has all that it lacks. In the last row its data is removed. Bytes are those that it sends and gets for comparing, with the records in both directions: a key that was set anew is one record each way. Nobody else uses the cluster.

%s`, keys, size, strings.TrimSpace(out.String())), nil
}
