package main

import (
	"math"
	"slices"
)

// spread is the least, the middle and the greatest of some measurements.
type spread struct{ min, median, max float64 }

// spreadOf sorts a copy. The median of an even number is the mean of the
// middle two; of none, everything is NaN.
func spreadOf(values []float64) spread {
	if len(values) == 0 {
		return spread{math.NaN(), math.NaN(), math.NaN()}
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return spread{sorted[0], (sorted[(n-1)/2] + sorted[n/2]) / 2, sorted[n-1]}
}

// ratios divides pairwise: the i-th of ours by the i-th of theirs.
func ratios(ours, theirs []float64) []float64 {
	n := min(len(ours), len(theirs))
	quotients := make([]float64, n)
	for i := range quotients {
		quotients[i] = ours[i] / theirs[i]
	}
	return quotients
}
