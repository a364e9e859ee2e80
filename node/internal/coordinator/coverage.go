package coordinator

import (
	"fmt"
	"slices"

	"github.com/dynomite-go/dynomite/hashkit"
)

// A coverage says for every token which node answers when all keys are asked
// for: the asker wherever it owns the token, else the first owner that may
// answer. It is a function of the layout, the asker and who may answer alone, so
// every node that is sent the last two comes to the same.
type coverage struct {
	cl    *Cluster
	asker int
	may   []bool // by member
}

// cover makes the coverage of this node's questions, and says which nodes to ask.
// An error names tokens that nobody can answer for.
func cover(cl *Cluster) (coverage, []int, error) {
	v := coverage{cl: cl, asker: cl.Self, may: make([]bool, len(cl.Members))}
	if cl.ownsAll && cl.SelfMember().Complete() {
		v.may[cl.Self] = true
		return v, []int{cl.Self}, nil
	}
	for i, m := range cl.Members {
		v.may[i] = m.Complete()
	}
	asked := make([]bool, len(cl.Members))
	for _, a := range cl.arcs {
		node := v.node(a.From)
		if node < 0 {
			// Better an answer of one that is catching up than none.
			for _, o := range cl.owners(a.From, nil) {
				v.may[o] = cl.Members[o].Reachable()
			}
			if node = v.node(a.From); node < 0 {
				return v, nil, fmt.Errorf("NOQUORUM no owner of the tokens %s to %s answers", a.From, a.To)
			}
		}
	}
	// Who may answer can have grown on the way, so only now it is clear who does. In
	// an arc that is not the asker's any owner may be the first for some slot: the
	// order changes within the arc.
	for _, a := range cl.arcs {
		if v.may[v.asker] && slices.Contains(a.Owners, v.asker) {
			asked[v.asker] = true
			continue
		}
		for _, o := range a.Owners {
			asked[o] = asked[o] || v.may[o]
		}
	}
	var nodes []int
	for i, yes := range asked {
		if yes {
			nodes = append(nodes, i)
		}
	}
	return v, nodes, nil
}

// node is who answers for the token; -1 if nobody may.
func (v coverage) node(t hashkit.Token) int {
	var buf [maxOwners]int
	owners := v.cl.owners(t, buf[:0])
	if v.may[v.asker] && slices.Contains(owners, v.asker) {
		return v.asker
	}
	for _, o := range owners {
		if v.may[o] {
			return o
		}
	}
	return -1
}

// append encodes the coverage for another node of the layout.
func (v coverage) append(dst []byte) []byte {
	dst = appendBytes(dst, []byte(v.cl.Members[v.asker].ID))
	may := make([]byte, len(v.may))
	for i, yes := range v.may {
		if yes {
			may[i] = 1
		}
	}
	return appendBytes(dst, may)
}

func (r *reader) coverage(cl *Cluster) coverage {
	asker, may := r.bytes(), r.bytes()
	v := coverage{cl: cl, may: make([]bool, len(cl.Members))}
	at, ok := cl.Ring.Index(string(asker))
	if !ok || len(may) != len(v.may) {
		r.fail()
		return v
	}
	v.asker = at
	for i, b := range may {
		v.may[i] = b != 0
	}
	return v
}
