package coordinator

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/quorum"
)

// Kinds of message between the nodes of a cluster. They start at 16: what is
// below belongs to the layout and the node's own housekeeping.
const (
	// KindExec asks the primary to execute commands.
	KindExec byte = 16 + iota
	// KindApply asks an owner to join deltas and to compare digests.
	KindApply
	// KindReset asks an owner to join a range reset.
	KindReset
	// KindKeyspace asks a node about the part of the keyspace that it is primary of.
	KindKeyspace
	// KindCompare asks in what two owners' records differ, KindReconcile is
	// about records that do.
	KindCompare
	KindReconcile
)

// formatVersion opens every message: a node speaks its own and the one before.
const formatVersion = 1

var errShort = errors.New("coordinator: message is cut short")

// A reader walks a message and remembers the first fault, so that decoders
// check once at their end.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail() {
	if r.err == nil {
		r.err = errShort
	}
	r.b = nil
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.fail()
		return 0
	}
	x := r.b[0]
	r.b = r.b[1:]
	return x
}

func (r *reader) uvarint() uint64 {
	x, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return x
}

func (r *reader) uint64() uint64 {
	if len(r.b) < 8 {
		r.fail()
		return 0
	}
	x := binary.BigEndian.Uint64(r.b)
	r.b = r.b[8:]
	return x
}

// versionSize is the length of an encoded version.
const versionSize = 12

// stamp reads what Version.Append wrote.
func (r *reader) stamp() datastore.Version {
	t := r.uint64()
	if len(r.b) < 4 {
		r.fail()
		return datastore.Version{}
	}
	v := datastore.Version{Time: t, Node: binary.BigEndian.Uint32(r.b)}
	r.b = r.b[4:]
	return v
}

// bytes returns a length-prefixed part, an alias of the message.
func (r *reader) bytes() []byte {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.fail()
		return nil
	}
	x := r.b[:n:n]
	r.b = r.b[n:]
	return x
}

// count reads a number of parts, each at least min bytes long, so that a
// hostile count never makes us allocate more than the message is long.
func (r *reader) count(min int) int {
	n := r.uvarint()
	if n > uint64(len(r.b)/min) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *reader) version() { r.expect(formatVersion) }

func (r *reader) expect(version byte) {
	if v := r.byte(); r.err == nil && v != version {
		r.err = fmt.Errorf("coordinator: message has format version %d, this node speaks %d: upgrade the older one", v, version)
		r.b = nil
	}
}

func appendBytes(dst, b []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(b)))
	return append(dst, b...)
}

// An exec message is: version, protocol, read level, write level, then per
// command a number of arguments and the arguments, to its end.
func appendExecHead(dst []byte, proto int, read, write quorum.Level) []byte {
	return append(dst, formatVersion, byte(proto), byte(read), byte(write))
}

func appendExecCommand(dst []byte, args [][]byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(args)))
	for _, a := range args {
		dst = appendBytes(dst, a)
	}
	return dst
}

// Entries of an apply message. Each is: tag, key, and
//
//	entryDelta    digest before, delta   join what a command wrote, and count a
//	                                     conflict if it replaced what it had not seen
//	entryRecord   record                 join what another copy held some time ago
//	entryDigest   digest                 compare only
//	entryHeld     floor, record          join what the sender holds at its floor
const (
	entryDelta byte = iota + 1
	entryRecord
	entryDigest
	entryHeld
)

func appendDelta(dst, key []byte, before uint64, delta []byte) []byte {
	dst = append(dst, entryDelta)
	dst = appendBytes(dst, key)
	dst = binary.BigEndian.AppendUint64(dst, before)
	return appendBytes(dst, delta)
}

func appendRecord(dst, key, record []byte) []byte {
	dst = append(dst, entryRecord)
	dst = appendBytes(dst, key)
	return appendBytes(dst, record)
}

func appendHeld(dst, key []byte, floor datastore.Version, record []byte) []byte {
	dst = append(dst, entryHeld)
	dst = floor.Append(appendBytes(dst, key))
	return appendBytes(dst, record)
}

func appendDigest(dst, key []byte, digest uint64) []byte {
	dst = append(dst, entryDigest)
	dst = appendBytes(dst, key)
	return binary.BigEndian.AppendUint64(dst, digest)
}

// entry is one decoded entry of an apply message.
type entry struct {
	tag    byte
	key    []byte
	digest uint64 // before the delta, or to be compared
	delta  []byte // or record
	floor  datastore.Version
}

func (r *reader) entry() entry {
	e := entry{tag: r.byte(), key: r.bytes()}
	switch e.tag {
	case entryDelta:
		e.digest = r.uint64()
		e.delta = r.bytes()
	case entryRecord:
		e.delta = r.bytes()
	case entryDigest:
		e.digest = r.uint64()
	case entryHeld:
		e.floor = r.stamp()
		e.delta = r.bytes()
	default:
		r.fail()
	}
	return e
}

// Flags of one answer in the reply to an apply message. An answer of flagWon
// alone has no body; any other is followed by what the owner holds.
const (
	flagWon     byte = 1 << iota
	flagDiffers      // of a digest
	flagConflict
	flagFailed  // the store could not take it; the body is the error's text
	flagRefused // a part of it was too old, and was not joined
)

func appendAnswer(dst []byte, a datastore.Answer, beat []byte) []byte {
	var f byte
	if a.Won {
		f |= flagWon
	}
	if a.Differs {
		f |= flagDiffers
	}
	if a.Conflict {
		f |= flagConflict
	}
	if a.Refused > 0 {
		f |= flagRefused
	}
	dst = append(dst, f)
	if f&^flagConflict != flagWon {
		dst = appendBytes(dst, beat)
	}
	return dst
}

func appendFailure(dst []byte, err error) []byte {
	dst = append(dst, flagFailed)
	return appendBytes(dst, []byte(err.Error()))
}

// answer is one decoded answer.
type answer struct {
	flags byte
	body  []byte
	by    road // by which the body is to be taken
}

// won says that the owner holds what it was sent, or asked about, and that
// nothing beats it.
func (a answer) won() bool { return a.flags&flagWon != 0 && a.flags&flagDiffers == 0 }

func (r *reader) answer() answer {
	a := answer{flags: r.byte()}
	if a.flags&^flagConflict != flagWon {
		a.body = r.bytes()
	}
	return a
}
