// Package hints keeps deltas for nodes that are away, in durable queues, and
// hands them over when the nodes are back: the hinted handoff of the Dynamo
// paper (DeCandia et al., SOSP 2007, section 4.6), as a part that any program
// with replicas can use.
//
//	log, recovery, err := hints.Open(hints.Config{Self: "node-a", FS: hints.OS(dir), Join: join})
//	...
//	err = log.Append("node-b", token, key, delta) // node-b did not acknowledge it
//	...
//	err = log.Replay(ctx, "node-b", &budget, send) // it is back
//
// A delta is opaque: bytes that may be delivered late, twice and in any order,
// because applying them is a join. A queue of commands is not what this is for.
//
// # What it promises
//
//   - Nothing is forgotten in silence. A delta that is too large, or one too many,
//     too old, or that cannot be written or read marks its tokens as dirty: the
//     range has to be compared. After an unclean stop every node that the log
//     knows is marked over all tokens, for the end of a log may be lost.
//   - What is older than Config.Window goes within a second, though nobody adds or
//     delivers anything, but for what is in flight.
//   - What Commit returned for is as durable as Config.Sync says. One write and
//     one sync serve all who wait.
//   - One record per key: with Config.Join a delta is joined to the one that is
//     queued for its key, unless that is in flight. Bundles stay whole.
//   - A record that was acknowledged never comes again, but after an unclean
//     stop or an error of the disk.
//   - A record is delivered to the node that it was added for, and to no other:
//     writer and node stand in each file's header, which the checksum of
//     each record covers.
//   - After a failed sync nothing is added to that file any more, and its node
//     is marked over all tokens.
//
// # What it asks of the caller
//
// To deliver at least once and acknowledge what was taken; to run one Replay per
// node at a time; to compare what Dirty says and to call Clean; and, if
// Recovery.Unclean, to mark the nodes that the log does not know. Nothing else
// may write to the directory.
//
// # What it costs
//
// In memory a record takes some 100 bytes, whatever its size; its payload is in
// the file once it was committed, and the last 4 MiB of each queue in memory as
// well if there is a Join, for a key that changes often is joined to what was just
// written. Add, Ack and Release take constant time, and Add a read of the file
// if what it is joined to was written before that; one lock guards all queues,
// and is given up meanwhile. A queue's files take at most about twice what is
// queued and four segments. A node has at most 1,024 dirty ranges; then
// the nearest ones become one.
//
// # Files
//
//	running                       from Open to a clean Close
//	<node>-<hash>.<number>.hints  segments
//	<node>-<hash>.dirty           marks, as of the last Close; or of a node that has nothing else
//
//	segment   [header][record]...
//	header    [magic 8][format 2][writer length 2][writer][node length 2][node][crc32c 4]
//	record    [marker 4][crc32c 4][length 4][delta, bundle, acks or filler]
//
// Segments are deleted from the oldest on, when nothing in them is queued any
// more; what lives in a mostly dead one moves to the newest. A torn end is cut
// off; after an unclean stop trailing zeros are room that was made ahead. Damage
// in the middle is skipped to the next marker with a valid record, and filled,
// so that one start reports it. A file of a newer format, of another writer, or by
// the name of another node is left alone and reported by every start (one by the
// name of a node's marks until that node's are written); one without a readable
// header is renamed to *.broken and reported once.
package hints
