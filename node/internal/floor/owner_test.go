package floor

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/node/datastore/disk/disktest"
)

// owner is a store with one key and its Machine, as a node will have them.
type owner struct {
	h       *history
	id      string
	node    uint32
	skew    int64
	up      bool
	clock   *datastore.Clock
	disk    *disktest.Disk
	store   *datastore.Memory
	machine *Machine
	saved   []byte // the machine's state on the disk
	pending []task
	// joined says that an owner that began empty has taken what the others hold:
	// it serves before it has returned.
	joined bool
}

// task is an exchange or a return under way: named, then taken, then applied.
type task struct {
	exchange *Exchange
	ret      *Return
	taken    []frame
	begun    bool
}

// frame is what travels between stores: a delta, or a record and range resets.
type frame struct {
	delta  []byte
	resets []datastore.RangeReset
}

var (
	key   = []byte("key")
	first = uint64(0)
	last  = ^uint64(0)
)

func (h *history) newOwner(id string, node uint32) *owner {
	o := &owner{h: h, id: id, node: node, skew: h.rng.Int64N(5) - 2, up: true}
	if h.disks {
		o.disk = disktest.New(h.rng)
	}
	o.openStore()
	return o
}

func (o *owner) openStore() {
	o.clock = datastore.NewClock(o.node, func() int64 { return o.h.wall + o.skew })
	cfg := datastore.Config{Shards: 1, Clock: o.clock, DigestKey: 7}
	if o.disk != nil {
		cfg.Dir, cfg.FS, cfg.Sync = "/data", o.disk, datastore.SyncNo
	}
	store, err := datastore.Open(o.h.t.Context(), cfg)
	o.h.must(err)
	o.store = store
}

// start makes the machine of what was saved, and tells the store.
func (o *owner) start(lost bool) {
	var ids []string
	for i := range o.h.owners {
		ids = append(ids, fmt.Sprint("n", i))
	}
	m, err := New(Config{
		Self: o.id, Owners: ids, Life: uint64(o.h.wall), Lost: lost, Empty: o.store.Stats().Records == 0,
		Lag: 4 * time.Millisecond, Away: 150 * time.Millisecond,
	}, o.saved, o.h.time())
	o.h.must(err)
	o.machine, o.pending, o.joined = m, nil, false
	o.tell(m.Floors())
}

// restart is a process that ends and begins again, and kept everything it had
// saved.
func (o *owner) restart() {
	if o.disk != nil {
		o.h.must(o.store.Close())
		o.disk = o.disk.Restart(false)
		high := o.clock.High()
		o.openStore()
		if o.h.rng.IntN(2) == 0 {
			o.clock.Observe(high)
		}
	}
	o.start(false)
}

func (o *owner) tell(f Floors) {
	o.store.Promise(f.Promised)
	o.store.CloseUpTo(first, last, f.Closed)
	o.store.SetFloor(first, last, f.Floor, f.Before)
	o.store.Lapse(first, last, f.Lapsed)
	// Whoever has purged an expiry writes as if there had been none.
	o.h.ref.store.Lapse(first, last, f.Before)
	if o.h.rng.IntN(2) == 0 {
		o.sweep()
	}
}

// serves says whether the owner executes commands and answers others.
func (o *owner) serves() bool { return o.up && (!o.machine.Returning() || o.joined) }

// hear gives the machine a message.
func (o *owner) hear(from *owner, msg []byte) {
	_, err := o.machine.Receive(from.id, msg, o.h.time())
	o.h.must(err)
	if o.machine.Joining() {
		o.tell(o.machine.Highest())
	}
}

// join has an owner that began empty take what enough others hold that no
// majority is without one of them.
func (o *owner) join() {
	var ready []*owner
	for _, z := range o.h.owners {
		if z != o && z.serves() && o.machine.Ready(z.id) {
			ready = append(ready, z)
		}
	}
	if n := len(o.h.owners); len(ready) < min(n-n/2, n-1) {
		return
	}
	for _, z := range ready {
		f := z.copy()
		o.takeResets(f, true)
		o.h.must(o.store.Return(key, f.delta, o.machine.Highest().Floor))
	}
	o.joined = true
	o.h.note(o.id, " has joined at ", o.machine.Highest().Floor)
}

