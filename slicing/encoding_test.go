package slicing

import (
	"bytes"
	"encoding"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/dynomite-go/dynomite/hashkit"
)

var (
	_ encoding.BinaryAppender  = (*Table)(nil)
	_ encoding.BinaryMarshaler = (*Table)(nil)
)

func mustEncode(t testing.TB, table *Table) []byte {
	t.Helper()
	data, err := table.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// sealed is a body with the checksum that belongs to it.
func sealed(body []byte) []byte {
	return binary.BigEndian.AppendUint64(bytes.Clone(body), uint64(hashkit.XXHash64(body)))
}

func TestDecode_WhatWasEncoded(t *testing.T) {
	for seed := range uint64(300) {
		h := newHistory(rand.New(rand.NewPCG(seed, 4)))
		table := mustNew(t, Tokens, h.owners...)
		table = mustChange(t, table, h.step()...)
		data := mustEncode(t, table)
		got, err := Decode(data)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if !got.Equal(table) {
			t.Fatalf("seed %d: another table comes back", seed)
		}
		owners := h.step()
		if a, b := mustChange(t, table, owners...), mustChange(t, got, owners...); !a.Equal(b) {
			t.Fatalf("seed %d: the decoded table changes otherwise", seed)
		}
		clear(data)
		if !got.Equal(table) {
			t.Fatal("Decode keeps its argument")
		}
	}
}

func TestAppendBinary_KeepsWhatIsThere(t *testing.T) {
	table := grown(t, Slots, 5)
	data, _ := table.AppendBinary([]byte("before"))
	if !bytes.Equal(data, append([]byte("before"), mustEncode(t, table)...)) {
		t.Error("the encoding depends on what is before it")
	}
}

func TestDecode_EveryTruncationAndEveryFlippedBit_Error(t *testing.T) {
	data := mustEncode(t, grown(t, Slots, 9))
	for n := range len(data) {
		if _, err := Decode(data[:n]); err == nil {
			t.Fatalf("the first %d of %d bytes decode", n, len(data))
		}
	}
	for bit := range 8 * len(data) {
		data[bit/8] ^= 1 << (bit % 8)
		if _, err := Decode(data); err == nil {
			t.Fatalf("with bit %d flipped it decodes", bit)
		}
		data[bit/8] ^= 1 << (bit % 8)
	}
}

// Bodies with the right checksum, so that the checks behind it are reached.
func TestDecode_Wrong_ErrorSaysWhat(t *testing.T) {
	head := func(rest ...byte) []byte { return append([]byte("slicing\x01"), rest...) }
	for name, c := range map[string]struct {
		body []byte
		want string
	}{
		"another thing":       {[]byte("a picture of a cat"), "do not begin"},
		"a newer version":     {[]byte("slicing\x02\x00"), "version 2, at most 1"},
		"version zero":        {[]byte("slicing\x00\x00"), "version 0"},
		"no owners":           {head(0), "ends in the number of owners"},
		"many owners":         {head(0, 0xff, 0xff, 0xff, 0xff, 0x0f), "4294967295 owners in 0 bytes"},
		"grain":               {head(64, 1, 1, 'a', 1, 1, 0, 0), "grain 64"},
		"name too long":       {head(0, 1, 9, 'a', 1, 1), "a name of 9 bytes"},
		"no weight":           {head(0, 1, 3, 'a', 'b', 'c'), "ends in the weight"},
		"zero weight":         {head(0, 1, 1, 'a', 0, 1, 0, 0), `"a" has weight 0`},
		"many intervals":      {head(50, 1, 1, 'a', 1, 200, 1, 0, 0), "200 intervals in 2 bytes"},
		"beyond the space":    {head(50, 1, 1, 'a', 1, 1, 0xff, 0xff, 0x7f, 0), "interval 0 has"},
		"a stranger":          {head(63, 1, 1, 'a', 1, 1, 1, 1), "owner 1 of 1"},
		"a hole":              {head(63, 1, 1, 'a', 1, 1, 0, 0), "end before"},
		"bytes behind":        {head(63, 1, 1, 'a', 1, 1, 1, 0, 0), "1 bytes after"},
		"neighbours equal":    {head(63, 1, 1, 'a', 1, 2, 0, 0, 0, 0), "shortest form"},
		"owners out of order": {head(63, 2, 1, 'b', 1, 1, 'a', 1, 2, 0, 0, 0, 1), "shortest form"},
		"a long varint":       {head(63, 1, 1, 'a', 0x81, 0, 1, 1, 0), "shortest form"},
	} {
		_, err := Decode(sealed(c.body))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v does not say %q", name, err, c.want)
		}
		if newer := strings.Contains(name, "newer"); errors.Is(err, ErrCorrupt) == newer {
			t.Errorf("%s: error %v wraps ErrCorrupt: %v", name, err, !newer)
		}
	}
	if _, err := Decode(sealed(head(63, 1, 1, 'a', 1, 1, 1, 0))); err != nil {
		t.Errorf("the least table: %v", err)
	}
}

