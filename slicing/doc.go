// Package slicing divides the token space among owners by weight, and changes
// the division with the least possible movement: random slicing, after Miranda
// et al. (HiPC 2011; ACM Transactions on Storage 10(3), 2014).
//
//	table, err := slicing.New(slicing.Tokens,
//		slicing.Owner{Name: "ann", Weight: 1}, slicing.Owner{Name: "bob", Weight: 2})
//	...
//	owner := table.Owner(token)
//	next, err := table.Change(append(table.Owners(), slicing.Owner{Name: "cyd", Weight: 1})...)
//	moves := slicing.Diff(table, next)
//
// # The table
//
// A [Table] is a list of intervals that cover [0, 2^64), each with an owner. An
// owner's share is its weight divided by the sum of all, exact to one unit: the
// units are dealt by largest remainders, in integers throughout. A unit is a
// token, or more with a coarser [Grain]; with [Slots] intervals end where slots
// of hashkit.Token.Slot do, so that keys with one hash tag keep one owner.
//
// Tables never change. A look-up takes no lock, allocates nothing, and costs an
// index by the token's top bits and a short search behind it.
//
// # A change
//
// [Table.Change] takes the owners as they shall be. Those with more than their
// new share are donors, those with less receivers:
//
//	before  |    A    |    B    |    C    |
//	D joins |   A   | D |   B   |  C   |D |
//
// What moves is what the receivers lack and no token more, which is half the sum
// of all differences of shares; no other division of the same shares is reached
// with less. It does not matter how many join, leave and change their weight at
// once. But a join and a leave in two changes may move more than both in one.
//
// Every cut adds an interval, so donors give whole intervals first, the smallest
// ones, and make one cut each for the rest: beside a gap that is open already
// if they can, else where they meet another donor, so that two cuts make one
// gap. Receivers take gaps beside what they own first, then whole gaps, the
// largest that fit, and parts of gaps last. Growing one owner at a time to N
// leaves about N^2/4 intervals:
//
//	N          8   16    32     64    128
//	intervals  17  69   265   1043   4130
//
// # State
//
// Equal histories give equal tables, on every machine and in every release; but
// the table depends on its history, and not on the present owners alone. It is
// state: whoever needs it must be given it. [Table.AppendBinary] encodes it, and
// [Decode] reads it, bounds what it allocates by the bytes that it is given, and
// refuses everything else. [FromIntervals] takes over a division made in some
// other way, without moving anything until the first change.
//
// # Fragments
//
// Owners that leave leave fragments behind. Growing to 64 owners and shrinking
// to 8 leaves 377 intervals, where 8 would do. That is memory, about 16 bytes
// for each, and nothing worse; fewer intervals cost movement that no share asks
// for. So nothing defragments by itself: [Table.PlanDefragment] shows the cost of
// a given number of intervals first, and has the table ready for who accepts it.
//
// # Which tokens
//
// Shares are shares of the token space. Keys follow them as well as their hash
// function spreads over all 64 bits: the slot and xxhash64 functions of hashkit
// do, and so do 32-bit hashes in the high half. A hash of 15 or 16 bits there
// would put every key into the first interval; mix it first.
//
// # Cost
//
// With 128 owners grown one at a time, the worst of the histories above: look-up
// about 10 ns, a change 1 to 4 ms, 80 KB of memory, 38 KB encoded (9 KB with
// [Slots]). Change sorts intervals and looks at no token.
package slicing
