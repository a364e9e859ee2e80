package merkle

import (
	"encoding"
	"encoding/binary"
	"errors"
	"runtime"
	"slices"
	"testing"

	"github.com/dynomite-go/dynomite/hashkit"
)

var (
	_ encoding.BinaryAppender  = (*Tree)(nil)
	_ encoding.BinaryMarshaler = (*Tree)(nil)
)

func encoded(t testing.TB, tree *Tree) []byte {
	t.Helper()
	data, err := tree.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestDecodeTree_WhatWasEncoded(t *testing.T) {
	r := seeded(t)
	for _, bits := range []int{0, 1, 4, 5, 10} {
		items := randomItems(r, 500)
		tree := treeOf(t, items, bits)
		got, err := DecodeTree(items, encoded(t, tree))
		if err != nil {
			t.Fatal(err)
		}
		it := randomItem(r)
		tree.Insert(it)
		got.Insert(it)
		for l, level := range tree.levels {
			if !slices.Equal(level, got.levels[l]) {
				t.Fatalf("bits %d: level %d differs", bits, l)
			}
		}
	}
}

func TestTree_AppendBinary_KeepsWhatIsThere(t *testing.T) {
	tree := treeOf(t, Items{{1, 2}}, 3)
	data, err := tree.AppendBinary([]byte("before"))
	if err != nil || string(data[:6]) != "before" || !slices.Equal(data[6:], encoded(t, tree)) {
		t.Fatal(data, err)
	}
}

func TestDecodeTree_Damaged_IsRefused(t *testing.T) {
	data := encoded(t, treeOf(t, randomItems(seeded(t), 50), 3))
	for i := range data {
		bad := slices.Clone(data)
		bad[i] ^= 4
		if _, err := DecodeTree(Items{}, bad); !errors.Is(err, ErrDamaged) {
			t.Fatalf("byte %d: %v", i, err)
		}
		if _, err := DecodeTree(Items{}, data[:i]); !errors.Is(err, ErrDamaged) {
			t.Fatalf("%d bytes: %v", i, err)
		}
	}
}

// sealedTree is a body with the checksum that belongs to it.
func sealedTree(body ...byte) []byte {
	return binary.LittleEndian.AppendUint64(slices.Clone(body), uint64(hashkit.XXHash64(body)))
}

func TestDecodeTree_ClaimsMuch_AllocatesLittle(t *testing.T) {
	for _, body := range [][]byte{
		{treeVersion, treeKind, 24, 0, 0},
		{treeVersion, treeKind, 255},
		append([]byte{treeVersion, treeKind, 13}, make([]byte, 9<<12)...),
		append([]byte{treeVersion, treeKind, 0}, make([]byte, 10)...),
	} {
		data := sealedTree(body...)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := DecodeTree(Items{}, data)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, ErrDamaged) {
			t.Errorf("%v: %v", body[:3], err)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 64<<10 {
			t.Errorf("%v: %d bytes allocated", body[:3], n)
		}
	}
}

func FuzzDecodeTree(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{treeVersion, treeKind, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	f.Fuzz(func(t *testing.T, body []byte) {
		tree, err := DecodeTree(Items{}, sealedTree(body...))
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		again, err := DecodeTree(Items{}, encoded(t, tree))
		if err != nil || again.Root() != tree.Root() {
			t.Fatal(err)
		}
	})
}
