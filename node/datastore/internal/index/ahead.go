package index

// Leaf, Approach and Reach are Find in three steps, for somebody who is about
// to look up many tokens: each step of all of them before the next, so that
// the waits for memory overlap. What they return is of use until the Index
// changes.

// Leaf is the leaf in which token is, if it is anywhere; negative in an empty
// Index.
func (x *Index) Leaf(token uint64) int {
	if x.n == 0 {
		return -1
	}
	return x.seek(token)
}

// Approach loads what Reach will probably need. It decides nothing by what it
// loads, so the processor need not wait for that before the next call. The
// number is meaningless; it has to be used, or the loads are left out.
func (x *Index) Approach(leaf int, token uint64) uint64 {
	l := &x.leaves[leaf]
	if leaf == 0 || leaf+1 == len(x.mins) || l.n == 0 {
		return 0
	}
	at := guess(l.n, token, x.mins[leaf], x.mins[leaf+1])
	return l.tokens[at] + uint64(l.refs[at])
}

// Reach is the reference of the first entry with the token, unless the leaf has
// none. (A leaf's very first is missed: Find comes to it from the leaf before.)
func (x *Index) Reach(leaf int, token uint64) (ref uint32, ok bool) {
	l := &x.leaves[leaf]
	at := x.within(leaf, token)
	if at == l.n || l.tokens[at] != token {
		return 0, false
	}
	return l.refs[at], true
}
