package datastore

import "github.com/dynomite-go/dynomite/node/datastore/internal/slab"

// MostTouched is how many keys one call of [Memory.Touch] fetches: enough for
// the waits to overlap, few enough that the first is still in the cache when
// the last was fetched.
const MostTouched = 32

// touchedBytes is how much of a record is fetched.
const touchedBytes = 256

// probe is a key that is being touched.
type probe struct {
	s     *shard
	token uint64
	leaf  int
	ref   slab.Ref
}

// Touch brings the first MostTouched keys' records into the processor's cache,
// for a caller that is about to use them. A look-up waits for memory four or
// five times, each time for what the one before has told; those of different
// keys need not wait for each other. With 100,000 records of 100 bytes, 32 at a
// time, that halves the cost of Read.
//
// It changes nothing and never waits for a lock: keys of a shard that is in use
// are left out.
func (m *Memory) Touch(keys [][]byte) { m.touch(keys) }

// touch is Touch. It returns how many records it found, and a meaningless number
// that depends on everything that was loaded, so that the compiler leaves no
// load out; it must not be inlined where that is not used.
//
//go:noinline
func (m *Memory) touch(keys [][]byte) (found int, sum uint64) {
	var probes [MostTouched]probe
	var locked [MostTouched]*shard
	var mine [64]*shard // those locked, by their number's last bits
	n, nlocked := 0, 0
	for _, key := range keys[:min(len(keys), MostTouched)] {
		token := m.token(key)
		s := m.shard(token)
		switch held := &mine[token>>m.shift&63]; {
		case *held == s:
		case *held != nil || !s.mu.TryLock():
			continue
		default:
			*held = s
			locked[nlocked] = s
			nlocked++
		}
		probes[n] = probe{s: s, token: token}
		n++
	}
	// From here to the unlocking nothing keeps the processor from going ahead.
	for i := range probes[:n] {
		p := &probes[i]
		p.leaf = p.s.index.Leaf(p.token)
	}
	for i := range probes[:n] {
		if p := &probes[i]; p.leaf >= 0 {
			sum += p.s.index.Approach(p.leaf, p.token)
		}
	}
	for i := range probes[:n] {
		if p := &probes[i]; p.leaf >= 0 {
			if ref, ok := p.s.index.Reach(p.leaf, p.token); ok {
				p.ref = slab.Ref(ref)
				found++
			}
		}
	}
	for i := range probes[:n] {
		if p := &probes[i]; p.ref != 0 {
			b := p.s.slab.Bytes(p.ref)
			b = b[:min(len(b), touchedBytes)]
			for at := 0; at < len(b); at += 64 {
				sum += uint64(b[at])
			}
			sum += uint64(b[len(b)-1])
		}
	}
	for _, s := range locked[:nlocked] {
		s.mu.Unlock()
	}
	return found, sum
}
