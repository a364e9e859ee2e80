package merkle

import (
	"encoding/binary"
	"fmt"

	"github.com/dynomite-go/dynomite/hashkit"
)

// A tree's encoding begins with its version and what it is.
const (
	treeVersion = 1
	treeKind    = 't'
)

// AppendBinary appends the sums of the leaves, for a tree that is to outlive its
// process: 9 to 18 bytes a leaf. It never fails.
//
//	[version][t][bits] [count, a varint][digest 8] ... [xxhash64 of it all, 8]
func (t *Tree) AppendBinary(b []byte) ([]byte, error) {
	begin := len(b)
	b = append(b, treeVersion, treeKind, byte(64-t.shift))
	t.mu.Lock()
	for _, leaf := range t.levels[0] {
		b = appendSum(b, leaf)
	}
	t.mu.Unlock()
	return binary.LittleEndian.AppendUint64(b, uint64(hashkit.XXHash64(b[begin:]))), nil
}

// MarshalBinary is AppendBinary to an empty slice.
func (t *Tree) MarshalBinary() ([]byte, error) { return t.AppendBinary(nil) }

// DecodeTree makes a tree of what AppendBinary gave. The source must show what
// it showed then, or what changed must be told; [Tree.Refresh] mends what is in
// doubt. Errors wrap [ErrDamaged]. It allocates at most twice the bytes that it
// is given, and keeps none of them.
func DecodeTree(source Source, data []byte) (*Tree, error) {
	n := len(data) - 8
	switch {
	case n < 3:
		return nil, fmt.Errorf("%w: a tree of %d bytes", ErrDamaged, len(data))
	case data[0] != treeVersion || data[1] != treeKind:
		return nil, fmt.Errorf("%w: no tree of version %d", ErrDamaged, treeVersion)
	case binary.LittleEndian.Uint64(data[n:]) != uint64(hashkit.XXHash64(data[:n])):
		return nil, fmt.Errorf("%w: the checksum of a tree is wrong", ErrDamaged)
	case data[2] > MaxBits || n-3 < 9<<data[2]:
		return nil, fmt.Errorf("%w: 2^%d leaves in %d bytes", ErrDamaged, data[2], n-3)
	}
	t, err := NewTree(source, int(data[2]))
	if err != nil {
		return nil, err
	}
	r := &reader{b: data[3:n]}
	for i := range t.levels[0] {
		t.levels[0][i] = r.sum()
	}
	if err := r.done(); err != nil {
		return nil, err
	}
	for l, level := range t.levels[1:] {
		below := t.levels[l]
		for i := range below {
			// The root's only child may have fewer than 16 of its own.
			at := min(i/fan, len(level)-1)
			level[at] = level[at].Plus(below[i])
		}
	}
	return t, nil
}
