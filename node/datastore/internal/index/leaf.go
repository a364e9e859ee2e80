package index

import (
	"unsafe"

	"github.com/dynomite-go/dynomite/node/datastore/internal/offheap"
)

// leafLen keeps a leaf's tokens within 1 KiB: a search touches few lines, and
// an insert moves half of them.
const leafLen = 128

// leaf is free of pointers to the Go heap.
type leaf struct {
	tokens [leafLen]uint64
	refs   [leafLen]uint32
}

// handle is a leaf and how many of its entries count. The number is here and
// not in the leaf, where it would cost a lookup one more cache line.
type handle struct {
	*leaf
	n int
}

const (
	leafSize = int(unsafe.Sizeof(leaf{}))
	// firstChunk holds 10 leaves; chunks grow with use to maxChunk, so that the
	// last, half-used one matters little.
	firstChunk = 16 << 10
	maxChunk   = 16 << 20
)

func (l *handle) insert(i int, token uint64, ref uint32) {
	copy(l.tokens[i+1:l.n+1], l.tokens[i:l.n])
	copy(l.refs[i+1:l.n+1], l.refs[i:l.n])
	l.tokens[i], l.refs[i] = token, ref
	l.n++
}

func (l *handle) delete(i int) {
	copy(l.tokens[i:l.n], l.tokens[i+1:l.n])
	copy(l.refs[i:l.n], l.refs[i+1:l.n])
	l.n--
}

// moveTail moves the last k entries to the front of r.
func (l *handle) moveTail(r *handle, k int) {
	copy(r.tokens[k:], r.tokens[:r.n])
	copy(r.refs[k:], r.refs[:r.n])
	from := l.n - k
	copy(r.tokens[:k], l.tokens[from:l.n])
	copy(r.refs[:k], l.refs[from:l.n])
	l.n -= k
	r.n += k
}

// moveHead moves the first k entries of r behind those of l.
func (l *handle) moveHead(r *handle, k int) {
	copy(l.tokens[l.n:], r.tokens[:k])
	copy(l.refs[l.n:], r.refs[:k])
	copy(r.tokens[:], r.tokens[k:r.n])
	copy(r.refs[:], r.refs[k:r.n])
	l.n += k
	r.n -= k
}

// pool hands out leaves.
type pool struct {
	chunks [][]byte
	fresh  []byte // the part of the last chunk that was never used
	free   []*leaf
	mapped int
}

func (p *pool) get() *leaf {
	if n := len(p.free); n > 0 {
		l := p.free[n-1]
		p.free = p.free[:n-1]
		return l
	}
	if len(p.fresh) < leafSize {
		n := min(max(p.mapped/4&^(firstChunk-1), firstChunk), maxChunk)
		chunk, err := offheap.Map(n)
		if err != nil {
			// The system has no memory: the heap may, or ends the process
			// as it does everywhere else in Go.
			chunk = make([]byte, n)
		}
		p.chunks = append(p.chunks, chunk)
		p.fresh = chunk
		p.mapped += n
	}
	l := (*leaf)(unsafe.Pointer(&p.fresh[0]))
	p.fresh = p.fresh[leafSize:]
	return l
}

func (p *pool) put(l *leaf) { p.free = append(p.free, l) }

func (p *pool) reset() {
	for _, c := range p.chunks {
		offheap.Unmap(c)
	}
	*p = pool{}
}
