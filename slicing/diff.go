package slicing

import "github.com/dynomite-go/dynomite/hashkit"

// Move is a run of tokens that changes its owner.
type Move struct {
	// From and To are the first and the last token; From <= To.
	From, To hashkit.Token
	// Donor is the name of who had them, Receiver of who gets them.
	Donor, Receiver string
}

// Size is how many tokens move.
func (m Move) Size() Size { return SizeOf(m.From, m.To) }

// Diff lists what moves from one table to another, in ascending order, in the
// longest runs of one donor and one receiver. Owners are told apart by name;
// grains may differ.
func Diff(before, after *Table) []Move {
	var moves []Move
	var from hashkit.Token
	for i, k := 0, 0; i < before.Len() && k < after.Len(); {
		to := min(before.ends[i], after.ends[k])
		donor, receiver := before.owners[before.who[i]].Name, after.owners[after.who[k]].Name
		if donor != receiver {
			last := len(moves) - 1
			if last >= 0 && moves[last].To+1 == from && moves[last].Donor == donor && moves[last].Receiver == receiver {
				moves[last].To = to
			} else {
				moves = append(moves, Move{from, to, donor, receiver})
			}
		}
		if before.ends[i] == to {
			i++
		}
		if after.ends[k] == to {
			k++
		}
		from = to + 1
	}
	return moves
}

// Moved is the sum of the moves' sizes.
func Moved(moves []Move) Size {
	var sum Size
	for _, move := range moves {
		sum = sum.Plus(move.Size())
	}
	return sum
}

// Minimum is the least that must move to get from the shares of one table to
// those of another, whatever the way: what the growing owners gain, which is
// half the sum of all differences. [Table.Change] moves exactly this.
func Minimum(before, after *Table) Size {
	had := make(map[string]Size, len(before.owners))
	for i, owner := range before.owners {
		had[owner.Name] = before.shares[i]
	}
	var sum Size
	for i, owner := range after.owners {
		if share := after.shares[i]; share.Compare(had[owner.Name]) > 0 {
			sum = sum.Plus(share.minus(had[owner.Name]))
		}
	}
	return sum
}
