package datastore

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"
)

// form is how a test holds its records.
type form int

const (
	smallForm form = iota // never grows
	largeForm             // always a tree
	mixedForm             // grows and shrinks at tiny limits
)

var forms = []form{smallForm, largeForm, mixedForm}

func (f form) String() string { return [...]string{"small", "large", "mixed"}[f] }

// holder is one key on one node: what a shard of a store does with an engine.
type holder struct {
	t    *testing.T
	e    *engine
	form form
	key  []byte
	rec  []byte
	l    *large
	cut  Version
	fast bool // do not inspect
}

func newHolder(t *testing.T, f form, clock *Clock) *holder {
	h := &holder{t: t, e: newEngine(clock, 42), form: f, key: []byte("key")}
	switch f {
	case smallForm:
		h.e.limits = limits{maxBytes: 1 << 30, maxCells: 1 << 30}
	case mixedForm:
		h.e.limits = limits{maxBytes: 64, maxCells: 4}
	}
	h.settle(nil)
	return h
}

// settle takes a new small record and chooses the form.
func (h *holder) settle(out []byte) {
	if out != nil {
		h.rec = slices.Clone(out)
	}
	switch {
	case h.l != nil:
		if h.form == mixedForm && h.l.shrunk() {
			h.rec, h.l = h.l.append(nil), nil
		}
	case h.form == largeForm, h.e.outgrown(h.rec):
		h.l, h.rec = h.e.growLarge(h.key, h.rec, h.cut), nil
	}
	h.inspect()
}

// inspect checks what a large record keeps against what it holds.
func (h *holder) inspect() {
	h.t.Helper()
	if h.l == nil || h.fast {
		return
	}
	fresh := newEngine(NewClock(1, nil), h.e.seed)
	fresh.limits = h.e.limits
	rec := h.l.append(nil)
	if len(rec) > 0 != !h.l.empty() {
		h.t.Fatalf("empty is %v, encoding is %x", h.l.empty(), rec)
	}
	want := fresh.growLarge(h.key, rec, h.cut)
	type totals struct {
		header
		groups, cells, tombstones, size, text int
		shown                                 [kinds]int
		sum                                   [kinds]uint64
	}
	of := func(l *large) totals {
		return totals{l.header, l.groups.Len(), l.cells, l.tombstones, l.size, l.text, l.shown, l.sum}
	}
	if got, want := of(h.l), of(want); h.cut.Compare(h.l.dropped) <= 0 && got != want {
		h.t.Fatalf("kept totals\n got %+v\nwant %+v", got, want)
	}
	if h.l.born.Less(want.born) || h.l.high.Less(want.high) {
		h.t.Fatalf("greatest birth %v and version %v, held %v and %v", h.l.born, h.l.high, want.born, want.high)
	}
}

func (h *holder) update(u Updater) Update {
	h.t.Helper()
	var up Update
	if h.l != nil {
		up = h.e.lupdate(h.l, h.key, h.cut, u, nil)
		h.settle(nil)
	} else {
		var out []byte
		out, up = h.e.update(h.key, h.rec, h.cut, u, nil)
		h.settle(out)
	}
	return up
}

func (h *holder) merge(delta []byte, opt MergeOptions) Answer {
	h.t.Helper()
	var ans Answer
	var err error
	if h.l != nil {
		ans, err = h.e.lmerge(h.l, h.key, h.cut, delta, opt, nil)
		h.settle(nil)
	} else {
		var out []byte
		out, ans, err = h.e.merge(h.key, h.rec, h.cut, delta, opt, nil)
		h.settle(out)
	}
	if err != nil {
		h.t.Fatalf("merge %x: %v", delta, err)
	}
	return ans
}

// reset is what MergeReset does.
func (h *holder) reset(v Version) {
	h.e.clock.Observe(v)
	h.cut = later(h.cut, v)
}

