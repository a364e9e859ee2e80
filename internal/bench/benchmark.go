package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// load is what redis-benchmark is asked for, the test and the number of
// requests apart.
type load struct {
	test     string // "set" or "get"
	pipeline int    // commands sent before a reply is awaited
}

// clients, size and keys are the load's other properties, the same in all
// cases: 50 connections, values of 100 bytes, keys drawn from 100,000.
const clients, size, keys = 50, 100, 100000

// args are redis-benchmark's arguments for n requests.
func (l load) args(port, n int) []string {
	return []string{
		"-p", strconv.Itoa(port), "-c", strconv.Itoa(clients), "-d", strconv.Itoa(size), "-r", strconv.Itoa(keys),
		"-P", strconv.Itoa(l.pipeline), "-n", strconv.Itoa(n), "-t", l.test, "--csv",
	}
}

// run puts n requests on the server at the port and returns how many it
// answered per second.
func (l load) run(ctx context.Context, port, n int) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	var errs strings.Builder
	cmd := exec.CommandContext(ctx, "redis-benchmark", l.args(port, n)...)
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("redis-benchmark %s: %w\n%s", strings.Join(l.args(port, n), " "), err, errs.String())
	}
	return parseCSV(string(out), l.test)
}

// parseCSV finds the rate of a test in what redis-benchmark --csv prints:
// rows of the test's name, its requests per second, and latencies.
func parseCSV(out, test string) (float64, error) {
	reader := csv.NewReader(strings.NewReader(out))
	reader.FieldsPerRecord = -1
	rows, err := reader.ReadAll()
	if err != nil {
		return 0, fmt.Errorf("redis-benchmark printed no CSV: %w\n%s", err, out)
	}
	for _, row := range rows {
		if len(row) < 2 || !strings.EqualFold(strings.TrimSpace(row[0]), test) {
			continue
		}
		rate, err := strconv.ParseFloat(row[1], 64)
		if err != nil || rate <= 0 {
			return 0, fmt.Errorf("redis-benchmark printed the rate %q", row[1])
		}
		return rate, nil
	}
	return 0, fmt.Errorf("redis-benchmark printed no row for %q:\n%s", test, out)
}
