package main

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"time"

	"github.com/dynomite-go/dynomite/hashkit"
)

// row is what is found of a scheme and a number of nodes. Movement is relative to
// the least that the change of shares asks for; NaN where the scheme is unable.
type row struct {
	scheme                string
	nodes                 int
	add, remove, reweight float64
	// balance is the keys of the fullest node over their average, bound what chance
	// alone makes of it.
	balance, bound float64
	bytes          int
	lookup         time.Duration // for a thousand
	unable         bool
}

// hashed are the tokens of the keys user:0, user:1 and so on.
func hashed(count int) []hashkit.Token {
	tokens := make([]hashkit.Token, count)
	var key []byte
	for i := range tokens {
		key = fmt.Appendf(key[:0], "user:%d", i)
		tokens[i] = hashkit.SlotHash(key)
	}
	return tokens
}

// named are so many nodes of weight 1. Their names leave room before, between and
// behind them.
func named(n int) []node {
	nodes := make([]node, n)
	for i := range nodes {
		nodes[i] = node{fmt.Sprintf("node-%03d", i), 1}
	}
	return nodes
}

// measure grows a scheme to n nodes, one at a time, and changes it from there: a
// node joins, one leaves, one doubles its weight. Each is tried at five places in
// the order of names, and the mean counts, as jump and others care for it.
func measure(s scheme, n int, keys []hashkit.Token) (row, error) {
	r := row{scheme: s.name, nodes: n, bound: 1 + math.Sqrt(2*math.Log(float64(n))*float64(n)/float64(len(keys)))}
	var grown placement
	for k := 1; k <= n; k++ {
		next, err := s.make(grown, named(k))
		if errors.Is(err, errUnable) {
			r.unable = true
			return r, nil
		}
		if err != nil {
			return r, err
		}
		grown = next
	}
	before := owners(grown, keys)
	counts := make(map[string]int)
	for _, name := range before {
		counts[name]++
	}
	for _, count := range counts {
		r.balance = max(r.balance, float64(count)*float64(n)/float64(len(keys)))
	}
	for _, change := range []struct {
		result *float64
		to     func(nodes []node, place int) []node
	}{
		{&r.add, func(nodes []node, place int) []node {
			name := "node-" // before all others
			if place > 0 {
				name = nodes[place-1].name + "-new"
			}
			return slices.Insert(nodes, place, node{name, 1})
		}},
		{&r.remove, func(nodes []node, place int) []node { return slices.Delete(nodes, min(place, n-1), min(place, n-1)+1) }},
		{&r.reweight, func(nodes []node, place int) []node { nodes[min(place, n-1)].weight = 2; return nodes }},
	} {
		const places = 5
		for p := range places {
			nodes := change.to(named(n), p*n/(places-1))
			slices.SortFunc(nodes, func(a, b node) int { return cmp.Compare(a.name, b.name) })
			after, err := s.make(grown, nodes)
			if err != nil && !errors.Is(err, errUnable) {
				return r, err
			}
			if err != nil {
				*change.result = math.NaN()
				break
			}
			part, least := grown.moved(after)
			if err := recount(before, owners(after, keys), part); err != nil {
				return r, err
			}
			*change.result += part / least / places
		}
	}
	r.bytes = memory(s, grown, named(n))
	r.lookup = lookup(grown, keys)
	return r, nil
}

// owners are the names of the keys' owners.
func owners(p placement, keys []hashkit.Token) []string {
	names, found := p.names(), make([]string, len(keys))
	for i, token := range keys {
		found[i] = names[p.owner(token)]
	}
	return found
}

// recount compares the part of the space that is said to move with the keys that
// do: within five standard deviations of keys that are drawn, and a slot.
func recount(before, after []string, part float64) error {
	moved := 0
	for i := range before {
		if before[i] != after[i] {
			moved++
		}
	}
	n := float64(len(before))
	if limit := 5*math.Sqrt(n*part*(1-min(1, part))) + n/hashkit.Slots; math.Abs(float64(moved)-n*part) > limit {
		return fmt.Errorf("%d of %d keys move, but %.5f of the space", moved, len(before), part)
	}
	return nil
}

// memory is what one placement takes of the heap: the mean of many.
func memory(s scheme, before placement, nodes []node) int {
	const copies = 32
	all := make([]placement, copies)
	used := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	start := used()
	for i := range all {
		all[i], _ = s.make(before, nodes) // it could before
	}
	end := used()
	runtime.KeepAlive(all)
	return int(end-start) / copies
}

// lookup is the time of a thousand look-ups, the least of several runs.
func lookup(p placement, keys []hashkit.Token) time.Duration {
	const runs, calls = 15, 200_000
	best, sum := time.Duration(math.MaxInt64), 0
	for run := range runs {
		start := time.Now()
		for i := range calls {
			sum += p.owner(keys[(i+run*calls)%len(keys)])
		}
		best = min(best, time.Since(start)/(calls/1000))
	}
	runtime.KeepAlive(sum)
	return best
}
