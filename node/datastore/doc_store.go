// # The memory store
//
// [Open] returns a [Memory]: a [Store] in memory, with a log if it has a
// directory.
//
//	m, err := datastore.Open(ctx, datastore.Config{
//		Token: token,                     // func(key []byte) uint64
//		Clock: datastore.NewClock(node, nil),
//		Dir:   "/var/lib/dynomite",       // leave out to keep nothing
//		Sync:  datastore.SyncEverySecond, // appendfsync
//	})
//
// The caller's duties: call [Memory.Commit] before a write is acknowledged, call [Memory.Sweep]
// every now and then (ten times a second with a budget of some thousands), tell
// [Memory.SetFloor] when the floor rises (and keep the order of "Floors"), and [Memory.Close] it.
//
// # Memory
//
// A store is divided by the top bits of the tokens into shards of one lock each. A
// shard keeps entries (key and encoded record) in slots of a slab outside the
// Go heap, and an index from tokens to slots that the garbage collector does
// not scan. A key of 16 bytes with a value of 100 takes 152 bytes with
// everything: 129 for key and record, 7 for the slot, 15 for the index. Records of
// more than 128 cells or 4 KiB are ordered trees on the heap, and values above
// 64 KiB lie there as they are.
//
// What is freed serves any other size; when a fifth of a size's slots are
// free, its emptiest run is emptied a few slots per write, and memory beyond a
// quarter of what is in use goes back to the system. A reset of all tokens
// gives everything back at once. The index keeps its memory until then.
//
// Read, Update and Merge lock one shard; for strings they allocate nothing,
// and cost some hundred nanoseconds, most of them waiting for memory. Scan
// locks a shard for 256 entries at a time, so it never stops the
// store for long, unless very many keys have the same token: those are shown
// under one hold, and every look for one of them compares them one by one.
//
// Deleted and expired keys keep a small record until the floor passes them
// (see SPEC, "Floor"): [Stats].Records counts them, [Memory.Len] does not.
//
// # Log
//
// Every delta that changes a record, and every range reset, is appended to a
// log before Commit returns; replaying it is joining again. Who commits first
// writes for all who wait. When Commit has returned, SIGKILL loses nothing of what was committed, under
// any policy; what a power failure may take is said at [SyncPolicy].
//
// In Config.Dir the store owns the folder log, and nothing else: files beside
// it (the node's identity, its mark of a clean stop) are the caller's. A lock
// file keeps a second process out.
//
// When the log is twice as large as what it stands for, and above
// Config.RewriteMin, a new segment is begun, the records are written to a
// snapshot in the background, and the older files are deleted once that is
// durable. Nobody waits for it, except for the moment in which the segment is begun.
//
// A torn end of the last segment, as crashes leave it, is cut off and told by
// [Memory.Recovery]. Damage anywhere else makes Open fail with an error that
// names the file and the offset; Config.Salvage skips it instead, for a delta
// lost is one delta lost, and the other replicas have it. A newer format is
// refused.
//
// When the disk is full, Commit and every write return an error that wraps
// [ErrLog], reads go on, and what was joined but not yet written stays in
// memory until it can be, which is tried every second. When a sync fails, the
// log is rewritten first: the system may have dropped what it could not write.
// A write whose Commit failed is shown by reads, and is written when the disk
// allows it: its outcome is unknown, not "no".
package datastore
