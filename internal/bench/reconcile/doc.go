// Reconcile compares what three ways of finding the differences of two sets
// cost, in one run over the same sets, and writes docs/reconciliation.md:
//
//	go run ./reconcile [-n 1000000] [-runs 5]
//
// The exchange of package merkle runs for real, every message counted. Of the
// other two, a grid of hashes and a walk down a tree of hashes, the hashes are
// computed and the bytes that they would exchange are counted.
package main