func (h *holder) view(now int64) *View {
	if h.l != nil {
		return h.e.lview(h.l, h.cut, now)
	}
	return h.e.view(h.rec, h.cut, now)
}

func (h *holder) digest() uint64 {
	if h.l != nil {
		return h.e.ldigest(h.l, h.key, h.cut)
	}
	return h.e.digest(h.key, h.rec, h.cut)
}

// encoded is the whole record, less what the cut kills.
func (h *holder) encoded() []byte {
	if h.l != nil {
		h.e.ldrop(h.l, h.key, h.cut)
		return h.l.append(nil)
	}
	if out := h.e.drop(h.rec, h.cut); out != nil {
		return slices.Clone(out)
	}
	return h.rec
}

func (h *holder) atoms() *oRec {
	r := decodeORec(h.t, h.encoded())
	r.rr = h.cut
	return r
}

// decodeORec turns an encoding into the oracle's form, by the engine's decoder.
func decodeORec(t *testing.T, b []byte) *oRec {
	t.Helper()
	r := newORec()
	if len(b) == 0 {
		return r
	}
	var a atoms
	if err := a.decode(b); err != nil {
		t.Fatalf("decode %x: %v", b, err)
	}
	r.reset, r.rs = a.reset.upto, a.reset.stamp
	for k, x := range a.kreset {
		if x != (reset{}) {
			r.kreset[Kind(k)], r.ks[Kind(k)] = x.upto, x.stamp
		}
	}
	r.exp, r.expAt, r.remv = a.expiry, a.expireAt, a.removal
	for _, c := range a.cells {
		f := oField{c.kind, string(c.field)}
		if c.class == slot {
			r.slot[oSlotKey{f, c.node}] = oSlot{c.stamp, c.born, c.sum}
		} else {
			r.reg[f] = oReg{c.stamp, string(c.value), c.class == tombstone}
		}
	}
	for _, x := range a.elements {
		r.el[x.id] = oEl{x.stamp, x.pos, x.prev, string(x.value)}
	}
	for _, x := range a.intervals {
		r.rem[x.node] = append(r.rem[x.node], oInterval{x.lo, x.hi})
	}
	return r
}

// encodeORec is the test's builder: it encodes any atoms (but the range reset).
func encodeORec(r *oRec) []byte {
	var a atoms
	a.reset = reset{r.reset, r.rs}
	for k, v := range r.kreset {
		a.kreset[k] = reset{v, r.ks[k]}
	}
	a.expiry, a.expireAt, a.removal = r.exp, r.expAt, r.remv
	for k, x := range r.reg {
		c := cell{kind: k.kind, field: []byte(k.field), stamp: x.v, value: []byte(x.val)}
		if x.tomb {
			c.class = tombstone
		}
		a.cells = append(a.cells, c)
	}
	for k, x := range r.slot {
		a.cells = append(a.cells, cell{kind: k.kind, class: slot, field: []byte(k.field), node: k.node, stamp: x.v, born: x.born, sum: x.sum})
	}
	for i := range a.cells {
		a.cells[i].hash = fieldHash(a.cells[i].kind, a.cells[i].field)
	}
	slices.SortFunc(a.cells, func(x, y cell) int { return x.compare(&y) })
	for id, x := range r.el {
		a.elements = append(a.elements, element{id: id, prev: x.prev, stamp: x.v, pos: x.pos, value: []byte(x.val)})
	}
	slices.SortFunc(a.elements, func(x, y element) int { return x.id.Compare(y.id) })
	for n, iv := range r.rem {
		for _, i := range iv {
			a.intervals = append(a.intervals, interval{n, i.lo, i.hi})
		}
	}
	slices.SortFunc(a.intervals, func(x, y interval) int { return x.compare(&y) })
	return a.append(nil)
}

