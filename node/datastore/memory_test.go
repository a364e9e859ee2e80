package datastore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dynomite-go/dynomite/node/datastore/disk/disktest"
)

// testToken puts all keys into a few places, so that shards, batches and equal
// tokens matter: keys of a tag share the top bits, and some keys their token.
func testToken(key []byte) uint64 {
	t := hashToken(key)
	switch t % 5 {
	case 0:
		return t
	case 1:
		return t &^ 0xffff_ffff_ffff // 65,536 tokens
	case 2:
		return 7 << 58 // one token, at a shard's very beginning
	case 3:
		return 9<<58 | t>>6 // one shard
	}
	return ^uint64(0)
}

// tiny makes every record of more than four cells a tree.
func tiny(m *Memory) *Memory {
	for i := range m.shards {
		m.shards[i].engine.limits = limits{maxBytes: 64, maxCells: 4}
	}
	return m
}

// world is a Memory beside a naive store, and a naive replica of another node
// that writes concurrently.
type world struct {
	t     *testing.T
	rng   *rand.Rand
	wall  int64
	cfg   Config
	disk  *disktest.Disk
	m     *Memory
	n     *naive
	other *naive
	keys  [][]byte
	log   [][2][]byte // key and delta of everything so far
	// floors are what was closed and purged, in order.
	floors []worldFloor
}

type worldFloor struct {
	from, to      uint64
	floor, before Version
}

func newWorld(t *testing.T, seed uint64, cfg Config) *world {
	w := &world{t: t, rng: rand.New(rand.NewPCG(seed, 2)), wall: 1_700_000_000_000, cfg: cfg}
	w.cfg.Token, w.cfg.DigestKey = testToken, 99
	wall := func() int64 { return w.wall }
	w.cfg.Clock = NewClock(1, wall)
	if cfg.Dir != "" {
		w.disk = disktest.New(w.rng)
		w.cfg.FS = w.disk
	}
	w.open()
	w.n = newNaive(NewClock(1, wall), testToken, 99)
	w.other = newNaive(NewClock(2, wall), testToken, 99)
	for i := range 200 {
		w.keys = append(w.keys, fmt.Appendf(nil, "key:%d", i))
	}
	w.keys = append(w.keys, nil, bytes.Repeat([]byte("long"), 10_000), bytes.Repeat([]byte("k"), 200))
	t.Cleanup(func() { w.m.Close() })
	return w
}

func (w *world) open() {
	w.t.Helper()
	m, err := Open(w.t.Context(), w.cfg)
	if err != nil {
		w.t.Fatalf("Open: %v", err)
	}
	w.m = tiny(m)
}

func (w *world) key() []byte { return w.keys[w.rng.IntN(len(w.keys))] }

// command returns a random command. It is run twice, on two stores, so all that
// is random about it is decided here.
func (w *world) command() Updater {
	op, x, by := w.rng.IntN(16), w.rng.IntN(12), int64(w.rng.IntN(9)-4)
	size := []int{0, 3, 100, 130, 300, 5000, 70_000, 100_000}[min(w.rng.IntN(30), w.rng.IntN(8))]
	value := bytes.Repeat([]byte{byte('a' + w.rng.IntN(26))}, size)
	at := w.wall + int64(w.rng.IntN(3000)) - 200
	field := fmt.Append(nil, "field", x)
	return updaterFunc(func(v *View, d *Delta) {
		switch op {
		case 0, 1, 2, 3:
			d.Overwrite(value)
		case 4:
			d.Overwrite(value)
			d.ExpireAt(at)
		case 5, 6:
			if v.Kind() != None {
				d.Delete()
			}
		case 7:
			if v.Kind() != None {
				d.ExpireAt(at)
			}
		case 8:
			if _, ok := v.Expiry(); ok {
				d.Persist()
			}
		case 9:
			if v.Kind() == None || v.Kind() == Hash {
				d.Add(Hash, field, by)
			}
		case 10, 11, 12:
			if v.Kind() == None || v.Kind() == Hash {
				for i := range x {
					d.Put(Hash, fmt.Append(nil, "field", i), value[:min(len(value), 200)])
				}
			}
		case 13:
			if _, ok := v.Field(Hash, field); ok {
				d.Remove(Hash, field)
			}
		case 14:
			if text, ok := v.Text(); ok && len(text) < 200_000 {
				d.Put(String, nil, append(bytes.Clone(text), "+more"...))
			}
		case 15: // looks only
		}
	})
}

