package datastore

import (
	"bytes"
	"fmt"
	"slices"
	"sort"
	"strings"
)

// naive is a store without shards, slabs, index, trees or log: a map, and the
// engine on encoded records.
type naive struct {
	clock  *Clock
	engine *engine
	token  func([]byte) uint64
	recs   map[string][]byte
	resets []RangeReset
	closed []RangeReset // what was closed, with the version
	floors []RangeReset
}

func newNaive(clock *Clock, token func([]byte) uint64, digestKey uint64) *naive {
	n := &naive{clock: clock, engine: newEngine(clock, digestKey), token: token, recs: map[string][]byte{}}
	n.engine.limits = limits{maxBytes: 1 << 30, maxCells: 1 << 30}
	return n
}

func (n *naive) cut(key []byte) (v Version) {
	token := n.token(key)
	n.engine.floor = at(n.floors, token)
	return at(n.resets, token)
}

// at is the greatest version that is given for a token.
func at(ranges []RangeReset, token uint64) (v Version) {
	for _, r := range ranges {
		if r.From <= token && token <= r.To {
			v = later(v, r.Version)
		}
	}
	return v
}

func (n *naive) set(key, out []byte) {
	switch {
	case out == nil:
	case len(out) == 0:
		delete(n.recs, string(key))
	default:
		n.recs[string(key)] = bytes.Clone(out)
	}
}

func (n *naive) read(key []byte) string {
	return describe(n.engine.view(n.recs[string(key)], n.cut(key), n.clock.Now()))
}

func (n *naive) update(key []byte, u Updater) Update {
	out, up := n.engine.update(key, n.recs[string(key)], n.cut(key), u, nil)
	n.set(key, out)
	return up
}

func (n *naive) merge(key, delta []byte, opt MergeOptions) (Answer, error) {
	if !opt.Exchange {
		opt.closed = at(n.closed, n.token(key))
	}
	out, ans, err := n.engine.merge(key, n.recs[string(key)], n.cut(key), delta, opt, nil)
	n.set(key, out)
	return ans, err
}

func (n *naive) digest(key []byte) uint64 {
	return n.engine.digest(key, n.recs[string(key)], n.cut(key))
}

func (n *naive) reset(from, to uint64, v Version) (newest Version) {
	n.clock.Observe(v)
	n.resets, _ = addReset(n.resets, RangeReset{from, to, v})
	for key, rec := range n.recs {
		if t := n.token([]byte(key)); t < from || t > to {
			continue
		}
		n.set([]byte(key), n.engine.drop(rec, n.cut([]byte(key))))
		newest = later(newest, n.engine.newest(n.recs[key]))
	}
	return newest
}

func (n *naive) purge(from, to uint64, floor, before Version) {
	n.floors = append(n.floors, RangeReset{from, to, floor})
	n.resets, _ = RangeReset{from, to, floor}.without(n.resets, 0, ^uint64(0))
	for key, rec := range n.recs {
		if t := n.token([]byte(key)); t < from || t > to {
			continue
		}
		out, _ := n.engine.purge(rec, n.cut([]byte(key)), floor, before)
		n.set([]byte(key), out)
	}
}

// keys returns the keys with a record, in token order.
func (n *naive) keys() []string {
	var keys []string
	for key := range n.recs {
		keys = append(keys, key)
	}
	sort.Slice(keys, func(i, j int) bool {
		a, b := n.token([]byte(keys[i])), n.token([]byte(keys[j]))
		return a < b || a == b && keys[i] < keys[j]
	})
	return keys
}

// counts returns how many keys exist now, and how many of them expire.
func (n *naive) counts() (live, expiring int) {
	for key, rec := range n.recs {
		exists, _, expiry := n.engine.stat(rec, n.cut([]byte(key)), n.clock.Now())
		if exists {
			live++
			if expiry != 0 {
				expiring++
			}
		}
	}
	return live, expiring
}

// describe is all that a view shows.
func describe(v *View) string {
	var b strings.Builder
	at, ok := v.Expiry()
	fmt.Fprintf(&b, "%v expiry %d %v len %d", v.Kind(), at, ok, v.Len(v.Kind()))
	if text, ok := v.Text(); ok {
		fmt.Fprintf(&b, " %q", text)
	}
	if v.Kind() != None && v.Kind() != String {
		var fields []string
		v.Each(v.Kind(), func(field, value []byte) bool {
			fields = append(fields, fmt.Sprintf("%q=%q", field, value))
			return true
		})
		slices.Sort(fields)
		fmt.Fprint(&b, fields)
	}
	return b.String()
}

type readerFunc func(*View)

func (f readerFunc) Read(v *View) { f(v) }

type updaterFunc func(*View, *Delta)

func (f updaterFunc) Update(v *View, d *Delta) { f(v, d) }

// look is describe of a key of a Memory.
func look(m *Memory, key []byte) string {
	var s string
	if err := m.Read(key, readerFunc(func(v *View) { s = describe(v) })); err != nil {
		return err.Error()
	}
	return s
}
