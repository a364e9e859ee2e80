// Package quorum counts answers: how many owners of a key must answer before a
// request is acknowledged, whether they have, whether they still can, and what
// is to be said when they cannot.
//
// # Levels
//
//	level                 needs, of the configured owners
//	DC_ONE                one in the local datacenter
//	DC_QUORUM             a majority in the local datacenter
//	DC_SAFE_QUORUM        the same number, asked under a term
//	DC_EACH_SAFE_QUORUM   a majority in every datacenter, asked under a term
//
// A majority of n is n/2 + 1, whole numbers. The owners are those of the layout,
// whether they are up or not: two majorities of them always have a member in
// common, two majorities of whoever happens to be up need not.
//
// # Rule and Tally
//
// A [Rule] is a level applied to a layout: from which datacenter one asks, and
// how many owners each has. It is made once. A [Tally] takes the answers to one
// request and says [Pending], [Met] or [Impossible]:
//
//	rule, err := quorum.NewRule(quorum.DCQuorum, 0, 3, 3) // asked from the first of two datacenters of 3
//	...
//	tally := rule.Tally()
//	switch tally.Add(owner, quorum.Won) { // owner 0 to 5
//	case quorum.Met: ...
//	case quorum.Impossible: return tally.Report(nameOf, cause)
//	}
//
// Both are small values, made of bits. A program driven by events keeps a tally in
// the state of each request; there is no clock, no goroutine and no allocation.
// State depends on what each owner answered, not on the order in which it came.
//
// # Answers
//
// What an owner answered is one of five, and the differences matter:
//
//	Won      done, and it stands                              counts
//	Lost     done, but something stands against it            does not count; a second try may win
//	Failed   an error or nothing in time: maybe done          does not count
//	Refused  certainly not done, or never asked               does not count
//	Silent   no answer so far                                 may count yet
//
// For a read Won means "answered". A request that is given up may have been
// applied unless all owners refused; so count an owner that is known to be away,
// and will not be asked, as Refused, and a request that is impossible before it
// starts is reported with nothing applied.
//
// What replies say, which of two values is newer for example, is not counted
// here: the caller looks at them once the tally is met.
//
// # Request
//
// A [Request] is a tally that also says what to do next, given the time: whom to
// ask, until when to wait, whom to ask as well because another is overdue, when
// to make the request anew because it lost, and when it is decided. It is a value
// too, and a step function: its transcript is the same whenever the same answers
// come at the same times.
//
//	0s    ask ann                      0s    ask ann
//	0s    ask bob                      0s    ask bob
//	1ms   < bob won                    1ms   < bob lost
//	10ms  ask cyd, ann is overdue      1ms   retry
//	11ms  < cyd won                    1ms   ask ann
//	11ms  done                         ...
//
// A delta that lost stands nowhere for long: something that its writer had not
// seen beats it. So before it is acknowledged, the writer takes in what beat it
// and executes its command again; the new delta goes to all owners, and the
// answers to the old one count for nothing. Only when the tries are used up does
// Lost count against the level. What a try left behind stays possible: an error
// after it says that a write may have been applied.
//
// # Latency
//
// A [Latency] learns from a peer's answers how long to wait for it before another
// is asked as well: the 95th percentile, bounded, forgetting what is old, and
// nothing once the peer has stopped. It is a word of memory, of use alone;
// [Latencies] keeps one for each peer.
//
// # Gather
//
// [Gather] does what a Request says for who has a function that asks one owner and
// blocks. It asks all owners at once, or as many as needed, returns with the
// replies at the moment that the rule is met or cannot be met, and hands over
// later replies one by one. It is the only part of the package that starts
// goroutines. It asks no owner twice in one try, and tries again only what lost,
// if [Config] has a Retry.
//
// # Errors
//
// An [Error] carries the level, the numbers, the owners by what they answered,
// and whether a write may have been applied. If it may have, trying again is the
// caller's decision: the first try can still win.
package quorum