func (w *world) update() {
	w.t.Helper()
	key, c := w.key(), w.command()
	prefix := []byte("prefix")
	got, err := w.m.Update(key, c, prefix)
	if err != nil {
		w.t.Fatalf("Update: %v", err)
	}
	want := w.n.update(key, c)
	if !bytes.HasPrefix(got.Delta, prefix) || !bytes.Equal(got.Delta[len(prefix):], want.Delta) ||
		got.Wrote != want.Wrote || got.Stamp != want.Stamp || got.Before != want.Before {
		w.t.Fatalf("Update of %.20q\n got %+v\nwant %+v", key, got, want)
	}
	if want.Wrote {
		w.log = append(w.log, [2][]byte{key, want.Delta})
	}
}

// foreign merges what another node wrote, or something old again, or a record.
func (w *world) foreign() {
	w.t.Helper()
	key := w.key()
	var delta []byte
	opt := MergeOptions{Check: w.rng.IntN(2) == 0}
	switch {
	case len(w.log) > 0 && w.rng.IntN(3) == 0:
		old := w.log[w.rng.IntN(len(w.log))]
		key, delta = old[0], old[1]
		if w.rng.IntN(2) == 0 {
			w.other.merge(key, delta, MergeOptions{})
		}
	case w.rng.IntN(4) == 0 && len(w.other.recs[string(key)]) > 0:
		delta = w.other.recs[string(key)]
	default:
		up := w.other.update(key, w.command())
		opt.Before = up.Before
		if !up.Wrote {
			return
		}
		delta = up.Delta
		w.log = append(w.log, [2][]byte{key, delta})
	}
	got, err := w.m.Merge(key, delta, opt, nil)
	want, wantErr := w.n.merge(key, delta, opt)
	if err != nil || wantErr != nil {
		w.t.Fatalf("Merge: %v, naive: %v", err, wantErr)
	}
	if got.Won != want.Won || got.Refused != want.Refused || got.Differs != want.Differs || got.Conflict != want.Conflict || got.Newest.Less(want.Newest) {
		w.t.Fatalf("Merge into %.20q\n got %+v\nwant %+v", key, got, want)
	}
	if got.Refused == 0 && len(got.Beat) > 0 != (len(want.Beat) > 0) {
		w.t.Fatalf("Merge into %.20q: beaten by %.100x, want %.100x", key, got.Beat, want.Beat)
	}
}

func (w *world) reset() {
	w.t.Helper()
	from, to := w.span()
	if w.rng.IntN(2) == 0 {
		v, err := w.m.ResetRange(from, to)
		if want := w.n.clock.Stamp(); err != nil || v != want {
			w.t.Fatalf("ResetRange: %v %v, want %v", v, err, want)
		}
		w.n.reset(from, to, v)
		w.other.reset(from, to, v)
		return
	}
	v := w.other.clock.Stamp()
	w.other.reset(from, to, v)
	got, err := w.m.MergeReset(from, to, v)
	newest := w.n.reset(from, to, v)
	if err != nil || got.Won == v.Less(newest) || got.Newest != later(v, newest) {
		w.t.Fatalf("MergeReset at %v: %+v, %v; newest is %v", v, got, err, newest)
	}
}

func (w *world) sweepAll() {
	w.t.Helper()
	for range 1000 {
		if w.m.Sweep(300) == 0 {
			return
		}
	}
	w.t.Fatal("Sweep finds something to do for ever")
}

// span is a random range of tokens.
func (w *world) span() (from, to uint64) {
	from, to = w.rng.Uint64(), w.rng.Uint64()
	switch w.rng.IntN(4) {
	case 0:
		from, to = 0, ^uint64(0)
	case 1:
		from = testToken(w.key())
		to = from
	}
	return min(from, to), max(from, to)
}

