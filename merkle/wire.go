package merkle

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/dynomite-go/dynomite/hashkit"
)

// MaxMessage is the size of the largest request or reply, and of what either
// side accepts.
const MaxMessage = 64 << 10

// ErrDamaged marks bytes or symbols that no honest side with our key and our
// version sends: damage on the way, another key, a bug, or an attack. Whoever
// sent them should be counted, and be left alone for a while.
var ErrDamaged = errors.New("merkle: damaged or forged")

const (
	formatVersion = 1
	sealSize      = 8
)

// The kinds of messages. Each reply goes with a kind of request.
const (
	askCompare byte = 1 + iota
	askSymbols
	askItems
	sayEqual
	sayParts
	saySymbols
	sayItems
)

// seal appends the keyed checksum. That of a reply covers the request's, so that
// a reply is no answer to anything else.
func seal(b []byte, key Key, request uint64) []byte {
	return binary.LittleEndian.AppendUint64(b, key.derive(forMessages, request).bytes(b))
}

// sealOf is the checksum that a message carries.
func sealOf(b []byte) uint64 { return binary.LittleEndian.Uint64(b[len(b)-sealSize:]) }

// open checks size, checksum and version, and gives what follows them.
func open(b []byte, key Key, request uint64) (kind byte, body *reader, err error) {
	switch n := len(b) - sealSize; {
	case n < 2 || len(b) > MaxMessage:
		return 0, nil, fmt.Errorf("%w: a message of %d bytes", ErrDamaged, len(b))
	case b[0] != formatVersion:
		return 0, nil, fmt.Errorf("%w: a message of version %d, want %d", ErrDamaged, b[0], formatVersion)
	case key.derive(forMessages, request).bytes(b[:n]) != sealOf(b):
		return 0, nil, fmt.Errorf("%w: a checksum is wrong: damage, another key, or an answer to something else", ErrDamaged)
	default:
		return b[1], &reader{b: b[2:n]}, nil
	}
}

// reader takes a message apart. After the first error it gives zeros.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: "+format, append([]any{ErrDamaged}, args...)...)
	}
	r.b = nil
}

// done fails if something is left over.
func (r *reader) done() error {
	if len(r.b) > 0 {
		r.fail("%d bytes too many", len(r.b))
	}
	return r.err
}

func (r *reader) byte() byte {
	if len(r.b) < 1 {
		r.fail("a message ends early")
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *reader) uint32() uint32 {
	if len(r.b) < 4 {
		r.fail("a message ends early")
		return 0
	}
	v := binary.LittleEndian.Uint32(r.b)
	r.b = r.b[4:]
	return v
}

func (r *reader) uint64() uint64 {
	if len(r.b) < 8 {
		r.fail("a message ends early")
		return 0
	}
	v := binary.LittleEndian.Uint64(r.b)
	r.b = r.b[8:]
	return v
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail("a number is damaged")
		return 0
	}
	r.b = r.b[n:]
	return v
}

// count reads how many things follow that take least bytes each, so that what is
// allocated for them is in proportion to the bytes that are there.
func (r *reader) count(least int) int {
	n := r.uvarint()
	if n > uint64(len(r.b)/least) {
		r.fail("%d things of %d bytes in %d bytes", n, least, len(r.b))
		return 0
	}
	return int(n)
}

func (r *reader) sum() Sum { return Sum{r.uvarint(), r.uint64()} }

func appendSum(b []byte, s Sum) []byte {
	return binary.LittleEndian.AppendUint64(binary.AppendUvarint(b, s.Count), s.Digest)
}

// appendRuns writes ranges; every token is the empty list.
func appendRuns(b []byte, runs []Range) []byte {
	if len(runs) == 1 && runs[0] == whole[0] {
		return append(b, 0)
	}
	b = binary.AppendUvarint(b, uint64(len(runs)))
	for _, r := range runs {
		b = binary.LittleEndian.AppendUint64(b, uint64(r.From))
		b = binary.AppendUvarint(b, uint64(r.To-r.From))
	}
	return b
}

func (r *reader) runs() []Range {
	n := r.count(9)
	if n == 0 {
		return whole
	}
	runs := make([]Range, n)
	for i := range runs {
		from := hashkit.Token(r.uint64())
		runs[i] = Range{from, from + hashkit.Token(r.uvarint())}
	}
	if r.err != nil {
		return nil
	}
	if err := checkRuns(runs, maxRuns); err != nil {
		r.fail("%v", err)
		return nil
	}
	return runs
}
