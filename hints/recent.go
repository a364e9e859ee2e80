package hints

import (
	"slices"
	"sort"
)

// recent is a copy of what was written last to the segment that is written to:
// a delta of a key that changes often is joined to what is queued for it
// without a read of the file, for which the lock would be given up. It is in
// blocks, each of whole writes and so of whole records: to make one large one,
// or to move it, takes tens of milliseconds, and everybody wants the lock.
type recent struct {
	seg    *segment
	end    int64 // offset after the last byte
	size   int   // what the blocks take
	blocks []block
}

type block struct {
	from int64 // offset of the first byte
	b    []byte
}

const (
	// maxRecent bounds it, for each node that is away. A test may say less.
	maxRecent = 4 << 20
	// recentBlock is the size of a block, unless one write is larger.
	recentBlock = 64 << 10
)

// keep adds what was written at an offset of a segment, and keeps no more than
// limit bytes.
func (r *recent) keep(limit int, seg *segment, at int64, written []byte) {
	if r.seg != seg || r.end != at || len(written) > limit {
		r.shrink(0)
	}
	r.seg, r.end = seg, at+int64(len(written))
	if len(written) > limit || len(written) == 0 {
		return
	}
	if n := len(r.blocks); n > 0 {
		if last := &r.blocks[n-1]; cap(last.b)-len(last.b) >= len(written) {
			last.b = append(last.b, written...)
			return
		}
	}
	size := max(len(written), min(recentBlock, limit))
	b := r.shrink(limit - size)
	if cap(b) != size {
		b = make([]byte, 0, size)
	}
	r.size += size
	r.blocks = append(r.blocks, block{at, append(b, written...)})
}

// shrink drops the oldest blocks, until those left take no more than size. It
// returns the buffer of the last one, empty.
func (r *recent) shrink(size int) (spare []byte) {
	n := 0
	for ; r.size > size; n++ {
		spare = r.blocks[n].b[:0]
		r.size -= cap(spare)
	}
	r.blocks = slices.Delete(r.blocks, 0, n)
	return spare
}

// at is the record of a slot, if it is there.
func (r *recent) at(seg *segment, s *slot) ([]byte, bool) {
	if seg != r.seg {
		return nil, false
	}
	i := sort.Search(len(r.blocks), func(i int) bool { return r.blocks[i].from > s.off }) - 1
	if i < 0 {
		return nil, false
	}
	b := r.blocks[i]
	from := s.off - b.from
	if from+int64(s.size) > int64(len(b.b)) {
		return nil, false
	}
	return b.b[from : from+int64(s.size)], true
}
