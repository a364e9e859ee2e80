package tokenring

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/slicing"
)

const (
	// DefaultTokensPerNode is what a zero Config.TokensPerNode means. Generated
	// tokens share the ring equally with any number; sixteen let the load of a
	// lost node fall on several nodes of each other rack.
	DefaultTokensPerNode = 16
	// MaxTokensPerNode is the most tokens that are generated for a node: what
	// Cassandra took as its num_tokens for long.
	MaxTokensPerNode = 256
	// maxRacks and maxNodes are what the tables hold in a uint8 and a uint16.
	maxRacks = 1 << 8
	maxNodes = 1 << 16
)

// Config is a layout: who is a member, and how many copies there are. The order
// of Nodes does not matter.
type Config struct {
	// Nodes are the members; at least one.
	Nodes []Node
	// Distribution is how the nodes of a rack divide the token space: one of
	// [Distributions]. Empty means VNode if a node gives tokens, otherwise
	// RandomSlicing.
	Distribution string
	// TokensPerNode is the number of tokens to generate for a node that gives
	// none: 1 to [MaxTokensPerNode], 0 means [DefaultTokensPerNode]. RandomSlicing
	// begins with as many ranges for each node.
	TokensPerNode int
	// Tables are the tables of random slicing that racks have already, with their
	// nodes and weights: what [Ring.Table] gave, and what a layout carries. A rack
	// without one gets its first. Only RandomSlicing takes tables.
	Tables map[Place]*slicing.Table
	// Replicas is the number of copies in a datacenter, at most its number of
	// racks. A datacenter that is absent, or 0, keeps a copy in every rack.
	Replicas map[string]int
}

// Validate makes the ring, and reports each thing that is wrong with the name of
// its culprit. It costs what [New] does.
func (c Config) Validate() error {
	_, err := New(c)
	return err
}

// distribution is the index in distributions, or -1 if there is no such name.
func (c Config) distribution() int {
	name := c.Distribution
	if name == "" {
		name = RandomSlicing
		if slices.ContainsFunc(c.Nodes, func(n Node) bool { return len(n.Tokens) > 0 }) {
			name = VNode
		}
	}
	for i, d := range distributions {
		if d.name == name {
			return i
		}
	}
	return -1
}

// validate checks everything but what only the distribution itself can know.
func (c Config) validate() error {
	var wrong []error
	report := func(format string, args ...any) {
		wrong = append(wrong, fmt.Errorf("tokenring: "+format, args...))
	}
	if c.TokensPerNode < 0 || c.TokensPerNode > MaxTokensPerNode {
		report("%d tokens per node, want 1 to %d", c.TokensPerNode, MaxTokensPerNode)
	}
	chosen := c.distribution()
	if chosen < 0 {
		report("%s", unknown(c.Distribution))
		return errors.Join(wrong...)
	}
	if len(c.Nodes) == 0 {
		report("no nodes")
	}
	if len(c.Nodes) > maxNodes {
		report("%d nodes, at most %d are possible", len(c.Nodes), maxNodes)
	}
	ids := make(map[string]bool, len(c.Nodes))
	numbers := make(map[uint32]string)
	for i, node := range c.Nodes {
		if node.ID == "" {
			report("node %d has no ID", i)
		} else if ids[node.ID] {
			report("node %q is there twice", node.ID)
		}
		ids[node.ID] = true
		for _, name := range []struct{ what, text string }{
			{"datacenter", node.Datacenter}, {"rack", node.Rack},
		} {
			if name.text == "" {
				report("node %q has no %s", node.ID, name.what)
			}
		}
		if strings.ContainsFunc(node.ID+node.Datacenter+node.Rack+node.Addr, unicode.IsControl) {
			report("node %q: a name or address contains a control character", node.ID)
		}
		switch takes := distributions[chosen]; {
		case node.Weight < 0:
			report("node %q has weight %d, want 1 or more", node.ID, node.Weight)
		case node.weight() != 1 && !takes.weights:
			report("node %q has weight %d, but %s takes no weights", node.ID, node.Weight, takes.name)
		case len(node.Tokens) > 0 && !takes.tokens:
			report("node %q gives tokens, but %s takes none", node.ID, takes.name)
		}
		if other, taken := numbers[node.Number]; taken && node.Number != 0 {
			report("nodes %q and %q have the number %d", other, node.ID, node.Number)
		}
		numbers[node.Number] = node.ID
	}
	racks := c.racks()
	for _, at := range slices.SortedFunc(maps.Keys(c.Tables), Place.compare) {
		switch {
		case distributions[chosen].name != RandomSlicing:
			report("%v has a slicing table, but %s takes none", at, distributions[chosen].name)
		case racks[at] == nil:
			report("%v has a slicing table, but no node", at)
		}
	}
	for _, at := range slices.SortedFunc(maps.Keys(racks), Place.compare) {
		c.validateRack(at, racks[at], report)
	}
	c.validateReplicas(racks, report)
	return errors.Join(wrong...)
}

