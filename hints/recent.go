package hints

// recent is a copy of what was written last to the segment that is written to:
// a delta of a key that changes often is joined to what is queued for it
// without a read of the file, for which the lock would be given up.
type recent struct {
	seg  *segment
	from int64 // offset of the first byte
	b    []byte
}

// maxRecent bounds it, for each node that is away. A test may say less.
const maxRecent = 4 << 20

// keep adds what was written at an offset of a segment, and keeps no more than
// limit bytes.
func (r *recent) keep(limit int, seg *segment, at int64, written []byte) {
	if r.seg != seg || r.from+int64(len(r.b)) != at {
		r.seg, r.from, r.b = seg, at, r.b[:0]
	}
	if over := len(r.b) + len(written) - limit; over > 0 {
		cut := min(max(over, limit/2), len(r.b)) // half of it, so that it is seldom
		r.b = append(r.b[:0], r.b[cut:]...)
		r.from += int64(cut)
	}
	if len(written) > limit {
		r.from, written = at+int64(len(written)), nil
	}
	r.b = append(r.b, written...)
}

// at is the record of a slot, if it is there.
func (r *recent) at(seg *segment, s *slot) ([]byte, bool) {
	from := s.off - r.from
	to := from + int64(s.size)
	if seg != r.seg || from < 0 || to > int64(len(r.b)) {
		return nil, false
	}
	return r.b[from:to], true
}
