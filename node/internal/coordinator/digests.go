package coordinator

import (
	"encoding/binary"
	"math/bits"
	"sync"
	"time"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/merkle"
	"github.com/dynomite-go/dynomite/node/datastore"
)

// settledStore is a store that tells what records were some seconds ago, so
// that two busy replicas can be equal: [datastore.Memory] does.
type settledStore interface {
	datastore.Store
	Track()
	Settle(least uint64) uint64
	TakeStale(from, to uint64, fn func(from, to uint64))
	ScanSettled(from, to uint64, fn func(token, digest uint64) bool) error
	Stats() datastore.Stats
}

// memberStore is a store that can compare a large record in parts.
type memberStore interface {
	datastore.Store
	Shape(key []byte) (datastore.Shape, error)
	Members(key []byte, k datastore.Kind, from, to uint64, fn func(hash, digest uint64) bool) error
	Part(key []byte, k datastore.Kind, hashes []uint64, dst []byte) ([]byte, error)
}

// digests is what a store holds as a set of record digests that another owner
// compares its own with. Of a store that is tracked it keeps the sums in a tree,
// and makes those again, when they are asked for, in which something changed:
// a write costs no more than a mark.
type digests struct {
	store   datastore.Store
	settled settledStore // nil if the store shows only what it holds now

	mu   sync.Mutex // one refresh at a time
	tree *merkle.Tree
}

// treeBits makes 65,536 leaves, as many as the store tells apart.
const treeBits = 16

func newDigests(store datastore.Store) *digests {
	d := &digests{store: store}
	if s, ok := store.(settledStore); ok {
		d.settled = s
		s.Track()
		d.tree, _ = merkle.NewTree(source{s}, treeBits)
	}
	return d
}

// settle makes visible what is old enough, and what another replica shows
// already. It returns the generation that is shown.
func (d *digests) settle(least uint64) uint64 {
	if d.settled == nil {
		return least
	}
	return d.settled.Settle(least)
}

// records is how many records there are to be compared: those of deleted and
// expired keys too, if the store counts them.
func (d *digests) records() int {
	if d.settled == nil {
		return d.store.Len()
	}
	return d.settled.Stats().Records
}

// secretOf keys what two nodes exchange about their digests, by what keys these.
func secretOf(digestKey uint64) (key merkle.Key) {
	binary.LittleEndian.PutUint64(key[:], digestKey)
	binary.LittleEndian.PutUint64(key[8:], bits.ReverseBytes64(digestKey)^0x736574_732d6f66)
	return key
}

// source shows a tree what it is about.
type source struct{ settledStore }

func (s source) Scan(from, to hashkit.Token, fn func(merkle.Item) bool) error {
	return s.ScanSettled(uint64(from), uint64(to), func(token, digest uint64) bool {
		return fn(merkle.Item{Token: hashkit.Token(token), Digest: digest})
	})
}

// Scan implements merkle.Set.
func (d *digests) Scan(from, to hashkit.Token, fn func(merkle.Item) bool) error {
	if d.settled != nil {
		return source{d.settled}.Scan(from, to, fn)
	}
	_, _, err := d.store.Scan(uint64(from), uint64(to), func(e datastore.Entry) bool {
		return fn(merkle.Item{Token: hashkit.Token(e.Token), Digest: e.Digest})
	})
	return err
}

// Sum implements merkle.Set.
func (d *digests) Sum(from, to hashkit.Token) (merkle.Sum, error) {
	if d.settled == nil {
		return scanSum(d, from, to)
	}
	if err := d.fresh(from, to); err != nil {
		return merkle.Sum{}, err
	}
	return d.tree.Sum(from, to)
}

func scanSum(s merkle.Source, from, to hashkit.Token) (sum merkle.Sum, err error) {
	err = s.Scan(from, to, func(it merkle.Item) bool {
		sum = sum.Plus(merkle.Sum{Count: 1, Digest: it.Digest})
		return true
	})
	return sum, err
}

// refreshStep is the most leaves that are added up in one go: some ten thousand
// records of a large store.
const refreshStep = 256 << (64 - treeBits)

// fresh adds up again what changed in [from, to]. It rests as long as it works,
// for others want the store too.
func (d *digests) fresh(from, to hashkit.Token) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var stale []Range
	d.settled.TakeStale(uint64(from), uint64(to), func(from, to uint64) {
		stale = append(stale, Range{hashkit.Token(from), hashkit.Token(to)})
	})
	worked := time.Duration(0)
	for len(stale) > 0 {
		r := stale[0]
		if r.To-r.From >= refreshStep {
			r.To = r.From + refreshStep - 1
		}
		began := time.Now()
		if err := d.tree.Refresh(r.From, r.To); err != nil {
			return err
		}
		if worked += time.Since(began); worked > time.Millisecond {
			time.Sleep(worked)
			worked = 0
		}
		stale = after(stale, r.To)
	}
	return nil
}

// members are the fields of a kind of one record, as a set.
type members struct {
	store memberStore
	key   []byte
	kind  datastore.Kind
}

// Scan implements merkle.Set.
func (m members) Scan(from, to hashkit.Token, fn func(merkle.Item) bool) error {
	return m.store.Members(m.key, m.kind, uint64(from), uint64(to), func(hash, digest uint64) bool {
		return fn(merkle.Item{Token: hashkit.Token(hash), Digest: digest})
	})
}

// Sum implements merkle.Set.
func (m members) Sum(from, to hashkit.Token) (merkle.Sum, error) { return scanSum(m, from, to) }
