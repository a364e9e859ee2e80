// Package datastore holds versioned records that replicas join.
//
// A replica is a set of records, one per key. What a command changes is a
// delta, a piece of a record; applying a delta is a join: commutative,
// associative and idempotent. So replicas that have got the same deltas
// hold the same records, whatever the order, the repetition and the delay,
// and a write never waits for another replica. Commands are executed once,
// where they arrive; deltas travel.
//
//	             command                        delta
//	client ---> [Store.Update] ---------------------------> [Store.Merge] elsewhere
//	              |  shows a View at the stamp's time           |
//	              |  takes what is written into a Delta         |  answers won, lost,
//	              v                                             v  differs
//	            join                                          join
//
// # Versions
//
// Every command takes one [Version] from the [Clock]: a hybrid logical
// clock's 64 bits (48 of Unix milliseconds, 16 of a counter), and the
// node's number. A stamp is above every version that the clock has seen. A
// command runs at the millisecond of its own stamp, a read at the later of
// the wall clock and the newest version seen, so what has expired stays
// expired.
//
// Node numbers must not be reused: a slot is written by its node alone, and
// a node that may have lost writes goes on under a new number
// ([Clock.SetNode]).
//
// # Atoms
//
// A record is a set of atoms, and so is a delta. Each atom carries the
// stamp of the command that wrote it, by which the newer of two atoms of
// one cell wins. What kills an atom is its birth: the stamp, except for
// what goes on under newer stamps (a slot, an element).
//
//	atom                       holds                            join of two
//	reset                      upto, stamp                      greater
//	reset of a kind            upto, stamp (after two kinds met) greater
//	expiry                     stamp, time or none              newer
//	register (kind, field)     stamp, value or tombstone        newer
//	slot (kind, field, node)   stamp, birth, sum                newer
//	element (id)               stamp, position, prev, value     newer; id is the birth
//	removed (node)             intervals (lo, hi] of ids        union
//	removal                    stamp of the newest removal      greater
//
// A string is the register of kind [String]; a hash has one per field; the
// members of a set and of a sorted set (with the score as value) are fields
// too. Increments go to slots, one per node: a number is its register plus
// its slots, so that concurrent increments add up and a repeated delta
// counts once.
//
//	INCR on node 1 and 2, after SET n 10:
//
//	  reset(upto 4.0@0)  register 4.0@1 "10"      10
//	                     slot of 1  9.0@1  +1    + 1
//	                     slot of 2  8.0@2  +2    + 2    GET n -> 13
//
// # Join
//
// The join of two records joins them atom by atom and drops at once what is
// dead: cells born up to a reset (the record's, the kind's, or a range
// reset, which a store keeps beside the records), slots born up to their
// field's register, elements inside a removed interval. Dropping loses
// nothing: the atom that killed is kept and kills again.
//
// The join never looks at the time or at what kind a record shows. Both are
// matters of reading; a join that depended on them would depend on when and
// where it runs.
//
// # Views
//
// What a record shows at time t, a [View]:
//
//  1. If the expiry is before t, it is as if a reset up to the end of its
//     millisecond had been joined: what was born up to then is gone, and so
//     is the expiry itself. What was written later lives on, without expiry.
//  2. A kind lives if it has a value, a slot or an element. If several do, after
//     a partition, the one with the newest stamp is shown, the others are hidden.
//  3. A number is the register plus the slots, if the register is an integer as
//     Redis understands it; if not, slots are ignored. The sum saturates.
//
// Views cost nothing to make for plain strings, a scan of a few cells for
// small records, O(1) for large ones.
//
// # Deltas
//
// A command writes into a [Delta]:
//
//	SET                     Overwrite            reset below the stamp, register
//	SET EX, SET KEEPTTL     Overwrite, ExpireAt  the same and an expiry
//	SUNIONSTORE, RESTORE    Clear, Put...        reset below the stamp, registers
//	APPEND, SETRANGE        Put                  register
//	HSET, SADD, ZADD        Put                  registers
//	HDEL, SREM, ZREM        Remove               tombstones, for fields that are shown
//	INCR, HINCRBY           Add                  own slot: its birth, the new sum
//	INCRBYFLOAT             Put                  register, the slots folded in
//	EXPIRE, PERSIST         ExpireAt, Persist    expiry
//	DEL                     Delete               reset at the stamp
//
// Besides, a write makes permanent what its command saw: a key that did not
// exist begins without expiry, what an expiry had ended is reset, and so
// are kinds that were hidden. A command that changes nothing writes
// nothing.
//
// # Answers
//
// [Store.Merge] answers whether the delta won: what it wrote is held, and
// nothing hides it that its writer did not know, at the time of its stamp.
// Then one who reads here sees it, or something newer. In particular:
//
//   - a value must be held with its stamp, of the kind that is shown, and no
//     unknown slot may stand on it;
//   - an increment must be held in a slot with its birth, also in a later sum;
//   - of a removal, nothing may be shown; a popped element was seen by who popped it;
//   - a DEL leaves nothing shown; a SET and its like no other field and no
//     other expiry;
//   - an EXPIRE or PERSIST must be the newest.
//
// If it lost, the answer carries what beat it. The coordinator merges that,
// then merges its own delta again into its own store. If that wins, nothing
// had beaten it: the owner lacked something that the coordinator knows, and
// is given the whole record. If not, what it wrote is dead or hidden, and
// the command is executed again at a newer stamp.
//
// With [MergeOptions.Check] the answer also says whether the record was the
// one that the command saw (Differs), and if not carries it as it was.
// Conflict says that the delta replaced something alive in such a record;
// where many fields live it is an upper bound, for the difference may lie
// elsewhere.
//
// # Digests
//
// The digest of a record is the sum, modulo 2^64, of keyed 64-bit hashes of
// its atoms: equal digests mean equal atoms. Time changes no digest.
// Digests compare only between stores with the same key and the same
// floors: what the floor lets go is in none of them, purged or not, but for
// expired keys, which are until they are swept.
//
// # Encoding
//
// A record and a delta are the same thing. The first byte is the version of
// the format (upper half) and the shape:
//
//	plain string   [shape][version 12][expiry 8, if any][value]
//	general        [shape][flags][base 8][resets, expiry, removal][elements][intervals][cells]
//
// A plain string stands for a register and the reset that a SET implies; a
// SET's delta is the new record, byte for byte. In the general shape
// numbers are varints and versions are relative to base. Cells are sorted
// by kind, by the XXH64 of the field, by field, the register before the
// slots by node. Decoding checks all bytes, and allocates in proportion to
// them.
//
// A collection beyond 4 KiB or 128 cells is held as an ordered tree: a
// command on a field costs O(log n), its length O(1). What costs O(n): an
// expiry or a reset that kills a part of it, showing one of two kinds,
// encoding all of it.
//
// # Floors
//
// What a record keeps of the dead (tombstones, resets, removed intervals,
// passed expiries) can go once every owner of the key has promised to stamp
// no more below a floor and has joined every other owner's state. For a run of
// tokens with the same owners, in this order:
//
//	promise   [Memory.Promise](P)      nothing is stamped up to P any more
//	close     [Memory.CloseUpTo](P)    all have promised: merging refuses what is as old
//	exchange  Merge with Exchange      each takes all that each other holds, after both
//	          ExchangeReset            have closed: records, and [Memory.Resets] first.
//	          [Memory.Swept]           Who gives has swept at the floor before
//	done      [Memory.Commit]          and says so; [Memory.Lapse](F), the floor so far
//	floor     [Memory.SetFloor](P, F)  all are done: P is the floor, F was the one before;
//	                                   Sweep purges
//
// From close on, an atom is taken by the ordinary road only if its stamp is
// above P; and if it is a slot or an element, only if its birth is above P too
// or it is held: what killed it may be purged here. What is refused is no error
// ([Answer].Refused, [Stats].Refused): its writer has it, and it is taken from
// there. Promises, closings and floors are not kept in the log; the caller
// remembers them, and says them again after Open, before anything is merged.
//
// Until the floor has risen, what another owner holds at the same floor is
// taken whatever its age ([MergeOptions].Held): its owner has yet to give it to
// all. A killer up to the floor counts as joined: it has had its effect.
//
// The floor before is what passed expiries may be dropped at. Every owner must have
// been done with that one before it stamped anything above the new P. An owner
// that has purged such an expiry writes as if there had been none; one that has
// not yet drops what it ended first (Lapse), or it would be shown again.
//
// An old copy, of a store whose floor is below that of the other owners, first
// forgets what they purged the deaths of: [Memory.Return].
package datastore
