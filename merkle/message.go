package merkle

import (
	"encoding/binary"
	"math/bits"

	"github.com/dynomite-go/dynomite/hashkit"
)

// request is what the asking side sends. It stands for itself: the other side
// need not remember anything.
type request struct {
	kind byte
	salt uint64 // of the exchange
	seq  uint64 // of the request in it
	runs []Range

	sum Sum // askCompare: what the asker holds in runs

	// askSymbols: the parts of runs, zero for all; then the symbols, and of how
	// many symbols the counts are known and wanted.
	mask                   uint64
	first, upto            int
	countFirst, countsUpto int

	after *Item // askItems: begin behind this one
}

func (q *request) append(b []byte) []byte {
	b = append(b, formatVersion, q.kind)
	b = binary.LittleEndian.AppendUint64(b, q.salt)
	b = binary.AppendUvarint(b, q.seq)
	b = appendRuns(b, q.runs)
	switch q.kind {
	case askCompare:
		b = appendSum(b, q.sum)
	case askSymbols:
		b = binary.LittleEndian.AppendUint64(b, q.mask)
		for _, n := range []int{q.first, q.upto, q.countFirst, q.countsUpto} {
			b = binary.AppendUvarint(b, uint64(n))
		}
	case askItems:
		if q.after == nil {
			return append(b, 0)
		}
		b = append(b, 1)
		b = binary.LittleEndian.AppendUint64(b, uint64(q.after.Token))
		b = binary.LittleEndian.AppendUint64(b, q.after.Digest)
	}
	return b
}

func readRequest(b []byte, key Key) (*request, error) {
	kind, r, err := open(b, key, 0)
	if err != nil {
		return nil, err
	}
	q := &request{kind: kind, salt: r.uint64(), seq: r.uvarint(), runs: r.runs()}
	switch kind {
	case askCompare:
		q.sum = r.sum()
	case askSymbols:
		q.mask = r.uint64()
		for _, n := range []*int{&q.first, &q.upto, &q.countFirst, &q.countsUpto} {
			*n = int(min(r.uvarint(), 1<<30))
		}
		if q.first > q.upto || q.upto > q.countsUpto || q.countsUpto > sketchSize ||
			q.countFirst < q.first || q.countFirst > q.countsUpto {
			r.fail("symbols %d to %d and counts %d to %d of %d", q.first, q.upto, q.countFirst, q.countsUpto, sketchSize)
		}
	case askItems:
		if r.byte() != 0 {
			q.after = &Item{hashkit.Token(r.uint64()), r.uint64()}
		}
	default:
		r.fail("no request is of kind %d", kind)
	}
	if err := r.done(); err != nil {
		return nil, err
	}
	return q, nil
}

// symbolsReply are symbols of the answering side, and the sum of what they were
// made of.
type symbolsReply struct {
	sum     Sum
	counts  []int64  // from countFirst on
	symbols []Symbol // from first on, counts aside
}

// expected is about how many of n items are in symbol i. A count is sent as the
// difference to it, which takes one or two bytes.
func expected(n uint64, i int) int64 {
	hi, lo := bits.Mul64(n, 2)
	q, _ := bits.Div64(hi, lo, uint64(i)+2)
	return int64(q)
}

func appendSymbols(b []byte, q *request, sum Sum, symbols []Symbol) []byte {
	b = appendSum(b, sum)
	for i := q.countFirst; i < q.countsUpto; i++ {
		b = binary.AppendVarint(b, symbols[i].Count-expected(sum.Count, i))
	}
	room := (MaxMessage - sealSize - binary.MaxVarintLen32 - len(b)) / symbolSize
	n := min(q.upto-q.first, room)
	b = binary.AppendUvarint(b, uint64(n))
	for _, s := range symbols[q.first : q.first+n] {
		b = binary.LittleEndian.AppendUint64(b, s.Token)
		b = binary.LittleEndian.AppendUint64(b, s.Digest)
		b = binary.LittleEndian.AppendUint64(b, s.Check)
	}
	return b
}

// symbolSize is what a symbol takes in a message beside its count.
const symbolSize = 24

func (r *reader) symbols(q *request) symbolsReply {
	s := symbolsReply{sum: r.sum()}
	if n := q.countsUpto - q.countFirst; n <= len(r.b) {
		s.counts = make([]int64, n)
	} else {
		r.fail("%d counts in %d bytes", n, len(r.b))
	}
	for i := range s.counts {
		v, n := binary.Varint(r.b)
		if n <= 0 {
			r.fail("a count is damaged")
			return s
		}
		r.b = r.b[n:]
		s.counts[i] = v + expected(s.sum.Count, q.countFirst+i)
	}
	n := r.count(symbolSize)
	if n > q.upto-q.first || n == 0 && q.upto > q.first {
		r.fail("%d symbols where %d were asked for", n, q.upto-q.first)
		return s
	}
	s.symbols = make([]Symbol, n)
	for i := range s.symbols {
		s.symbols[i] = Symbol{Token: r.uint64(), Digest: r.uint64(), Check: r.uint64()}
	}
	return s
}

// appendItem writes an item behind one with the token before.
func appendItem(b []byte, before hashkit.Token, it Item) []byte {
	b = binary.AppendUvarint(b, uint64(it.Token-before))
	return binary.LittleEndian.AppendUint64(b, it.Digest)
}

// maxItem is the most bytes that an item takes.
const maxItem = binary.MaxVarintLen64 + 8

// items reads ascending items that lie in runs, behind after if it is given.
func (r *reader) items(runs []Range, after *Item) []Item {
	items := make([]Item, r.count(9))
	var before hashkit.Token
	for i := range items {
		items[i] = Item{before + hashkit.Token(r.uvarint()), r.uint64()}
		before = items[i].Token
		if i > 0 {
			after = &items[i-1]
		}
		for len(runs) > 0 && runs[0].To < before {
			runs = runs[1:]
		}
		if r.err == nil && (after != nil && items[i].Compare(*after) <= 0 || len(runs) == 0 || before < runs[0].From) {
			r.fail("item %d is out of order or was not asked for", i)
		}
	}
	if r.err != nil {
		return nil
	}
	return items
}
