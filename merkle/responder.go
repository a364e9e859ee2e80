package merkle

import (
	"encoding/binary"

	"github.com/dynomite-go/dynomite/hashkit"
)

const (
	// parts is how many pieces a range is compared in. 64 fingerprints of 4
	// bytes are a fourth of the kilobyte that one difference may cost, and they
	// narrow it down to a 64th of the items, which is what is read then.
	parts = 64
	// sketchSize is how many symbols of a range are computed: enough for
	// 2,850 differences. They take 128 KB. Where there are more differences, the
	// range is cut.
	sketchSize = 4096
	// A side with as few items as fewItems, asked by one with at most someItems,
	// says at once which they are.
	fewItems, someItems = 32, 4096
)

// Responder is the side of an exchange that answers. Between requests it keeps
// nothing that it needs: it may be thrown away, answer several exchanges in
// turn, and answer a request twice. What it remembers is the last sketch (128
// KB), which saves a scan when more of it is asked for. It is not safe for
// concurrent use.
type Responder struct {
	set Set
	key Key

	// The last sketch, and of what it is.
	sketch *Sketch
	of     uint64
}

// NewResponder answers for a set.
func NewResponder(set Set, key Key) *Responder { return &Responder{set: set, key: key} }

// Answer gives the reply to a request, which may come from anybody: an error that
// wraps [ErrDamaged] says what is wrong with it. Other errors are the set's. An
// answer costs up to one scan of the ranges that the request names, and at most
// [MaxMessage] bytes.
func (p *Responder) Answer(message []byte) ([]byte, error) {
	q, err := readRequest(message, p.key)
	if err != nil {
		return nil, err
	}
	var b []byte
	switch q.kind {
	case askCompare:
		b, err = p.compare(q)
	case askSymbols:
		b, err = p.symbols(q)
	default:
		b, err = p.items(q, []byte{formatVersion, sayItems})
	}
	if err != nil {
		return nil, err
	}
	return seal(b, p.key, sealOf(message)), nil
}

func (p *Responder) compare(q *request) ([]byte, error) {
	sum, err := sumRuns(p.set, q.runs)
	if err != nil {
		return nil, err
	}
	if sum == q.sum {
		return []byte{formatVersion, sayEqual}, nil
	}
	if sum.Count <= fewItems && q.sum.Count <= someItems {
		return p.items(q, []byte{formatVersion, sayItems})
	}
	b := appendSum([]byte{formatVersion, sayParts}, sum)
	prints, err := fingerprints(p.set, p.key, q)
	for _, f := range prints {
		b = binary.LittleEndian.AppendUint32(b, f)
	}
	return b, err
}

// fingerprints are 32 bits about each part. Two parts that differ look equal once
// in 2^32 times, and with another request they do not.
func fingerprints(set Set, key Key, q *request) (prints [parts]uint32, err error) {
	keyed := key.derive(forParts, q.salt+q.seq)
	for i, piece := range split(q.runs, parts) {
		sum, err := sumRuns(set, piece)
		if err != nil {
			return prints, err
		}
		prints[i] = uint32(keyed.pair(sum.Count, sum.Digest))
	}
	return prints, nil
}

func (p *Responder) symbols(q *request) ([]byte, error) {
	// Who begins with a sketch wants it as the set is now.
	of := p.key.derive(forMessages, q.salt).bytes(binary.LittleEndian.AppendUint64(appendRuns(nil, q.runs), q.mask))
	if p.sketch == nil || p.of != of || q.first == 0 {
		sketch, err := sketchOf(p.set, p.key, q.salt, masked(q.runs, q.mask))
		if err != nil {
			return nil, err
		}
		p.sketch, p.of = sketch, of
	}
	return appendSymbols([]byte{formatVersion, saySymbols}, q, p.sketch.Sum(), p.sketch.Symbols()), nil
}

func sketchOf(set Source, key Key, salt uint64, runs []Range) (*Sketch, error) {
	s := NewSketch(key, salt, 0, sketchSize)
	return s, scanRuns(set, runs, func(it Item) bool {
		s.Add(it)
		return true
	})
}

// items appends a list of as many items as fit, behind whether they are all.
func (p *Responder) items(q *request, b []byte) ([]byte, error) {
	const head = 1 + binary.MaxVarintLen32
	var list []byte
	var before hashkit.Token
	n, complete := 0, byte(1)
	err := sorted(p.set, q.runs, func(it Item) bool {
		if q.after != nil && it.Compare(*q.after) <= 0 {
			return true
		}
		if len(b)+head+len(list)+maxItem+sealSize > MaxMessage {
			complete = 0
			return false
		}
		list = appendItem(list, before, it)
		before = it.Token
		n++
		return true
	})
	b = binary.AppendUvarint(append(b, complete), uint64(n))
	return append(b, list...), err
}
