package floor

import (
	"encoding/binary"
	"errors"
	"hash/crc32"

	"github.com/dynomite-go/dynomite/node/datastore"
)

// standing says how far an owner's copy can be relied on.
type standing uint8

const (
	complete  standing = iota
	returning          // an old copy, or one that may have lost something
	assumed            // taken for complete, for there was nobody to return from
	joining            // as returning, but it began with nothing, so nothing it holds is old
)

// state is what an owner says of itself. Only an owner changes its own state, and
// each change makes it a later one: life first, then seq.
type state struct {
	id
	// prev is what this life began from: an owner that knows something later
	// of us sees that we began from an old copy.
	prev     id
	standing standing
	// promised is the version that is promised, on top of the floor base; it
	// is the floor itself between two rounds.
	promised, base datastore.Version
	closed, done   datastore.Version
	doneAt         datastore.Version // the clock when it was done
	floor, before  datastore.Version
}

// returns says that the owner has to return before it counts.
func (s *state) returns() bool { return s.standing == returning || s.standing == joining }

// id orders the states of one owner. A life begins with a start, or with a
// return.
type id struct{ life, seq uint64 }

// later says whether s was said after o.
func (s id) later(o id) bool {
	return s.life > o.life || s.life == o.life && s.seq > o.seq
}

const idSize = 16

func (s id) append(b []byte) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, s.life), s.seq)
}

func loadID(b []byte) id { return id{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])} }

// Formats of what is saved and said.
const (
	formatSaved   = 0x10
	formatMessage = 0x20
)

// versionSize is what datastore.Version.Append appends.
const versionSize = 12

const stateSize = 2*idSize + 1 + 7*versionSize

var errDamaged = errors.New("floor: damaged or of an unknown format")

func (s *state) append(b []byte) []byte {
	b = append(s.prev.append(s.id.append(b)), byte(s.standing))
	for _, v := range s.versions() {
		b = v.Append(b)
	}
	return b
}

func (s *state) versions() [7]*datastore.Version {
	return [7]*datastore.Version{&s.promised, &s.base, &s.closed, &s.done, &s.doneAt, &s.floor, &s.before}
}

// decode reads what append wrote; b has stateSize bytes.
func (s *state) decode(b []byte) error {
	s.id, s.prev, s.standing = loadID(b), loadID(b[idSize:]), standing(b[2*idSize])
	b = b[2*idSize+1:]
	for _, v := range s.versions() {
		v.Time, v.Node = binary.BigEndian.Uint64(b), binary.BigEndian.Uint32(b[8:])
		b = b[versionSize:]
	}
	sound := s.standing <= joining && !s.promised.Less(s.closed) && !s.closed.Less(s.done) && !s.done.Less(s.floor) && !s.floor.Less(s.before)
	if !sound {
		return errDamaged
	}
	return nil
}

// seal puts a checksum behind b, from a mark on.
func seal(b []byte, mark int) []byte {
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[mark:]))
}

// unseal checks format, group and checksum, and returns what is between.
func unseal(b []byte, format byte, group uint64) ([]byte, error) {
	const head, tail = 1 + 8, 4
	if len(b) < head+stateSize+tail || b[0] != format {
		return nil, errDamaged
	}
	if crc32.ChecksumIEEE(b[:len(b)-tail]) != binary.BigEndian.Uint32(b[len(b)-tail:]) {
		return nil, errDamaged
	}
	if binary.BigEndian.Uint64(b[1:]) != group {
		return nil, errGroup
	}
	return b[head : len(b)-tail], nil
}
