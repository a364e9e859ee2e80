package merkle

import "math"

// most bounds guesses, whatever a peer says that its counts are.
const most = 1e12

// estimate guesses the number of differences from the counts of symbols, and how
// far the guess may be off, as a relative standard deviation.
//
// A symbol i with probability p holds a number c of differences, each counted
// +1 or -1 by its side; delta is their total, which symbol 0 tells. c has mean
// delta p and variance d p(1-p), whatever the signs, so (c - delta p)^2/(p(1-p))
// is an unbiased guess of d. Its own variance is about d^2 (2 + 1/(d p(1-p))):
// guesses are weighed by that. 1,000 symbols are good for 4 or 5 percent.
//
// The decoder needs no estimate; it only saves round trips to ask for about as
// many symbols as will be needed.
func estimate(counts []int64, delta float64) (d, deviation float64) {
	// In the first symbols the mapping's probabilities are some percent off.
	const skip = 8
	d = 100
	for range 4 {
		var sum, weights float64
		for i := skip; i < len(counts); i++ {
			p := 2 / (float64(i) + 2)
			v := p * (1 - p)
			c := float64(counts[i]) - delta*p
			w := 1 / (2 + 1/(d*v))
			sum += w * c * c / v
			weights += w
		}
		if weights == 0 {
			return min(math.Abs(delta), most), 1
		}
		d, deviation = min(max(sum/weights, 1), most), 1/math.Sqrt(weights)
	}
	return min(max(d, math.Abs(delta)), most), deviation
}

// usually is how many symbols d differences need in half of all cases, measured.
func usually(d float64) int {
	d = min(d, most)
	return int(1.36*d + 0.5*math.Sqrt(d) + 4)
}

// surely is how many symbols are enough, but for a few in 1,000 cases, for about d
// differences, if that guess has a relative deviation. What the symbols
// themselves leave to chance has one of about 0.9/sqrt(d).
func surely(d, deviation float64) int {
	return 16 + int(float64(usually(d))*(1+3.2*math.Sqrt(deviation*deviation+0.81/d)))
}

// occupied guesses how many balls were thrown when k of n bins are not empty,
// k < n.
func occupied(k, n int) float64 { return -float64(n) * math.Log1p(-float64(k)/float64(n)) }
