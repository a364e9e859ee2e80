package datastore

// JoinDeltas appends to dst the join of two deltas of one key: merging it is
// merging both, in any order. It is what lets a queue of deltas for an absent
// replica keep one per key. The join holds for every store: neither a range
// reset nor the time is applied. a and b are not kept; dst must not overlap
// them. Bytes that are no delta are an error, and dst comes back as it was.
func JoinDeltas(dst, a, b []byte) ([]byte, error) {
	if isPlain(a) && isPlain(b) && (a[0]|b[0])&withoutWipe == 0 && checkPlain(a) == nil && checkPlain(b) == nil {
		// Two SETs: the newer one's reset kills all of the older, unless it is the same.
		switch va, vb := loadVersion(a[1:]), loadVersion(b[1:]); {
		case vb.Less(va):
			return append(dst, a...), nil
		case va.Less(vb):
			return append(dst, b...), nil
		}
	}
	var left, right, out atoms
	if err := left.decode(a); err != nil {
		return dst, err
	}
	if err := right.decode(b); err != nil {
		return dst, err
	}
	join(&out, &left, &right, Version{})
	return out.append(dst), nil
}

// WithReset appends to dst a record (empty: none) with a reset of its own that
// kills what a range reset at v does: for who does not know of that one yet, and may
// hold of this key what it has killed.
func WithReset(dst, record []byte, v Version) ([]byte, error) {
	var a atoms
	if len(record) > 0 {
		if err := a.decode(record); err != nil {
			return dst, err
		}
	}
	a.include(v)
	return a.append(dst), nil
}

// include makes a range reset at v one of the record's own, unless one of its own
// reaches further.
func (h *header) include(v Version) {
	if h.reset.upto.Less(v) {
		h.reset = reset{upto: v, stamp: v}
	}
}
