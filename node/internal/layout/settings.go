package layout

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/tokenring"
)

// Settings are what all nodes of a cluster must agree in before a first
// layout can be made of them.
type Settings struct {
	Cluster      string `json:"c"`
	Hash         string `json:"h"`
	HashTag      string `json:"g,omitempty"`
	Distribution string `json:"d"`
	Tokens       int    `json:"t"`
	Replicas     int    `json:"r"`
	Expect       int    `json:"e"`
}

// difference names the settings in which two nodes differ, as a configuration
// file names them, with both values.
func (s Settings) difference(here string, other Settings, there string) string {
	var found []string
	for _, f := range []struct {
		name string
		a, b any
	}{
		{"cluster", s.Cluster, other.Cluster},
		{"hash", s.Hash, other.Hash},
		{"hash_tag", s.HashTag, other.HashTag},
		{"distribution", s.Distribution, other.Distribution},
		{"tokens", s.Tokens, other.Tokens},
		{"replicas", s.Replicas, other.Replicas},
		{"expect", s.Expect, other.Expect},
	} {
		if f.a != f.b {
			found = append(found, fmt.Sprintf("%s is %v on %s and %v on %s", f.name, f.a, here, f.b, there))
		}
	}
	return strings.Join(found, ", ")
}

// Distributions are the names that the setting distribution can have.
func Distributions() []string { return tokenring.Distributions() }

// The distributions that a configuration has to know by name.
const (
	DefaultDistribution = tokenring.RandomSlicing
	GivenTokens         = tokenring.VNode // the one that takes tokens
)

// TakesWeights says whether nodes of the distribution can have shares that differ.
func TakesWeights(distribution string) bool {
	return distribution == tokenring.RandomSlicing || distribution == tokenring.Ketama
}

// HashFunc is a hash function by its name, bound to a hash tag if it has two
// bytes. Where the token space is divided by size, functions of 32 bits and fewer
// are spread over all of it: otherwise crc32, with its 15 bits, would leave
// everything to the owner of the first slice. Given tokens and ketama's points
// are of the function as it is, so that rings built for Dynomite keep their
// owners.
func HashFunc(name, tag string, asItIs bool) (hashkit.Func, error) {
	lookup := hashkit.LookupSpread
	if asItIs {
		lookup = hashkit.Lookup
	}
	hash, err := lookup(name)
	switch {
	case err != nil:
		return nil, err
	case tag == "":
		return hash, nil
	case len(tag) != 2 || tag[0] > '~' || tag[1] > '~':
		return nil, fmt.Errorf("the hash tag %q is not two characters of ASCII, an opening and a closing one", tag)
	case name == "slot" && tag != "{}":
		return nil, errors.New("the hash function slot has the tag {} of Redis Cluster, and no other")
	case name == "slot":
		return hash, nil
	}
	return hashkit.Tag{Open: tag[0], Close: tag[1]}.Bind(hash), nil
}
