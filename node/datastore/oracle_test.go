package datastore

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// This file is the executable specification: maps, copies, no cleverness, and
// nothing shared with the engine but Version and Kind. testdata/golden.jsonl.gz
// ties it to the model that it was ported from.

type oField struct {
	kind  Kind
	field string
}

type oSlotKey struct {
	oField
	node uint32
}

type oReg struct {
	v    Version
	val  string
	tomb bool
}

type oSlot struct {
	v, born Version
	sum     int64
}

type oEl struct {
	v    Version
	pos  int64
	prev Version
	val  string
}

type oInterval struct{ lo, hi Version }

type oRec struct {
	rr, reset, rs, remv Version
	kreset, ks          map[Kind]Version
	exp                 Version // zero: none held
	expAt               int64   // zero: none (PERSIST)
	reg                 map[oField]oReg
	slot                map[oSlotKey]oSlot
	el                  map[Version]oEl
	rem                 map[uint32][]oInterval
}

func newORec() *oRec {
	return &oRec{
		kreset: map[Kind]Version{}, ks: map[Kind]Version{}, reg: map[oField]oReg{},
		slot: map[oSlotKey]oSlot{}, el: map[Version]oEl{}, rem: map[uint32][]oInterval{},
	}
}

func (r *oRec) copy() *oRec {
	c := *r
	c.kreset, c.ks = maps.Clone(r.kreset), maps.Clone(r.ks)
	c.reg, c.slot, c.el = maps.Clone(r.reg), maps.Clone(r.slot), maps.Clone(r.el)
	c.rem = map[uint32][]oInterval{}
	for n, iv := range r.rem {
		c.rem[n] = slices.Clone(iv)
	}
	return &c
}

