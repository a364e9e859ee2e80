package datastore

import "bytes"

// engine does to encoded records what a store needs. It holds scratch space, so
// it is used by one goroutine at a time: one per shard, under the shard's
// lock. What its methods return aliases that scratch space, or their
// arguments, and is valid until the next call.
//
// cut is everywhere the greatest range reset in force for the key.
//
// A record out that is nil means "unchanged"; one that is empty but not nil
// means that nothing is left: remove the record.
type engine struct {
	clock *Clock
	seed  uint64
	limits
	floor Version // of the key

	shown  View // what a command or a reader sees
	answer View // the record after a merge
	delta  Delta
	hash   hasher

	before, wrote, after atoms
	group                [2][]cell // of a large record: before and after
	encoded              []byte
}

// limits say how big a record may be before it is held as a large one.
type limits struct {
	maxBytes int
	maxCells int
}

// Beyond 4 KiB or 128 cells a record is a tree: up to there, decoding and encoding
// all of it costs no more than the tree's own work and memory would.
var defaultLimits = limits{maxBytes: 4 << 10, maxCells: 128}

// maxBuffer is the size up to which an engine keeps its byte buffers between
// calls.
const maxBuffer = 64 << 10

// newEngine returns an engine that stamps from c and keys its digests by
// digestKey.
func newEngine(c *Clock, digestKey uint64) *engine {
	return &engine{clock: c, seed: digestKey, limits: defaultLimits}
}

// check says whether bytes are a delta (and a record: the same).
func (e *engine) check(delta []byte) error {
	if isPlain(delta) {
		return checkPlain(delta)
	}
	return e.wrote.decode(delta)
}

// load sets a to a record of this store, less what cut kills.
func (e *engine) load(a *atoms, rec []byte, cut Version) {
	if len(rec) == 0 {
		a.clear()
		return
	}
	mustDecode(a, rec)
	// Without a range reset there is nothing to drop: it was when rec was made.
	if !cut.IsZero() {
		a.drop(cut)
	}
}

// mustDecode decodes what this package has encoded.
func mustDecode(a *atoms, rec []byte) {
	if err := a.decode(rec); err != nil {
		panic("datastore: a record in memory is damaged: " + err.Error())
	}
}

// view shows a record (empty: none) at a time.
func (e *engine) view(rec []byte, cut Version, now int64) *View {
	if isPlain(rec) {
		e.shown.showPlain(rec, cut, now)
		return &e.shown
	}
	e.load(&e.before, rec, cut)
	e.shown.show(&e.before, cut, now)
	return &e.shown
}

// stat is the cheap part of view; expiry is zero if there is none.
func (e *engine) stat(rec []byte, cut Version, now int64) (exists bool, kind Kind, expiry int64) {
	return e.view(rec, cut, now).stat()
}

func (v *View) stat() (exists bool, kind Kind, expiry int64) {
	at, _ := v.Expiry()
	return v.kind != None, v.kind, at
}

// newest is the greatest version in a record, zero if it is empty.
func (e *engine) newest(rec []byte) Version {
	if len(rec) == 0 {
		return Version{}
	}
	if isPlain(rec) {
		return loadVersion(rec[1:])
	}
	mustDecode(&e.before, rec)
	return e.before.newest()
}

// digest is zero for an empty record.
func (e *engine) digest(key, rec []byte, cut Version) uint64 {
	if len(rec) == 0 {
		return 0
	}
	if isPlain(rec) && clearOf(cut, rec) {
		e.begin(key)
		return e.hash.plain(rec)
	}
	e.load(&e.before, rec, cut)
	return e.digestAtoms(key, &e.before)
}

// begin begins the digest of a record, as if what the floor lets go had been
// purged: replicas sweep at different moments, and would differ in between.
func (e *engine) begin(key []byte) {
	e.hash.floor = e.floor
	e.hash.start(e.seed, key)
}

func (e *engine) digestAtoms(key []byte, a *atoms) uint64 {
	if a.empty() {
		return 0
	}
	e.begin(key)
	return e.hash.atoms(a)
}

// clearOf says that cut kills nothing of a plain shape, its implied reset included.
func clearOf(cut Version, rec []byte) bool {
	return cut.Less(loadVersion(rec[1:]).Pred())
}

// drop applies cut to a record: for a sweep after a range reset. The other
// methods do so by themselves.
func (e *engine) drop(rec []byte, cut Version) (out []byte) {
	if len(rec) == 0 || isPlain(rec) && clearOf(cut, rec) {
		return nil
	}
	e.load(&e.before, rec, cut)
	return e.encode(&e.before, rec)
}

