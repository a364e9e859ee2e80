package quorum

import (
	"fmt"
	"math/bits"
)

// MaxOwners is the most owners that a rule can count, over all datacenters: one
// bit of a word each.
const MaxOwners = 64

// Rule is what a level needs, given the owners that are configured. It is a small
// value that depends on the layout alone: make it once, take a [Tally] from it
// for every request. The zero Rule has no owners and can never be met.
type Rule struct {
	level  Level
	local  uint8  // datacenter
	owners uint8  // in all datacenters
	total  uint8  // owners that must win, over all datacenters
	first  uint64 // a bit for the first owner of each datacenter
	counts uint64 // a bit for each owner that the level counts
	all    uint64 // a bit for each owner
}

// NewRule says what level needs of a key with owners[i] owners in datacenter i,
// asked for from datacenter local. These are the configured owners, never those
// that happen to be up: a majority of the living is none.
//
// Owners are then known by their position: those of datacenter 0 from 0 on, those
// of datacenter 1 after them, and so on. The error names what is wrong: an
// unknown level, a datacenter that has no owner or does not exist, or more than
// [MaxOwners].
func NewRule(level Level, local int, owners ...int) (Rule, error) {
	if !level.Valid() {
		return Rule{}, fmt.Errorf("quorum: %v is no level", level)
	}
	if local < 0 || local >= len(owners) {
		return Rule{}, fmt.Errorf("quorum: local datacenter %d, there are %d", local, len(owners))
	}
	rule, next := Rule{level: level, local: uint8(local)}, 0
	for dc, n := range owners {
		if n < 1 || n > MaxOwners-next {
			return Rule{}, fmt.Errorf("quorum: datacenter %d has %d owners, want at least 1 and %d over all", dc, n, MaxOwners)
		}
		rule.first |= 1 << next
		next += n
	}
	rule.owners, rule.all = uint8(next), 1<<next-1
	rest, total := rule.datacenters(), 0
	for dc := range owners {
		mask, _ := rest.next()
		if need := rule.need(dc, mask); need > 0 {
			total += need
			rule.counts |= mask
		}
	}
	rule.total = uint8(total)
	return rule, nil
}

// Level is the level that the rule was made for.
func (r Rule) Level() Level { return r.level }

// Owners is the number of owners over all datacenters.
func (r Rule) Owners() int { return int(r.owners) }

// Need is the number of owners of a datacenter that must win: 0 where the level
// asks nobody, and where there is no such datacenter.
func (r Rule) Need(datacenter int) int {
	rest := r.datacenters()
	for dc := 0; ; dc++ {
		mask, ok := rest.next()
		if !ok {
			return 0
		}
		if dc == datacenter {
			return r.need(dc, mask)
		}
	}
}

// Total is the number of owners that must win, over all datacenters.
func (r Rule) Total() int { return int(r.total) }

// need is Need for a datacenter whose owners are in mask.
func (r Rule) need(dc int, mask uint64) int {
	switch {
	case r.level != DCEachSafeQuorum && dc != int(r.local):
		return 0
	case r.level == DCOne:
		return 1
	}
	return bits.OnesCount64(mask)/2 + 1
}

// datacenters starts a walk over the owners of each datacenter as bits.
func (r Rule) datacenters() datacenters { return datacenters{first: r.first, all: r.all} }

type datacenters struct{ first, all uint64 }

func (d *datacenters) next() (mask uint64, ok bool) {
	if d.first == 0 {
		return 0, false
	}
	d.first &= d.first - 1         // leave the datacenters after this one
	after := -(d.first & -d.first) // from the first owner of the next one up; 0 if this is the last
	mask, d.all = d.all&^after, d.all&after
	return mask, true
}
