package layout

import (
	_ "embed"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/dynomite-go/dynomite/hashkit"
)

//go:embed testdata/format1.json
var oldLayout string

// The content hash and the owners that the release before read from
// testdata/format1.json: four nodes, two of them in one rack, and a hash function
// of 15 bits, which today's layouts would spread.
const (
	oldHash   = 0xe5651d1e095945f9
	oldOwners = 0x9e9a8ecbcd5332b1
)

// ownersOf hashes the owners of many keys, in order.
func ownersOf(t *testing.T, l *Layout, keys int) hashkit.Token {
	t.Helper()
	ring, err := l.Ring()
	if err != nil {
		t.Fatal(err)
	}
	hash, err := l.HashFunc()
	if err != nil {
		t.Fatal(err)
	}
	var text []byte
	for i := range keys {
		for _, o := range ring.AppendOwners(nil, "dc1", hash(fmt.Appendf(nil, "user:%d", i))) {
			text = fmt.Appendf(text, "%d,", o)
		}
	}
	return hashkit.XXHash64(text)
}

// A cluster is upgraded node by node: who reads the old layout must name it, and
// place every key, as those do that wrote it.
func TestDecode_FormatBefore_SameHashAndOwners(t *testing.T) {
	l, err := Decode([]byte(oldLayout))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(l.Encode()); got != oldLayout {
		t.Errorf("written again it is\n%s", got)
	}
	if got := l.ContentHash(); got != oldHash {
		t.Errorf("its hash is %#x, want %#x", got, uint64(oldHash))
	}
	if got := ownersOf(t, l, 10_000); got != oldOwners {
		t.Errorf("its owners hash to %v, want %v", got, hashkit.Token(oldOwners))
	}
}

// A layout is read with its tables, not with those that its nodes would get anew.
func TestDecode_TablesAreTheLayouts(t *testing.T) {
	nodes := []Node{node("1"), node("2"), node("3")}
	nodes = append(nodes, Node{ID: "4", Datacenter: "dc1", Rack: nodes[0].Rack})
	l, err := First(settings, nodes)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := l.Ring()
	if err != nil {
		t.Fatal(err)
	}
	nodes = append(nodes, Node{ID: "5", Datacenter: "dc1", Rack: nodes[0].Rack, Weight: 3})
	grown, err := l.RingWith(nodes, ring)
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := First(settings, nodes)
	if err != nil {
		t.Fatal(err)
	}
	next := *fresh
	if next.Tables, err = tablesOf(grown); err != nil {
		t.Fatal(err)
	}
	back, err := Decode(next.Encode())
	if err != nil {
		t.Fatal(err)
	}
	if back.ContentHash() == fresh.ContentHash() {
		t.Error("layouts with other tables have one hash")
	}
	again, err := back.Ring()
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(5000) {
		token := hashkit.Token(i * (math.MaxUint64 / 5000))
		if got, want := again.AppendOwners(nil, "dc1", token), grown.AppendOwners(nil, "dc1", token); !slices.Equal(got, want) {
			t.Fatalf("owners of %v are %v, and were %v before the layout was written", token, got, want)
		}
	}
	if ownersOf(t, back, 1000) == ownersOf(t, fresh, 1000) {
		t.Error("history does not matter: the test shows nothing")
	}
}

func TestFirst_EveryDistribution_ReadBack(t *testing.T) {
	for _, name := range Distributions() {
		s := with(func(s *Settings) { s.Distribution = name })
		l, err := First(s, of(7))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		back, err := Decode(l.Encode())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if back.ContentHash() != l.ContentHash() || ownersOf(t, back, 1000) != ownersOf(t, l, 1000) {
			t.Errorf("%s is another layout when it is read back", name)
		}
		if tables := len(l.Tables); (name == DefaultDistribution) != (tables == 3) || name != DefaultDistribution && tables != 0 {
			t.Errorf("%s has %d tables for 3 racks", name, tables)
		}
	}
}

// Keys with one hash tag stay together, whichever function places them.
func TestHashFunc_KeysOfOneTagShareTheirOwners(t *testing.T) {
	for _, c := range []struct{ hash, tag string }{
		{"slot", ""}, {"slot", "{}"}, {"xxhash64", "{}"}, {"crc32", "{}"}, {"murmur3", "[]"}, {"md5", "''"},
	} {
		open, end := "{", "}"
		if c.tag != "" {
			open, end = c.tag[:1], c.tag[1:]
		}
		l, err := First(with(func(s *Settings) { s.Hash, s.HashTag = c.hash, c.tag }), of(12))
		if err != nil {
			t.Fatal(err)
		}
		ring, err := l.Ring()
		if err != nil {
			t.Fatal(err)
		}
		hash, err := l.HashFunc()
		if err != nil {
			t.Fatal(err)
		}
		for i := range 200 {
			a := hash(fmt.Appendf(nil, "a%s%d%s.name", open, i, end))
			b := hash(fmt.Appendf(nil, "%s%d%s.mail", open, i, end))
			if !slices.Equal(ring.AppendOwners(nil, "dc1", a), ring.AppendOwners(nil, "dc1", b)) {
				t.Fatalf("%+v: owners of tokens %v and %v differ", c, a, b)
			}
		}
	}
}

// crc32 has 15 bits: where size divides, it has to be spread, or the owner of the
// first tokens owns every key. Given tokens and ketama's points want it as it is.
func TestHashFunc_SpreadWhereSizeDivides(t *testing.T) {
	raw, err := hashkit.Lookup("crc32")
	if err != nil {
		t.Fatal(err)
	}
	given := node("1")
	given.Tokens = []hashkit.Token{1 << 40}
	for _, c := range []struct {
		distribution string
		nodes        []Node
		spread       bool
	}{
		{"random-slicing", of(3), true},
		{"jump", of(3), true},
		{"modula", of(3), true},
		{"vnode", of(3), true},
		{"ketama", of(3), false},
		{"vnode", []Node{given}, false},
	} {
		l, err := First(with(func(s *Settings) { s.Hash, s.Distribution = "crc32", c.distribution }), c.nodes)
		if err != nil {
			t.Fatal(err)
		}
		hash, err := l.HashFunc()
		if err != nil {
			t.Fatal(err)
		}
		if key := []byte("key"); (hash(key) != raw(key)) != c.spread {
			t.Errorf("%s, given tokens %v: spread is %v", c.distribution, c.nodes[0].Tokens != nil, !c.spread)
		}
	}
}

func TestHashFunc_WrongTag_ErrorSaysWhy(t *testing.T) {
	for _, c := range []struct{ hash, tag string }{{"slot", "[]"}, {"xxhash64", "{"}, {"xxhash64", "{{}"}, {"xxhash64", "é"}, {"sha", "{}"}} {
		if _, err := HashFunc(c.hash, c.tag, false); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
}