// sortedKeys returns the keys of a map in the order of their text.
func sortedKeys[K comparable, V any](m map[K]V) []K {
	return slices.SortedFunc(maps.Keys(m), func(a, b K) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
}

// atomsText names every atom but the range reset.
func (r *oRec) atomsText() string {
	var b strings.Builder
	if !r.reset.IsZero() {
		fmt.Fprintf(&b, "reset %v %v;", r.reset, r.rs)
	}
	for k := String; k < kinds; k++ {
		if v, ok := r.kreset[k]; ok {
			fmt.Fprintf(&b, "kreset %v %v %v;", k, v, r.ks[k])
		}
	}
	if !r.remv.IsZero() {
		fmt.Fprintf(&b, "remstamp %v;", r.remv)
	}
	if !r.exp.IsZero() {
		fmt.Fprintf(&b, "expiry %v %d;", r.exp, r.expAt)
	}
	for _, k := range sortedKeys(r.reg) {
		x := r.reg[k]
		if x.tomb {
			fmt.Fprintf(&b, "tomb %v %q %v;", k.kind, k.field, x.v)
		} else {
			fmt.Fprintf(&b, "reg %v %q %v %q;", k.kind, k.field, x.v, x.val)
		}
	}
	for _, k := range sortedKeys(r.slot) {
		x := r.slot[k]
		fmt.Fprintf(&b, "slot %v %q %d %v %v %d;", k.kind, k.field, k.node, x.v, x.born, x.sum)
	}
	for _, k := range sortedKeys(r.el) {
		x := r.el[k]
		fmt.Fprintf(&b, "el %v %v %d %v %q;", k, x.v, x.pos, x.prev, x.val)
	}
	for _, n := range sortedKeys(r.rem) {
		for _, iv := range r.rem[n] {
			fmt.Fprintf(&b, "rem %d %v %v;", n, iv.lo, iv.hi)
		}
	}
	return b.String()
}

// text names every atom.
func (r *oRec) text() string { return fmt.Sprintf("rr %v;", r.rr) + r.atomsText() }

func (r *oRec) versions() []Version {
	vs := []Version{r.rr, r.reset, r.rs, r.remv, r.exp}
	for _, v := range r.ks {
		vs = append(vs, v)
	}
	for _, v := range r.kreset {
		vs = append(vs, v)
	}
	for _, x := range r.reg {
		vs = append(vs, x.v)
	}
	for _, x := range r.slot {
		vs = append(vs, x.v)
	}
	for _, x := range r.el {
		vs = append(vs, x.v)
	}
	for _, iv := range r.rem {
		for _, i := range iv {
			vs = append(vs, i.hi)
		}
	}
	return vs
}

func oMax(vs ...Version) Version { return slices.MaxFunc(vs, Version.Compare) }

func ivUnion(a, b []oInterval) []oInterval {
	all := append(slices.Clone(a), b...)
	slices.SortFunc(all, func(x, y oInterval) int {
		return cmp.Or(x.lo.Compare(y.lo), x.hi.Compare(y.hi))
	})
	var out []oInterval
	for _, i := range all {
		if n := len(out); n > 0 && i.lo.Compare(out[n-1].hi) <= 0 {
			out[n-1].hi = oMax(out[n-1].hi, i.hi)
		} else {
			out = append(out, i)
		}
	}
	return out
}

func ivHas(a []oInterval, v Version) bool {
	return slices.ContainsFunc(a, func(i oInterval) bool { return i.lo.Compare(v) < 0 && v.Compare(i.hi) <= 0 })
}

func (r *oRec) cut(k Kind) Version { return oMax(r.rr, r.reset, r.kreset[k]) }

// norm is the specification's drop. It changes r.
func (r *oRec) norm() *oRec {
	top := oMax(r.rr, r.reset)
	if r.reset.Compare(r.rr) <= 0 {
		r.reset, r.rs = Version{}, Version{}
	}
	for k, v := range r.kreset {
		if v.Compare(top) <= 0 {
			delete(r.kreset, k)
			delete(r.ks, k)
		}
	}
	if r.exp.Compare(top) <= 0 {
		r.exp, r.expAt = Version{}, 0
	}
	for k, x := range r.reg {
		if x.v.Compare(r.cut(k.kind)) <= 0 {
			delete(r.reg, k)
		}
	}
	for k, x := range r.slot {
		b, ok := r.reg[k.oField]
		if x.born.Compare(r.cut(k.kind)) <= 0 || ok && x.born.Compare(b.v) <= 0 {
			delete(r.slot, k)
		}
	}
	lr := r.cut(List)
	if r.remv.Compare(lr) <= 0 {
		r.remv = Version{}
	}
	for n, iv := range r.rem {
		var clipped []oInterval
		for _, i := range iv {
			if i.hi.Compare(lr) > 0 {
				clipped = append(clipped, oInterval{oMax(i.lo, lr), i.hi})
			}
		}
		r.rem[n] = clipped
		if len(clipped) == 0 {
			delete(r.rem, n)
		}
	}
	for id := range r.el {
		if id.Compare(lr) <= 0 || ivHas(r.rem[id.Node], id) {
			delete(r.el, id)
		}
	}
	return r
}

func oGreater(v1, s1, v2, s2 Version) bool { return cmp.Or(v1.Compare(v2), s1.Compare(s2)) > 0 }

func oNewest[K comparable, X comparable](d, e map[K]X, v func(X) Version) {
	for k, x := range e {
		y, ok := d[k]
		if !ok || v(x).Compare(v(y)) > 0 {
			d[k] = x
		} else if v(x) == v(y) && x != y {
			panic(fmt.Sprint("two atoms with one stamp: ", k, x, y))
		}
	}
}

func oJoin(a, b *oRec) *oRec {
	r := a.copy()
	r.rr, r.remv = oMax(a.rr, b.rr), oMax(a.remv, b.remv)
	if oGreater(b.reset, b.rs, r.reset, r.rs) {
		r.reset, r.rs = b.reset, b.rs
	}
	for k, v := range b.kreset {
		if oGreater(v, b.ks[k], r.kreset[k], r.ks[k]) {
			r.kreset[k], r.ks[k] = v, b.ks[k]
		}
	}
	if b.exp.Compare(r.exp) > 0 {
		r.exp, r.expAt = b.exp, b.expAt
	}
	oNewest(r.reg, b.reg, func(x oReg) Version { return x.v })
	oNewest(r.slot, b.slot, func(x oSlot) Version { return x.v })
	oNewest(r.el, b.el, func(x oEl) Version { return x.v })
	for n, iv := range b.rem {
		r.rem[n] = ivUnion(r.rem[n], iv)
	}
	return r.norm()
}

// oSplit returns the atoms of r, one by one.
func oSplit(r *oRec) (out []*oRec) {
	one := func(set func(*oRec)) {
		x := newORec()
		set(x)
		out = append(out, x)
	}
	if !r.rr.IsZero() {
		one(func(x *oRec) { x.rr = r.rr })
	}
	if !r.reset.IsZero() {
		one(func(x *oRec) { x.reset, x.rs = r.reset, r.rs })
	}
	for k, v := range r.kreset {
		one(func(x *oRec) { x.kreset[k], x.ks[k] = v, r.ks[k] })
	}
	if !r.remv.IsZero() {
		one(func(x *oRec) { x.remv = r.remv })
	}
	if !r.exp.IsZero() {
		one(func(x *oRec) { x.exp, x.expAt = r.exp, r.expAt })
	}
	for k, v := range r.reg {
		one(func(x *oRec) { x.reg[k] = v })
	}
	for k, v := range r.slot {
		one(func(x *oRec) { x.slot[k] = v })
	}
	for k, v := range r.el {
		one(func(x *oRec) { x.el[k] = v })
	}
	for n, iv := range r.rem {
		for _, i := range iv {
			one(func(x *oRec) { x.rem[n], x.remv = []oInterval{i}, r.remv })
		}
	}
	return out
}

// at is the record as time t sees it: a passed expiry has become a reset.
func (r *oRec) at(t int64) *oRec {
	if r.exp.IsZero() || r.expAt == 0 || t <= r.expAt {
		return r
	}
	r = r.copy()
	if end := End(r.expAt); oGreater(end, Version{}, r.reset, r.rs) {
		r.reset, r.rs = end, Version{}
	}
	return r.norm()
}

func oIsInt(s string) bool {
	n, err := strconv.ParseInt(s, 10, 64)
	return err == nil && strconv.FormatInt(n, 10) == s
}

func oInt(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64)
	return n
}

