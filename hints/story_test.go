package hints

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// story is a run of a log, drawn from a seed, and what its caller knows: each
// delta is a number of its own, and joining lists them.
type story struct {
	log   *Log
	rng   *rand.Rand
	next  int
	items map[string]*item
	marks map[string]bool // nodes that were marked by hand
}

// item is a delta of one node and key.
type item struct {
	node, key string
	token     uint64
	at        time.Time // when a Commit said that it is durable, if one did
	committed bool
	acked     bool // some of these may come again after an unclean stop
	refused   bool // it was never queued, its token was marked
}

var storyNodes = []string{"b", "c", "d/../d"}

func newStory(rng *rand.Rand) *story {
	return &story{rng: rng, items: map[string]*item{}, marks: map[string]bool{}}
}

func keyToken(key string) uint64 { return uint64(len(key))*1000 + uint64(key[len(key)-1]) }

// step does one thing. Errors are for the checks to explain.
func (s *story) step() {
	switch n := s.rng.IntN(20); {
	case n < 9:
		s.add()
	case n < 14:
		s.commit()
	case n < 17:
		s.deliver()
	case n == 17:
		node := s.node()
		if s.log.MarkDirty(node, Range{1 << 40, 1<<40 + 1}) == nil && s.log.Commit() == nil {
			s.marks[node] = true
		}
	default:
		time.Sleep(time.Duration(s.rng.IntN(1500)) * time.Millisecond)
	}
}

func (s *story) node() string { return storyNodes[s.rng.IntN(len(storyNodes))] }

func (s *story) add() {
	for range 1 + s.rng.IntN(4) {
		s.next++
		it := &item{node: s.node(), key: fmt.Sprintf("k%d", s.rng.IntN(8))}
		it.token = keyToken(it.key)
		id := fmt.Sprintf("<%d%s>", s.next, strings.Repeat("x", s.rng.IntN(120)))
		var err error
		if s.rng.IntN(6) == 0 {
			it.key = ""
			it.token = 77
			err = s.log.AddBundle(it.node, []Range{{77, 78}}, []byte(id))
		} else {
			err = s.log.Add(it.node, it.token, []byte(it.key), []byte(id))
		}
		it.refused = err != nil
		s.items[id] = it
	}
}

// commit commits. One that fails has marked whatever it could not write.
func (s *story) commit() {
	if err := s.log.Commit(); err == nil {
		s.committed()
	}
}

func (s *story) committed() {
	for _, it := range s.items {
		if !it.committed && !it.refused {
			it.committed, it.at = true, time.Now()
		}
	}
}

// deliver takes some records, acknowledges some and gives the others back.
func (s *story) deliver() {
	node := s.node()
	records, err := s.log.Next(node, s.rng.IntN(800))
	if err != nil {
		return
	}
	for _, r := range records {
		if s.rng.IntN(3) == 0 {
			s.log.Release(node, r.ID)
			continue
		}
		s.log.Ack(node, r.ID)
		for _, id := range split(r.Delta) {
			s.items[id].acked = true
		}
	}
}

// split lists the deltas that a record was joined from.
func split(delta []byte) []string {
	parts := strings.SplitAfter(string(delta), ">")
	return parts[:len(parts)-1]
}

// union joins deltas that are lists.
func union(dst, _, older, newer []byte) ([]byte, error) {
	return append(append(dst, older...), newer...), nil
}

// queued takes everything that a log has and gives it back. It fails for what
// is not what was added, or is for somebody else.
func (s *story) queued(t *testing.T, l *Log) map[string]bool {
	t.Helper()
	got := map[string]bool{}
	for _, node := range l.Nodes() {
		records, err := l.Next(node, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			for _, id := range split(r.Delta) {
				it := s.items[id]
				if it == nil || it.node != node || it.key != string(r.Key) || r.Bundle != (it.key == "") || !r.Bundle && r.Token != it.token {
					t.Fatalf("%s got %q of %q, which was %+v", node, id, r.Key, it)
				}
				got[id] = true
			}
			l.Release(node, r.ID)
		}
	}
	return got
}

// covered says whether a token is marked.
func covered(rs []Range, token uint64) bool {
	return slices.ContainsFunc(rs, func(r Range) bool { return r.From <= token && token <= r.To })
}
