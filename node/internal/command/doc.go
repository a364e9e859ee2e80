// Package command is the one table of commands, and the execution of those
// that work on a key. Semantics, replies and error texts are those of Redis
// 7.0.15.
//
// # The table
//
// A [Spec] says everything about a command that somebody needs to know: arity,
// flags, where its keys are, what it does with them, its documentation.
// [Lookup] and [Resolve] find one, [All] lists them. What COMMAND and its
// subcommands reply is made from the table by the Append functions. The commands of the
// connection and of the server are in it too; who executes them is said by
// Keys: [KeyOne] and [KeyMany] are executed here, the others elsewhere.
//
// # Execution
//
// A [Call] executes a command on one key of a store:
//
//	var c command.Call // one per connection
//
//	c.Args, c.Proto = args, 3
//	if c.Spec = command.Resolve(args); c.Spec == nil {
//		return command.AppendUnknown(out, args)
//	}
//	c.Out, c.Delta = out, delta[:0]
//	err := c.Exec(store)
//
// Then c.Out ends with the reply, and c.Delta with what the other replicas
// have to be sent, if c.Wrote. A call looks at nothing but the [datastore.View]
// that it is shown, and knows no time but the View's; so it can be executed
// again after the record has changed. What is wrong with the words
// alone is answered before the store is asked, as far as Redis does so too:
// GETEX of a missing key is not interested in a bad time.
//
// A command on several keys is cut into commands of one key by
// [Spec.NumKeys] and [Spec.AppendPart], and [Combine] makes one reply of
// theirs. That is all the atomicity there is: MSET sets each key on its own.
//
// # What is written
//
// SET, and all that replaces a value whatever it was, overwrites: everything born
// before is gone, on all replicas. APPEND, SETRANGE and INCRBYFLOAT write the
// whole new value but keep what else the key has; of two at the same time on
// replicas that do not see each other, the later one wins. Increments by
// integers add up, wherever they happen, unless numbers beyond 2^62 are in play,
// which are written instead. Commands that reply an error, or find nothing to
// change, write nothing; SET to the same value writes, as does HSET.
//
// # Where it differs from Redis
//
//   - HSCAN returns hashes of up to 128 fields at once, whatever the lengths of
//     their values, and its cursors mean the same on every replica. A walk that
//     no field joins or leaves sees each once.
//   - HRANDFIELD with a negative count draws at most 16,777,216 fields and replies
//     at most 1 GiB. From hashes of more than 4096 fields it draws, with
//     repetition, not quite evenly.
//   - Fields come in the order of their hashes, not of their making.
//   - OBJECT ENCODING answers what Redis would after a fresh SET or HSET;
//     IDLETIME and FREQ are errors, for accesses are not tracked.
//   - INCRBYFLOAT computes with a 64-bit mantissa everywhere, like Redis on
//     x86-64.
package command
