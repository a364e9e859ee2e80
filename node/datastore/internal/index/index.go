package index

// Index is a sorted multimap from tokens to references. The zero value is empty
// and ready for use. It is not safe for concurrent use.
type Index struct {
	pool   pool
	mins   []uint64 // mins[i] is at most the tokens of leaf i, and at least those of leaf i-1
	leaves []handle
	n      int
}

// Pos is where an entry is. Every change of the Index but Set ends it.
type Pos struct {
	leaf, at int
}

// Len is the number of entries.
func (x *Index) Len() int { return x.n }

// Bytes is the memory that the Index takes.
func (x *Index) Bytes() int {
	used := 0
	for _, c := range x.pool.chunks {
		used += len(c)
	}
	// What was never touched is not resident.
	return used - len(x.pool.fresh) + 8*cap(x.mins) + 16*cap(x.leaves)
}

// Find returns the first entry with the token that match accepts. match is
// called with the references of equal tokens and must not use the Index.
func (x *Index) Find(token uint64, match func(ref uint32) bool) (Pos, uint32, bool) {
	if x.n == 0 {
		return Pos{}, 0, false
	}
	i := x.seek(token)
	at := x.within(i, token)
	for {
		l := &x.leaves[i]
		for ; at < l.n; at++ {
			if l.tokens[at] != token {
				return Pos{}, 0, false
			}
			if match(l.refs[at]) {
				return Pos{i, at}, l.refs[at], true
			}
		}
		i++
		if i == len(x.leaves) || x.mins[i] > token {
			return Pos{}, 0, false
		}
		at = 0
	}
}

// seek returns the leaf in which the first entry at or above token is, or the
// one before it.
func (x *Index) seek(token uint64) int {
	if len(x.mins) < 4 {
		return max(lowerBound(x.mins, token)-1, 0)
	}
	// The first leaf begins at zero, wherever its tokens do.
	m := x.mins[1:]
	return interpolate(m, token, m[0], m[len(m)-1])
}

// within returns the position in leaf i of the first entry at or above token.
// Where leaf i begins and ends is taken from the directory, so as not to wait
// for two more cache lines of the leaf.
func (x *Index) within(i int, token uint64) int {
	l := &x.leaves[i]
	s := l.tokens[:l.n]
	if i+1 == len(x.mins) || i == 0 {
		return lowerBound(s, token)
	}
	return interpolate(s, token, x.mins[i], x.mins[i+1])
}

// Set changes the reference at pos.
func (x *Index) Set(pos Pos, ref uint32) { x.leaves[pos.leaf].refs[pos.at] = ref }

// Replace changes the reference of the entry (token, old) to ref, and says
// whether there was one.
func (x *Index) Replace(token uint64, old, ref uint32) bool {
	pos, _, ok := x.Find(token, func(r uint32) bool { return r == old })
	if ok {
		x.Set(pos, ref)
	}
	return ok
}

// Insert adds an entry, behind others of the same token.
func (x *Index) Insert(token uint64, ref uint32) {
	if len(x.leaves) == 0 {
		x.mins = append(x.mins, 0)
		x.leaves = append(x.leaves, handle{leaf: x.pool.get()})
	}
	i := max(upperBound(x.mins, token)-1, 0)
	if x.leaves[i].n == leafLen {
		x.makeRoom(i, token)
		i = max(upperBound(x.mins, token)-1, 0)
	}
	l := &x.leaves[i]
	l.insert(upperBound(l.tokens[:l.n], token), token, ref)
	x.n++
}

// makeRoom sees to it that the leaf where token belongs, now full leaf i, has
// room.
func (x *Index) makeRoom(i int, token uint64) {
	const worth = leafLen / 8 // moving fewer entries would soon be repeated
	l := &x.leaves[i]
	if i+1 < len(x.leaves) {
		if r := &x.leaves[i+1]; leafLen-r.n >= worth {
			l.moveTail(r, (leafLen-r.n+1)/2)
			x.mins[i+1] = r.tokens[0]
			return
		}
	}
	if i > 0 {
		if b := &x.leaves[i-1]; leafLen-b.n >= worth {
			b.moveHead(l, (leafLen-b.n+1)/2)
			x.mins[i] = l.tokens[0]
			return
		}
	}
	// Ascending inserts fill leaf after leaf, so the full one stays full.
	keep := leafLen / 2
	if i+1 == len(x.leaves) && token >= l.tokens[leafLen-1] {
		keep = leafLen - 1
	}
	r := handle{leaf: x.pool.get()}
	l.moveTail(&r, leafLen-keep)
	x.mins = insertAt(x.mins, i+1, r.tokens[0])
	x.leaves = insertAt(x.leaves, i+1, r)
}

// Delete removes the entry at pos.
func (x *Index) Delete(pos Pos) {
	i := pos.leaf
	l := &x.leaves[i]
	l.delete(pos.at)
	x.n--
	if l.n >= leafLen/4 {
		return
	}
	// Merge with the emptier neighbour, if the two leave room for inserts.
	j := -1
	if i > 0 {
		j = i - 1
	}
	if i+1 < len(x.leaves) && (j < 0 || x.leaves[i+1].n < x.leaves[j].n) {
		j = i + 1
	}
	if j < 0 || l.n+x.leaves[j].n > leafLen*3/4 {
		return
	}
	if j < i {
		i, j = j, i
	}
	x.leaves[i].moveHead(&x.leaves[j], x.leaves[j].n)
	x.pool.put(x.leaves[j].leaf)
	x.mins = deleteAt(x.mins, j)
	x.leaves = deleteAt(x.leaves, j)
}

// Ascend calls fn for the entries from token on, in token order, until fn
// returns false. fn must not change the Index, but for Set's effect through
// Replace.
func (x *Index) Ascend(from uint64, fn func(token uint64, ref uint32) bool) {
	if x.n == 0 {
		return
	}
	i := x.seek(from)
	at := x.within(i, from)
	for ; i < len(x.leaves); i++ {
		l := &x.leaves[i]
		for ; at < l.n; at++ {
			if !fn(l.tokens[at], l.refs[at]) {
				return
			}
		}
		at = 0
	}
}

// CountRange is the number of entries with tokens in [from, to]. It visits the
// leaves in between, not their entries.
func (x *Index) CountRange(from, to uint64) int {
	if x.n == 0 || from > to {
		return 0
	}
	n := 0
	for i := x.seek(from); i < len(x.leaves) && x.mins[i] <= to; i++ {
		l := &x.leaves[i]
		n += upperBound(l.tokens[:l.n], to) - lowerBound(l.tokens[:l.n], from)
	}
	return n
}

// Reset removes all entries and returns the memory to the system.
func (x *Index) Reset() {
	x.pool.reset()
	*x = Index{}
}

func insertAt[T any](s []T, i int, v T) []T {
	if len(s) == cap(s) {
		// Doubling would leave half of a large directory unused.
		s = append(make([]T, 0, len(s)+len(s)/8+8), s...)
	}
	s = s[:len(s)+1]
	copy(s[i+1:], s[i:])
	s[i] = v
	return s
}

func deleteAt[T any](s []T, i int) []T {
	copy(s[i:], s[i+1:])
	clear(s[len(s)-1:])
	return s[:len(s)-1]
}
