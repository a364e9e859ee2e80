// Package layout is the cluster's one agreed fact: which nodes there are, in
// which datacenter and rack, and who owns which tokens, under an epoch.
// With random slicing it carries a table for each rack: state, for a table depends
// on what its rack was before.
//
// Epoch 1 is made once, by the nodes that the setting expect counts: when as
// many nodes as expected see each other, each computes the same layout from
// the same announcements; the node with the least id proposes it, and it
// stands when every one of them has agreed. A node that agreed remembers its
// vote on disk and gives no other. So two different first layouts cannot both
// be unanimous. Later nodes, and nodes that lost their disk, learn the layout
// from any member.
//
// Formation, the machine that does this, has no goroutine and no clock.
package layout
