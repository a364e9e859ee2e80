package node_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// book is what a key may hold, by what its only client was told: more than one
// thing, once the outcome of a write is unknown. A string has the one field "".
type book struct {
	fields  map[string]map[string]bool // values that a field may have; "" for none
	unknown map[string]map[string]bool // those that writes of unknown outcome may bring yet

	from, to   int // a counter is in between
	increments int // those of unknown outcome

	expires time.Time   // all of it, if not zero
	may     []time.Time // or perhaps then
	vanish  bool        // or perhaps at any time, for such a write may have set when
	removal bool        // one of unknown outcome may come yet
}

func newBook() *book {
	return &book{fields: map[string]map[string]bool{}, unknown: map[string]map[string]bool{}}
}

// field is what a field may be.
func (b *book) field(f string) map[string]bool {
	if b.fields[f] == nil {
		b.fields[f], b.unknown[f] = map[string]bool{"": true}, map[string]bool{}
	}
	return b.fields[f]
}

// written takes note of a field's new value. It may be gone again if the write
// may have come before a removal.
func (b *book) written(f, v string, mayBeGone bool) {
	b.field(f)
	b.fields[f] = maps.Clone(b.unknown[f])
	b.fields[f][v] = true
	if mayBeGone {
		b.fields[f][""] = true
	}
}

// perhapsWritten takes note of a value whose write has an unknown outcome.
func (b *book) perhapsWritten(f, v string) {
	b.field(f)[v], b.unknown[f][v] = true, true
}

// removed takes note that nothing is there but what is of unknown outcome.
func (b *book) removed() {
	b.gone()
	b.expires, b.may, b.vanish = time.Time{}, nil, b.removal
}

// gone is removed, but for when the key may expire: nothing was there.
func (b *book) gone() {
	for f := range b.fields {
		b.fieldGone(f)
	}
	b.from, b.to = 0, b.increments
}

func (b *book) fieldGone(f string) {
	b.written(f, "", true)
}

// perhapsRemoved takes note of a removal of unknown outcome: one that may come
// later still.
func (b *book) perhapsRemoved() {
	b.perhapsGone()
	b.removal = true
	b.expiryUnsure()
}

func (b *book) perhapsGone() {
	for f := range b.fields {
		b.fields[f][""] = true
	}
	b.from = 0
}

// expiryUnsure takes note that something may have come before the expiry.
func (b *book) expiryUnsure() {
	if !b.expires.IsZero() {
		b.may, b.expires = append(b.may, b.expires), time.Time{}
	}
}

// blur is how much sooner or later than the client thinks a key expires: its
// node counts in milliseconds.
const blur = 2 * time.Millisecond

// during has expire what may have between two moments, when a request began
// and when it ended, and says whether it is certain what was there.
func (b *book) during(start, end time.Time) (sure bool) {
	sure = true
	switch {
	case b.expires.IsZero() || end.Before(b.expires.Add(-blur)):
	case start.After(b.expires.Add(blur)):
		may := b.may
		b.removed()
		b.may = may
	default:
		sure = false
	}
	for _, m := range b.may {
		sure = sure && end.Before(m.Add(-blur))
	}
	sure = sure && !b.vanish && !b.removal
	b.may = slices.DeleteFunc(b.may, func(m time.Time) bool { return start.After(m.Add(blur)) })
	if !sure {
		b.perhapsGone()
	}
	return sure
}

// settled takes note that what was of unknown outcome has come, if it ever will.
func (b *book) settled(now time.Time) {
	b.during(now, now)
	for _, values := range b.unknown {
		clear(values)
	}
	b.increments, b.removal = 0, false
}

// wrong says why a field cannot be as it was read; "" if it can.
func (b *book) wrong(f string, v any) string {
	got := ""
	if v != nil {
		got = fmt.Sprint(v)
	}
	if b.field(f)[got] {
		return ""
	}
	return fmt.Sprintf("%q is %q, may be %q; expires %v, or %v", f, got, slices.Sorted(maps.Keys(b.field(f))), b.expires, b.may)
}

// wrongCount is wrong for a counter.
func (b *book) wrongCount(v any) string {
	n := 0
	if v != nil {
		n, _ = strconv.Atoi(fmt.Sprint(v))
	}
	if n >= b.from && n <= b.to {
		return ""
	}
	return fmt.Sprintf("is %d, not in %d to %d", n, b.from, b.to)
}
