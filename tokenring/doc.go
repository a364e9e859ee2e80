// Package tokenring answers which nodes own a token.
//
// The nodes of a cluster stand in racks, the racks in datacenters. A rack is what
// fails together, and holds every key at most once; so the copies of a key are
// never in one rack, and a datacenter of three racks keeps three. A key's token
// comes from package hashkit.
//
//	ring, err := tokenring.New(tokenring.Config{Nodes: nodes})
//	...
//	owners = ring.AppendOwners(owners[:0], "dc1", hashkit.SlotHash(key))
//
// # Owners
//
// Owners are a function of the layout and the token, and of nothing else: they
// are the same on every machine, and they stay when a node is down. Who is alive
// decides where a request goes first, never who owns.
//
// Owners come in preference order, one node of each rack. The first is where the
// work on a key meets while all is well; the next takes over when it is away. The
// order of the racks changes from slot to slot (a slot is one of the 16384 equal
// pieces of the token space, hashkit.Token.Slot), so that every rack is first for
// an equal part of the tokens, whatever the hash function. Keys with one hash tag
// share their slot, and so their order.
//
// Even means: over every stretch of consecutive slots each rack is first equally
// often, but for the ends of the stretch. Racks count, not nodes: in a rack with
// fewer nodes each of them owns more and is first for more. Give racks the same
// number of nodes.
//
// With fewer replicas than racks (Config.Replicas), the same order is cut short:
// every rack holds an equal part of the keys.
//
// # Distributions
//
// How the nodes of a rack divide the token space among them, by the name that a
// configuration file uses:
//
//	name            shares                    when a node joins or leaves
//	random-slicing  exact, by weight          moves the least that is possible; has state
//	vnode           exact if generated        given tokens: the ranges beside the node's;
//	                                          generated ones: most of the rack
//	ketama          within a quarter or so    about the least; takes weights, roughly
//	jump            as 16384 drawn slots are  the least if its ID comes last, else much
//	modula          exact                     nearly everything
//	single          all to one node           everything, or nothing
//
// docs/placement.md in the repository has the figures. Random slicing is the
// default, and its tables are state: they depend on what the rack was before.
// [Ring.Change] makes the ring of the next layout, [Ring.Table] gives what the
// layout has to carry, Config.Tables takes it. The first table of a rack divides
// as generated tokens of vnode do, so that between the two nothing moves while
// shares are equal. [Diff] lists what moves from ring to ring, and [Minimum] the
// least that must.
//
// jump and modula are applied to slots, not to tokens: otherwise owners would
// change from one token to the next, with no ranges to compare or hand over.
// jump numbers the nodes by ID. ketama looks at the high 32 bits of a token and
// splits slots.
//
// Random slicing, jump, modula and generated tokens divide the token space and
// trust that keys are even over it. A hash function of 15 or 32 bits has to be
// spread for them: hashkit.LookupSpread.
//
// # Tokens of a node
//
// With vnode a rack's nodes divide the ring by tokens. A token ends
// a range, inclusively, as in Dynomite and Cassandra: a node owns what is above
// the token before, in its rack, up to and with its own; what is above the last
// token belongs to the first.
//
//	0          t1             t2                t3         2^64
//	|----------|--------------|-----------------|----------|
//	   t1's         t2's             t3's           t1's
//
// Tokens are given, all nodes of a rack or none of them, or generated. Generated
// tokens are the last of a slot; they share the rack's slots equally, to one, and
// interleave its nodes by names alone: no state, no chance. The price is that a
// node more or less moves most ranges of its rack (not of others). Where a rack
// must grow without that, change to random slicing.
//
// Given tokens that are not the last of a slot split it between two nodes. That
// is fine for hash functions that give keys of one tag one token; the slot
// function does not, and Ring.WholeSlots tells whether it matters.
//
// Import tokens of a Dynomite configuration with hashkit.Token32, and the hash
// function that it names; keys keep their owners.
//
// # Ranges
//
// [Ring.Arcs] cuts the token space into arcs with a constant set of owners: what
// anti-entropy compares, and what a scan or a count walks. [Ring.Ranges] is how
// one rack is divided. [Ring.Owns] asks for one node and token. [Ring.Shares] and
// [Ring.Describe] are for the person who runs the cluster.
//
// # Cost
//
// A ring is immutable: reads take no lock, and replacing the layout is replacing
// a pointer. A datacenter takes 3 bytes for each slot and replica (150 KB for
// three), a look-up one index into it, about 2 ns for each owner, and allocates
// nothing, whatever the distribution. A slot that is split costs a short search
// in each rack, and such a rack 64 KB for an index. New takes about a millisecond,
// and a few for hundreds of nodes.
package tokenring
