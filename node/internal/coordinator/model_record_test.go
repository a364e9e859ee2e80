package coordinator

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/dynomite-go/dynomite/node/datastore"
)

// This file is the specification of the join and of the commands as plainly as
// it can be said, for strings and hashes: maps, copies, and nothing of the
// store but Version and Kind.

type modelField struct {
	kind  datastore.Kind
	field string
}

type modelSlotKey struct {
	modelField
	node uint32
}

type modelReg struct {
	v    datastore.Version
	val  string
	tomb bool
}

type modelSlot struct {
	v, born datastore.Version
	sum     int64
}

// modelRecord is never changed once it was returned by join.
type modelRecord struct {
	reset, rs  datastore.Version
	kreset, ks map[datastore.Kind]datastore.Version
	exp        datastore.Version // zero: none held
	expAt      int64             // zero: none (PERSIST)
	reg        map[modelField]modelReg
	slot       map[modelSlotKey]modelSlot
}

func newModelRecord() *modelRecord {
	return &modelRecord{
		kreset: map[datastore.Kind]datastore.Version{}, ks: map[datastore.Kind]datastore.Version{},
		reg: map[modelField]modelReg{}, slot: map[modelSlotKey]modelSlot{},
	}
}

func (r *modelRecord) copy() *modelRecord {
	c := *r
	c.kreset, c.ks = maps.Clone(r.kreset), maps.Clone(r.ks)
	c.reg, c.slot = maps.Clone(r.reg), maps.Clone(r.slot)
	return &c
}

// text names every atom.
func (r *modelRecord) text() string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	for k, v := range r.kreset {
		add("kreset %v %v %v", k, v, r.ks[k])
	}
	for k, x := range r.reg {
		add("reg %v %q %v %q %v", k.kind, k.field, x.v, x.val, x.tomb)
	}
	for k, x := range r.slot {
		add("slot %v %q %d %v %v %d", k.kind, k.field, k.node, x.v, x.born, x.sum)
	}
	slices.Sort(parts)
	if !r.reset.IsZero() {
		add("reset %v %v", r.reset, r.rs)
	}
	if !r.exp.IsZero() {
		add("expiry %v %d", r.exp, r.expAt)
	}
	return strings.Join(parts, "; ")
}

func greatest(vs ...datastore.Version) datastore.Version {
	return slices.MaxFunc(vs, datastore.Version.Compare)
}

// drop forgets what is dead. It changes r.
func (r *modelRecord) drop() *modelRecord {
	cut := func(k datastore.Kind) datastore.Version { return greatest(r.reset, r.kreset[k]) }
	for k, v := range r.kreset {
		if v.Compare(r.reset) <= 0 {
			delete(r.kreset, k)
			delete(r.ks, k)
		}
	}
	if r.exp.Compare(r.reset) <= 0 {
		r.exp, r.expAt = datastore.Version{}, 0
	}
	for k, x := range r.reg {
		if x.v.Compare(cut(k.kind)) <= 0 {
			delete(r.reg, k)
		}
	}
	for k, x := range r.slot {
		base, ok := r.reg[k.modelField]
		if x.born.Compare(cut(k.kind)) <= 0 || ok && x.born.Compare(base.v) <= 0 {
			delete(r.slot, k)
		}
	}
	return r
}

func newest[K comparable, X comparable](d, e map[K]X, v func(X) datastore.Version) {
	for k, x := range e {
		y, ok := d[k]
		if !ok || v(y).Less(v(x)) {
			d[k] = x
		} else if v(x) == v(y) && x != y {
			panic(fmt.Sprint("two atoms with one stamp: ", k, x, y))
		}
	}
}

func modelJoin(a, b *modelRecord) *modelRecord {
	r := a.copy()
	if cmp.Or(b.reset.Compare(r.reset), b.rs.Compare(r.rs)) > 0 {
		r.reset, r.rs = b.reset, b.rs
	}
	for k, v := range b.kreset {
		if cmp.Or(v.Compare(r.kreset[k]), b.ks[k].Compare(r.ks[k])) > 0 {
			r.kreset[k], r.ks[k] = v, b.ks[k]
		}
	}
	if r.exp.Less(b.exp) {
		r.exp, r.expAt = b.exp, b.expAt
	}
	newest(r.reg, b.reg, func(x modelReg) datastore.Version { return x.v })
	newest(r.slot, b.slot, func(x modelSlot) datastore.Version { return x.v })
	return r.drop()
}