// purge closes all three in a range of tokens, has them exchange everything, and
// sets a floor. What is older and comes again is refused from then on.
func (w *world) purge() {
	w.t.Helper()
	from, to := w.span()
	floor := w.n.clock.High()
	before := Version{Time: floor.Time - min(floor.Time, uint64(w.rng.IntN(2000))<<counterBits)}
	for _, n := range []*naive{w.n, w.other} {
		n.clock.Observe(floor) // nobody stamps below a floor
		n.closed = append(n.closed, RangeReset{from, to, floor})
	}
	w.m.Promise(floor)
	w.m.CloseUpTo(from, to, floor)
	taken := MergeOptions{Exchange: true}
	for key, rec := range w.other.recs {
		w.m.Merge([]byte(key), rec, taken, nil)
		w.n.merge([]byte(key), rec, taken)
	}
	for key, rec := range w.n.recs {
		w.other.merge([]byte(key), rec, taken)
	}
	w.floors = append(w.floors, worldFloor{from, to, floor, before})
	w.m.SetFloor(from, to, floor, before)
	w.sweepAll()
	w.n.purge(from, to, floor, before)
	w.other.purge(from, to, floor, before)
}

// check compares everything that can be seen.
func (w *world) check() {
	w.t.Helper()
	var rec []byte
	for _, key := range w.keys {
		if got, want := look(w.m, key), w.n.read(key); got != want {
			w.t.Fatalf("%.20q shows\n     %.200s\nwant %.200s", key, got, want)
		}
		digest, err := w.m.Digest(key)
		if want := w.n.digest(key); err != nil || digest != want {
			w.t.Fatalf("%.20q has digest %x, want %x; %v", key, digest, want, err)
		}
		rec, err = w.m.Record(key, rec[:0])
		if err != nil || w.n.engine.digest(key, rec, Version{}) != digest {
			w.t.Fatalf("the record of %.20q is not what its digest says: %v", key, err)
		}
	}
	var keys []string
	last := uint64(0)
	stop := 0
	for from, done := uint64(0), false; !done; {
		var err error
		n := 0
		from, done, err = w.m.Scan(from, ^uint64(0), func(e Entry) bool {
			if e.Token < last || e.Token != testToken(e.Key) {
				w.t.Fatalf("Scan shows token %x after %x", e.Token, last)
			}
			last = e.Token
			keys = append(keys, string(e.Key))
			if e.Digest != w.n.digest(e.Key) || w.n.engine.digest(e.Key, e.Append(nil), Version{}) != e.Digest {
				w.t.Fatalf("Scan shows another record of %.20q", e.Key)
			}
			_, kind, expiry := w.n.engine.stat(w.n.recs[string(e.Key)], w.n.cut(e.Key), w.n.clock.Now())
			if e.Kind != kind || e.Expiry != expiry {
				w.t.Fatalf("Scan shows %.20q as %v %v, want %v %v", e.Key, e.Kind, e.Expiry, kind, expiry)
			}
			n++
			return n < stop
		})
		if err != nil {
			w.t.Fatal(err)
		}
		stop = stop*2 + 1
	}
	want := w.n.keys()
	slices.Sort(keys)
	slices.Sort(want)
	if !slices.Equal(keys, want) {
		w.t.Fatalf("Scan shows %d records, want %d", len(keys), len(want))
	}
	w.checkInside()
}

func (w *world) checkCounts() {
	w.t.Helper()
	w.sweepAll()
	live, expiring := w.n.counts()
	if w.m.Len() != live || w.m.Expires() != expiring {
		w.t.Fatalf("Len %d, Expires %d; want %d, %d", w.m.Len(), w.m.Expires(), live, expiring)
	}
	if st := w.m.Stats(); st.Records != len(w.n.recs) {
		w.t.Fatalf("%d records, want %d", st.Records, len(w.n.recs))
	}
}

// checkInside checks the shards' own bookkeeping.
func (w *world) checkInside() {
	w.t.Helper()
	for i := range w.m.shards {
		s := &w.m.shards[i]
		data, dead, heap, settled, asides := 0, 0, 0, 0, 0
		s.collectAll(func(p place) {
			e := s.decode(s.slab.Bytes(p.ref))
			if p.token < s.from || p.token > s.to {
				w.t.Fatalf("token %x is in shard %d", p.token, i)
			}
			if e.flags&entrySettled != 0 {
				settled++
			}
			data += len(e.key)
			if e.flags&entryLive == 0 {
				dead += s.bytes(e)
			}
			if e.flags&entryAside == 0 {
				data += len(e.rec)
				return
			}
			asides++
			a := s.asides[e.number]
			data += a.bytes
			heap += a.bytes + len(a.key)
		})
		if s.dead != dead {
			w.t.Fatalf("shard %d counts %d bytes of the dead, and holds %d", i, s.dead, dead)
		}
		if int(s.data.Load()) != data || s.heap != heap || s.sweep.settled != settled || len(s.asides) != asides+len(s.vacant) {
			w.t.Fatalf("shard %d counts %d bytes, %d on the heap, %d settled, %d asides; it holds %d, %d, %d, %d", i,
				s.data.Load(), s.heap, s.sweep.settled, len(s.asides)-len(s.vacant), data, heap, settled, asides)
		}
		if n := s.slab.Stats().Slots; n != s.index.Len() {
			w.t.Fatalf("shard %d has %d slots for %d entries", i, n, s.index.Len())
		}
	}
}