// num is what a field shows.
func (r *oRec) num(k Kind, f string) (string, bool) {
	b, ok := r.reg[oField{k, f}]
	ok = ok && !b.tomb
	sum, slots := int64(0), 0
	for key, x := range r.slot {
		if key.oField == (oField{k, f}) {
			sum += x.sum
			slots++
		}
	}
	switch {
	case ok && slots > 0 && oIsInt(b.val):
		return strconv.FormatInt(oInt(b.val)+sum, 10), true
	case ok:
		return b.val, true
	case slots > 0:
		return strconv.FormatInt(sum, 10), true
	}
	return "", false
}

// live maps each kind that lives to the newest stamp of its live cells.
func (r *oRec) live() map[Kind]Version {
	m := map[Kind]Version{}
	for k, x := range r.reg {
		if !x.tomb {
			m[k.kind] = oMax(m[k.kind], x.v)
		}
	}
	for k, x := range r.slot {
		m[k.kind] = oMax(m[k.kind], x.v)
	}
	for _, x := range r.el {
		m[List] = oMax(m[List], x.v)
	}
	return m
}

func (r *oRec) maxBorn(k Kind) (m Version) {
	for key, x := range r.reg {
		if key.kind == k {
			m = oMax(m, x.v)
		}
	}
	for key, x := range r.slot {
		if key.kind == k {
			m = oMax(m, x.born)
		}
	}
	for id := range r.el {
		if k == List {
			m = oMax(m, id)
		}
	}
	return m
}

func (r *oRec) order() []Version {
	return slices.SortedFunc(maps.Keys(r.el), func(a, b Version) int {
		return cmp.Or(cmp.Compare(r.el[a].pos, r.el[b].pos), a.Compare(b))
	})
}

