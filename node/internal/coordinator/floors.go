package coordinator

import (
	"slices"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/node/datastore"
)

// floorStore is a store that refuses what is as old as what all owners have
// closed: see "Floors" in package datastore. [datastore.Memory] does.
type floorStore interface {
	datastore.Store
	Raises() uint64
	Floor(token uint64) datastore.Version
	ExchangeReset(from, to uint64, v datastore.Version) (datastore.Answer, error)
	Return(key, theirs []byte, g datastore.Version) error
}

var _ floorStore = (*datastore.Memory)(nil)

// A road is how something of another owner comes, which decides what is too old.
type road byte

const (
	// ordinaryRoad is for what comes unasked: it may be of any age.
	ordinaryRoad road = iota
	// heldRoad is for what an owner holds at our floor, or did a moment ago.
	heldRoad
	// exchangeRoad is for what is taken on purpose, as old as it may be.
	exchangeRoad
)

func (r road) options() datastore.MergeOptions {
	return datastore.MergeOptions{Held: r == heldRoad, Exchange: r == exchangeRoad}
}

// asking is to be remembered before something is asked, and to be given to
// roadSince when the answer is judged.
func (c *Coordinator) asking() uint64 {
	if c.floors == nil {
		return 0
	}
	return c.floors.Raises()
}

// roadSince is the road of an answer to what was asked at a time.
func (c *Coordinator) roadSince(asked uint64) road {
	if c.floors == nil || c.floors.Raises() != asked {
		return ordinaryRoad
	}
	return heldRoad
}

// floor is our own floor of a token, zero if the store has none. To be sent with
// a record it has to be read before that.
func (c *Coordinator) floor(token hashkit.Token) datastore.Version {
	if c.floors == nil {
		return datastore.Version{}
	}
	return c.floors.Floor(uint64(token))
}

// roadOf is the road of a record that came with its sender's floor.
func (c *Coordinator) roadOf(token hashkit.Token, floor datastore.Version) road {
	if c.floors == nil || floor.Less(c.floor(token)) {
		return ordinaryRoad
	}
	return heldRoad
}

// errAgreeing is the failure of an owner that could not take something, or of
// which we could not.
const errAgreeing = errText("the owners were agreeing on a floor, and what one of them holds was too old for another")

// adopt joins what another owner holds. refused says that a part of it is too
// old for its road: then we do not hold all that it holds.
func (c *Coordinator) adopt(key, record []byte, by road) (refused bool, err error) {
	a, err := c.store.Merge(key, record, by.options(), nil)
	if err == nil {
		c.tallyConflict(a)
	}
	return a.Refused > 0, err
}

// adoptReset joins a range reset; refused as for adopt.
func (c *Coordinator) adoptReset(r datastore.RangeReset, by road) (a datastore.Answer, refused bool, err error) {
	if by != exchangeRoad {
		a, err = c.store.MergeReset(r.From, r.To, r.Version)
		if err != nil || a.Refused == 0 || !c.lacksReset(r) {
			return a, false, err
		}
		if by == ordinaryRoad {
			return a, true, nil
		}
	}
	a, err = c.floors.ExchangeReset(r.From, r.To, r.Version)
	return a, false, err
}

// lacksReset says whether anywhere in r neither a reset as new as r is held nor
// the floor is as high, where it was and was forgotten. Floors change only
// where owners do.
func (c *Coordinator) lacksReset(r datastore.RangeReset) bool {
	resets := c.store.Resets()
	lacks := func(token uint64) bool {
		covers := func(x datastore.RangeReset) bool {
			return x.From <= token && token <= x.To && !x.Version.Less(r.Version)
		}
		return c.floor(hashkit.Token(token)).Less(r.Version) && !slices.ContainsFunc(resets, covers)
	}
	if lacks(r.From) {
		return true
	}
	ring := c.Cluster().Ring
	for _, dc := range ring.Datacenters() {
		for _, a := range ring.Arcs(dc) {
			if from := uint64(a.From); from > r.From && from <= r.To && lacks(from) {
				return true
			}
		}
	}
	return false
}