func (s *shard) collectAll(fn func(place)) {
	for from, done := s.from, false; !done; {
		from, done = s.collect(from, s.to)
		for _, p := range s.batch {
			fn(p)
		}
	}
}

// reopen closes the store and opens it again.
func (w *world) reopen() {
	w.t.Helper()
	resets := w.m.Resets()
	if err := w.m.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.disk = w.disk.Restart(false)
	w.cfg.FS = w.disk
	w.open()
	if got := w.m.Resets(); !slices.Equal(got, resets) {
		w.t.Fatalf("range resets %v after a restart, %v before", got, resets)
	}
	// The log brings back what was purged; the floors are the caller's to remember.
	for _, f := range w.floors {
		w.m.CloseUpTo(f.from, f.to, f.floor)
		w.m.SetFloor(f.from, f.to, f.floor, f.before)
	}
	w.sweepAll()
}

func (w *world) run(steps int, restarts bool) {
	for range steps {
		switch x := w.rng.IntN(1000); {
		case x < 550:
			w.update()
		case x < 900:
			w.foreign()
		case x < 960:
			w.wall += int64(w.rng.IntN(300))
		case x < 970:
			w.reset()
		case x < 990:
			w.m.Sweep(w.rng.IntN(400))
		case x < 993 && restarts:
			w.reopen()
		case x < 995 && restarts:
			if err := w.m.Rewrite(); err != nil {
				w.t.Fatal(err)
			}
		case x < 998:
			w.check()
			w.checkCounts()
		case x == 998:
			w.purge()
			w.check()
		}
	}
	w.check()
	w.checkCounts()
}

func TestMemory_RandomHistories_EqualNaiveStore(t *testing.T) {
	for _, shards := range []int{1, 64} {
		t.Run(fmt.Sprint(shards, " shards"), func(t *testing.T) {
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			newWorld(t, seed, Config{Shards: shards}).run(3000, false)
		})
	}
}

func TestMemory_Restarts_ChangeNothing(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	newWorld(t, seed, Config{Dir: "/data", Sync: SyncNo}).run(3000, true)
}

