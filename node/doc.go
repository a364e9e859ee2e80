// Package node assembles a whole node: a Redis-compatible server whose data
// is replicated over the nodes of a cluster.
//
//	n, err := node.New(node.Config{Listen: "127.0.0.1:8102"})
//	if err != nil { ... }
//	if err := n.Start(ctx); err != nil { ... }
//	defer n.Stop(context.Background())
//	reply, err := n.Do(ctx, "SET", "greeting", "hello")
//
// A node is a cluster of one unless it has seeds. Nodes with seeds form a
// layout when as many as Config.Expect are there, and serve no data before
// (Ready says what they wait for).
//
// # Consistency
//
// Reads and writes run at a level: DC_ONE (one owner has it), DC_QUORUM (a
// majority of the configured owners has it) or DC_EACH_SAFE_QUORUM (a majority
// in every datacenter), set in the configuration, by
// DYN.CONSISTENCY per connection, and with AtLevel per call. The number of
// owners that a level needs comes from the layout, never from who happens to
// be up. A command that cannot meet its level is refused before anything is
// written, and the error names who is missing; one whose outcome could not be
// learnt says that it may have been applied.
//
// # What a node does when it comes back
//
// What an owner does not acknowledge is kept for it as a hint, and handed over
// when it is back: while there are clients within a small share of the peer's
// time, but so that all of it is there within minutes.
// Hints are bounded in bytes and age, and lost with a node that has no data
// directory; then the token ranges that they were of are compared instead.
//
// A node that starts or was cut off is catching up: it takes and acknowledges
// deltas, but it is no primary and no voter in reads until it got its hints and
// has compared what it owns with a majority of the owners. DYN.HINTS, Hints and
// the metrics say who lacks what; DYN.HINTS WAIT returns when nobody lacks
// anything that was written before.
//
// # Parts
//
// Every part can be replaced by an option: the datastore (WithDatastore), how
// nodes find each other (WithSeeds), the network (WithTransport), the
// authentication of peers (WithPeerAuth), logging, the wall clock of the
// versions, and what is told of events (WithObserver). Module is the same
// assembly for programs that are built with fx.
package node