// viewText says in the words of oRec.view what a View shows, and checks that
// its methods agree.
func viewText(t *testing.T, v *View) string {
	t.Helper()
	k := v.Kind()
	at, ok := v.Expiry()
	if k == None {
		if _, shows := v.Text(); ok || shows || v.Len(String)+v.Len(Hash)+v.Len(List) > 0 {
			t.Fatal("a missing key shows something")
		}
		return "none"
	}
	var parts []string
	v.Each(k, func(field, value []byte) bool {
		if k == List {
			parts = append(parts, strconv.Quote(string(value)))
			return true
		}
		parts = append(parts, fmt.Sprintf("%q=%q", field, value))
		if got, ok := v.Field(k, field); !ok || string(got) != string(value) {
			t.Fatalf("Field(%v, %q) = %q, %v; Each has %q", k, field, got, ok, value)
		}
		return true
	})
	if len(parts) != v.Len(k) {
		t.Fatalf("Len(%v) = %d, Each has %q", k, v.Len(k), parts)
	}
	if text, ok := v.Text(); ok != (k == String) || ok && fmt.Sprintf("%q=%q", "", text) != parts[0] {
		t.Fatalf("Text = %q, %v; Each has %q", text, ok, parts)
	}
	if k != List {
		slices.Sort(parts)
	}
	return fmt.Sprintf("%v %v %d", k, parts, at)
}

// updater runs an oCommand on a View and a Delta, as Redis commands do. Lists
// have no commands here: they are driven by the oracle's deltas.
type updater struct {
	c     oCommand
	reply string
}

func (u *updater) Update(v *View, d *Delta) {
	c, kind := u.c, v.Kind()
	if need, ok := oNeeds[c.op]; ok && kind != None && kind != need {
		u.reply = oWrongType
		return
	}
	bit := map[bool]string{true: "1", false: "0"}
	incr := func(k Kind) {
		cur, ok := v.Field(k, []byte(c.key))
		n, integer := parseInt(cur)
		if ok && !integer {
			u.reply = "ERR"
			return
		}
		d.Add(k, []byte(c.key), c.by)
		u.reply = strconv.FormatInt(n+c.by, 10)
	}
	switch c.op {
	case "SET":
		d.Overwrite([]byte(c.val))
		u.reply = "OK"
	case "SETK":
		d.Overwrite([]byte(c.val))
		if at, ok := v.Expiry(); ok {
			d.ExpireAt(at)
		}
		u.reply = "OK"
	case "SETEX":
		d.Overwrite([]byte(c.val))
		d.ExpireAt(c.by)
		u.reply = "OK"
	case "EDIT":
		d.Put(String, nil, []byte(c.val))
		u.reply = "OK"
	case "STORE":
		d.Put(String, nil, []byte("forgotten"))
		d.Clear()
		d.Add(Hash, []byte("n"), c.by)
		d.Put(Hash, []byte(c.key), []byte(c.val))
		u.reply = "OK"
	case "HMSET":
		for i := range c.by {
			field := strconv.AppendInt([]byte(c.key), i, 10)
			d.Put(Hash, field, []byte(c.val))
			clear(field) // the delta has its own copy
		}
		u.reply = "OK"
	case "INCRBY":
		incr(String)
	case "HINCRBY":
		incr(Hash)
	case "HSET":
		_, had := v.Field(Hash, []byte(c.key))
		d.Put(Hash, []byte(c.key), []byte(c.val))
		u.reply = bit[!had]
	case "SADD":
		_, had := v.Field(Set, []byte(c.key))
		if !had {
			d.Put(Set, []byte(c.key), nil)
		}
		u.reply = bit[!had]
	case "HDEL", "SREM":
		k := oNeeds[c.op]
		_, had := v.Field(k, []byte(c.key))
		if had {
			d.Remove(k, []byte(c.key))
		}
		u.reply = bit[had]
	case "DEL":
		if kind != None {
			d.Delete()
		}
		u.reply = bit[kind != None]
	case "EXPIREAT":
		if kind != None {
			d.ExpireAt(c.by)
		}
		u.reply = bit[kind != None]
	case "PERSIST":
		_, had := v.Expiry()
		if had {
			d.Persist()
		}
		u.reply = bit[had]
	default:
		panic(c.op)
	}
}

