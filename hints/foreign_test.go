package hints

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
)

// left are the files of a log of self that was closed, with a record for node and
// whatever else leave does to it.
func left(t *testing.T, self, node string, leave func(*Log)) FS {
	t.Helper()
	fs := Memory()
	l, _ := open(t, Config{Self: self, FS: fs})
	add(t, l, node, "k", "x")
	if leave != nil {
		leave(l)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return fs
}

func content(t *testing.T, fs FS, name string) []byte {
	t.Helper()
	f, err := fs.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	size, _ := f.Size()
	b := make([]byte, size)
	if _, err := f.ReadAt(b, 0); err != nil {
		t.Fatal(err)
	}
	return b
}

func put(t *testing.T, fs FS, name string, b []byte) {
	t.Helper()
	f, err := fs.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(b, 0); err != nil {
		t.Fatal(err)
	}
}

// A file that is not this log's is reported, by every start, and left as it is.
// Nothing in it is delivered or taken for a mark, and who lacks something by it
// cannot be known: all are marked that the log knows.
func TestOpen_WhatIsNotItsOwn_IsRefused(t *testing.T) {
	marks := func(l *Log) {
		if err := l.MarkDirty("b", Range{3, 7}); err != nil {
			t.Fatal(err)
		}
	}
	newer := func(b []byte) []byte {
		b = slices.Clone(b)
		binary.BigEndian.PutUint16(b[len(magic):], format+1)
		return b
	}
	for _, c := range []struct {
		name  string
		file  string
		bytes []byte
		want  error
		known []string
	}{
		{"segment of another writer", segmentName("b", 7), content(t, left(t, "other", "b", nil), segmentName("b", 1)), errForeign, []string{"c"}},
		// That it is for b is known, and that b may lack something.
		{"segment of b by the name of d", segmentName("d", 7), content(t, left(t, "self", "b", nil), segmentName("b", 1)), errForeign, []string{"b", "c"}},
		{"segment of b by a name that is none", "x" + segmentName("b", 7), content(t, left(t, "self", "b", nil), segmentName("b", 1)), errForeign, []string{"b", "c"}},
		{"marks of another writer", marksName("b"), content(t, left(t, "other", "b", marks), marksName("b")), errForeign, []string{"c"}},
		{"marks of b by the name of d", marksName("d"), content(t, left(t, "self", "b", marks), marksName("b")), errForeign, []string{"c"}},
		{"marks of a newer version", marksName("b"), newer(content(t, left(t, "self", "b", marks), marksName("b"))), errNewer, []string{"c"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			fs := left(t, "self", "c", nil)
			put(t, fs, c.file, c.bytes)
			for start := range 2 {
				l, rec := open(t, Config{FS: fs})
				if len(rec.Refused) != 1 || rec.Refused[0].File != c.file || !errors.Is(rec.Refused[0].Err, c.want) {
					t.Errorf("start %d refused %v, want %s: %v", start, rec.Refused, c.file, c.want)
				}
				if !rec.Unclean || rec.Records != 1 || rec.Cut+rec.Damaged != 0 {
					t.Errorf("start %d: %+v", start, rec)
				}
				for _, node := range []string{"b", "c", "d"} {
					var want []Range
					if slices.Contains(c.known, node) {
						want = []Range{All}
					}
					if got := l.Dirty(node); !slices.Equal(got, want) {
						t.Errorf("start %d: of %s %v is dirty, want %v", start, node, got, want)
					}
				}
				wantTexts(t, l, "b")
				wantTexts(t, l, "d")
				wantTexts(t, l, "c", "k=x")
				for _, when := range []string{"Open", "Close"} {
					if got := content(t, fs, c.file); !bytes.Equal(got, c.bytes) {
						t.Errorf("start %d: after %s it is %x, was %x", start, when, got, c.bytes)
					}
					if err := l.Close(); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
}
