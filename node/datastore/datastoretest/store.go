package datastoretest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/dynomite-go/dynomite/node/datastore"
)

// store wraps a Store with what tests say all the time.
type store struct {
	t     *testing.T
	s     datastore.Store
	clock *datastore.Clock
}

type reader func(*datastore.View)

func (f reader) Read(v *datastore.View) { f(v) }

type updater func(*datastore.View, *datastore.Delta)

func (f updater) Update(v *datastore.View, d *datastore.Delta) { f(v, d) }

// shows is everything that a key shows, for comparing.
func (s *store) shows(key string) (text string) {
	s.t.Helper()
	calls := 0
	err := s.s.Read([]byte(key), reader(func(v *datastore.View) {
		calls++
		text = describe(v)
	}))
	if err != nil || calls != 1 {
		s.t.Fatalf("Read(%.20q): %v, the reader was called %d times", key, err, calls)
	}
	return text
}

func describe(v *datastore.View) string {
	var b strings.Builder
	b.WriteString(v.Kind().String())
	if text, ok := v.Text(); ok {
		fmt.Fprintf(&b, " %s", text)
	}
	var fields []string
	if k := v.Kind(); k != datastore.None && k != datastore.String {
		v.Each(k, func(field, value []byte) bool {
			fields = append(fields, fmt.Sprintf(" %s=%s", field, value))
			return true
		})
		slices.Sort(fields)
		b.WriteString(strings.Join(fields, ""))
	}
	if at, ok := v.Expiry(); ok {
		fmt.Fprintf(&b, " until %d", at)
	}
	return b.String()
}

func (s *store) wantShows(key, want string) {
	s.t.Helper()
	if got := s.shows(key); got != want {
		s.t.Fatalf("%.20q shows %.200q, want %.200q", key, got, want)
	}
}

// update runs u and returns its delta, nil if nothing was written.
func (s *store) update(key string, u updater) datastore.Update {
	s.t.Helper()
	up, err := s.s.Update([]byte(key), u, nil)
	if err != nil {
		s.t.Fatalf("Update(%.20q): %v", key, err)
	}
	if up.Wrote != (len(up.Delta) > 0) {
		s.t.Fatalf("Update(%.20q): Wrote is %v, the delta has %d bytes", key, up.Wrote, len(up.Delta))
	}
	return up
}

func (s *store) set(key, value string) datastore.Update {
	s.t.Helper()
	return s.update(key, func(_ *datastore.View, d *datastore.Delta) { d.Overwrite([]byte(value)) })
}

func (s *store) delete(key string) datastore.Update {
	s.t.Helper()
	return s.update(key, func(_ *datastore.View, d *datastore.Delta) { d.Delete() })
}

func (s *store) merge(key string, delta []byte, opt datastore.MergeOptions) datastore.Answer {
	s.t.Helper()
	ans, err := s.s.Merge([]byte(key), delta, opt, nil)
	if err != nil {
		s.t.Fatalf("Merge(%.20q, %x): %v", key, delta, err)
	}
	return ans
}

func (s *store) digest(key string) uint64 {
	s.t.Helper()
	digest, err := s.s.Digest([]byte(key))
	if err != nil {
		s.t.Fatalf("Digest(%.20q): %v", key, err)
	}
	var shown string
	again, err := s.s.ReadDigest([]byte(key), reader(func(v *datastore.View) { shown = describe(v) }))
	if err != nil || again != digest || shown != s.shows(key) {
		s.t.Fatalf("ReadDigest(%.20q): %x %v, Digest says %x", key, again, err, digest)
	}
	return digest
}

func (s *store) record(key string) []byte {
	s.t.Helper()
	rec, err := s.s.Record([]byte(key), nil)
	if err != nil {
		s.t.Fatalf("Record(%.20q): %v", key, err)
	}
	return rec
}

// equal checks that two replicas hold and show the same.
func (s *store) equal(o *store, key string) {
	s.t.Helper()
	if a, b := s.digest(key), o.digest(key); a != b {
		s.t.Fatalf("%.20q: digests %x and %x", key, a, b)
	}
	if a, b := s.shows(key), o.shows(key); a != b {
		s.t.Fatalf("%.20q shows %.100q and %.100q", key, a, b)
	}
}