func (o *owner) sweep() {
	for o.store.Sweep(100) > 0 {
	}
}

// step runs the machine and does what it says. It may end in the middle.
func (o *owner) step(crash bool) {
	a := o.machine.Step(Now{
		Time: o.h.time(), High: o.clock.High(), Period: 15 * time.Millisecond,
		Unswept: !o.store.Swept(first, last), Busy: o.h.rng.IntN(8) == 0,
	})
	if o.h.rng.IntN(2) == 0 {
		o.sweep()
	}
	if a.Save {
		o.saved = o.machine.AppendState(nil)
		if crash {
			o.h.note(o.id, " crashes")
			o.restart()
			return
		}
		o.tell(a.Floors)
		o.machine.Saved()
		o.h.note(o.id, " ", o.machine.now)
	}
	for _, x := range a.Exchange {
		o.pending = append(o.pending, task{exchange: &x})
	}
	if a.Return != nil {
		o.pending = append(o.pending, task{ret: a.Return})
	}
}

// work goes on with one of the tasks.
func (o *owner) work() {
	if len(o.pending) == 0 {
		return
	}
	i := o.h.rng.IntN(len(o.pending))
	t := &o.pending[i]
	switch {
	case !t.begun:
		t.begun = true
		if !o.fetch(t) {
			o.pending = slices.Delete(o.pending, i, i+1)
		}
	case t.exchange != nil:
		o.take(t.taken[0], true)
		o.commit()
		o.machine.Exchanged(t.exchange.Owner, t.exchange.Round, true)
		o.h.note(o.id, " took from ", t.exchange.Owner, " at ", t.exchange.Round)
		o.pending = slices.Delete(o.pending, i, i+1)
	default:
		o.tell(t.ret.Floors)
		o.h.must(o.store.Return(key, t.taken[0].delta, t.ret.Floor))
		for _, f := range t.taken {
			o.take(f, true)
		}
		o.commit()
		o.machine.Returned(true)
		o.h.note(o.id, " returns from ", t.ret.Source, " to ", t.ret.Floor)
		o.pending = slices.Delete(o.pending, i, i+1)
	}
}

// fetch gets what the others hold; false if one of them does not give.
func (o *owner) fetch(t *task) bool {
	if x := t.exchange; x != nil {
		from := o.h.owner(x.Owner)
		if !from.up || !from.machine.Gives(x.Round) {
			o.machine.Exchanged(x.Owner, x.Round, false)
			return false
		}
		t.taken = []frame{from.given()}
		return true
	}
	// The promise and the closing come before anything is taken.
	o.tell(t.ret.Floors)
	for _, id := range append([]string{t.ret.Source}, t.ret.Others...) {
		from := o.h.owner(id)
		if !from.up || !from.machine.Gives(datastore.Version{}) || id == t.ret.Source && from.machine.Floors().Floor != t.ret.Floor {
			o.machine.Returned(false)
			return false
		}
		t.taken = append(t.taken, from.given())
	}
	return true
}

// given is what others get by the exchange's road.
func (o *owner) given() frame {
	for !o.store.Swept(first, last) {
		o.store.Sweep(100)
	}
	return o.copy()
}

func (o *owner) commit() { o.h.must(o.store.Commit()) }

func (o *owner) copy() frame {
	rec, err := o.store.Record(key, nil)
	o.h.must(err)
	return frame{rec, o.store.Resets()}
}

// take joins a frame by the ordinary road or by the exchange's.
func (o *owner) take(f frame, exchange bool) {
	o.takeResets(f, exchange)
	o.merge(f, datastore.MergeOptions{Exchange: exchange})
}

