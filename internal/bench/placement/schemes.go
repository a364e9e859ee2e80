package main

import (
	"errors"
	"fmt"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/slicing"
	"github.com/dynomite-go/dynomite/tokenring"
)

// errUnable is what a scheme answers to a change that it does not know: weights
// that it does not take, or more nodes than it can have.
var errUnable = errors.New("this scheme cannot")

// node is one of those that share the keys.
type node struct {
	name   string
	weight int64
}

// placement says who owns a token, by the index of a node in the order of names.
type placement interface {
	owner(hashkit.Token) int
	names() []string
	// moved is the part of the token space whose owner is another in the placement
	// after, and the least part that its shares allow.
	moved(after placement) (part, least float64)
}

// scheme makes placements. The one before is given where there is one; only
// random slicing looks at it.
type scheme struct {
	name string
	make func(before placement, nodes []node) (placement, error)
}

var schemes = []scheme{
	{"random-slicing", ringOf(tokenring.RandomSlicing, 16, nil)},
	{"random-slicing, unit of one token", sliced},
	{"vnode, 1 token drawn", ringOf(tokenring.VNode, 1, drawn(1))},
	{"vnode, 16 tokens drawn", ringOf(tokenring.VNode, 16, drawn(16))},
	{"vnode, 256 tokens drawn", ringOf(tokenring.VNode, 256, drawn(256))},
	{"vnode, 1 token generated", ringOf(tokenring.VNode, 1, nil)},
	{"vnode, 16 tokens generated", ringOf(tokenring.VNode, 16, nil)},
	{"vnode, 256 tokens generated", ringOf(tokenring.VNode, 256, nil)},
	{"ketama", ringOf(tokenring.Ketama, 0, nil)},
	{"jump", ringOf(tokenring.Jump, 0, nil)},
	{"modula", ringOf(tokenring.Modula, 0, nil)},
	{"equal intervals cut anew", equalIntervals},
}

// ringed is a rack of tokenring, looked up as a node does.
type ringed struct {
	ring *tokenring.Ring
	buf  [1]int
}

func (r *ringed) owner(t hashkit.Token) int { return r.ring.AppendOwners(r.buf[:0], "dc", t)[0] }

func (r *ringed) names() []string {
	var names []string
	for _, n := range r.ring.Nodes() {
		names = append(names, n.ID)
	}
	return names
}

func (r *ringed) moved(after placement) (part, least float64) {
	next := after.(*ringed).ring
	for _, m := range tokenring.Diff(r.ring, next) {
		part += m.Size().Fraction()
	}
	return part, tokenring.Minimum(r.ring, next)
}

// ringOf is a distribution of tokenring; tokens gives each node's, if they are
// not generated.
func ringOf(distribution string, perNode int, tokens func(n node) []hashkit.Token) func(placement, []node) (placement, error) {
	return func(before placement, nodes []node) (placement, error) {
		cfg := tokenring.Config{Distribution: distribution, TokensPerNode: perNode}
		for _, n := range nodes {
			member := tokenring.Node{ID: n.name, Datacenter: "dc", Rack: "r", Weight: n.weight}
			if tokens != nil {
				member.Tokens, member.Weight = tokens(n), 0 // a weight is a number of tokens
			}
			cfg.Nodes = append(cfg.Nodes, member)
		}
		var ring *tokenring.Ring
		var err error
		if before == nil {
			ring, err = tokenring.New(cfg)
		} else {
			ring, err = before.(*ringed).ring.Change(cfg)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errUnable, err)
		}
		return &ringed{ring: ring}, nil
	}
}

// drawn gives a node so many tokens by a hash of its name, as Cassandra did and
// Dynomite's operators do; a node of twice the weight has twice as many.
func drawn(perNode int) func(n node) []hashkit.Token {
	return func(n node) []hashkit.Token {
		var tokens []hashkit.Token
		for i := range int64(perNode) * n.weight {
			tokens = append(tokens, hashkit.XXHash64(fmt.Appendf(nil, "%s-%d", n.name, i)))
		}
		return tokens
	}
}

// table is package slicing alone, with the finest unit and no racks.
type table struct{ *slicing.Table }

func (t table) owner(token hashkit.Token) int { return t.Lookup(token) }

func (t table) names() []string {
	var names []string
	for _, o := range t.Owners() {
		names = append(names, o.Name)
	}
	return names
}

func (t table) moved(after placement) (part, least float64) {
	next := after.(table).Table
	return slicing.Moved(slicing.Diff(t.Table, next)).Fraction(), slicing.Minimum(t.Table, next).Fraction()
}

func sliced(before placement, nodes []node) (placement, error) {
	var owners []slicing.Owner
	for _, n := range nodes {
		owners = append(owners, slicing.Owner{Name: n.name, Weight: n.weight})
	}
	var next *slicing.Table
	var err error
	if before == nil {
		next, err = slicing.New(slicing.Tokens, owners...)
	} else {
		next, err = before.(table).Change(owners...)
	}
	return table{next}, err
}

// equalIntervals is what the Rust relative of Dynomite calls random slicing: the
// space in equal intervals, in the order of names, cut anew at every change.
func equalIntervals(_ placement, nodes []node) (placement, error) {
	for _, n := range nodes {
		if n.weight != 1 {
			return nil, errUnable
		}
	}
	return sliced(nil, nodes)
}
