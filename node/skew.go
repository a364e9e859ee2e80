package node

import (
	"slices"
	"sync"
	"time"
)

// maxSkew is how far a clock may be from the median of the cluster's before
// the node stops coordinating.
const maxSkew = 500 * time.Millisecond

// skew compares this node's wall clock with those of its peers.
type skew struct {
	mu      sync.Mutex
	offsets map[string]int64 // milliseconds that a peer is ahead of us
}

func (s *skew) heard(peer string, ahead int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.offsets == nil {
		s.offsets = map[string]int64{}
	}
	s.offsets[peer] = ahead
}

// offset is how far this node is behind the median of all clocks, its own
// counted; negative if it is ahead. Two clocks have no majority: they count
// as right.
func (s *skew) offset() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.offsets) < 2 {
		return 0
	}
	all := []int64{0}
	for _, o := range s.offsets {
		all = append(all, o)
	}
	slices.Sort(all)
	return time.Duration(all[len(all)/2]) * time.Millisecond
}

func (s *skew) excessive() bool {
	o := s.offset()
	return o > maxSkew || o < -maxSkew
}
