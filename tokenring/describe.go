package tokenring

import (
	"bytes"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/dynomite-go/dynomite/hashkit"
)

const (
	// columns is the width of a drawn rack: it fits a terminal of 80 and divides
	// the slots evenly.
	columns = 64
	// letters stand for the nodes of a rack in the drawing; beyond them it is '*'.
	letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
)

// Describe draws the ring as text for a person: each datacenter and rack, each
// node with its shares, and a strip of the token space whose letters say which
// node owns the middle of each 64th. The form may change; do not parse it.
func (r *Ring) Describe(w io.Writer) error {
	var text bytes.Buffer
	shares := r.Shares()
	first := 0
	for i, d := range r.datacenters {
		if i > 0 {
			fmt.Fprintln(&text)
		}
		fmt.Fprintf(&text, "datacenter %s: racks %d, replicas %d\n", d.name, len(d.racks), d.replicas)
		for k := range d.racks {
			first = r.describeRack(&text, &d.racks[k], first, shares)
		}
	}
	_, err := w.Write(text.Bytes())
	return err
}

// describeRack draws the rack whose first node has the index first, and gives
// the index after its last.
func (r *Ring) describeRack(w io.Writer, rack *rack, first int, shares []Share) (next int) {
	fmt.Fprintf(w, "\n  rack %s\n", rack.name)
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for next = first; next < len(r.nodes) && sameRack(r.nodes[next], r.nodes[first]); next++ {
		node := r.nodes[next]
		fmt.Fprintf(table, "    %c %s\t%s\towns %.2f %%\tprimary %.2f %%\t%s\n", letter(next-first),
			node.ID, node.Addr, 100*shares[next].Owned, 100*shares[next].Primary, rack.parts(node, next))
	}
	table.Flush()
	strip := make([]byte, columns)
	for i := range strip {
		middle, _ := hashkit.SlotRange(uint16((2*i + 1) * hashkit.Slots / columns / 2))
		strip[i] = letter(int(rack.owner(middle)) - first)
	}
	fmt.Fprintf(w, "    0 |%s| 2^64\n", strip)
	return next
}

// parts says into how many pieces a node's share is cut.
func (r *rack) parts(node *Node, index int) string {
	if len(node.Tokens) > 0 {
		return fmt.Sprintf("tokens %d", len(node.Tokens))
	}
	ranges := 0
	for _, owner := range r.nodes {
		if int(owner) == index {
			ranges++
		}
	}
	return fmt.Sprintf("ranges %d", ranges)
}

func sameRack(a, b *Node) bool { return a.Datacenter == b.Datacenter && a.Rack == b.Rack }

func letter(i int) byte {
	if i < len(letters) {
		return letters[i]
	}
	return '*'
}