func (o *owner) merge(f frame, opt datastore.MergeOptions) {
	if len(f.delta) > 0 {
		_, err := o.store.Merge(key, f.delta, opt, nil)
		o.h.must(err)
	}
}

func (o *owner) takeResets(f frame, exchange bool) {
	for _, r := range f.resets {
		merge := o.store.MergeReset
		if exchange {
			merge = o.store.ExchangeReset
		}
		_, err := merge(r.From, r.To, r.Version)
		o.h.must(err)
	}
}

// do executes a command; ok says that it wrote something.
func (o *owner) do(c command) (f frame, ok bool) {
	if c.op == "FLUSH" {
		v, err := o.store.ResetRange(first, last)
		o.h.must(err)
		return frame{resets: []datastore.RangeReset{{From: first, To: last, Version: v}}}, true
	}
	up, err := o.store.Update(key, &c, nil)
	o.h.must(err)
	return frame{delta: up.Delta}, up.Wrote
}

// show is all that a read shows.
func (o *owner) show() string {
	var s showing
	o.h.must(o.store.Read(key, &s))
	return s.String()
}

type showing struct{ strings.Builder }

func (s *showing) Read(v *datastore.View) {
	at, _ := v.Expiry()
	fmt.Fprint(s, v.Kind(), at)
	var parts []string
	v.Each(v.Kind(), func(field, value []byte) bool {
		parts = append(parts, fmt.Sprintf(" %s=%s", field, value))
		return true
	})
	slices.Sort(parts)
	fmt.Fprint(s, parts)
}

// command is one of a few Redis commands.
type command struct {
	op, field, value string
	by               int64
}

func (c *command) Update(v *datastore.View, d *datastore.Delta) {
	k := map[byte]datastore.Kind{'H': datastore.Hash, 'S': datastore.Set, 'I': datastore.String}[c.op[0]]
	exists := v.Kind() != datastore.None
	at, expires := v.Expiry()
	_, has := v.Field(k, []byte(c.field))
	switch {
	case c.op == "=":
		d.Overwrite([]byte(c.value))
	case c.op == "=K":
		if d.Overwrite([]byte(c.value)); expires {
			d.ExpireAt(at)
		}
	case c.op == "DEL" && exists:
		d.Delete()
	case c.op == "EXPIRE" && exists:
		d.ExpireAt(d.Now() + c.by)
	case c.op == "PERSIST" && expires:
		d.Persist()
	case k == datastore.None || exists && v.Kind() != k:
	case c.op == "INCR" || c.op == "HINCR":
		d.Add(k, []byte(c.field), c.by)
	case c.op == "HSET" || c.op == "SADD":
		d.Put(k, []byte(c.field), []byte(c.value))
	case has:
		d.Remove(k, []byte(c.field))
	}
}

var commands = [][]command{
	{{op: "=", value: "5"}, {op: "=K", value: "7"}, {op: "INCR", by: 1}, {op: "INCR", by: 3}},
	{{op: "HSET", field: "f", value: "1"}, {op: "HSET", field: "g", value: "2"}, {op: "HREM", field: "f"}, {op: "HINCR", field: "f", by: 2}},
	{{op: "SADD", field: "a"}, {op: "SADD", field: "b"}, {op: "SREM", field: "a"}},
	{{op: "DEL"}, {op: "EXPIRE", by: 2}, {op: "EXPIRE", by: 6}, {op: "PERSIST"}},
	{{op: "FLUSH"}, {op: "DEL"}, {op: "EXPIRE", by: 9}},
}

func menu(rng *rand.Rand) (m []command) {
	for _, c := range commands {
		if rng.IntN(2) == 0 {
			m = append(m, c...)
		}
	}
	return append(m, commands[rng.IntN(3)]...)
}

func (h *history) must(err error) {
	if err != nil {
		h.t.Helper()
		h.t.Fatalf("seed %d: %v", h.seed, err)
	}
}
