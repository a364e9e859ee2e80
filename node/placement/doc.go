// Package placement says who owns what in a cluster, draws it, and says what a
// change of its nodes would move: what the commands ring, owner and plan of
// dynomited are made of.
//
//	layout, err := placement.Decode(body) // what a node's admin endpoint has at /layout
//	...
//	owners := layout.Owners([]byte("user:7"))
//	plan, err := layout.Plan(placement.Change{Remove: []string{"n3"}})
//	fmt.Println(plan.Moved, "of the keys move, the least is", plan.Minimum)
//
// node.FirstLayout gives the layout that configurations would form.
//
// # Shares
//
// A share is a part of all keys, 0 to 1: exactly a part of the token space, which
// keys fill as evenly as the hash function does. The shares of a datacenter's nodes
// sum to its copies of each key; so do the shares that a plan moves: 2 means that
// two copies of everything move.
//
// # A plan
//
// Plan changes nothing and asks nobody. It makes the ring that would follow, by
// the same code that a node makes rings with, and compares the two. Random slicing
// moves the minimum, which is what the nodes whose share grows gain; the other
// distributions move more, and the plan shows how much. A rack that is new has no
// donor of its own: its copies come from other racks. What is only given up is not
// moved.
//
// All values are immutable and safe for concurrent use.
package placement
