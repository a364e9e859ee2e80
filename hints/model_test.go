package hints

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// plain is what a log should be: for each node a list of records and a set of
// tokens, without files, segments or offsets.
type plain struct {
	cfg   Config
	nodes map[string]*plainQueue
}

type plainQueue struct {
	records []*plainRecord // oldest first
	newest  map[string]*plainRecord
	dirty   [100]bool
}

// leave takes note of a record that goes: another one of its key, which was in
// flight when it came, may stay.
func (q *plainQueue) leave(r *plainRecord) {
	if q.newest[r.key] == r {
		delete(q.newest, r.key)
	}
}

type plainRecord struct {
	key, delta string
	bundle     bool
	token      uint64
	at         int64
	flies      bool
	id         uint64 // once it was handed out
}

// size is what a record takes in a file, by the picture in record.go.
func (r *plainRecord) size() int {
	head := 4 + 4 + 4 + 1 + 8 + 8
	if r.bundle {
		return head + 1 + 16 + len(r.delta)
	}
	return head + 8 + 1 + len(r.key) + len(r.delta)
}

func (q *plainQueue) bytes() (n int) {
	for _, r := range q.records {
		n += r.size()
	}
	return n
}

func (p *plain) queue(node string) *plainQueue {
	if p.nodes[node] == nil {
		p.nodes[node] = &plainQueue{newest: map[string]*plainRecord{}}
	}
	return p.nodes[node]
}

func (p *plain) expire(q *plainQueue) {
	oldest := time.Now().Add(-p.cfg.Window).UnixMilli()
	q.records = slices.DeleteFunc(q.records, func(r *plainRecord) bool {
		if r.flies || r.at >= oldest {
			return false
		}
		q.dirty[r.token] = true
		q.leave(r)
		return true
	})
}

// add says whether it was queued.
func (p *plain) add(node string, r *plainRecord) bool {
	q := p.queue(node)
	p.expire(q)
	var into *plainRecord
	if x := q.newest[r.key]; !r.bundle && x != nil && !x.flies {
		into = x
	}
	r.at = time.Now().UnixMilli()
	whole, was := *r, 0
	if into != nil {
		whole.delta, was = into.delta+r.delta, into.size()
	}
	most := whole.size() + 4 // the length of a key is taken for five bytes
	if r.bundle {
		most = whole.size() + 12
	}
	if most > p.cfg.MaxRecord || q.bytes()-was+most > int(p.cfg.MaxBytes) {
		q.dirty[r.token] = true
		return false
	}
	if into != nil {
		into.delta = whole.delta
	} else {
		q.records = append(q.records, r)
		if !r.bundle {
			q.newest[r.key] = r
		}
	}
	return true
}

func (p *plain) take(node string, maxBytes int) (out []*plainRecord) {
	q := p.queue(node)
	p.expire(q)
	bytes := 0
	for _, r := range q.records {
		if r.flies {
			continue
		}
		if bytes += r.size(); len(out) > 0 && bytes > maxBytes {
			break
		}
		r.flies = true
		out = append(out, r)
	}
	return out
}

// TestLog_IsAListAndASet: whatever is done to a log, it is as a plain list of
// records and a plain set of marks would be.
func TestLog_IsAListAndASet(t *testing.T) {
	seed := rand.Uint64()
	for n := range 40 {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, uint64(n)))
			cfg := Config{
				Self: "self", FS: Memory(), Join: union, Sync: Sync(rng.IntN(3)), Window: 20 * time.Second,
				SegmentBytes: 200 + rng.Int64N(2000), MaxBytes: 2000, MaxRecord: 400,
			}
			l, _ := open(t, cfg)
			l.maxRecent = recentOf(n)
			p := &plain{cfg: cfg, nodes: map[string]*plainQueue{}}
			for step := range 300 {
				l = randomStep(t, rng, l, p)
				same(t, l, p)
				if t.Failed() {
					t.Fatalf("seed %d, run %d, step %d", seed, n, step)
				}
			}
			l.Close()
		})
		if t.Failed() {
			return
		}
	}
}

