// Placement compares ways to divide keys among nodes and writes docs/placement.md:
//
//	go run ./placement [-o FILE] [-keys 1000000]
//
// Movement and balance are counted key by key, and are the same at every run. The
// times are this machine's.
package main

import (
	"flag"
	"fmt"
	"os"
)

// sizes are the numbers of nodes that the page is about.
var sizes = []int{10, 50, 128}

func main() {
	out := flag.String("o", "../../docs/placement.md", "the page to write, - for the standard output")
	count := flag.Int("keys", 1_000_000, "how many keys to count")
	flag.Parse()
	if flag.NArg() > 0 || *count < 1 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(*out, *count); err != nil {
		fmt.Fprintln(os.Stderr, "placement:", err)
		os.Exit(1)
	}
}

func run(out string, count int) error {
	keys := hashed(count)
	var rows []row
	for _, s := range schemes {
		for _, n := range sizes {
			r, err := measure(s, n, keys)
			if err != nil {
				return fmt.Errorf("%s with %d nodes: %w", s.name, n, err)
			}
			rows = append(rows, r)
		}
	}
	text := page(rows, count)
	if out == "-" {
		_, err := os.Stdout.WriteString(text)
		return err
	}
	return os.WriteFile(out, []byte(text), 0o644)
}
