package peerwire

import (
	"encoding/binary"
	"fmt"
	"time"
)

// Version is the format version that begins every preface and every frame.
const Version = 1

// MaxFrame is the largest payload of one frame. A larger message is cut into
// several, so that small messages pass between them: 64 KiB take half a
// millisecond on a 1 Gbit/s link.
const MaxFrame = 64 << 10

// The layout of a frame, integers big-endian:
//
//	 0  version        1
//	 1  type           1
//	 2  flags          1   first, last
//	 3  code           1   the application's kind, or a reply's status
//	 4  payload length 4
//	 8  id             8   chosen by the side that asks
//	--- in the first frame of a message only:
//	16  total length   4   of the message, over all its frames
//	20  remaining time 4   milliseconds, 0 for no deadline
//	24  epoch number   8
//	32  epoch hash     8
//	--- payload
const (
	headerLen = 16
	firstLen  = headerLen + 24
	offType   = 1
	offRemain = 20
)

type frameType byte

const (
	frameVoid    frameType = iota // a message that was withdrawn while it was queued
	frameRequest                  // expects a reply with its id
	frameOneWay                   // expects none
	frameReply                    // code is a status
	frameAbort                    // the message id, begun earlier, will not be finished
	framePing                     // answered by a pong with its id
	framePong
	frameClose // payload is the reason, the connection ends
	frameTypes // the number of types
)

const (
	flagFirst byte = 1 << iota
	flagLast
	flagsKnown = flagFirst | flagLast
)

// Statuses of a reply.
const (
	statusOK      byte = iota
	statusRefused      // not executed
	statusDropped      // executed, reply thrown away
)

// Epoch identifies a cluster layout: its number, and a hash that tells two
// layouts of one number apart. peerwire carries it and gives it no meaning.
type Epoch struct {
	Number uint64
	Hash   uint64
}

type frame struct {
	typ     frameType
	flags   byte
	code    byte
	id      uint64
	total   uint32
	remain  uint32
	epoch   Epoch
	payload []byte // aliases the input

	came time.Time // set by a server: the earliest time at which it may have come
}

func (f *frame) first() bool { return f.flags&flagFirst != 0 }
func (f *frame) last() bool  { return f.flags&flagLast != 0 }

// message reports whether the type may span several frames.
func (t frameType) message() bool {
	return t == frameRequest || t == frameOneWay || t == frameReply || t == frameVoid
}

// appendHeader appends the header of a frame with n payload bytes.
func (f *frame) appendHeader(dst []byte, n int) []byte {
	dst = append(dst, Version, byte(f.typ), f.flags, f.code)
	dst = binary.BigEndian.AppendUint32(dst, uint32(n))
	dst = binary.BigEndian.AppendUint64(dst, f.id)
	if f.first() {
		dst = binary.BigEndian.AppendUint32(dst, f.total)
		dst = binary.BigEndian.AppendUint32(dst, f.remain)
		dst = binary.BigEndian.AppendUint64(dst, f.epoch.Number)
		dst = binary.BigEndian.AppendUint64(dst, f.epoch.Hash)
	}
	return dst
}

// appendSmall appends a frame that is complete in itself and no message.
func appendSmall(dst []byte, typ frameType, id uint64, payload []byte) []byte {
	f := frame{typ: typ, flags: flagLast, id: id}
	dst = f.appendHeader(dst, len(payload))
	return append(dst, payload...)
}

// decodeFrame reads one frame from the start of b into f. It returns the length
// of the frame, or 0 and how many bytes are needed before it can say more.
func decodeFrame(b []byte, f *frame) (n, need int, err error) {
	if len(b) == 0 {
		return 0, headerLen, nil
	}
	if b[0] != Version {
		return 0, 0, fmt.Errorf("%w: frame of version %d, known is %d", ErrVersion, b[0], Version)
	}
	if len(b) < headerLen {
		return 0, headerLen, nil
	}
	f.typ, f.flags, f.code = frameType(b[1]), b[2], b[3]
	size := binary.BigEndian.Uint32(b[4:])
	f.id = binary.BigEndian.Uint64(b[8:])
	switch {
	case f.typ >= frameTypes:
		return 0, 0, fmt.Errorf("%w: frame type %d", ErrProtocol, f.typ)
	case f.flags&^flagsKnown != 0:
		return 0, 0, fmt.Errorf("%w: frame flags %#x", ErrProtocol, f.flags)
	case size > MaxFrame:
		return 0, 0, fmt.Errorf("%w: frame of %d bytes, at most %d", ErrProtocol, size, MaxFrame)
	case !f.typ.message() && f.flags != flagLast:
		return 0, 0, fmt.Errorf("%w: frame type %d with flags %#x", ErrProtocol, f.typ, f.flags)
	case f.typ.message() && size == 0 && f.flags != flagFirst|flagLast:
		// Else a sender could keep us busy without ever making progress.
		return 0, 0, fmt.Errorf("%w: empty frame within a message", ErrProtocol)
	}
	head := headerLen
	if f.first() {
		head = firstLen
	}
	if len(b) < head {
		return 0, head + int(size), nil
	}
	f.total, f.remain, f.epoch = 0, 0, Epoch{}
	if f.first() {
		f.total = binary.BigEndian.Uint32(b[16:])
		f.remain = binary.BigEndian.Uint32(b[offRemain:])
		f.epoch.Number = binary.BigEndian.Uint64(b[24:])
		f.epoch.Hash = binary.BigEndian.Uint64(b[32:])
		if size > f.total || f.last() && size != f.total {
			return 0, 0, fmt.Errorf("%w: message of %d bytes begins with a frame of %d", ErrProtocol, f.total, size)
		}
	}
	n = head + int(size)
	if len(b) < n {
		return 0, n, nil
	}
	f.payload = b[head:n:n]
	return n, 0, nil
}

// Deadlines are kept in a queued frame's remaining-time field as milliseconds
// since the connection's base, modulo 2^32, and turned into remaining time when
// the frame leaves: time spent in the queue counts. 0 is "no deadline" in both.

// dueMillis is what a queued frame holds for a deadline.
func dueMillis(due time.Duration) uint32 {
	if due == 0 {
		return 0
	}
	ms := uint32(uint64(due.Milliseconds()))
	if ms == 0 {
		ms = 1
	}
	return ms
}

// remainMillis turns dueMillis into remaining milliseconds, at least 1: a
// request whose time is up is still told apart from one without a deadline.
func remainMillis(due, now uint32) uint32 {
	if due == 0 {
		return 0
	}
	if left := int32(due - now); left > 1 {
		return uint32(left)
	}
	return 1
}

// stampRemaining walks the queued frames in b and fills in the remaining time.
// All of them are whole messages, control frames or replies.
func stampRemaining(b []byte, now uint32) {
	for len(b) >= headerLen {
		n := headerLen + int(binary.BigEndian.Uint32(b[4:]))
		if b[2]&flagFirst != 0 {
			field := b[offRemain : offRemain+4]
			binary.BigEndian.PutUint32(field, remainMillis(binary.BigEndian.Uint32(field), now))
			n += firstLen - headerLen
		}
		b = b[n:]
	}
}
