package node

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/node/internal/layout"
)

// Gossip carries 512 bytes; two of them are memberlist's framing.
func TestAnnouncement_LongestFitsAndComesBack(t *testing.T) {
	long := strings.Repeat("n", 64)
	c := Config{
		Cluster: long, Datacenter: long, Rack: long,
		Hash: "murmur3_x64_64", HashTag: "<>", Tokens: 256, Replicas: 16, Expect: 255, Distribution: "vnode",
	}
	for i := range maxGivenTokens {
		c.GivenTokens = append(c.GivenTokens, fmt.Sprint(uint64(math.MaxUint64)-uint64(i)))
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	self := c.layoutNode()
	self.ClientAddr = "255.255.255.255:65535"
	a := announce(self, c.layoutSettings())
	a.Epoch, a.Hash = 1, math.MaxUint64
	b, err := json.Marshal(a)
	if err != nil || len(b) > 510 {
		t.Fatalf("%d bytes, %v: %s", len(b), err, b)
	}
	var back announcement
	if err := json.Unmarshal(b, &back); err != nil || !slices.Equal(back.tokens(), self.Tokens) || len(self.Tokens) != maxGivenTokens || back.Settings != a.Settings {
		t.Errorf("%s came back as %+v, %v", b, back, err)
	}
	back.Tokens = append(back.Tokens, 1, 2, 3)
	if got := back.tokens(); len(got) != maxGivenTokens {
		t.Errorf("a rest of three bytes is taken for a token: %v", got)
	}
}

// What the file says arrives in the layout, and a cluster formed of files is the
// one that runs.
func TestFirstLayout_IsWhatTheNodesWouldForm(t *testing.T) {
	var configs []Config
	var nodes []layout.Node
	for i := range 4 {
		c := Config{
			Name: fmt.Sprint("n", i), Rack: fmt.Sprint("r", i%2), PeerListen: fmt.Sprintf("127.0.0.1:%d", 100+i),
			Listen: "none", Seeds: []string{"127.0.0.1:100"}, Expect: 4, Weight: int64(i + 1),
		}
		configs = append(configs, c)
		weight := int64(i + 1)
		if i == 0 {
			weight = 0
		}
		nodes = append(nodes, layout.Node{ID: c.Name, Datacenter: "dc1", Rack: c.Rack, PeerAddr: c.PeerListen, ClientAddr: "none", Weight: weight})
	}
	got, err := FirstLayout(configs...)
	if err != nil {
		t.Fatal(err)
	}
	l, err := layout.First(configs[0].WithDefaults().layoutSettings(), nodes)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := l.Ring()
	if err != nil {
		t.Fatal(err)
	}
	if l.Hash != "slot" || l.Distribution != "random-slicing" || len(l.Tables) != 2 {
		t.Errorf("a new cluster has %s, %s and %d tables", l.Hash, l.Distribution, len(l.Tables))
	}
	for i := range 1000 {
		key := fmt.Appendf(nil, "user:%d", i)
		k := got.Owners(key)
		for at, o := range ring.Owners("dc1", hashkit.SlotHash(key)) {
			if k.Owners[at].Node != o.ID {
				t.Fatalf("%s belongs to %+v, in the ring to %s", key, k.Owners, o.ID)
			}
		}
	}
}

func TestFirstLayout_Wrong_ErrorNamesTheCulprit(t *testing.T) {
	two := func(change func(c *Config)) []Config {
		a := Config{Name: "a", Rack: "r1", Expect: 2, Seeds: []string{"127.0.0.1:1"}}
		b := a
		b.Name, b.Rack = "b", "r2"
		change(&b)
		return []Config{a, b}
	}
	for want, configs := range map[string][]Config{
		"no configuration":                    nil,
		"two nodes are called a":              two(func(c *Config) { c.Name = "a" }),
		"waiting for nodes: 1 of 2 are here":  two(func(*Config) {})[:1],
		"hash is slot on a and xxhash64 on b": two(func(c *Config) { c.Hash = "xxhash64" }),
		"given_tokens: ":                      two(func(c *Config) { c.GivenTokens = []string{"x"} }),
		"the port of 127.0.0.1:0 is not":      two(func(c *Config) { c.Name, c.PeerListen = "", "127.0.0.1:0" }),
	} {
		if _, err := FirstLayout(configs...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	// In a rack all nodes give tokens or none.
	given := two(func(c *Config) { c.Rack = "r1" })
	given[0].Distribution, given[1].Distribution = "vnode", "vnode"
	given[0].GivenTokens = []string{"7"}
	if _, err := FirstLayout(given...); err == nil || !strings.Contains(err.Error(), `node "a" gives tokens and node "b" gives none`) {
		t.Errorf("tokens of one node alone: %v", err)
	}
	given[1].GivenTokens = []string{"0x7"}
	if _, err := FirstLayout(given...); err == nil || !strings.Contains(err.Error(), `nodes "a" and "b" both have token 0x0000000000000007`) {
		t.Errorf("one token of two nodes: %v", err)
	}
}

// A ring that was built for Dynomite: its hash function, its tokens in the high
// half, and the rule that a token ends a range.
func TestFirstLayout_TokensOfADynomiteFile_KeepTheirOwners(t *testing.T) {
	tokens := []uint32{500_000_000, 1_383_429_731, 3_000_000_000}
	var configs []Config
	for i, token := range tokens {
		configs = append(configs, Config{
			Name: fmt.Sprint(i), Rack: "r", Expect: len(tokens), Seeds: []string{"127.0.0.1:1"},
			Hash: "murmur", GivenTokens: []string{fmt.Sprintf("0x%08x00000000", token)},
		})
	}
	l, err := FirstLayout(configs...)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10_000 {
		key := fmt.Appendf(nil, "user:%d", i)
		hash, want := uint32(hashkit.Murmur(key)>>32), 0 // past the last token it is the first's
		for n := len(tokens) - 1; n >= 0; n-- {
			if hash <= tokens[n] {
				want = n
			}
		}
		if got := l.Owners(key).Owners[0].Node; got != fmt.Sprint(want) {
			t.Fatalf("%s, hash %d, belongs to node %s, want %d", key, hash, got, want)
		}
	}
}

// A node that is upgraded goes on under the layout that it had: with vnodes, and a
// hash function that today's layouts would spread.
func TestStart_LayoutOfTheFormatBefore_StaysAsItIs(t *testing.T) {
	const old = `{
  "format": 1,
  "cluster": "dynomite",
  "epoch": 1,
  "parent": 0,
  "hash": "crc32",
  "distribution": "vnode",
  "tokens": 4,
  "replicas": 3,
  "nodes": [
    {
      "id": "n1",
      "datacenter": "dc1",
      "rack": "rack1",
      "slot": 1,
      "peer_addr": "127.0.0.1:1",
      "client_addr": "none"
    }
  ],
  "digest_key": 7
}`
	dir := t.TempDir()
	path := filepath.Join(dir, "layout.json")
	if err := os.WriteFile(path, []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	n := alone(t, func(c *Config) { c.Name, c.DataDir = "n1", dir })
	defer stopNode(t, n)
	ring := n.Ring()
	if l := n.layout.Load(); l == nil || l.Format != 1 || l.Distribution != "vnode" || len(ring) != 1 || ring[0].Share != 1 {
		t.Fatalf("the layout is %+v, the ring %+v", l, ring)
	}
	raw, err := hashkit.Lookup("crc32")
	if err != nil {
		t.Fatal(err)
	}
	if key := []byte("key"); n.coord.Cluster().Hash(key) != raw(key) {
		t.Error("keys have other tokens than before")
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != old {
		t.Errorf("the file became\n%s, %v", after, err)
	}
}
