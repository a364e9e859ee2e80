// Package gossip gives a node the membership of its cluster as events: who
// joined, who left, who failed, who changed. It adapts
// github.com/hashicorp/memberlist, which is SWIM (Das, Gupta, Motivala 2002)
// with the extensions of Lifeguard (Dadgar, Phillips, Currey 2017), and keeps its
// sharp edges away from the caller.
//
// # Use
//
//	m, err := gossip.New(gossip.Config{
//		Name:      "node-1",
//		Cluster:   "prod",
//		Advertise: "10.0.0.1:8101",
//		Packets:   udp,              // a *net.UDPConn on that port
//		Dial:      dial,             // TCP or TLS to a member's address
//		Seeds:     []string{"10.0.0.1:8101", "10.0.0.2:8101"},
//		OnEvent:   func(e gossip.Event) { ... },
//	})
//	err = m.Start(ctx)
//	...
//	err = m.Stop(ctx)
//
// Start does not wait for anybody: seeds are tried every second until one
// answers, and again whenever this node is alone.
//
// # One port for packets and streams, and for others
//
// Packets and streams go to one advertised address. A stream begins with the 4
// bytes of [Magic], so its TCP port can be shared: whoever accepts connections
// looks at the first 4 bytes and gives gossip's to [Membership.HandleStream],
// the 4 bytes included. A port of its own is served by [Membership.Serve].
//
// The network is whatever Packets and Dial are. Any [net.PacketConn] does whose
// WriteTo takes a *net.UDPAddr; package gossiptest has a network in memory that
// works within testing/synctest.
//
// # Events
//
// memberlist calls its delegates while it holds its locks; calling it from there
// deadlocks. Here OnEvent runs on a goroutine of its own without any lock, and
// may call every method but Stop. Events of one member come in their order:
// Joined, any number of Updated, then Left or Failed. There are none about this
// node itself.
//
// Left is told apart from Failed by a flag that a leaving node sets in its
// metadata. A node that misses it, because the goodbye was lost or cut short,
// reports Failed.
//
// A node that restarts sooner than its failure is noticed (see [Tuning], 2.4 s
// for three nodes) causes no event unless its Meta differs. Put something into
// Meta that changes with each start if you need to know.
//
// # State
//
// LocalState and MergeRemoteState exchange something opaque with another node
// over a stream, at joining and every 10 s with a random one. It must not matter
// how often or in which order states are merged.
//
// # Coming together again
//
// memberlist forgets failed nodes after 30 s, and then two halves of a cluster
// would stay apart for ever. Every 10 s one address is tried at which nobody is
// known to live: of a seed, or of a member that failed within a day.
//
// A name belongs to its address. A failed node's name can return from another
// address 30 s after the failure was noticed, a leaving node's at once.
//
// # Guarantees, and their limits
//
// With default tuning and three nodes on a LAN or on loopback, a dead node is
// reported within 2.5 s; with five within 3 s, seldom longer. Membership is a
// hint for routing: two nodes may see different members at any time, and a slow
// node may be called failed while it lives. Never base consistency on it.
//
// Cluster keeps clusters from mixing by accident. Keys encrypt and authenticate
// packets and streams with AES-GCM; without them anybody who reaches the port
// can speak. Packets are not replay-protected. Metadata is [MaxMeta] bytes.
package gossip
