package main

import (
	"math/bits"
	"time"
)

// histogram counts durations in buckets that are at most 1/64 of their own
// value wide, which is nearer than two runs ever are. The zero histogram is
// empty; it is not for concurrent use.
type histogram struct {
	counts [bucketCount]uint64
	total  uint64
	most   time.Duration
}

// A bucket is named by a value's highest bit and the six bits below.
const (
	bucketBits  = 6
	bucketCount = (64 - bucketBits) << bucketBits
)

func bucket(d time.Duration) int {
	v := uint64(max(d, 0))
	if v < 1<<bucketBits {
		return int(v)
	}
	shift := bits.Len64(v) - bucketBits - 1
	return (shift+1)<<bucketBits + int(v>>shift) - 1<<bucketBits
}

// upper is the greatest value that falls into a bucket.
func upper(b int) time.Duration {
	if b < 1<<bucketBits {
		return time.Duration(b)
	}
	shift := b>>bucketBits - 1
	return time.Duration(((uint64(b)&(1<<bucketBits-1)|1<<bucketBits)+1)<<shift - 1)
}

func (h *histogram) add(d time.Duration) {
	h.counts[bucket(d)]++
	h.total++
	h.most = max(h.most, d)
}

// join adds what another one counted.
func (h *histogram) join(o *histogram) {
	for i, n := range o.counts {
		h.counts[i] += n
	}
	h.total += o.total
	h.most = max(h.most, o.most)
}

// quantile is a duration that the share q of all did not exceed; 0 of none.
func (h *histogram) quantile(q float64) time.Duration {
	want, seen := uint64(q*float64(h.total)), uint64(0)
	for i, n := range h.counts {
		if seen += n; n > 0 && seen >= want {
			return min(upper(i), h.most)
		}
	}
	return h.most
}
