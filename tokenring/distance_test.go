package tokenring

import (
	"slices"
	"testing"

	"github.com/dynomite-go/dynomite/hashkit"
)

func TestDistance_SortNearest_KeepsPreferenceAmongTheEquallyFar(t *testing.T) {
	var cfg Config
	for _, dc := range []string{"east", "west"} {
		for _, rack := range []string{"a", "b", "c"} {
			for _, n := range []string{"1", "2"} {
				cfg.Nodes = append(cfg.Nodes, Node{ID: dc + rack + n, Datacenter: dc, Rack: rack, Weight: 1})
			}
		}
	}
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for from := range r.Nodes() {
		for slot := range 1000 {
			token := hashkit.Token(uint64(slot*16+slot%7) << 50)
			owners := r.AppendAllOwners(nil, token)
			near := slices.Clone(owners)
			r.SortNearest(near, from)
			for i := 1; i < len(near); i++ {
				a, b := r.Distance(from, near[i-1]), r.Distance(from, near[i])
				if a > b || a == b && slices.Index(owners, near[i-1]) > slices.Index(owners, near[i]) {
					t.Fatalf("from %d: owners %v became %v", from, owners, near)
				}
			}
			if slices.Contains(owners, from) && near[0] != from {
				t.Fatalf("node %d owns token %v and is not its own nearest owner: %v", from, token, near)
			}
		}
	}
	at := func(id string) int {
		i, _ := r.Index(id)
		return i
	}
	for _, c := range []struct {
		a, b string
		want Distance
	}{
		{"easta1", "easta1", SameNode},
		{"easta1", "easta2", SameRack},
		{"easta1", "eastb1", SameDatacenter},
		{"easta1", "westa1", OtherDatacenter},
	} {
		if got := r.Distance(at(c.a), at(c.b)); got != c.want {
			t.Errorf("%s and %s: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