// encode encodes a as the new form of rec; nil if it is the same.
func (e *engine) encode(a *atoms, rec []byte) (out []byte) {
	if cap(e.encoded) > maxBuffer {
		e.encoded = nil
	}
	if e.encoded == nil {
		e.encoded = make([]byte, 0, 256)
	}
	e.encoded = a.append(e.encoded[:0])
	if bytes.Equal(e.encoded, rec) {
		return nil
	}
	return e.encoded
}

// update takes a stamp above everything in the record, runs u, and joins what it wrote.
func (e *engine) update(key, rec []byte, cut Version, u Updater, dst []byte) (out []byte, up Update) {
	if isPlain(rec) && clearOf(cut, rec) {
		stamp := e.stamp(later(cut, loadVersion(rec[1:])))
		e.shown.showPlain(rec, cut, stamp.Millis())
		up = Update{Delta: dst, Stamp: stamp}
		e.run(u, &up)
		if !e.delta.unseen {
			e.begin(key)
			up.Before = e.hash.plain(rec)
		}
		if !up.Wrote {
			return nil, up
		}
		if value, expireAt, ok := e.delta.plain(); ok {
			return e.overwrite(&up, value, expireAt), up
		}
		e.load(&e.before, rec, cut)
		return e.join(rec, cut, &up), up
	}
	e.load(&e.before, rec, cut)
	stamp := e.stamp(later(cut, e.before.newest()))
	e.shown.show(&e.before, cut, stamp.Millis())
	up = Update{Delta: dst, Stamp: stamp, Before: e.digestAtoms(key, &e.before)}
	if !e.run(u, &up) {
		return nil, up
	}
	if value, expireAt, ok := e.delta.plain(); ok {
		return e.overwrite(&up, value, expireAt), up
	}
	return e.join(rec, cut, &up), up
}

// stamp returns a new version, above v too.
func (e *engine) stamp(v Version) Version {
	e.clock.Observe(v)
	return e.clock.Stamp()
}

// run runs the command; false if it wrote nothing. It changes nothing in the record.
func (e *engine) run(u Updater, up *Update) bool {
	e.delta.begin(up.Stamp)
	u.Update(&e.shown, &e.delta)
	up.Wrote = !e.delta.Empty()
	return up.Wrote
}

// overwrite is join for a SET: nothing in the record is as new as its stamp, so
// all of it dies, and the new record is the delta, byte for byte.
func (e *engine) overwrite(up *Update, value []byte, expireAt int64) (out []byte) {
	mark := len(up.Delta)
	up.Delta = append(appendPlain(up.Delta, shapePlain, up.Stamp, expireAt), value...)
	return up.Delta[mark:]
}

// join encodes what the command wrote, and joins it to e.before.
func (e *engine) join(rec []byte, cut Version, up *Update) (out []byte) {
	e.delta.atoms(&e.wrote, &e.shown)
	up.Delta = e.wrote.append(up.Delta)
	join(&e.after, &e.before, &e.wrote, cut)
	return e.encode(&e.after, rec)
}

// purge removes what the floors let go: floor is F, floorBefore is Fp. See
// [atoms.purge] for lapsed.
func (e *engine) purge(rec []byte, cut, floor, floorBefore Version) (out []byte, lapsed bool) {
	if len(rec) == 0 || isPlain(rec) && clearOf(cut, rec) && floor.Less(loadVersion(rec[1:])) {
		return nil, false
	}
	e.load(&e.before, rec, cut)
	lapsed = e.before.purge(cut, floor, floorBefore)
	return e.encode(&e.before, rec), lapsed
}

// outgrown says whether an encoded record (or a delta that is about to be
// merged) is so big that it should be held as a large one: growLarge the
// record first then. Strings stay as they are, however long.
func (e *engine) outgrown(rec []byte) bool {
	// The shortest cell takes 5 bytes.
	if isPlain(rec) || len(rec) <= e.maxBytes && len(rec) <= e.maxCells*5 {
		return false
	}
	r, err := newReader(rec)
	if err != nil {
		return false
	}
	a := &e.after
	a.clear()
	r.header(&a.header)
	a.elements = r.elements(a.elements)
	a.intervals = r.intervals(a.intervals)
	a.cells = r.cells(a.cells)
	n, size := len(a.elements)+len(a.cells), len(rec)
	for i := range a.cells {
		if c := &a.cells[i]; c.kind == String {
			size -= len(c.value)
		}
	}
	return n > e.maxCells || size > e.maxBytes
}
