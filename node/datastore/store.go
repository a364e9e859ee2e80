package datastore

// Store holds the records of one node. It is the hook behind which the memory
// store, or somebody's own, stands. Every method is safe for concurrent use.
//
// There is one way in: Update executes a command and joins what it wrote,
// Merge joins what another replica wrote; both end in the same join. A Store
// never looks at the wall clock itself: it reads the time of the [Clock] that
// it was opened with.
type Store interface {
	// Read calls r once with what key shows now. r must not block, must not
	// call the store, and must not keep anything of the view.
	Read(key []byte, r Reader) error

	// ReadDigest is Read that also returns the digest of the record that r saw:
	// what another replica has to hold for the reply to be a majority's.
	ReadDigest(key []byte, r Reader) (digest uint64, err error)

	// Update takes a stamp, shows u what key shows at the stamp's time, joins
	// what u wrote to the record and to the log, and reports it. The encoded
	// delta is appended to dst; dst comes back as it was if u wrote nothing.
	// u must not block and must not call the store.
	Update(key []byte, u Updater, dst []byte) (Update, error)

	// Merge joins a delta that another replica wrote (or a whole record, which
	// is a delta too). The answer says whether it won; what beat it is
	// appended to dst. Bytes that are no delta are an error and change nothing.
	Merge(key, delta []byte, opt MergeOptions, dst []byte) (Answer, error)

	// Record appends the whole encoded record of key to dst; dst comes back as
	// it was if nothing is held. Digest is the digest of the record, zero if
	// there is none.
	Record(key, dst []byte) ([]byte, error)
	Digest(key []byte) (uint64, error)

	// Scan calls fn for each record whose token is in [from, to], in token order, until
	// fn returns false. Entries with equal tokens are never split: next is the
	// token to go on from, and done says that nothing is left up to to. fn may call no
	// method of the store; the entry is valid until it returns.
	Scan(from, to uint64, fn func(Entry) bool) (next uint64, done bool, err error)

	// ResetRange stamps and joins a reset of every record whose token is in
	// [from, to] (FLUSHALL). MergeReset joins one that another replica wrote; the answer is
	// lost if a newer record is held in the range, and Answer.Newest says how new.
	ResetRange(from, to uint64) (Version, error)
	MergeReset(from, to uint64, v Version) (Answer, error)

	// Resets returns the range resets held.
	Resets() []RangeReset

	// Len is the number of keys that exist, give or take those that expired
	// a moment ago; Expires is how many of them have an expiry.
	Len() int
	Expires() int

	// Commit returns when every delta joined before the call is as durable as
	// the store's sync policy asks (for the memory store without a directory:
	// at once). A reply must not be sent before.
	Commit() error

	// Close ends the store; it may be called twice.
	Close() error
}

// Reader looks at a record.
type Reader interface{ Read(*View) }

// Updater executes a command on a record: it looks at the view and writes
// into the delta, which carries the command's stamp.
type Updater interface{ Update(*View, *Delta) }

// Update is what [Store.Update] did.
type Update struct {
	// Delta is dst with the encoded delta appended; of the same length as dst
	// when the command wrote nothing.
	Delta []byte
	// Wrote says whether there is a delta.
	Wrote bool
	// Stamp is the version the command ran at, also if it wrote nothing.
	Stamp Version
	// Before is the record's digest as the command saw it; zero if no record, and
	// perhaps zero after [Delta.WithoutBefore].
	Before uint64
}

// MergeOptions qualify a merge.
type MergeOptions struct {
	// Check asks that the record's digest before the merge equals Before: what
	// the executor saw. If it does not, the delta is joined all the same, and
	// the answer says Differs and carries the record as it was before.
	Check  bool
	Before uint64

	// Exchange says that this is what another owner of the key holds, taken
	// after both have closed, or what a returning owner takes from a complete
	// one: nothing is too old then. See [Memory.CloseUpTo]; a store that does
	// not close ignores it.
	Exchange bool

	// Held says that this is what another owner of the key held while this store's
	// floor was what it is now: an answer to what it was asked since, see
	// [Memory.Raises], or a record that came with its floor. While a round is under way (this
	// store has closed above its floor) nothing of it is too old either: its
	// owner has yet to give it to everybody, if it has not. Afterwards it counts
	// for nothing.
	Held bool

	closed Version // what is not newer is refused
	lapsed Version // what an expiry ended up to here is gone for good
}

// Answer is an owner's answer to a delta.
type Answer struct {
	// Won: every atom of the delta is held with its stamp, and nothing unseen hides it.
	Won bool
	// Differs: the owner's record was not the one that the executor saw.
	Differs bool
	// Conflict: the delta replaced a live value whose writer it had not seen
	// (counted, no fault).
	Conflict bool
	// Refused is how many atoms were not joined because all owners had closed
	// above them and this one did not hold them. The answer is not Won then,
	// nothing is wrong with the delta, and sending it again will not help: who
	// wrote it has it, and the owners take it from there.
	Refused int
	// Newest is the greatest version that the owner knows in the record: the
	// next stamp must be above it.
	Newest Version
	// Beat is dst, with what beat the delta appended (a delta itself: merge it,
	// then execute again) if it did not win or if Differs.
	Beat []byte

	lapsed bool // something was dropped that the log has to forget
}

// Entry is a record as [Store.Scan] shows it, valid during the call.
type Entry struct {
	Token  uint64
	Key    []byte
	Digest uint64
	// Shown says whether the key exists now, and Kind as what.
	Kind Kind
	// Expiry is the time of expiry in Unix milliseconds; zero if none.
	Expiry int64
	// Append appends the whole encoded record to dst.
	Append func(dst []byte) []byte
}

// RangeReset says that everything born up to Version in the token range
// [From, To] is gone.
type RangeReset struct {
	From, To uint64
	Version  Version
}
