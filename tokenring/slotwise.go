package tokenring

import (
	gojump "github.com/dgryski/go-jump"

	"github.com/dynomite-go/dynomite/hashkit"
)

// bySlot divides by a function from a slot to the index of a node. Schemes that
// compute an owner for every token on its own are applied to slots: otherwise
// owners would change from one token to the next, and there would be no ranges
// to compare or to hand over; and keys with one hash tag would not stay together.
func bySlot(node func(slot int) int) division {
	var d division
	for slot := range hashkit.Slots {
		_, last := hashkit.SlotRange(uint16(slot))
		d.add(last, node(slot))
	}
	return d
}

// modula is the slot modulo the number of nodes.
type modula struct{}

func (modula) divide(_ *Config, nodes []*Node) (division, error) {
	return bySlot(func(slot int) int { return slot % len(nodes) }), nil
}

// jump is jump consistent hash (Lamping and Veach, 2014) of the slot.
type jump struct{}

func (jump) divide(_ *Config, nodes []*Node) (division, error) {
	return bySlot(func(slot int) int { return int(gojump.Hash(mix(uint64(slot)), len(nodes))) }), nil
}

// single has one range.
type single struct{}

func (single) divide(*Config, []*Node) (division, error) {
	var d division
	d.add(hashkit.MaxToken, 0)
	return d, nil
}
