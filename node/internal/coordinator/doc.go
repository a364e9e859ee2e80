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
// An owner votes for an operation when it holds the delta, shown and not
// hidden ("won"), and, for a command that looked before it wrote or only
// looked, when what the executor saw was what the owner held too: the digest
// of the record says so in eight bytes. An owner that held something else
// answers with its record; the executor joins it and, if that changed its own
// record, executes the command again. So a quorum write is also a quorum read
// of what it was based on, in one round trip, whoever coordinates. Where a
// read found copies that differ, the joined record is held by a majority
// before the reply goes out.
//
// The machine of one group, batch, has no goroutine and no clock: it is fed
// with answers, failures and a request to hedge, under its lock, and hands
// out messages to be sent once the lock is released.
package coordinator
