package tokenring

import (
	"cmp"

	"github.com/dynomite-go/dynomite/hashkit"
)

// datacenter holds the owners of every token here as a table over the slots,
// so that a look-up is one index; a slot in which a range ends is marked and
// looked up in its racks.
type datacenter struct {
	name     string
	racks    []rack
	replicas int
	orders   []uint8                    // rack order by slot, see rackOrders
	owners   []uint16                   // nodes by slot, in the order of the racks; of the slot's first token
	split    [hashkit.Slots / 64]uint64 // slots in which a range ends before the slot does
}

// rack is how a rack's nodes divide the token space.
type rack struct {
	name string
	division
}

// newDatacenter takes racks whose divisions speak of nodes by their indices in
// the ring.
func newDatacenter(name string, racks []rack, replicas int) *datacenter {
	d := &datacenter{name: name, racks: racks, replicas: cmp.Or(replicas, len(racks))}
	d.orders = rackOrders(len(d.racks), d.replicas)
	d.owners = make([]uint16, len(d.orders))
	for i, rack := range d.orders {
		from, _ := hashkit.SlotRange(uint16(i / d.replicas))
		d.owners[i] = d.racks[rack].owner(from)
	}
	for k := range d.racks {
		whole := true
		for _, end := range d.racks[k].ends {
			if _, last := hashkit.SlotRange(end.Slot()); end != last {
				d.split[end.Slot()/64] |= 1 << (end.Slot() % 64)
				whole = false
			}
		}
		if !whole {
			d.racks[k].byFirst()
		}
	}
	return d
}

// slot gives the row of a slot, of orders as well as of owners.
func (d *datacenter) slot(t hashkit.Token) (from, to int) {
	from = int(t.Slot()) * d.replicas
	return from, from + d.replicas
}

func (d *datacenter) isSplit(t hashkit.Token) bool {
	return d.split[t.Slot()/64]>>(t.Slot()%64)&1 != 0
}

func (d *datacenter) appendOwners(dst []int, t hashkit.Token) []int {
	from, to := d.slot(t)
	if d.isSplit(t) {
		for _, rack := range d.orders[from:to] {
			dst = append(dst, int(d.racks[rack].owner(t)))
		}
		return dst
	}
	for _, node := range d.owners[from:to] {
		dst = append(dst, int(node))
	}
	return dst
}
