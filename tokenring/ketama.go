package tokenring

import (
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"maps"
	"math/bits"
	"slices"

	"github.com/dynomite-go/dynomite/hashkit"
)

const (
	// ketamaDigests is how many digests a node of average weight has, with
	// ketamaWords points each: the 160 points a server of libketama.
	ketamaDigests = 40
	ketamaWords   = 4
)

// ketama is the continuum of libketama as twemproxy has it: the points are 32-bit
// words out of MD5 digests of "ID-0", "ID-1" and so on, and a token belongs to
// the first point that its high half is not above.
type ketama struct{}

func (ketama) divide(_ *Config, nodes []*Node) (division, error) {
	var sum uint64
	for _, node := range nodes {
		sum += uint64(node.weight())
	}
	owner := make(map[uint32]int)
	for i, node := range nodes {
		// A node's part of all digests, rounded down, but one at least.
		high, low := bits.Mul64(uint64(ketamaDigests*len(nodes)), uint64(node.weight()))
		digests, _ := bits.Div64(high, low, sum)
		for k := range max(1, digests) {
			digest := md5.Sum(fmt.Appendf(nil, "%s-%d", node.ID, k))
			for word := range ketamaWords {
				point := binary.LittleEndian.Uint32(digest[4*word:])
				if _, taken := owner[point]; !taken { // the first by ID keeps a point that two have
					owner[point] = i
				}
			}
		}
	}
	var d division
	points := slices.Sorted(maps.Keys(owner))
	for _, point := range points {
		d.add(hashkit.Token32(point)|(1<<32-1), owner[point])
	}
	d.add(hashkit.MaxToken, owner[points[0]])
	return d, nil
}
