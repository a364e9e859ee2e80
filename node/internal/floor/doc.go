// Package floor is the round by which the owners of some tokens agree on a
// floor: a version up to which each of them holds what all others held, so that what
// records keep of the dead may go. It decides and remembers; it has no
// goroutine, no clock and no network. One [Machine] stands for one group of
// owners, at each of them. See "Floors" in package datastore for what the
// store does, and for why.
//
// # A round
//
// Every owner says its own state, again and again; what it knows of the
// others is the newest that it heard. There are no commands, so a message may be
// lost, come twice, late, or in another order.
//
//	idle      promised = closed = done = floor
//	promise   some owner proposes a version P, some seconds ago. Each promises
//	          the greatest P that it hears of, on top of its own floor,
//	          until it has closed
//	close     all have promised the same P
//	exchange  with each other owner that has closed too: the Machine names it,
//	          the caller takes all that it holds and calls Exchanged
//	done      all of them were exchanged with
//	floor     all are done, or one has raised its floor already: P is the floor
//
// If one owner has closed, all have promised P, and none of them proposes
// anything else on this floor. So all close at the same P.
//
// P is not below the clock of any owner at the moment when it was done with the
// round before. So whatever was written in ignorance of something up to that
// floor is below P, and the floor before is one at which passed expiries
// may go.
//
// # The caller
//
// It calls [Machine.Step] every second or so, and after each message and each
// exchange, and does what the [Actions] say in this order:
//
//  1. If Save: make AppendState durable; then tell the store what Floors says
//     (Promise; CloseUpTo, SetFloor and Lapse for each run of the group's tokens);
//     then call Saved. Until then nothing else is decided or said.
//  2. Begin the exchanges and the return, if there are any.
//  3. Send AppendMessage to every other owner, also when nothing has changed:
//     that is how an owner counts as present.
//
// An exchange takes the range resets first, then the records, through
// ExchangeReset and Merge with Exchange, and ends with Commit; equal digests of
// everything are as good. The giver has swept before (Memory.Swept), and asks
// [Machine.Gives] of its own Machine when it begins and when it has given the last.
//
// At the start it makes a Machine of what was saved, tells the store what
// Floors says, and only then lets anything be merged or stamped.
//
// # Old copies
//
// An owner whose floor is below what the others have, and that was not done with
// that round, or of which the others know something later than it knows itself,
// holds an old copy: it was restored. One that may have lost what it had said
// to hold (the caller knows: [Config.Lost]) and one without a saved state are treated alike. Such
// an owner returns: until it has, it must not serve, send or vote
// ([Machine.Returning]). The Machine names a complete owner and a floor G
// ([Return]); the caller tells the store the promise, the closing and the
// floor, calls Memory.Return for each key that either holds, takes what the
// remaining owners hold by the exchange's road, commits, and calls Returned. All other
// owners must be there, for one may hold alone what was lost.
//
// When nobody is complete (a new cluster, or all lost power at once), those with
// the greatest floor go on as they are, and drop nothing.
//
// # What stalls it
//
// An owner that is away stalls the round, and the floor stays; nothing comes
// back by that. [Machine.Stalled] says who, with what, since when.
package floor