// replica is one node with one key, held twice: by the oracle and by an
// engine. Whatever it does, it does to both and compares.
type replica struct {
	t    *testing.T
	h    *holder
	o    *oRec
	wall int64
	skew int64
}

func newReplica(t *testing.T, f form, node uint32, skew int64) *replica {
	r := &replica{t: t, o: newORec(), skew: skew}
	r.h = newHolder(t, f, NewClock(node, func() int64 { return r.wall + r.skew }))
	return r
}

// now is the time that a command would run at.
func (r *replica) now(wall int64) int64 {
	r.wall = wall
	return r.h.e.clock.Now()
}

// odelta is a delta as the oracle has it and as it is encoded.
type odelta struct {
	o *oRec
	b []byte // empty for a range reset
}

// do executes a command at the given wall time; the delta is nil if it wrote
// nothing.
func (r *replica) do(wall int64, c oCommand) (stamp Version, reply string, d *odelta) {
	r.t.Helper()
	r.wall = wall
	before, digest := r.o, r.h.digest()
	if need := oNeeds[c.op]; need == List || c.op == "FLUSH" {
		stamp = r.h.e.clock.Stamp()
		reply, o := oExecute(before, stamp, c)
		if o == nil {
			return stamp, reply, nil
		}
		d = &odelta{o: o, b: encodeORec(o)}
		if ans := r.merge(d); !ans.Won {
			r.t.Fatalf("%v: its own replica answered lost", c)
		}
		return stamp, reply, d
	}
	u := &updater{c: c}
	up := r.h.update(u)
	want, o := oExecute(before, up.Stamp, c)
	if u.reply != want {
		r.t.Fatalf("%v at %v replied %q, want %q\non %s", c, up.Stamp, u.reply, want, before.text())
	}
	if up.Wrote != (o != nil) || up.Wrote != (len(up.Delta) > 0) {
		r.t.Fatalf("%v wrote %v, want %v", c, up.Wrote, o != nil)
	}
	if up.Before != digest {
		r.t.Fatalf("%v: digest before is %x, want %x", c, up.Before, digest)
	}
	if o == nil {
		return up.Stamp, u.reply, nil
	}
	d = &odelta{o: o, b: slices.Clone(up.Delta)}
	if got, want := decodeORec(r.t, d.b).norm().text(), o.copy().norm().text(); got != want {
		r.t.Fatalf("%v wrote\n got %s\nwant %s\non   %s", c, got, want, before.text())
	}
	r.o = oJoin(r.o, o)
	r.compare()
	return up.Stamp, u.reply, d
}

// merge joins a delta.
func (r *replica) merge(d *odelta) Answer {
	r.t.Helper()
	r.o = oJoin(r.o, d.o)
	ans := Answer{Won: true}
	if !d.o.rr.IsZero() {
		r.h.reset(d.o.rr)
	}
	if len(d.b) > 0 {
		ans = r.h.merge(d.b, MergeOptions{})
	}
	r.compare()
	return ans
}

// compare compares the engine's record with the oracle's.
func (r *replica) compare() {
	r.t.Helper()
	if got, want := r.h.atoms().text(), r.o.text(); got != want {
		r.t.Fatalf("record\n got %s\nwant %s", got, want)
	}
}

// compareViews compares what the two show at some times.
func (r *replica) compareViews(times ...int64) {
	r.t.Helper()
	for _, q := range times {
		if got, want := viewText(r.t, r.h.view(q)), r.o.view(q); got != want {
			r.t.Fatalf("view at %d\n got %s\nwant %s\nof   %s", q, got, want, r.o.text())
		}
	}
}

// digests checks that digests are equal exactly when atoms are.
type digests struct {
	byDigest map[uint64]string
	byAtoms  map[string]uint64
}

