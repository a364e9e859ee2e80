package hints

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
)

// Every file begins with
//
//	[magic 8][format 2][writer length 2][writer][node length 2][node][crc32c 4]
//
// so that a file that was moved, renamed or restored to another node is told
// from one's own.
const (
	magic  = "dynohint"
	format = 1
	maxID  = 1 << 10 // bytes of an id
)

var (
	errNewer   = errors.New("hints: written by a newer version of this program")
	errForeign = errors.New("hints: written by another node")
	errHeader  = errors.New("hints: the header is damaged")
	errTorn    = errors.New("hints: the file ends within its header")
)

func appendHeader(dst []byte, writer, node string) []byte {
	from := len(dst)
	dst = append(dst, magic...)
	dst = binary.BigEndian.AppendUint16(dst, format)
	for _, id := range [...]string{writer, node} {
		dst = binary.BigEndian.AppendUint16(dst, uint16(len(id)))
		dst = append(dst, id...)
	}
	return binary.BigEndian.AppendUint32(dst, crc32.Checksum(dst[from:], castagnoli))
}

// readHeader returns the node that a file is for, and the header's length. An
// error is one of the four above.
func readHeader(b []byte, writer string) (node string, size int, err error) {
	if !bytes.HasPrefix(b, []byte(magic)[:min(len(b), len(magic))]) {
		return "", 0, errHeader
	}
	if len(b) < len(magic)+2 {
		return "", 0, errTorn
	}
	size = len(magic)
	if v := binary.BigEndian.Uint16(b[size:]); v > format {
		return "", 0, fmt.Errorf("%w: it has format %d, this one knows %d", errNewer, v, format)
	}
	size += 2
	var ids [2]string
	for i := range ids {
		if len(b) < size+2 {
			return "", 0, errTorn
		}
		n := int(binary.BigEndian.Uint16(b[size:]))
		size += 2
		if n > maxID {
			return "", 0, errHeader
		}
		if len(b) < size+n {
			return "", 0, errTorn
		}
		ids[i] = string(b[size : size+n])
		size += n
	}
	if len(b) < size+4 {
		return "", 0, errTorn
	}
	if crc32.Checksum(b[:size], castagnoli) != binary.BigEndian.Uint32(b[size:]) {
		return "", 0, errHeader
	}
	if ids[0] != writer {
		return "", 0, fmt.Errorf("%w: %q, this one is %q", errForeign, ids[0], writer)
	}
	return ids[1], size + 4, nil
}

// Names of files. stem is a safe name for a node: what can be read of its id,
// and a hash of all of it.
const (
	segmentSuffix = ".hints"
	dirtySuffix   = ".dirty"
	tempSuffix    = ".tmp"
	brokenSuffix  = ".broken"
)

func stem(node string) string {
	safe := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-':
			return r
		}
		return '_'
	}, node)
	sum := sha256.Sum256([]byte(node))
	return safe[:min(len(safe), 40)] + "-" + hex.EncodeToString(sum[:8])
}

func segmentName(node string, seq uint64) string {
	return fmt.Sprintf("%s.%016x%s", stem(node), seq, segmentSuffix)
}

func marksName(node string) string { return stem(node) + dirtySuffix }