func TestMemory_FloorReached_DeletedAndExpiredKeysVanish(t *testing.T) {
	w := newWorld(t, 1, Config{})
	set := func(key string, ttl int64) {
		_, err := w.m.Update([]byte(key), updaterFunc(func(_ *View, d *Delta) {
			d.Overwrite([]byte("value"))
			if ttl > 0 {
				d.ExpireAt(d.Now() + ttl)
			}
		}), nil)
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range 1000 {
		set(fmt.Sprint("kept", i), 0)
		set(fmt.Sprint("deleted", i), 0)
		set(fmt.Sprint("expired", i), 1000)
		if _, err := w.m.Update(fmt.Append(nil, "deleted", i), updaterFunc(func(_ *View, d *Delta) { d.Delete() }), nil); err != nil {
			t.Fatal(err)
		}
	}
	if n := w.m.Len(); n != 2000 {
		t.Fatalf("Len %d, want 2000", n)
	}
	w.wall += 2000
	w.sweepAll()
	if st := w.m.Stats(); st.Keys != 1000 || st.Expires != 0 || st.Records != 3000 {
		t.Fatalf("expired: %+v", st)
	}
	// One store alone: everything up to a moment ago is below the floor.
	floor := At(w.wall, 0, 0)
	w.m.SetFloor(0, ^uint64(0), floor, floor)
	w.sweepAll()
	if st := w.m.Stats(); st.Keys != 1000 || st.Records != 1000 {
		t.Fatalf("purged: %+v", st)
	}
	if n := w.m.Sweep(1000); n != 0 {
		t.Fatalf("Sweep looks at %d settled records", n)
	}
	w.m.SetFloor(0, ^uint64(0), At(w.wall+1, 0, 0), floor)
	if n := w.m.Sweep(1000); n != 0 {
		t.Fatalf("a higher floor makes Sweep look at %d settled records", n)
	}
}

func TestMemory_ResetOfEverything_GivesTheMemoryBack(t *testing.T) {
	w := newWorld(t, 1, Config{})
	for i := range 4000 {
		if _, err := w.m.Update(fmt.Append(nil, i), &setter{make([]byte, 200)}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.m.ResetRange(0, ^uint64(0)); err != nil {
		t.Fatal(err)
	}
	if st := w.m.Stats(); st != (Stats{}) {
		t.Fatalf("after the reset: %+v", st)
	}
	if len(w.m.Resets()) != 1 {
		t.Fatalf("Resets %v", w.m.Resets())
	}
	w.m.SetFloor(0, ^uint64(0), w.m.clock.High(), Version{})
	if len(w.m.Resets()) != 0 {
		t.Fatalf("Resets %v below the floor", w.m.Resets())
	}
}

// Removed intervals make a record long without a cell or an element in it.
func TestMemory_ManyRemovedIntervals_StayATree(t *testing.T) {
	m, err := Open(t.Context(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	removed := newORec()
	for i := range int64(1000) {
		removed.rem[1] = append(removed.rem[1], oInterval{At(10*i+1, 0, 1), At(10*i+2, 0, 1)})
	}
	removed.remv = At(10_000, 0, 1)
	delta := encodeORec(removed)
	if _, err := m.Merge([]byte("list"), delta, MergeOptions{}, nil); err != nil {
		t.Fatal(err)
	}
	rec, err := m.Record([]byte("list"), nil)
	if err != nil || !bytes.Equal(rec, delta) {
		t.Fatalf("holds %d bytes of %d, %v", len(rec), len(delta), err)
	}
}

func TestMemory_MalformedDelta_ChangesNothing(t *testing.T) {
	w := newWorld(t, 3, Config{Dir: "/data"})
	w.run(300, false)
	before := w.m.Stats()
	for range 2000 {
		delta := []byte("garbage")
		if len(w.log) > 0 {
			delta = bytes.Clone(w.log[w.rng.IntN(len(w.log))][1])
			delta = delta[:w.rng.IntN(min(len(delta), 200)+1)]
			for range w.rng.IntN(3) {
				if len(delta) > 0 {
					delta[w.rng.IntN(min(len(delta), 30))] ^= 1 << w.rng.IntN(8)
				}
			}
		}
		if w.n.engine.check(delta) == nil {
			continue
		}
		if _, err := w.m.Merge(w.key(), delta, MergeOptions{}, nil); !errors.Is(err, ErrMalformed) {
			t.Fatalf("Merge of %x: %v", delta, err)
		}
	}
	if after := w.m.Stats(); after.LogAppended != before.LogAppended || after.Records != before.Records {
		t.Fatalf("%+v became %+v", before, after)
	}
	w.check()
}

func TestMemory_Closed(t *testing.T) {
	m, err := Open(context.Background(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, updateErr := m.Update([]byte("k"), &setter{}, nil)
	_, mergeErr := m.Merge([]byte("k"), nil, MergeOptions{}, nil)
	_, recordErr := m.Record([]byte("k"), nil)
	_, digestErr := m.Digest([]byte("k"))
	_, resetErr := m.ResetRange(0, 1)
	_, _, scanErr := m.Scan(0, 1, nil)
	for i, err := range []error{m.Read([]byte("k"), &getter{}), updateErr, mergeErr, recordErr, digestErr, resetErr, scanErr} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("call %d: %v, want ErrClosed", i, err)
		}
	}
}

func TestConfig_Validate_NamesTheField(t *testing.T) {
	for field, cfg := range map[string]Config{
		"Shards": {Shards: 3}, "Sync": {Sync: 9}, "RewriteMin": {RewriteMin: -1},
	} {
		if _, err := Open(t.Context(), cfg); err == nil || !bytes.Contains([]byte(err.Error()), []byte("Config."+field)) {
			t.Errorf("%s: %v", field, err)
		}
	}
}