func newDigests() *digests {
	return &digests{map[uint64]string{}, map[string]uint64{}}
}

func (s *digests) note(t *testing.T, h *holder, o *oRec) {
	t.Helper()
	text, d := o.atomsText(), h.digest()
	if was, ok := s.byDigest[d]; ok && was != text {
		t.Fatalf("digest %x of\n%s\nand of\n%s", d, was, text)
	}
	if was, ok := s.byAtoms[text]; ok && was != d {
		t.Fatalf("digests %x and %x of\n%s", was, d, text)
	}
	s.byDigest[d], s.byAtoms[text] = text, d
}

// menu is the specification's menu of commands, as in its model.
var menu = []oCommand{
	{op: "SET", val: "5"},
	{op: "SET", val: "x"},
	{op: "SETK", val: "7"},
	{op: "INCRBY", by: 1},
	{op: "INCRBY", by: 3},
	{op: "HSET", key: "f", val: "1"},
	{op: "HSET", key: "g", val: "a"},
	{op: "HDEL", key: "f"},
	{op: "HINCRBY", key: "f", by: 2},
	{op: "SADD", key: "a"},
	{op: "SADD", key: "b"},
	{op: "SREM", key: "a"},
	{op: "RPUSH", key: "p"},
	{op: "RPUSH", key: "q"},
	{op: "LPUSH", key: "r"},
	{op: "LPOP"},
	{op: "RPOP"},
	{op: "LSET", by: 0, val: "z"},
	{op: "LREM", key: "p"},
	{op: "LTRIM", by: 1, last: -1},
	{op: "LTRIM", by: 0, last: 0},
	{op: "DEL"},
	{op: "EXP", by: 2},
	{op: "EXP", by: 6},
	{op: "PERSIST"},
	{op: "FLUSH"},
}

// further are commands that the model does not have.
var further = []oCommand{
	{op: "EXP", val: "v", by: 3},
	{op: "EDIT", val: "8"},
	{op: "EDIT", val: "y"},
	{op: "STORE", key: "f", val: "2", by: 4},
	{op: "HMSET", key: "h", val: "w", by: 7},
	{op: "HMSET", key: "h", val: "3", by: 2},
	{op: "HDEL", key: "h1"},
	{op: "HINCRBY", key: "h0", by: 5},
	{op: "HINCRBY", key: "n", by: -2},
	{op: "EXP", by: -1},
}

var menus = [][]oCommand{
	menu,
	slices.Concat(menu, further),
	slices.Concat(further, menu[21:]),
	slices.Concat(menu[:5], further[:3], menu[21:]),
	slices.Concat(menu[:5], menu[21:]),
	slices.Concat(menu[5:9], menu[21:], menu[:4]),
	slices.Concat(menu[12:], menu[:1]),
	slices.Concat(menu[5:12], menu[21:]),
}

// concrete gives EXP its time.
func (c oCommand) concrete(now int64) oCommand {
	if c.op == "EXP" && c.val != "" {
		return oCommand{op: "SETEX", val: c.val, by: now + c.by}
	}
	if c.op == "EXP" {
		return oCommand{op: "EXPIREAT", by: now + c.by}
	}
	return c
}

// seeded runs fn with fresh random sources for some time, at least once; a failure names its seed.
func seeded(t *testing.T, d time.Duration, fn func(t *testing.T, rng *rand.Rand)) {
	t.Helper()
	end := time.Now().Add(d)
	n := 0
	for ; n == 0 || time.Now().Before(end); n++ {
		replay(t, rand.Uint64(), fn)
	}
	t.Logf("%d histories", n)
}

// replay runs fn with one seed.
func replay(t *testing.T, seed uint64, fn func(t *testing.T, rng *rand.Rand)) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("seed %#x", seed)
		}
	}()
	fn(t, rand.New(rand.NewPCG(seed, 0)))
}
