package layout

import (
	"slices"
	"strings"
	"testing"
)

var settings = Settings{Cluster: "c", Hash: "slot", Distribution: DefaultDistribution, Tokens: 16, Replicas: 3, Expect: 3}

func node(id string) Node {
	return Node{ID: id, Datacenter: "dc1", Rack: "rack-" + id, PeerAddr: "127.0.0.1:1" + id, ClientAddr: "127.0.0.1:2" + id}
}

func announce(id string) Announcement { return Announcement{Node: node(id), Settings: settings} }

func TestFirst_IsTheSameWhateverTheOrder(t *testing.T) {
	a, err := First(settings, []Node{node("1"), node("2"), node("3")})
	if err != nil {
		t.Fatal(err)
	}
	b, err := First(settings, []Node{node("3"), node("1"), node("2")})
	if err != nil {
		t.Fatal(err)
	}
	if a.ContentHash() != b.ContentHash() {
		t.Fatal("the order of nodes changes the layout")
	}
	back, err := Decode(a.Encode())
	if err != nil || back.ContentHash() != a.ContentHash() {
		t.Fatalf("round trip: %v", err)
	}
	if n, ok := back.Node("2"); !ok || n.Slot != 2 {
		t.Fatalf("slot of node 2: %+v", n)
	}
}

func TestDecode_RefusesWhatCannotBe(t *testing.T) {
	good, _ := First(settings, []Node{node("1"), node("2"), node("3")})
	for name, change := range map[string]func(*Layout){
		"newer format":  func(l *Layout) { l.Format = Format + 1 },
		"no epoch":      func(l *Layout) { l.Epoch = 0 },
		"no nodes":      func(l *Layout) { l.Nodes = nil },
		"shared slot":   func(l *Layout) { l.Nodes[1].Slot = 1 },
		"slot too high": func(l *Layout) { l.Nodes[1].Slot = 256 },
		"same id twice": func(l *Layout) { l.Nodes[1].ID = "1" },
		"no table":      func(l *Layout) { l.Tables = l.Tables[1:] },
		"table twice":   func(l *Layout) { l.Tables = append(l.Tables, l.Tables[0]) },
		"table swapped": func(l *Layout) { l.Tables[0].Slicing = l.Tables[1].Slicing },
		"table cut": func(l *Layout) {
			l.Tables[0].Slicing = l.Tables[0].Slicing[:20]
		},
		"weight of another": func(l *Layout) { l.Nodes[1].Weight = 2 },
		"distribution":      func(l *Layout) { l.Distribution = "best" },
		"hash":              func(l *Layout) { l.Hash = "sha" },
		"hash tag":          func(l *Layout) { l.HashTag = "[]" }, // slot has another
		"old with tables":   func(l *Layout) { l.Format = formatVNodes },
		"old with weights": func(l *Layout) {
			l.Format, l.Distribution, l.Tables, l.Nodes[1].Weight = formatVNodes, "vnode", nil, 2
		},
	} {
		l := *good
		l.Nodes, l.Tables = slices.Clone(good.Nodes), slices.Clone(good.Tables)
		change(&l)
		if _, err := Decode(l.Encode()); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func FuzzDecode(f *testing.F) {
	good, _ := First(settings, []Node{node("1"), node("2"), node("3")})
	f.Add(good.Encode())
	f.Add([]byte(`{"format":1,"epoch":1,"nodes":[{"id":"a","slot":1}],"tokens":-1}`))
	f.Add([]byte(oldLayout))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := Decode(b)
		if err != nil {
			return
		}
		again, err := Decode(l.Encode())
		if err != nil || again.ContentHash() != l.ContentHash() {
			t.Fatalf("what was taken is not taken again: %v", err)
		}
	})
}

func with(change func(*Settings)) Settings {
	s := settings
	change(&s)
	return s
}

func TestFormation_WaitsForExactlyAsManyAsExpected(t *testing.T) {
	f := NewFormation(announce("1"), 0)
	for _, c := range []struct {
		others []Announcement
		want   string
	}{
		{nil, "1 of 3 are here"},
		{[]Announcement{announce("2")}, "2 of 3 are here"},
		{[]Announcement{announce("2"), announce("3"), announce("4")}, "4 nodes are here, but 3 are expected"},
		{[]Announcement{announce("2"), {Node: node("3"), Settings: Settings{Cluster: "c", Expect: 2}}}, "settings differ from those of 3"},
		{[]Announcement{announce("2"), {Node: node("3"), Settings: with(func(s *Settings) { s.Distribution = "vnode" })}}, "distribution is random-slicing on 1 and vnode on 3: "},
		{[]Announcement{announce("2"), {Node: node("3"), Settings: with(func(s *Settings) { s.HashTag = "{}" })}}, "hash_tag is  on 1 and {} on 3: "},
		{[]Announcement{announce("2"), {Node: node("3"), Settings: settings, Formed: true}}, "it is in a cluster already"},
	} {
		if _, err := f.Candidate(c.others); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: got %v, want %q", c.others, err, c.want)
		}
	}
	l, err := f.Candidate([]Announcement{announce("3"), announce("2")})
	if err != nil || !f.Proposes(l) {
		t.Fatalf("three of three: %v", err)
	}
}

func TestFormation_OneVoteForEver(t *testing.T) {
	one, _ := First(settings, []Node{node("1"), node("2"), node("3")})
	other, _ := First(settings, []Node{node("1"), node("2"), node("4")})
	f := NewFormation(announce("1"), 0)
	vote, err := f.Agree(one, one)
	if err != nil || vote == 0 {
		t.Fatal(err)
	}
	if _, err := f.Agree(one, one); err != nil {
		t.Fatalf("the same vote again: %v", err)
	}
	if _, err := f.Agree(other, other); err == nil {
		t.Fatal("two layouts have this node's vote")
	}
	restarted := NewFormation(announce("1"), vote)
	if _, err := restarted.Agree(other, other); err == nil {
		t.Fatal("a restart forgot the vote")
	}
	if _, err := NewFormation(announce("1"), 0).Agree(one, other); err == nil {
		t.Fatal("agreed to a layout that it would not make")
	}
}

func TestNumber_KeepsSlotAndGenerationApart(t *testing.T) {
	for _, c := range [][2]uint32{{1, 0}, {255, 1}, {7, MaxGeneration}} {
		n := Number(c[0], c[1])
		if Slot(n) != c[0] || Generation(n) != c[1] {
			t.Errorf("%v became %d, %d", c, Slot(n), Generation(n))
		}
	}
}
