package coordinator

import (
	"bytes"
	"sync"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/quorum"
)

// Many clients may read one key at a time. The owners are asked once for all
// of them, in the manner of a group commit: the first read asks; those that
// come while the answer is under way wait for it, and then one of them asks for
// all. Nobody makes use of an answer to a question that was asked before it
// came: that could hide a write which was acknowledged in between.
//
//	read 1  | asks ------ answer |
//	read 2      | waits          | asks ------ answer |
//	read 3          | waits      | rides with 2       |
//	read 4                         | waits            | asks ...
//
// What is shared is the question whether the others hold the same record, so
// the commands need not be equal.

// flight is the question about one key that is under way. The lock of the
// leader's batch guards it; waiting that of its shard.
type flight struct {
	token hashkit.Token
	key   []byte
	level quorum.Level
	// leader asks; it has made steps steps before the one that asks.
	leader *batch
	steps  uint64
	// digest is what the leader saw, and met says whether a majority held it.
	digest uint64
	met    bool

	riders  []rider // that came before it was asked
	waiting []rider // that came since
}

var flightPool = sync.Pool{New: func() any { return new(flight) }}

// rider is a read that waits; it holds a reference of its batch.
type rider struct {
	b  *batch
	op int
}

type flights [64]struct {
	mu sync.Mutex
	m  map[hashkit.Token]*flight
}

// board makes operation i wait if a question about its key is under way, and
// else the leader of those that come while its own is.
func (b *batch) board(i int) (waits bool) {
	o := &b.ops[i]
	if o.flight != nil || o.alone || o.tally.State() == quorum.Met {
		return false
	}
	s := &b.c.flights[o.token%hashkit.Token(len(b.c.flights))]
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.m[o.token]
	switch {
	case f == nil:
		if s.m == nil {
			s.m = map[hashkit.Token]*flight{}
		}
		f = flightPool.Get().(*flight)
		f.token, f.key, f.level = o.token, append(f.key[:0], o.key...), o.level
		f.leader, f.steps, f.digest = b, b.steps, o.before
		o.flight, s.m[o.token] = f, f
		return false
	case f.level != o.level || !bytes.Equal(f.key, o.key):
		return false
	case f.leader != b || f.steps != b.steps:
		f.waiting = append(f.waiting, rider{b, i})
	case f.digest != o.before:
		return false // it is asked beside the other in one message
	default:
		f.riders = append(f.riders, rider{b, i}) // nothing has been sent yet
	}
	o.parked = true
	b.parked++
	b.dueBy(int64(b.deadline.Sub(b.c.born))) // the leader's may be later
	b.refs++
	return true
}

// disembark takes note that the leader o of a flight has ended.
func (b *batch) disembark(o *op) {
	f := o.flight
	f.met, f.digest = o.looked && o.tally.State() == quorum.Met, o.before
	o.flight = nil
	b.landed = append(b.landed, f)
}

// land lets those who rode with a flight go on, and begins the next one. No
// batch is locked.
func (c *Coordinator) land(f *flight) {
	met, digest, riders := f.met, f.digest, f.riders
	for began := false; !began; {
		s := &c.flights[f.token%hashkit.Token(len(c.flights))]
		s.mu.Lock()
		next := f.waiting
		f.waiting, f.riders = nil, nil
		f.leader = nil
		if len(next) == 0 {
			delete(s.m, f.token)
			flightPool.Put(f)
			began = true // by nobody: the next read is a leader again
		}
		s.mu.Unlock()
		for i := 0; i < len(next) && !began; i++ { // but for those that have given up
			began = next[i].goOn(func(b *batch, o *op) { // asks for all
				s.mu.Lock()
				f.leader, f.steps, f.digest, f.riders = b, b.steps, o.before, next[i+1:]
				s.mu.Unlock()
				o.flight = f
				b.resume(next[i].op)
			})
		}
	}
	for _, r := range riders {
		r.goOn(func(b *batch, o *op) {
			if met && o.before == digest {
				c.count.coalesced.Add(1)
				b.end(o)
				return
			}
			o.alone = true // not in line again
			b.resume(r.op)
		})
	}
}

// goOn wakes a read that waited, unless its deadline did so before.
func (r rider) goOn(how func(*batch, *op)) (woken bool) {
	b := r.b
	b.mu.Lock()
	o := &b.ops[r.op]
	o.parked = false
	b.parked--
	if woken = !o.done; woken {
		how(b, o)
		b.step()
		b.mu.Lock()
	}
	b.release()
	return woken
}

// resume asks for operation i, which has waited, and executes it anew if its
// record has changed meanwhile.
func (b *batch) resume(i int) {
	o := &b.ops[i]
	if now, _ := b.c.store.Digest(o.key); now != o.before {
		b.execute(i)
		return
	}
	b.askVotes(i)
	b.settle(i)
}
