package peerwire

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
)

// Magic is the first 4 bytes of a connection; they name what it is for, so that
// several protocols can share a port (see [Mux]).
type Magic [4]byte

// MagicPeer begins a connection of this package, in both directions.
var MagicPeer = Magic{'D', 'Y', 'N', 'W'}

// MaxNode is the longest node id, in bytes: its length travels in one byte.
const MaxNode = 255

// Preface is what each side of a connection says first, the client before the
// server:
//
//	 0  magic "DYNW"   4
//	 4  version        1
//	 5  flags          1   1: the client is refused, a close frame follows
//	 6  reserved       1   zero
//	 7  length of id   1
//	 8  cluster hash   8
//	16  max message    4   the largest message that this side accepts
//	20  node id
type Preface struct {
	Version    byte
	Cluster    uint64 // see ClusterHash
	MaxMessage uint32 // bytes
	Node       string // at most MaxNode bytes

	refused bool // a server's: a close frame with the reason follows
}

const (
	prefaceLen       = 20
	flagRefused byte = 1
)

// ClusterHash is how a cluster's name travels in a [Preface]: FNV-1a of its
// bytes. It keeps two clusters from mixing by accident; it is no secret and
// keeps nobody out who wants to get in.
func ClusterHash(name string) uint64 {
	h := fnv.New64a()
	io.WriteString(h, name)
	return h.Sum64()
}

// Append appends the encoded preface to dst.
func (p Preface) Append(dst []byte) []byte {
	dst = append(dst, MagicPeer[:]...)
	var flags byte
	if p.refused {
		flags = flagRefused
	}
	dst = append(dst, p.Version, flags, 0, byte(len(p.Node)))
	dst = binary.BigEndian.AppendUint64(dst, p.Cluster)
	dst = binary.BigEndian.AppendUint32(dst, p.MaxMessage)
	return append(dst, p.Node...)
}

// ReadPreface reads a preface from r and not one byte more. It fails with
// [ErrProtocol] for another magic and with [ErrVersion] for a newer version.
func ReadPreface(r io.Reader) (Preface, error) {
	var b [prefaceLen]byte
	// The magic and the version come first: what follows may look different in
	// another version.
	if _, err := io.ReadFull(r, b[:5]); err != nil {
		return Preface{}, err
	}
	if Magic(b[:4]) != MagicPeer {
		return Preface{}, fmt.Errorf("%w: connection begins with %q, want %q", ErrProtocol, b[:4], MagicPeer[:])
	}
	if b[4] != Version {
		return Preface{}, fmt.Errorf("%w: preface of version %d, known is %d", ErrVersion, b[4], Version)
	}
	if _, err := io.ReadFull(r, b[5:]); err != nil {
		return Preface{}, noEOF(err)
	}
	p := Preface{
		Version:    b[4],
		Cluster:    binary.BigEndian.Uint64(b[8:]),
		MaxMessage: binary.BigEndian.Uint32(b[16:]),
		refused:    b[5]&flagRefused != 0,
	}
	id := make([]byte, b[7])
	if _, err := io.ReadFull(r, id); err != nil {
		return Preface{}, noEOF(err)
	}
	p.Node = string(id)
	return p, nil
}

// noEOF makes an end in the middle an unexpected one.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