func (r *oRec) kind() Kind {
	k := None
	m := r.live()
	for q, v := range m {
		if k == None || m[k].Compare(v) < 0 {
			k = q
		}
	}
	return k
}

// view is what the record shows at t, as text.
func (r *oRec) view(t int64) string {
	r = r.at(t)
	k := r.kind()
	var parts []string
	switch k {
	case None:
		return "none"
	case List:
		for _, id := range r.order() {
			parts = append(parts, strconv.Quote(r.el[id].val))
		}
	default:
		fields := map[string]bool{}
		for f := range r.reg {
			fields[f.field] = fields[f.field] || f.kind == k
		}
		for f := range r.slot {
			fields[f.field] = fields[f.field] || f.kind == k
		}
		for f := range fields {
			if val, ok := r.num(k, f); ok {
				parts = append(parts, fmt.Sprintf("%q=%q", f, val))
			}
		}
		slices.Sort(parts)
	}
	return fmt.Sprintf("%v %v %d", k, parts, r.expAt)
}

// oCommand is a command of the specification's menu.
type oCommand struct {
	op   string
	key  string // field, member or value pushed
	val  string
	by   int64 // also: time, index
	last int64
}

func (c oCommand) String() string {
	return fmt.Sprintf("%s %s %s %d %d", c.op, c.key, c.val, c.by, c.last)
}

var oNeeds = map[string]Kind{
	"INCRBY": String, "EDIT": String, "HMSET": Hash, "HSET": Hash, "HINCRBY": Hash, "HDEL": Hash, "SADD": Set, "SREM": Set,
	"RPUSH": List, "LPUSH": List, "LPOP": List, "RPOP": List, "LSET": List, "LREM": List, "LTRIM": List,
}

const oWrongType = "WRONGTYPE"

