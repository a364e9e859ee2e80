// Bench measures dynomited against redis-server on this machine and writes
// docs/performance.md:
//
//	go run . [-parts single,log,aof,three,memory,start] [-runs 5] [-seconds 3]
//
//	go run . repair [-parts hints,replay,levels,stopped,away] [-runs 5] [-seconds 3]
//
// measures what hints, absences and quorums cost, and writes docs/repair.md,
// whose sections can be measured one at a time.
//
// All servers are started for the occasion, on free loopback ports and
// without leaving anything behind. The load is redis-benchmark's. Runs of the
// two are interleaved: what the machine does meanwhile hits both alike, and
// the ratio is taken run by run before its median is.
package main
