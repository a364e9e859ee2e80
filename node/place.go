package node

import (
	"slices"
	"strings"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/node/internal/layout"
)

const (
	// maxGivenTokens is what fits into an announcement, see its test. Dynomite
	// has one for each node.
	maxGivenTokens = 8
	// maxWeight keeps the sum of all weights far below what a table can hold.
	maxWeight = 1_000_000
)

// validatePlacement checks the settings that decide who owns what, as far as a
// node can tell alone. The rest is told when the nodes come together.
func (c Config) validatePlacement(fail func(field, format string, args ...any)) {
	if c.Tokens < 1 || c.Tokens > 256 {
		fail("tokens", "%d is not between 1 and 256", c.Tokens)
	}
	if _, err := hashkit.Lookup(c.Hash); err != nil {
		fail("hash", "%v", err)
	} else if _, err := layout.HashFunc(c.Hash, c.HashTag, false); err != nil {
		fail("hash_tag", "%v", err)
	}
	known := slices.Contains(layout.Distributions(), c.Distribution)
	if !known {
		fail("distribution", "there is no distribution %q, there are %s", c.Distribution, strings.Join(layout.Distributions(), ", "))
	}
	switch {
	case c.Weight < 1 || c.Weight > maxWeight:
		fail("weight", "%d is not between 1 and %d", c.Weight, maxWeight)
	case known && c.Weight != 1 && !layout.TakesWeights(c.Distribution):
		fail("weight", "%s takes no weights", c.Distribution)
	}
	if len(c.GivenTokens) == 0 {
		return
	}
	if known && c.Distribution != layout.GivenTokens {
		fail("given_tokens", "%s takes no tokens, only %s does", c.Distribution, layout.GivenTokens)
	}
	if len(c.GivenTokens) > maxGivenTokens {
		fail("given_tokens", "%d tokens, at most %d are possible", len(c.GivenTokens), maxGivenTokens)
	}
	tokens, err := c.givenTokens()
	if err != nil {
		fail("given_tokens", "%v", err)
	}
	for i, token := range tokens {
		if slices.Contains(tokens[:i], token) {
			fail("given_tokens", "%v is there twice", token)
		}
	}
}

// givenTokens are the node's tokens as numbers.
func (c Config) givenTokens() ([]hashkit.Token, error) {
	var tokens []hashkit.Token
	for _, text := range c.GivenTokens {
		token, err := hashkit.ParseToken(text)
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, token)
	}
	return tokens, nil
}

// layoutNode is the node of a configuration as it stands in a layout, but for
// its addresses and its name.
func (c Config) layoutNode() layout.Node {
	tokens, _ := c.givenTokens() // Validate has seen them
	weight := c.Weight
	if weight == 1 {
		weight = 0 // the default is not written
	}
	return layout.Node{Datacenter: c.Datacenter, Rack: c.Rack, Weight: weight, Tokens: tokens}
}

// layoutSettings are what all nodes of a cluster must have alike.
func (c Config) layoutSettings() layout.Settings {
	return layout.Settings{
		Cluster: c.Cluster, Hash: c.Hash, HashTag: c.HashTag, Distribution: c.Distribution,
		Tokens: c.Tokens, Replicas: c.Replicas, Expect: c.Expect,
	}
}
