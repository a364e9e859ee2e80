// Package merkle finds out how two sets differ, at a price that goes with the
// difference and not with the sets. Two copies of a million records that differ
// in one are compared for 700 bytes, and for 41 if they are equal.
//
//	x, err := merkle.NewExchange(ours, merkle.Config{Key: secret, Salt: rand.Uint64()})
//	for !x.Done() {
//		request, err := x.Request()
//		reply, err := send(request)   // there: merkle.NewResponder(theirs, secret).Answer
//		err = x.Reply(reply)
//		here, there := x.Take()       // what only we, and only they, have
//	}
//
// There is no network, no clock and no goroutine in it: the caller carries
// messages of at most 64 KB from one side to the other.
//
// # Items
//
// An [Item] stands for a record, in 16 bytes: a token, which is a hash of its key
// and places it in the token space, and a digest of key and content. The package
// knows no keys and no contents. Two copies of a key with different contents are
// two different items with one token, so an overwrite that one side has missed
// is a difference of two: one item only here, one only there.
//
// What is found is resolved by its token: the owner of the store looks up the
// key at the token, which is why the token is a part of the item.
//
// # Three ways to compare
//
// By sums. The digests of a range are added up, modulo 2^64. Equal sums and equal
// numbers of items mean equal sets, but for one chance in 2^64, if strangers
// cannot choose digests. That says whether two sets differ; it does not say
// where. Cutting the range into parts and comparing those does:
//
//	our parts     17  31  08  55  ...
//	their parts   17  31  42  55  ...
//	                      ^^ here
//
// By a list. Who is told every item of a range knows everything. It costs 15 bytes
// an item, and is the best way if most of them differ, or if there are few.
//
// By a sketch. This is the part worth understanding. Say we add up not only
// digests but the items themselves, combined by exclusive or, and count them;
// and they do likewise. What both have is in both sums, and goes away when one
// is taken from the other:
//
//	     ours:   A ^ B ^ C ^ D      4 items
//	   theirs:   A ^ B ^     D      3 items
//	difference:          C          1 item       which is C itself
//
// One sum gives away one difference, at the price of one item, however large the
// sets are. With more differences the sum is a jumble. So there are many sums,
// called coded symbols, and a hash decides which items are part of which. With
// luck some symbol holds a single difference. That item is known then, and is taken out
// of the other symbols that it is part of, which leaves some of them with a
// single one in turn:
//
//	symbol 0   C ^ F ^ K         C ^ F            C
//	symbol 1   C ^ F       ->    C ^ F     ->     C     ->   done: C, F, K
//	symbol 2       F ^ K             F =F
//	symbol 3           K =K
//
// How does one know that a symbol holds a single item? It also has the exclusive
// or of the items' keyed hashes: only a single item's hash fits its item.
//
// How many symbols does it take? Symbols are an endless sequence, each thinner
// than the one before: every item is in symbol 0, and in symbol i with
// probability 1/(1+i/2). Whatever the number d of differences is, the first
// 1.35 d symbols or so, up to 1.72 d and some more if d is small, have the
// right mix. Nobody has to know d: one side sends symbols until the other has
// decoded them. That is the rateless set sketch of Lei Yang, Yossi Gilad and
// Mohammad Alizadeh, Practical Rateless Set Reconciliation, SIGCOMM 2024 (arXiv
// 2402.02668), which has the proofs. [Sketch] and [Decoder] are it, and can be
// used alone.
//
// # An exchange
//
// The side that asks ([Exchange]) and the side that answers ([Responder]):
//
//	asks                                    answers
//	the sum of my set is ...          ->    mine is it too. Equal: the end
//	                                        mine is ..., and those of 64 parts are ...
//	the first n symbols of the parts  ->    symbols, and the counts of some more
//	that differ, please
//	so many more, please              ->    more symbols
//	decoded: the end
//
// How many parts differ says how many symbols to ask for at first. If those do
// not decode, the counts of symbols say within some percent how many will:
// three round trips are enough for up to 1,000 differences, but for a few in
// 1,000 cases. With more differences than 2,900 or so the range is cut into
// pieces of some 1,500, each with its own sketch. Wherever a list costs less
// than symbols, there is a list.
//
// The asking side ends with the difference, and it is the same as if the other
// side had asked, with here and there exchanged. The answering side learns
// nothing; it needs to remember nothing either, so it may be restarted or replaced
// between two messages, and any message may be sent twice. An exchange that was
// broken off is resumed by another one over [Exchange.Remaining].
//
// # What it costs
//
// Bytes of both directions, measured with 1,000,000 items, by the number of
// differences:
//
//	differences   bytes           round trips   symbols per difference
//	0             41              1             -
//	1             680             2             11
//	100           6,000-8,000     2-3           1.8-2.6
//	1,000         43,000-46,000   3             1.6
//	100,000       3.5 million     200           1.4
//
// A symbol is 24 bytes and a count of one or two. What makes it more than 1.35
// symbols is the asking in round trips; who can stream symbols and stop the other
// side needs 1.38 at 1,000 (see [Decoder]).
//
// Each side reads the items of the parts that differ once for the sketch, and
// once more for a piece; that is 230 ns for an item. Decoding a difference takes
// less than 2 microseconds. The asking side holds half a megabyte at most and what was
// not taken, the answering side 200 KB.
//
// # The tree
//
// Sums must not cost a scan each time. A [Tree] keeps them: it is told of every
// item that comes and goes, for an addition at each of its 5 levels, and has the
// sum of any range ready. It keeps no items, because the store has them: it asks
// the store, through a [Source], for the few that lie in a leaf that the range
// cuts. It takes 17 bytes for a leaf, 1.1 MB with 65,536 leaves, and nothing for
// an item: with a million items that is one byte for each.
//
// A tree and its source must agree. Who wants writes to enter the tree some time
// after they happened, so that two busy copies can be equal, shows through the
// source what the tree has been told, and not what the store has by now.
//
// # Sets that change
//
// Nothing stands still during an exchange, and nothing needs to. What differs
// all the while is found. What changes may be reported or not; joining it again
// does no harm to records that join. [Stats] tells how it was.
//
// Equal is about the moment at which the other side answered. It is said if three
// sums are the same, ours being looked at twice:
//
//	ours     asked ----------------------- has the answer     the same at both
//	theirs             answered . . . . . . . . . . . . .     the same then; since then, who knows
//
// So we still have what they had, and the two sets were equal at that moment,
// unless ours had become another one and was back. (It never is where digests
// cover a version.) A write of ours after we asked takes Equal away, one of
// theirs behind the answer does not: no answer can know of it, the next exchange
// does. What Equal is not:
//
//   - Of now. A request stays the same until its answer has come, and an answer
//     that took an hour is an hour old. For equality of later than a certain
//     moment, begin an exchange after it, with another salt: an answer to an
//     earlier request with the same salt, ranges and sum fits this one too.
//   - Of one moment for several ranges, or for leaves that a range cuts, if theirs
//     changes while it is added up: each of these was equal at its own. Ranges in
//     excess of 1,024 are asked about one message after the other, and ours is
//     looked at again only with the answer to each.
//   - Proved. Sums are equal by chance once in 2^64, nothing else makes for Equal:
//     no fingerprint that collides, no sketch that decodes to nothing. And it is
//     the other side's word. Who has the key and says equal is believed, as is
//     what it says that it holds.
//
// Exact is true if the items that were found are exactly what the sums differed
// by at the beginning. If it is false, something changed, or a tree does not
// agree with its source, and another exchange is worth its while.
//
// # Bad input
//
// Both sides have a [Key]. It keys the hashes of symbols, so that nobody who
// writes to the store can choose items that do not decode, together with a salt
// that each exchange chooses. And it keys the checksum of messages. That of a
// reply covers the checksum of its request, so a reply that belongs to another
// request is refused and cannot be taken for equality.
// The checksum is no signature: use a transport that authenticates.
//
// Whatever bytes come, the answer is an error that wraps [ErrDamaged] and says what
// is wrong, nothing is allocated for lengths that the bytes do not bear out, and
// the exchange goes on with the same request, or begins the range again. A side
// that has the key and lies can waste our time, not our memory:
// [Config.MaxRoundTrips] ends that.
//
// # Formats
//
// Every message begins with the version of the format, 1, and its kind, and
// ends with the keyed checksum (SipHash-2-4) of 8 bytes. Integers are
// little-endian or varints. Ranges are 0 for every token, or their number and
// for each the first token and the distance to the last.
//
//	compare   [1][1][salt 8][sequence][ranges][count][digest 8]
//	symbols   [1][2][salt 8][sequence][ranges][parts 8][first][upto][counts first][counts upto]
//	items     [1][3][salt 8][sequence][ranges][0, or 1 and the item to begin behind 16]
//
//	equal     [1][4]
//	parts     [1][5][count][digest 8][fingerprints 64 x 4]
//	symbols   [1][6][count][digest 8][counts, as differences to what is expected][number][token, digest, check 24 each]
//	items     [1][7][complete][number][distance to the token before, digest 8 each]
//
// The encoding of a tree is at [Tree.AppendBinary].
package merkle
