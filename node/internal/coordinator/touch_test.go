package coordinator

import (
	"fmt"
	"testing"

	"github.com/dynomite-go/dynomite/node/datastore"
)

// touches is a store that remembers which keys it was told to touch.
type touches struct {
	datastore.Store
	keys []string
}

func (s *touches) Touch(keys [][]byte) {
	for _, key := range keys {
		s.keys = append(s.keys, string(key))
	}
}

// TestCoordinator_TouchesWhatComes: a node alone has the keys of a pipeline
// touched before it executes it, each once and in order; those of a few
// commands not.
func TestCoordinator_TouchesWhatComes(t *testing.T) {
	b := newBench(t, 1)
	c := b.coords[0]
	s := &touches{Store: c.store}
	c.Install(c.Cluster(), s, b.clocks[0].Observe)
	b.run(0, "GET a", "GET b", "GET c")
	if len(s.keys) > 0 {
		t.Errorf("touched %q for three commands", s.keys)
	}
	var lines []string
	for i := range 3 * datastore.MostTouched {
		lines = append(lines, fmt.Sprintf("SET k%d v", i))
	}
	lines = append(lines, "GET a", "MGET b c", "EXPIRE d 7", "GET e")
	if got := b.run(0, lines...); len(got) < len(lines) || got[0] != "+OK" {
		t.Fatalf("replies: %q", got)
	}
	var want []string
	for i := range 3 * datastore.MostTouched {
		want = append(want, fmt.Sprintf("k%d", i))
	}
	want = append(want, "a", "b", "d", "e")
	if fmt.Sprint(s.keys) != fmt.Sprint(want) {
		t.Errorf("touched %q, want %q", s.keys, want)
	}
}