// oExecute runs a command at stamp v on raw; d is nil if it writes nothing.
func oExecute(raw *oRec, v Version, c oCommand) (reply string, d *oRec) {
	t, me := v.Millis(), v.Node
	r := raw.at(t)
	m, kind := r.live(), r.kind()
	d = newORec()
	if need, ok := oNeeds[c.op]; ok && kind != None && kind != need {
		return oWrongType, nil
	}
	creating := func() {
		if kind == None {
			d.exp = v
		}
	}
	incr := func(k Kind, f string) string {
		cur, _ := r.num(k, f)
		if cur == "" {
			cur = "0"
		}
		if !oIsInt(cur) {
			return "ERR"
		}
		s := oSlot{v: v, born: v, sum: c.by}
		if own, ok := r.slot[oSlotKey{oField{k, f}, me}]; ok {
			s.born, s.sum = own.born, own.sum+c.by
		}
		d.slot[oSlotKey{oField{k, f}, me}] = s
		creating()
		return strconv.FormatInt(oInt(cur)+c.by, 10)
	}
	remove := func(ids []Version) {
		d.remv = v
		for _, id := range ids {
			d.rem[id.Node] = ivUnion(d.rem[id.Node], []oInterval{{r.el[id].prev, id}})
		}
	}
	has := func(k Kind, f string) bool { _, ok := r.num(k, f); return ok }
	bit := func(b bool) string {
		if b {
			return "1"
		}
		return "0"
	}
	order := r.order()
	switch c.op {
	case "SET", "SETK":
		d.reg[oField{String, ""}] = oReg{v: v, val: c.val}
		d.reset = v.Pred()
		if c.op == "SETK" && r.expAt != 0 && kind != None {
			d.exp, d.expAt = v, r.expAt
		}
		reply = "OK"
	case "SETEX":
		reply = "OK"
		if d.reset = v; c.by < t {
			break
		}
		d.reg[oField{String, ""}] = oReg{v: v, val: c.val}
		d.reset = v.Pred()
		d.exp, d.expAt = v, c.by
	case "EDIT": // APPEND and the like: a whole new value, the expiry stays
		d.reg[oField{String, ""}] = oReg{v: v, val: c.val}
		creating()
		reply = "OK"
	case "STORE": // SUNIONSTORE and the like: a whole new collection
		d.reg[oField{Hash, c.key}] = oReg{v: v, val: c.val}
		d.slot[oSlotKey{oField{Hash, "n"}, me}] = oSlot{v, v, c.by}
		d.reset = v.Pred()
		reply = "OK"
	case "HMSET":
		for i := range c.by {
			d.reg[oField{Hash, c.key + strconv.FormatInt(i, 10)}] = oReg{v: v, val: c.val}
		}
		creating()
		reply = "OK"
	case "INCRBY":
		if reply = incr(String, ""); reply == "ERR" {
			return reply, nil
		}
	case "HSET":
		reply = bit(!has(Hash, c.key))
		d.reg[oField{Hash, c.key}] = oReg{v: v, val: c.val}
		creating()
	case "HINCRBY":
		if reply = incr(Hash, c.key); reply == "ERR" {
			return reply, nil
		}
	case "HDEL", "SREM":
		k := oNeeds[c.op]
		if !has(k, c.key) {
			return "0", nil
		}
		d.reg[oField{k, c.key}] = oReg{v: v, tomb: true}
		reply = "1"
	case "SADD":
		if has(Set, c.key) {
			return "0", nil
		}
		d.reg[oField{Set, c.key}] = oReg{v: v}
		reply = "1"
		creating()
	case "RPUSH", "LPUSH":
		x := oEl{v: v, prev: v.Pred(), val: c.key}
		if len(order) > 0 {
			x.pos = r.el[order[0]].pos - 1
			if c.op == "RPUSH" {
				x.pos = r.el[order[len(order)-1]].pos + 1
			}
		}
		own := Version{}
		for id := range raw.el {
			if id.Node == me {
				own = oMax(own, id)
			}
		}
		if iv := raw.rem[me]; len(iv) > 0 {
			own = oMax(own, iv[len(iv)-1].hi)
		}
		if !own.IsZero() {
			x.prev = own
		}
		d.el[v] = x
		reply = strconv.Itoa(len(order) + 1)
		creating()
	case "LPOP", "RPOP":
		if len(order) == 0 {
			return "nil", nil
		}
		id := order[0]
		if c.op == "RPOP" {
			id = order[len(order)-1]
		}
		reply = r.el[id].val
		remove([]Version{id})
	case "LSET":
		if c.by >= int64(len(order)) {
			return "ERR", nil
		}
		x := r.el[order[c.by]]
		x.v, x.val = v, c.val
		d.el[order[c.by]] = x
		reply = "OK"
	case "LREM":
		ids := slices.DeleteFunc(order, func(id Version) bool { return r.el[id].val != c.key })
		if len(ids) == 0 {
			return "0", nil
		}
		reply = strconv.Itoa(len(ids))
		remove(ids)
	case "LTRIM":
		n := int64(len(order))
		from, to := c.by, c.last
		if from < 0 {
			from = max(from+n, 0)
		}
		if to < 0 {
			to += n
		} else {
			to = min(to, n-1)
		}
		var ids []Version
		for i, id := range order {
			if from > to || int64(i) < from || int64(i) > to {
				ids = append(ids, id)
			}
		}
		if len(ids) == 0 {
			return "OK", nil
		}
		reply = "OK"
		remove(ids)
	case "DEL":
		if kind == None {
			return "0", nil
		}
		d.reset = v
		reply = "1"
	case "EXPIREAT":
		if kind == None {
			return "0", nil
		}
		if c.by < t {
			d.reset = v
		} else {
			d.exp, d.expAt = v, c.by
		}
		reply = "1"
	case "PERSIST":
		if kind == None || r.expAt == 0 {
			return "0", nil
		}
		d.exp = v
		reply = "1"
	case "FLUSH":
		d.rr = v
		return "OK", d
	default:
		panic(c.op)
	}
	if raw.expAt != 0 && t > raw.expAt {
		d.reset = oMax(d.reset, End(raw.expAt))
	}
	for k := range m {
		if k != kind {
			d.kreset[k], d.ks[k] = r.maxBorn(k), v
		}
	}
	if !d.reset.IsZero() {
		d.rs = v
	}
	return reply, d
}
