// Bench measures dynomited against redis-server on this machine and writes
// docs/performance.md:
//
//	go run . [-parts single,log,aof,three,memory,start] [-runs 5] [-seconds 3]
//
// Both servers are started for the occasion, on free loopback ports and
// without leaving anything behind. The load is redis-benchmark's. Runs of the
// two are interleaved: what the machine does meanwhile hits both alike, and
// the ratio is taken run by run before its median is.
package main
