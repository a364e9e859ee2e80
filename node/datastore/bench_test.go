package datastore

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
)

// benchRecord is one record, with what a store does around the engine.
type benchRecord struct {
	e   *engine
	rec []byte
	l   *large
	dst []byte
	now int64
}

var engineBenchKey = []byte("key:0000000001")

func newBenchRecord() *benchRecord {
	s := &benchRecord{now: 1_700_000_000_000}
	s.e = newEngine(NewClock(1, func() int64 { return s.now }), 42)
	return s
}

func (s *benchRecord) update(u Updater) {
	s.now++
	var up Update
	if s.l != nil {
		up = s.e.lupdate(s.l, engineBenchKey, Version{}, u, s.dst[:0])
	} else {
		var out []byte
		out, up = s.e.update(engineBenchKey, s.rec, Version{}, u, s.dst[:0])
		s.keep(out)
	}
	s.dst = up.Delta
}

func (s *benchRecord) merge(delta []byte) {
	if s.l != nil {
		s.e.lmerge(s.l, engineBenchKey, Version{}, delta, MergeOptions{}, nil)
		return
	}
	out, _, _ := s.e.merge(engineBenchKey, s.rec, Version{}, delta, MergeOptions{}, nil)
	s.keep(out)
}

func (s *benchRecord) keep(out []byte) {
	if out != nil {
		s.rec = append(s.rec[:0], out...)
	}
}

// fill makes a hash of n fields of 10 bytes.
func (s *benchRecord) fill(n int) {
	s.update(writes(func(_ *View, d *Delta) {
		for i := range n {
			d.Put(Hash, benchField(i), []byte("0123456789"))
		}
	}))
	if s.e.outgrown(s.rec) {
		s.l = s.e.growLarge(engineBenchKey, s.rec, Version{})
	}
}

func benchField(i int) []byte { return fmt.Appendf(nil, "field:%d", i) }

// The commands, without allocations of their own.
type (
	overwriter  struct{ value []byte }
	incrementer struct{}
	fieldSetter struct{ field, value []byte }
	textReader  struct{ n int }
)

func (u *overwriter) Update(_ *View, d *Delta) { d.Overwrite(u.value) }

func (u *incrementer) Update(v *View, d *Delta) {
	if text, ok := v.Text(); ok {
		if _, ok := parseInt(text); !ok {
			return
		}
	}
	d.Add(String, nil, 1)
}

func (u *fieldSetter) Update(v *View, d *Delta) {
	v.Field(Hash, u.field)
	d.Put(Hash, u.field, u.value)
}

func (r *textReader) Read(v *View) {
	b, _ := v.Text()
	r.n += len(b)
}

var shapes = []struct {
	name string
	n    int // fields; 0: a plain string
}{{"plain", 0}, {"hash=10", 10}, {"hash=100", 100}, {"hash=10000", 10000}}

func BenchmarkUpdate(b *testing.B) {
	for _, x := range shapes {
		b.Run(x.name, func(b *testing.B) {
			s := newBenchRecord()
			var u Updater = &overwriter{bytes.Repeat([]byte("v"), 100)}
			if x.n > 0 {
				s.fill(x.n)
				u = &fieldSetter{benchField(x.n / 2), []byte("abcdefghij")}
			}
			b.ReportAllocs()
			for b.Loop() {
				s.update(u)
			}
		})
	}
	b.Run("counter", func(b *testing.B) {
		s := newBenchRecord()
		b.ReportAllocs()
		for b.Loop() {
			s.update(&incrementer{})
		}
	})
}

func BenchmarkMerge(b *testing.B) {
	for _, x := range shapes {
		b.Run(x.name, func(b *testing.B) {
			s, from := newBenchRecord(), newBenchRecord()
			from.now += 1000
			var u Updater = &overwriter{bytes.Repeat([]byte("v"), 100)}
			if x.n > 0 {
				s.fill(x.n)
				u = &fieldSetter{benchField(x.n / 2), []byte("abcdefghij")}
			}
			var deltas [][]byte
			for range 1024 {
				from.update(u)
				deltas = append(deltas, slices.Clone(from.dst))
			}
			first := slices.Clone(s.rec)
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				s.merge(deltas[i%len(deltas)])
				if i++; i%len(deltas) == 0 {
					b.StopTimer()
					if s.rec = append(s.rec[:0], first...); s.l != nil {
						s.l = s.e.growLarge(engineBenchKey, s.rec, Version{})
					}
					b.StartTimer()
				}
			}
		})
	}
}

func BenchmarkView(b *testing.B) {
	for _, x := range shapes {
		b.Run(x.name, func(b *testing.B) {
			s, r := newBenchRecord(), &textReader{}
			field := benchField(x.n / 2)
			if s.fill(x.n); x.n == 0 {
				s.update(&overwriter{bytes.Repeat([]byte("v"), 100)})
			}
			b.ReportAllocs()
			for b.Loop() {
				switch {
				case s.l != nil:
					s.e.lview(s.l, Version{}, s.now).Field(Hash, field)
				case x.n > 0:
					s.e.view(s.rec, Version{}, s.now).Field(Hash, field)
				default:
					r.Read(s.e.view(s.rec, Version{}, s.now))
				}
			}
		})
	}
}

func BenchmarkDigest(b *testing.B) {
	for _, x := range shapes {
		b.Run(x.name, func(b *testing.B) {
			s := newBenchRecord()
			if s.fill(x.n); x.n == 0 {
				s.update(&overwriter{bytes.Repeat([]byte("v"), 100)})
			}
			b.ReportAllocs()
			for b.Loop() {
				if s.l != nil {
					s.e.ldigest(s.l, engineBenchKey, Version{})
				} else {
					s.e.digest(engineBenchKey, s.rec, Version{})
				}
			}
		})
	}
}
