package main

import (
	"fmt"
	"math"
	"runtime"
	"strings"
)

// page is docs/placement.md.
func page(rows []row, keys int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Placement

Made by `+"`make bench-placement`"+`: %d keys, user:0 to user:%d, hashed by slot, shared by the nodes of one rack. Everything but the last two columns is counted and comes out the same on every machine.

- **Add, remove, reweight**: the part of the token space that changes its owner when a node joins, leaves or doubles its weight, over the least that could: what those nodes gain whose share grows. 1.000 is the minimum. The mean of five places in the order of names. Each was recounted by comparing the owners of all keys before and after. A dash: the scheme takes no weights.
- **Fullest**: the keys of the fullest node over the average of all; **chance** is 1 + sqrt(2 ln N / keys per node), about what even shares come to with keys that are drawn.
- **Memory** of one placement. All but "unit of one token" and "equal intervals" are rings of `+"`tokenring`"+`, which keep a table over 16384 slots whatever the distribution: a look-up is one index, but for slots that a range ends in. With drawn tokens and ketama that is most of them, and their ranges are searched.
- **Look-up**: one key's owner, the best of 15 runs (%s, %s/%s), keys in random order.

| scheme | nodes | add | remove | reweight | fullest | chance | memory | look-up |
|---|---|---|---|---|---|---|---|---|
`, keys, keys-1, strings.Replace(runtime.Version(), "go", "Go ", 1), runtime.GOOS, runtime.GOARCH)
	for _, r := range rows {
		if r.unable {
			fmt.Fprintf(&b, "| %s | %d | more than the slots | | | | | | |\n", r.scheme, r.nodes)
			continue
		}
		fmt.Fprintf(&b, "| %s | %d | %s | %s | %s | %.3f | %.3f | %s | %.1f ns |\n", r.scheme, r.nodes,
			times(r.add), times(r.remove), times(r.reweight), r.balance, r.bound, size(r.bytes), float64(r.lookup.Nanoseconds())/1000)
	}
	b.WriteString(`
What the table says:

- Random slicing alone moves the minimum and has exact shares, at any size and with weights. Its shares are exact to the unit: a slot of 16384 in a ring, so that keys of one hash tag stay together, or a token of 2^64 with ` + "`slicing.Tokens`" + `.
- Tokens that are drawn move the minimum too, between the shares that they happen to have, and pay with balance: with one token the fullest node holds several times the average, with 256 still a tenth more.
- Tokens that are generated are even, and have no memory: a change deals most ranges anew. Dynomite's users give one token for each node and face the same choice.
- ketama moves the minimum between its uneven shares when a node joins or leaves, and twice that when a weight changes, because a node's points are a part of all points.
- jump moves the minimum only when the last node in the order of names joins or leaves; the mean over five places is what an operator meets who cannot choose. Applied to slots, it is as even as 16384 drawn things are.
- modula and equal intervals cut anew move nearly everything, or about half of it. The latter goes by the name of random slicing elsewhere.
`)
	return b.String()
}

func times(relative float64) string {
	if math.IsNaN(relative) {
		return "-"
	}
	return fmt.Sprintf("%.3f", relative)
}

func size(bytes int) string {
	if bytes < 1024 {
		return fmt.Sprintf("%d B", bytes)
	}
	return fmt.Sprintf("%.1f KB", float64(bytes)/1024)
}