// What claims much and holds little must not make the decoder allocate.
func TestDecode_AllocatesWithTheInput(t *testing.T) {
	for name, table := range map[string]*Table{"intervals": grown(t, Slots, 128), "owners": mustNew(t, Tokens, equals(3000)...)} {
		data := mustEncode(t, table)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := Decode(data); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		perByte := float64(after.TotalAlloc-before.TotalAlloc) / float64(len(data))
		t.Logf("%s: %.1f bytes allocated for each of %d", name, perByte, len(data))
		if perByte > 100 {
			t.Errorf("%s: %.1f bytes allocated for each byte", name, perByte)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, table := range []*Table{grown(f, Tokens, 5), grown(f, Slots, 9), mustNew(f, 63, Owner{"a", 1})} {
		data := mustEncode(f, table)
		f.Add(data)
		f.Add(data[:len(data)-checksumLen])
		f.Add(data[:len(data)/2])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		// As it is, and with a checksum that is right, or nothing would get past it.
		for _, data := range [][]byte{data, sealed(data)} {
			table, err := Decode(data)
			if err != nil {
				continue
			}
			if again := mustEncode(t, table); !bytes.Equal(again, data) {
				t.Fatalf("%x decodes, and encodes as %x", data, again)
			}
			for i := range table.Len() {
				interval := table.Interval(i)
				if table.Lookup(interval.From) != interval.Owner || table.Lookup(interval.To) != interval.Owner {
					t.Fatalf("interval %d of a decoded table is not found", i)
				}
			}
			owners := append(table.Owners()[1:], Owner{"another", 3})
			next, err := table.Change(owners...)
			if err != nil {
				continue // too small a part for the grain, or the name is there
			}
			checkTable(t, next)
			checkMinimal(t, table, next)
		}
	})
}

// FuzzChange reads a history out of bytes: which owners, and with what weight.
func FuzzChange(f *testing.F) {
	f.Add([]byte{1, 1, 2, 1, 0, 1, 1, 2, 5, 3, 1, 0, 3, 9})
	f.Add(bytes.Repeat([]byte{3, 250, 7, 1, 0}, 6))
	f.Fuzz(func(t *testing.T, data []byte) {
		table := mustNew(t, Tokens, Owner{"first", 1})
		var owners []Owner
		for ; len(data) >= 2 && len(owners) < 50; data = data[2:] {
			if data[0]%8 == 0 && len(owners) > 0 {
				next, err := table.Change(owners...)
				if err == nil {
					checkTable(t, next)
					checkMinimal(t, table, next)
					table = next
				}
				owners = nil
			}
			owners = append(owners, Owner{fmt.Sprint(data[0]), int64(data[1]) << (data[0] % 50)})
		}
	})
}
