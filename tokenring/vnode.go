package tokenring

import (
	"slices"

	"github.com/dynomite-go/dynomite/hashkit"
)

// vnode divides at the tokens of the nodes; a rack whose nodes give none gets
// them generated.
type vnode struct{}

func (vnode) divide(cfg *Config, nodes []*Node) (division, error) {
	if len(nodes[0].Tokens) == 0 {
		balance(nodes, cfg.tokensPerNode())
	}
	return byTokens(nodes), nil
}

// byTokens gives every token the node of the first token that is not below it,
// past the last one that of the first: the rule of Dynomite and Cassandra.
func byTokens(nodes []*Node) division {
	type end struct {
		token hashkit.Token
		node  int
	}
	var ends []end
	for i, node := range nodes {
		for _, token := range node.Tokens {
			ends = append(ends, end{token, i})
		}
	}
	slices.SortFunc(ends, func(a, b end) int {
		if a.token < b.token {
			return -1
		}
		return 1 // no two tokens of a rack are equal
	})
	var d division
	for _, e := range ends {
		d.add(e.token, e.node)
	}
	d.add(hashkit.MaxToken, ends[0].node)
	return d
}
