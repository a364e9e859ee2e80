package main

import (
	"fmt"
	"io"
	"math"
	"math/bits"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/dynomite-go/dynomite/hashkit"
)

// reportKeys is how many keys a report hashes: 18 for each slot.
const reportKeys = 300_000

func newHash() *cobra.Command {
	var name string
	var report bool
	cmd := &cobra.Command{
		Use:   "hash KEY...",
		Short: "Print the token and the slot of keys",
		Args: func(_ *cobra.Command, args []string) error {
			if report != (len(args) == 0) {
				return usageError{fmt.Errorf("hash takes keys, or --report and no key")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if report {
				return reportHashes(cmd.OutOrStdout())
			}
			hash, err := hashkit.Lookup(name)
			if err != nil {
				return usageError{err}
			}
			t := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(t, "KEY\tTOKEN\tSLOT")
			for _, key := range args {
				token := hash([]byte(key))
				fmt.Fprintf(t, "%q\t%v\t%d\n", key, token, token.Slot())
			}
			return t.Flush()
		},
	}
	cmd.Flags().StringVar(&name, "hash", "slot", "hash function")
	cmd.Flags().BoolVar(&report, "report", false, "measure every hash function and print a page about them")
	return cmd
}

// reportHashes measures the functions of hashkit and writes docs/hashes.md.
func reportHashes(w io.Writer) error {
	fmt.Fprintf(w, `# Hash functions

Made by `+"`dynomited hash --report`"+`. Each function hashes the keys user:0 to user:%d.

- **Balance** is chi-squared over the 16384 slots, divided by its mean for tokens that are drawn: 1.00 is chance (five standard deviations are %.2f), far more is uneven. *As it is* is what vnode and ketama with tokens of their own see; *spread* is through `+"`hashkit.LookupSpread`"+`, which every scheme needs that divides the space by size.
- **Avalanche** is the part of the bits of the spread token that change, on the average, when one bit of a key of 8 bytes does: 0.50 is best. **Worst** is the input bit that changes the fewest.
- **ns** is the time for one key of 16, 64 and 1024 bytes, on the machine that made the page, other work going on.

| function | balance as it is | spread | avalanche | worst | ns, 16 B | 64 B | 1024 B |
|---|---|---|---|---|---|---|---|
`, reportKeys-1, 1+5*math.Sqrt(2.0/(hashkit.Slots-1)))
	for _, name := range hashkit.Names() {
		hash, err := hashkit.Lookup(name)
		if err != nil {
			return err
		}
		spread, err := hashkit.LookupSpread(name)
		if err != nil {
			return err
		}
		mean, worst := avalanche(spread)
		if _, err := fmt.Fprintf(w, "| %s | %.2f | %.2f | %.3f | %.3f | %.0f | %.0f | %.0f |\n", name, balance(hash), balance(spread), mean, worst,
			nanoseconds(hash, 16), nanoseconds(hash, 64), nanoseconds(hash, 1024)); err != nil {
			return err
		}
	}
	return nil
}

// balance is chi-squared of the slots over its degrees of freedom.
func balance(hash hashkit.Func) float64 {
	var counts [hashkit.Slots]int
	key := make([]byte, 0, 16)
	for i := range reportKeys {
		key = strconv.AppendInt(append(key[:0], "user:"...), int64(i), 10)
		counts[hash(key).Slot()]++
	}
	const expected = float64(reportKeys) / hashkit.Slots
	chi := 0.0
	for _, n := range counts {
		d := float64(n) - expected
		chi += d * d / expected
	}
	return chi / (hashkit.Slots - 1)
}

// avalanche flips every bit of some keys of 8 bytes, and gives the part of the
// token's bits that change, over all of them and for the worst of them.
func avalanche(hash hashkit.Func) (mean, worst float64) {
	const keys = 500
	worst = 1
	var key [8]byte
	for bit := range 64 {
		changed := 0
		for i := range uint64(keys) {
			for k := range key {
				key[k] = byte(i * 0x9e3779b97f4a7c15 >> (8 * k))
			}
			before := hash(key[:])
			key[bit/8] ^= 1 << (bit % 8)
			changed += bits.OnesCount64(uint64(before ^ hash(key[:])))
		}
		part := float64(changed) / (64 * keys)
		mean += part / 64
		worst = min(worst, part)
	}
	return mean, worst
}

// nanoseconds is the least time of several runs for one key of the size.
func nanoseconds(hash hashkit.Func, size int) float64 {
	const runs, calls = 5, 2000
	key := make([]byte, size)
	best := math.Inf(1)
	for range runs {
		start := time.Now()
		for i := range calls {
			key[0] = byte(hash(key)) + byte(i) // each call waits for the one before
		}
		best = min(best, float64(time.Since(start).Nanoseconds())/calls)
	}
	return best
}