func (c Config) validateRack(at Place, nodes []*Node, report func(string, ...any)) {
	owner := make(map[hashkit.Token]string)
	var given, silent []string
	var sum uint64
	for _, node := range nodes {
		if sum <= slicing.MaxWeights { // once is enough, and the sum cannot wrap
			if sum += uint64(max(0, node.weight())); sum > slicing.MaxWeights {
				report("%v: node %q and its weight of %d take the sum of weights beyond 2^63", at, node.ID, node.Weight)
			}
		}
		if len(node.Tokens) == 0 {
			silent = append(silent, node.ID)
			continue
		}
		given = append(given, node.ID)
		for _, token := range node.Tokens {
			if other, taken := owner[token]; taken {
				report("%v: nodes %q and %q both have token %v", at, other, node.ID, token)
			}
			owner[token] = node.ID
		}
	}
	if len(given) > 0 && len(silent) > 0 {
		report("%v: node %q gives tokens and node %q gives none", at, given[0], silent[0])
	}
	if count := len(silent) * c.tokensPerNode(); len(given) == 0 && distributions[c.distribution()].tokens && count > hashkit.Slots {
		report("%v: %d nodes of %d tokens make %d, more than the %d slots of the ring",
			at, len(silent), c.tokensPerNode(), count, hashkit.Slots)
	}
}

func (c Config) validateReplicas(racks map[Place][]*Node, report func(string, ...any)) {
	count := make(map[string]int)
	for at := range racks {
		count[at.Datacenter]++
	}
	for _, name := range slices.Sorted(maps.Keys(count)) {
		if count[name] > maxRacks {
			report("datacenter %q has %d racks, at most %d are possible", name, count[name], maxRacks)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Replicas)) {
		switch replicas := c.Replicas[name]; {
		case count[name] == 0:
			report("replicas are given for datacenter %q, which has no node", name)
		case replicas < 0 || replicas > count[name]:
			report("datacenter %q: %d replicas, want 1 to its %d racks", name, replicas, count[name])
		}
	}
}

func (c Config) tokensPerNode() int { return cmp.Or(c.TokensPerNode, DefaultTokensPerNode) }

// racks groups the nodes by where they stand.
func (c Config) racks() map[Place][]*Node {
	racks := make(map[Place][]*Node)
	for i := range c.Nodes {
		at := Place{c.Nodes[i].Datacenter, c.Nodes[i].Rack}
		racks[at] = append(racks[at], &c.Nodes[i])
	}
	return racks
}

// Place is a rack: its datacenter, and its name there.
type Place struct{ Datacenter, Rack string }

func (p Place) compare(q Place) int {
	return cmp.Or(cmp.Compare(p.Datacenter, q.Datacenter), cmp.Compare(p.Rack, q.Rack))
}

func (p Place) String() string { return fmt.Sprintf("datacenter %q, rack %q", p.Datacenter, p.Rack) }