func randomStep(t *testing.T, rng *rand.Rand, l *Log, p *plain) *Log {
	node := storyNodes[rng.IntN(len(storyNodes))]
	q := p.queue(node)
	switch n := rng.IntN(24); {
	case n < 10:
		r := &plainRecord{key: fmt.Sprintf("k%d", rng.IntN(6)), delta: strings.Repeat("x", rng.IntN(100)), bundle: rng.IntN(5) == 0}
		r.token = keyToken(r.key) % 100
		var err error
		if r.bundle {
			r.key = ""
			err = l.AddBundle(node, []Range{{r.token, r.token}}, []byte(r.delta))
		} else {
			err = l.Add(node, r.token, []byte(r.key), []byte(r.delta))
		}
		if added := p.add(node, r); added != (err == nil) {
			t.Errorf("%+v for %s: %v, want it queued: %v", r, node, err, added)
		}
	case n < 13:
		if err := l.Commit(); err != nil {
			t.Error(err)
		}
	case n < 17:
		maxBytes := rng.IntN(600)
		got, err := l.Next(node, maxBytes)
		want := p.take(node, maxBytes)
		if err != nil || len(got) != len(want) {
			t.Errorf("%s got %d records, want %d; %v", node, len(got), len(want), err)
			return l
		}
		for i, r := range got {
			w := want[i]
			w.id = r.ID
			if string(r.Key) != w.key || string(r.Delta) != w.delta || r.Bundle != w.bundle || r.At.UnixMilli() != w.at || r.Ranges[0].From != w.token {
				t.Errorf("%s got %+v, want %+v", node, r, w)
			}
		}
	case n < 20:
		var done, back []uint64
		var returned []*plainRecord
		q.records = slices.DeleteFunc(q.records, func(r *plainRecord) bool {
			switch n := rng.IntN(3); {
			case r.flies && n == 0:
				done = append(done, r.id)
				q.leave(r)
				return true
			case r.flies && n == 1:
				r.flies = false
				returned = append(returned, r)
			}
			return false
		})
		rng.Shuffle(len(returned), func(i, j int) { returned[i], returned[j] = returned[j], returned[i] })
		for _, r := range returned {
			back = append(back, r.id)
			if !r.bundle && q.newest[r.key] == nil {
				q.newest[r.key] = r
			}
		}
		l.Ack(node, done...)
		l.Release(node, back...)
	case n == 20:
		from := rng.Uint64N(90)
		r := Range{from, from + rng.Uint64N(10)}
		dirty := rng.IntN(2) == 0
		if dirty {
			l.MarkDirty(node, r)
		} else {
			l.Clean(node, r)
		}
		for i := r.From; i <= r.To; i++ {
			q.dirty[i] = dirty
		}
	case n == 21 && rng.IntN(4) == 0:
		l.Forget(node)
		delete(p.nodes, node)
	case n == 22:
		return reopen(t, l, p)
	default:
		time.Sleep(time.Duration(rng.IntN(5000)) * time.Millisecond)
	}
	return l
}

func reopen(t *testing.T, l *Log, p *plain) *Log {
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	maxRecent := l.maxRecent
	l, rec, err := Open(p.cfg)
	if err != nil || rec.Unclean || rec.Cut+rec.Damaged+len(rec.Refused) > 0 {
		t.Fatalf("%+v, %v", rec, err)
	}
	l.maxRecent = maxRecent
	for _, q := range p.nodes {
		for _, r := range q.records {
			r.flies = false
			if !r.bundle {
				q.newest[r.key] = r
			}
		}
	}
	return l
}

// same compares what a log says of itself.
func same(t *testing.T, l *Log, p *plain) {
	for _, node := range storyNodes {
		q, s := p.queue(node), l.Stats(node)
		p.expire(q)
		flying, oldest := 0, int64(0)
		for i, r := range q.records {
			if i == 0 || r.at < oldest {
				oldest = r.at
			}
			if r.flies {
				flying++
			}
		}
		if s.Records != len(q.records) || s.InFlight != flying || s.Bytes != int64(q.bytes()) || len(q.records) > 0 && s.Oldest.UnixMilli() != oldest {
			t.Errorf("%s: %+v, want %d records, %d in flight, %d bytes", node, s, len(q.records), flying, q.bytes())
		}
		for i, dirty := range q.dirty {
			if covered(s.Dirty, uint64(i)) != dirty {
				t.Errorf("%s: token %d is dirty: %v; %v", node, i, dirty, s.Dirty)
			}
		}
	}
}
