package hints

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// What stands in a segment after its header, one record after the other:
//
//	[marker 4][crc32c 4][length 4][body]
//	body:   delta    [1][id 8][at 8][token 8][key length uvarint][key][delta]
//	        bundle   [2][id 8][at 8][ranges uvarint][from 8, to 8]...[bundle]
//	        acks     [3][id 8]...
//	        filler   [4][anything], over a stretch that was found to be damaged
//
// Integers are big endian. The checksum covers the segment's header and the
// body, so that a record that strays into another node's file is damage there.
// The marker is where reading goes on after damage.
const (
	kindDelta byte = iota + 1
	kindBundle
	kindAcks
	kindFiller
)

const frameSize = 12

// marker is no text and no UTF-8, so that values rarely hold it.
var marker = []byte{0xd7, 'H', 0xf5, 'N'}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errMalformed = errors.New("hints: malformed record")

// entry is a decoded body; its slices alias it.
type entry struct {
	kind   byte
	id     uint64
	at     int64 // Unix ms of its oldest part
	ranges []Range
	key    []byte
	delta  []byte
	acks   []byte // ids of eight bytes
}

// appendFrame appends what stands before a body, with room for the checksum.
func appendFrame(dst []byte) []byte {
	dst = append(dst, marker...)
	return append(dst, 0, 0, 0, 0, 0, 0, 0, 0)
}

// sealFrame fills in the frame of the body that ends dst and began after from.
func sealFrame(dst []byte, from int, salt uint32) {
	body := dst[from+frameSize:]
	binary.BigEndian.PutUint32(dst[from+4:], crc32.Update(salt, castagnoli, body))
	binary.BigEndian.PutUint32(dst[from+8:], uint32(len(body)))
}

func appendDelta(dst []byte, id uint64, at int64, token uint64, key, delta []byte) []byte {
	dst = append(dst, kindDelta)
	dst = binary.BigEndian.AppendUint64(dst, id)
	dst = binary.BigEndian.AppendUint64(dst, uint64(at))
	dst = binary.BigEndian.AppendUint64(dst, token)
	dst = binary.AppendUvarint(dst, uint64(len(key)))
	dst = append(dst, key...)
	return append(dst, delta...)
}

func appendBundle(dst []byte, id uint64, at int64, rs []Range, bundle []byte) []byte {
	dst = append(dst, kindBundle)
	dst = binary.BigEndian.AppendUint64(dst, id)
	dst = binary.BigEndian.AppendUint64(dst, uint64(at))
	dst = binary.AppendUvarint(dst, uint64(len(rs)))
	for _, r := range rs {
		dst = binary.BigEndian.AppendUint64(dst, r.From)
		dst = binary.BigEndian.AppendUint64(dst, r.To)
	}
	return append(dst, bundle...)
}

// fill makes fillers of a damaged stretch, so that it is reported once. It says
// whether there is room for one.
func fill(b []byte, salt uint32) bool {
	if len(b) <= frameSize {
		return false
	}
	for len(b) > 0 {
		n := min(len(b), maxFiller)
		if rest := len(b) - n; rest > 0 && rest <= frameSize {
			n -= frameSize + 1
		}
		copy(b, appendFrame(nil))
		b[frameSize] = kindFiller
		sealFrame(b[:n], 0, salt)
		b = b[n:]
	}
	return true
}

// maxFiller is less than the least that MaxRecord is taken for when records are
// read.
const maxFiller = 1 << 20

// maxAcks is how many ids one record of acks holds: 32 KiB, a small part of what
// is read as a record whatever MaxRecord says.
const maxAcks = 4096

func appendAcks(dst []byte, ids []uint64) []byte {
	dst = append(dst, kindAcks)
	for _, id := range ids {
		dst = binary.BigEndian.AppendUint64(dst, id)
	}
	return dst
}

// decode reads a body. It accepts any bytes and allocates no more than they
// are long.
func decode(body []byte) (e entry, err error) {
	if len(body) == 0 {
		return e, errMalformed
	}
	e.kind, body = body[0], body[1:]
	if e.kind == kindFiller {
		return e, nil
	}
	if e.kind == kindAcks {
		if len(body)%8 != 0 {
			return e, errMalformed
		}
		e.acks = body
		return e, nil
	}
	if e.kind != kindDelta && e.kind != kindBundle || len(body) < 16 {
		return e, errMalformed
	}
	e.id = binary.BigEndian.Uint64(body)
	e.at = int64(binary.BigEndian.Uint64(body[8:]))
	body = body[16:]
	if e.kind == kindDelta {
		if len(body) < 8 {
			return e, errMalformed
		}
		token := binary.BigEndian.Uint64(body)
		e.ranges = []Range{{token, token}}
		body = body[8:]
	}
	n, size := binary.Uvarint(body)
	if size <= 0 {
		return e, errMalformed
	}
	body = body[size:]
	if e.kind == kindDelta {
		if n > uint64(len(body)) {
			return e, errMalformed
		}
		e.key, e.delta = body[:n:n], body[n:]
		return e, nil
	}
	if n > uint64(len(body)/16) {
		return e, errMalformed
	}
	for range n {
		r := Range{binary.BigEndian.Uint64(body), binary.BigEndian.Uint64(body[8:])}
		if r.From > r.To {
			return e, errMalformed
		}
		e.ranges = append(e.ranges, r)
		body = body[16:]
	}
	e.delta = body
	return e, nil
}

// unframe checks the record at the start of b and returns its body and whole
// length. torn says that b ends within it.
func unframe(b []byte, salt uint32, maxBody int) (body []byte, size int, torn bool, err error) {
	if len(b) < frameSize {
		return nil, 0, true, errMalformed
	}
	if !bytes.Equal(b[:4], marker) {
		return nil, 0, false, errMalformed
	}
	n := int(binary.BigEndian.Uint32(b[8:]))
	if n > maxBody {
		return nil, 0, false, errMalformed
	}
	if n > len(b)-frameSize {
		return nil, 0, true, errMalformed
	}
	body = b[frameSize : frameSize+n : frameSize+n]
	if crc32.Update(salt, castagnoli, body) != binary.BigEndian.Uint32(b[4:]) {
		return nil, 0, false, errMalformed
	}
	return body, frameSize + n, false, nil
}
