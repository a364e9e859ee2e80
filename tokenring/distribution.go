package tokenring

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/slicing"
)

// The names of the distributions, as a configuration file has them. The package
// documentation compares them.
const (
	// RandomSlicing gives exact shares by weight, and moves the least when nodes
	// or weights change: [Ring.Change].
	RandomSlicing = "random-slicing"
	// VNode divides at tokens that are given, or generated evenly.
	VNode = "vnode"
	// Ketama divides at 160 points for each node, drawn by MD5 of its ID, as
	// libmemcached and twemproxy do.
	Ketama = "ketama"
	// Modula deals out the slots in turn.
	Modula = "modula"
	// Single gives everything to the node whose ID comes first.
	Single = "single"
	// Jump gives each slot to a node by jump consistent hash.
	Jump = "jump"
)

// distribution divides the token space among the nodes of one rack.
type distribution interface {
	// divide is a function of the nodes, which come sorted by ID, and of what
	// the configuration says about their rack. Its errors name the nodes.
	divide(cfg *Config, nodes []*Node) (division, error)
}

// distributions is in the order in which errors and documents list the names.
var distributions = [...]struct {
	name string
	distribution
	weights bool // the shares follow Node.Weight
	tokens  bool // nodes may give tokens
}{
	{RandomSlicing, randomSlicing{}, true, false},
	{VNode, vnode{}, false, true},
	{Ketama, ketama{}, true, false},
	{Modula, modula{}, false, false},
	{Single, single{}, false, false},
	{Jump, jump{}, false, false},
}

// Distributions gives the names that Config.Distribution can have. The caller
// owns the slice.
func Distributions() []string {
	names := make([]string, len(distributions))
	for i, d := range distributions {
		names[i] = d.name
	}
	return names
}

// division says which node of a rack owns a token: ranges in ascending order that
// cover the space, each with its last token and the index of its node.
type division struct {
	ends  []hashkit.Token // ascending; the last is MaxToken
	nodes []uint16        // beside ends; neighbours differ
	table *slicing.Table  // what they come from, with random slicing
	// first gives for each slot the range of its first token, and one more at the
	// end, so that few ranges are left to search; nil if no range ends within a slot.
	first []uint32
}

// add appends the range up to and with a token, or makes the last one longer. A
// range is empty, and no range, if the last one ends there already.
func (d *division) add(end hashkit.Token, node int) {
	if n := len(d.nodes); n > 0 && d.ends[n-1] == end {
		return
	} else if n > 0 && int(d.nodes[n-1]) == node {
		d.ends[n-1] = end
		return
	}
	d.ends = append(d.ends, end)
	d.nodes = append(d.nodes, uint16(node))
}

// owner is the node of the first range whose end is not below t.
func (d *division) owner(t hashkit.Token) uint16 {
	if d.first == nil {
		i, _ := slices.BinarySearch(d.ends, t)
		return d.nodes[i]
	}
	low, high := d.first[t.Slot()], d.first[t.Slot()+1]
	for low < high {
		if middle := (low + high) / 2; d.ends[middle] < t {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return d.nodes[low]
}

// byFirst prepares first.
func (d *division) byFirst() {
	d.first = make([]uint32, hashkit.Slots+1)
	i := 0
	for slot := range hashkit.Slots {
		from, _ := hashkit.SlotRange(uint16(slot))
		for d.ends[i] < from {
			i++
		}
		d.first[slot] = uint32(i)
	}
	d.first[hashkit.Slots] = uint32(len(d.ends) - 1)
}

// unknown is the error for a name that is none of a distribution.
func unknown(name string) string {
	return fmt.Sprintf("no distribution %q, there are %s", name, strings.Join(Distributions(), ", "))
}