// holds says that d adds nothing to r: every atom of it is there, or beaten.
func (r *modelRecord) holds(d *modelRecord) bool { return d == nil || modelJoin(r, d).equal(r) }

func (r *modelRecord) equal(o *modelRecord) bool {
	return r.reset == o.reset && r.rs == o.rs && r.exp == o.exp && r.expAt == o.expAt &&
		maps.Equal(r.kreset, o.kreset) && maps.Equal(r.ks, o.ks) && maps.Equal(r.reg, o.reg) && maps.Equal(r.slot, o.slot)
}

// at is the record as time t sees it: a passed expiry has become a reset.
func (r *modelRecord) at(t int64) *modelRecord {
	if r.exp.IsZero() || r.expAt == 0 || t <= r.expAt {
		return r
	}
	r = r.copy()
	if end := datastore.End(r.expAt); cmp.Or(end.Compare(r.reset), datastore.Version{}.Compare(r.rs)) > 0 {
		r.reset, r.rs = end, datastore.Version{}
	}
	return r.drop()
}

func integer(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && strconv.FormatInt(n, 10) == s
}

// shown is what a field shows.
func (r *modelRecord) shown(k datastore.Kind, f string) (string, bool) {
	base, ok := r.reg[modelField{k, f}]
	ok = ok && !base.tomb
	sum, slots := int64(0), false
	for key, x := range r.slot {
		if key.modelField == (modelField{k, f}) {
			sum, slots = sum+x.sum, true
		}
	}
	n, isInt := integer(base.val)
	switch {
	case ok && slots && isInt:
		return strconv.FormatInt(n+sum, 10), true
	case ok:
		return base.val, true
	}
	return strconv.FormatInt(sum, 10), slots
}

// kind is the kind that is shown; hidden are the others that live, each with
// its greatest birth.
func (r *modelRecord) kind() (shown datastore.Kind, hidden map[datastore.Kind]datastore.Version) {
	stamp, born := map[datastore.Kind]datastore.Version{}, map[datastore.Kind]datastore.Version{}
	for k, x := range r.reg {
		if born[k.kind] = greatest(born[k.kind], x.v); !x.tomb {
			stamp[k.kind] = greatest(stamp[k.kind], x.v)
		}
	}
	for k, x := range r.slot {
		stamp[k.kind] = greatest(stamp[k.kind], x.v)
		born[k.kind] = greatest(born[k.kind], x.born)
	}
	for k, v := range stamp {
		if shown == datastore.None || stamp[shown].Less(v) {
			shown = k
		}
	}
	hidden = map[datastore.Kind]datastore.Version{}
	for k := range stamp {
		if k != shown {
			hidden[k] = born[k]
		}
	}
	return shown, hidden
}

// size is how many fields a kind shows.
func (r *modelRecord) size(k datastore.Kind) int {
	fields := map[modelField]bool{}
	for f, x := range r.reg {
		fields[f] = fields[f] || !x.tomb
	}
	for f := range r.slot {
		fields[f.modelField] = true
	}
	n := 0
	for f, ok := range fields {
		if ok && f.kind == k {
			n++
		}
	}
	return n
}

// view says what the record shows at t.
func (r *modelRecord) view(t int64) string {
	r = r.at(t)
	k, _ := r.kind()
	if k == datastore.None {
		return "none"
	}
	fields := map[string]string{}
	each := func(f modelField) {
		if s, ok := r.shown(f.kind, f.field); ok && f.kind == k {
			fields[f.field] = s
		}
	}
	for f := range r.reg {
		each(f)
	}
	for f := range r.slot {
		each(f.modelField)
	}
	return fmt.Sprintf("%v %q %d", k, fields, r.expAt)
}

// viewText says in the words of modelRecord.view what a View shows.
func viewText(v *datastore.View) string {
	if v.Kind() == datastore.None {
		return "none"
	}
	fields := map[string]string{}
	v.Each(v.Kind(), func(field, value []byte) bool {
		fields[string(field)] = string(value)
		return true
	})
	at, _ := v.Expiry()
	return fmt.Sprintf("%v %q %d", v.Kind(), fields, at)
}
