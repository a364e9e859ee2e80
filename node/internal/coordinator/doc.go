// Package coordinator executes data commands on the replicas that own their
// keys, and serves the other nodes' requests to do so.
//
// # The walk of a command
//
// A connection's commands come as a group (a pipeline). Each key has owners
// in every datacenter; the primary is the first of ours, in the key's
// preference order, that is reachable and complete. Commands are grouped by
// the node that executes them:
//
//	writes            the primary
//	reads, DC_QUORUM  this node if it owns the key and is complete, else the primary
//	reads, DC_ONE     the primary
//
// What another node executes goes there in one exec message per node. What
// this node executes runs at once on its store; the delta of each write goes
// to every other owner, and reads send the digest of what they saw to as many
// owners as a majority lacks. All entries for one owner travel in one apply
// message per group.
//
// # When an operation is done
//
// A write is done when as many owners as its level needs have won: they hold
// the delta, and nothing hides it. An owner where it lost answers with what
// beat it; the executor joins that and executes the command again, which counts
// nothing twice, since what lost is dead or hidden. A removal has won where it is
// the newest of all, and not already where nothing is shown: another one, of which
// a minority has heard, may be the reason.
//
// A reply that was only read is done when a majority of complete owners hold
// what was seen: the digest of the record says so in eight bytes. An owner with
// another digest answers with its record; it is joined here, and if that
// changed what was seen the command is executed again; if not, the owner is
// behind and gets the joined record before the reply goes out. A command that
// could have written and did not (SET NX on a key that exists) is a read.
//
// Nothing is executed whose answer nobody waits for: an exec message that gets its
// turn after its deadline is refused, and a write that waited for a look, or was
// beaten, until its time was up fails without being executed. Deltas are joined
// whenever they come.
//
// A command that looks before it writes trusts the primary's own record, as
// long as everybody agrees on who is primary: see caution.go.
//
// # Floors
//
// While the owners of a key agree on a floor (see package datastore), a store
// refuses what is old and comes unasked. What an owner answers to a question, and
// a whole record that is pushed with its sender's floor, it takes all the same,
// unless its own floor rose meanwhile: see floors.go. An owner that refused a
// delta is given the whole record, and votes if it takes that; one that refuses a
// whole record, or whose answer is too old here, does not vote. For a round itself
// [Coordinator.Take] takes whatever an owner holds, and [Coordinator.Return] makes
// an old copy one that counts again.
//
// The machine of one group, batch, has no goroutine: it is fed with answers,
// failures and the time, under its lock, and hands out messages to be sent
// once the lock is released. A read whose owner is overdue asks one more: see
// hedge.go.
package coordinator
