package oplog

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
)

// Kind tells what an operation is. Kinds are part of the format.
type Kind uint8

// The kinds that owners append.
const (
	// Delta is a delta of one key.
	Delta Kind = 1
	// RangeReset is a reset of a range of tokens.
	RangeReset Kind = 2
	// Bundle is reserved for deltas of several keys that are joined together.
	Bundle Kind = 3
	// NodeMark is reserved for facts about the node.
	NodeMark Kind = 4
	// Replace is the record of one key in the place of all that was said of it
	// before; empty if nothing is left. Since format 2.
	Replace Kind = 5
	// Forget takes range resets back, up to a version in a range. Since format 2.
	Forget Kind = 6

	// mark says up to which offset the segment was synced; it carries the
	// segment's id, by which it is found behind damage.
	mark Kind = 0xF0
	// end closes a snapshot and carries the number of its operations.
	end Kind = 0xF1
)

// formatVersion is what this package writes; it reads those up to it.
const formatVersion = 2

const (
	magic      = "dynolog\n"
	headerSize = len(magic) + 4 + 4 + 8 + 16 + 8 + 4
	frameHead  = 8
	// maxFrame bounds what a frame's length may say, so that it fits an int
	// everywhere.
	maxFrame = math.MaxInt32 - frameHead

	typeLog, typeSnap = 1, 2
)

// MaxOperation bounds the key and the body of an operation together. It is
// well above the largest value that Redis allows, 512 MiB.
const MaxOperation = maxFrame - 16

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// header begins every file.
type header struct {
	kind    uint32 // typeLog or typeSnap
	seq     uint64
	id      [16]byte
	prevLen uint64 // length of the segment before; noLength if that is not known
}

// noLength is for the first segment and for one that follows a segment that
// could not be synced.
const noLength = math.MaxUint64

func newHeader(kind uint32, seq, prevLen uint64) header {
	h := header{kind: kind, seq: seq, prevLen: prevLen}
	rand.Read(h.id[:]) // never fails
	return h
}

func (h *header) encode() []byte {
	b := append(make([]byte, 0, headerSize), magic...)
	b = binary.LittleEndian.AppendUint32(b, formatVersion)
	b = binary.LittleEndian.AppendUint32(b, h.kind)
	b = binary.LittleEndian.AppendUint64(b, h.seq)
	b = append(b, h.id[:]...)
	b = binary.LittleEndian.AppendUint64(b, h.prevLen)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// errNewer is wrapped with the numbers.
var errNewer = errors.New("written by a newer version of this program")

func decodeHeader(b []byte) (h header, err error) {
	if len(b) < headerSize || string(b[:len(magic)]) != magic {
		return h, errors.New("not a log file, or its header is damaged")
	}
	b = b[:headerSize]
	// The version comes first: what follows may have changed with it.
	if v := binary.LittleEndian.Uint32(b[8:]); v > formatVersion {
		return h, fmt.Errorf("%w: format %d, this program reads up to %d", errNewer, v, formatVersion)
	}
	if crc32.Checksum(b[:headerSize-4], castagnoli) != binary.LittleEndian.Uint32(b[headerSize-4:]) {
		return h, errors.New("the header is damaged")
	}
	h.kind = binary.LittleEndian.Uint32(b[12:])
	h.seq = binary.LittleEndian.Uint64(b[16:])
	copy(h.id[:], b[24:])
	h.prevLen = binary.LittleEndian.Uint64(b[40:])
	return h, nil
}

func appendFrame(dst []byte, kind Kind, key, body []byte) []byte {
	if len(key)+len(body) > MaxOperation {
		panic("oplog: an operation of more than MaxOperation bytes")
	}
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0, 0, 0, 0, 0, byte(kind))
	dst = binary.AppendUvarint(dst, uint64(len(key)))
	dst = append(dst, key...)
	dst = append(dst, body...)
	f := dst[start:]
	binary.LittleEndian.PutUint32(f, uint32(len(f)-frameHead))
	binary.LittleEndian.PutUint32(f[4:], frameSum(f))
	return dst
}

// frameSum covers the length too: a wrong length reads wrong bytes, and a
// stretch of zeros is no frame.
func frameSum(f []byte) uint32 {
	return crc32.Update(crc32.Checksum(f[:4], castagnoli), castagnoli, f[frameHead:])
}

// appendMark appends the mark that says that the segment id was synced up to
// offset off.
func appendMark(dst []byte, id *[16]byte, off int64) []byte {
	return appendFrame(dst, mark, id[:], binary.LittleEndian.AppendUint64(nil, uint64(off)))
}

var (
	errShort  = errors.New("the frame is cut off")
	errLength = errors.New("the frame's length is impossible")
	errSum    = errors.New("the frame's checksum does not match")
	errFrame  = errors.New("the frame's content is malformed")
)

// frameSize reads the length of the frame that b begins with.
func frameSize(b []byte) (int, error) {
	if len(b) < frameHead {
		return 0, errShort
	}
	n := binary.LittleEndian.Uint32(b)
	if n < 2 || n > maxFrame {
		return 0, errLength
	}
	return frameHead + int(n), nil
}

// decodeFrame reads one whole frame; key and body alias f.
func decodeFrame(f []byte) (kind Kind, key, body []byte, err error) {
	if n, err := frameSize(f); err != nil || n != len(f) {
		return 0, nil, nil, errLength
	}
	if frameSum(f) != binary.LittleEndian.Uint32(f[4:]) {
		return 0, nil, nil, errSum
	}
	kind, b := Kind(f[frameHead]), f[frameHead+1:]
	n, w := binary.Uvarint(b)
	if w <= 0 || n > uint64(len(b)-w) {
		return 0, nil, nil, errFrame
	}
	b = b[w:]
	return kind, b[:n:n], b[n:], nil
}
