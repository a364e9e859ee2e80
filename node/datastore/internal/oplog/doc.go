// Package oplog is an append-only log of opaque operations, for a state whose
// operations may be replayed more than once and onto a later state: joins, in any
// order, and what takes the place of everything before it.
//
// # Use
//
// [Open] replays what the directory holds and opens the log for appending.
// [Log.Append] puts an operation into a buffer and returns at once;
// [Log.Commit] returns when everything appended before it is as durable as
// the [Policy] asks. Whoever calls Commit first writes for all who wait.
// Operations come back in the order in which they were appended.
//
// # What survives
//
// When Commit has returned nil, the operations were given to the operating
// system: the end of the process, SIGKILL included, loses none of them. A power
// failure loses none under [Always], those of the last second or two under
// [EverySecond], and whatever the system had not written under [Never].
//
// # Files
//
//	0000000000000007.snap   everything up to segment 7, as of some time after it ended
//	0000000000000008.log    the segment after it
//	*.tmp                   unfinished; deleted when the log is opened
//	LOCK                    held while the log is open
//
// Each file begins with a header: what it is, its format version, its number, a
// random id and the length of the segment before it. Then come frames:
//
//	length of what follows the checksum, 4 bytes, little-endian
//	CRC-32C of the length and of what follows, 4 bytes
//	kind, 1 byte
//	length of the key, varint; key; body
//
// After a sync the next write ends with a mark that says up to where the
// segment was known to be on the disk.
//
// # Damage
//
// A crash may leave the end of the last segment torn. It is cut off there, and
// the [Report] says where and how much. A frame that does not check anywhere else
// (in an earlier segment, in a snapshot, or before a mark) was damaged after
// it had been written: Open refuses with a [DamageError] that names the file and the
// offset, unless told to salvage.
//
// # When the disk fails
//
// If a write fails (the disk is full), Commit returns the error to all who
// wait; the operations stay in memory and are written, in order, when the disk
// allows it, which is tried every second. Until then [Log.Err] is not nil and
// the owner should append nothing. If a sync fails, the system may have dropped what it could not
// write, so the segment is not trusted any more: a rewrite must succeed first.
//
// # Rewriting
//
// When the files are more than twice as large as the state, and larger than a
// least size, a new segment is begun and the state is written to a snapshot in
// the background; when the snapshot is durable, what came before is deleted. A
// crash at any step leaves files that give the whole state.
package oplog
