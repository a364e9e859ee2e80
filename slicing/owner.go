package slicing

import (
	"cmp"
	"errors"
	"fmt"
	"math/bits"
	"slices"
)

const (
	// MaxOwners is how many owners a table can have: what 16 bits number.
	MaxOwners = 1 << 16
	// MaxNameBytes is how long an owner's name can be. It bounds what a decoder
	// takes from a few bytes; host names end at 255.
	MaxNameBytes = 1 << 10
	// MaxWeights bounds the sum of the weights. Below it every weight is worth
	// at least two tokens of the 2^64.
	MaxWeights = 1 << 63
	// maxQuoted bounds how much of a name an error repeats.
	maxQuoted = 64
)

// Owner is who can own tokens, and how large its share is compared with others'.
type Owner struct {
	// Name tells owners apart: unique, not empty, at most [MaxNameBytes] long.
	Name string
	// Weight is at least 1. The owner's share is its weight divided by the sum
	// of all, which is at most [MaxWeights].
	Weight int64
}

// Grain is the binary logarithm of the unit that intervals are made of: they
// begin at multiples of 2^grain tokens, and shares are exact to one unit.
type Grain uint8

const (
	// Tokens makes shares exact to one token of 2^64.
	Tokens Grain = 0
	// Slots keeps each of the 16384 slots of hashkit.Token.Slot whole, so that
	// keys with one hash tag have one owner. Shares are exact to a slot.
	Slots Grain = 50
	// maxGrain leaves two units.
	maxGrain = 63
)

// unit is the size of one unit.
func (g Grain) unit() Size { return Size{lo: 1 << g} }

// validate checks a list of owners and names each culprit.
func validate(grain Grain, owners []Owner) error {
	if grain > maxGrain {
		return fmt.Errorf("slicing: grain %d, want at most %d", grain, maxGrain)
	}
	if len(owners) == 0 {
		return errors.New("slicing: no owners")
	}
	if len(owners) > MaxOwners {
		return fmt.Errorf("slicing: %d owners, at most %d are possible", len(owners), MaxOwners)
	}
	var wrong []error
	report := func(format string, args ...any) {
		wrong = append(wrong, fmt.Errorf("slicing: "+format, args...))
	}
	seen := make(map[string]bool, len(owners))
	var sum uint64
	for i, owner := range owners {
		switch {
		case owner.Name == "":
			report("owner %d has no name", i)
		case len(owner.Name) > MaxNameBytes:
			report("owner %s: the name has %d bytes, at most %d are possible", quote(owner.Name), len(owner.Name), MaxNameBytes)
		case seen[owner.Name]:
			report("owner %s is there twice", quote(owner.Name))
		}
		seen[owner.Name] = true
		if owner.Weight < 1 {
			report("owner %s has weight %d, want 1 or more", quote(owner.Name), owner.Weight)
			continue
		}
		if sum += uint64(owner.Weight); sum > MaxWeights {
			report("owner %s: its weight of %d takes the sum of weights beyond 2^63", quote(owner.Name), owner.Weight)
			break
		}
	}
	return errors.Join(wrong...)
}

func quote(name string) string {
	if len(name) > maxQuoted {
		return fmt.Sprintf("%q...", name[:maxQuoted])
	}
	return fmt.Sprintf("%q", name)
}

// sorted is a copy in the order of names.
func sorted(owners []Owner) []Owner {
	owners = slices.Clone(owners)
	slices.SortFunc(owners, func(a, b Owner) int { return cmp.Compare(a.Name, b.Name) })
	return owners
}

// targets divides the space by weight: each owner gets its part rounded down to
// units, and the units that are left go to the largest remainders. Among equal
// remainders those have precedence whose current size needs the unit, so that
// it does not move; then names decide. The owners are valid and sorted; current
// is nil or beside them.
func targets(grain Grain, owners []Owner, current []Size) ([]Size, error) {
	if len(owners) == 1 {
		return []Size{whole}, nil
	}
	var sum uint64
	for _, owner := range owners {
		sum += uint64(owner.Weight)
	}
	sizes := make([]Size, len(owners))
	remainders := make([]uint64, len(owners))
	order := make([]int, len(owners))
	rest := whole
	for i, owner := range owners {
		// The units of the space times the weight, in 128 bits; a weight below
		// the sum keeps the quotient below 2^64.
		w := uint64(owner.Weight)
		units, remainder := bits.Div64(w>>grain, w<<(64-grain), sum)
		sizes[i] = Size{lo: units << grain}
		remainders[i] = remainder
		order[i] = i
		rest = rest.minus(sizes[i])
	}
	keeps := func(i int) int {
		if current != nil && current[i].Compare(sizes[i]) > 0 {
			return 0
		}
		return 1
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(remainders[b], remainders[a]), cmp.Compare(keeps(a), keeps(b)), cmp.Compare(a, b))
	})
	for _, i := range order[:rest.lo>>grain] {
		sizes[i] = sizes[i].Plus(grain.unit())
	}
	for i, size := range sizes {
		if size.isZero() {
			return nil, fmt.Errorf("slicing: owner %s: weight %d of %d is less than one unit of 2^%d tokens",
				quote(owners[i].Name), owners[i].Weight, sum, grain)
		}
	}
	return sizes, nil
}
