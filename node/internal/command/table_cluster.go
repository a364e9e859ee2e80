package command

// CLUSTER as the front end answers it while it shows the face of a single server:
// every subcommand but HELP replies that cluster support is disabled. They are in
// the table because clients ask for them, and an unknown one is another error.
var clusterCommands = []*Spec{{
	Name: "cluster", Arity: -2,
	Group: "cluster", Since: "3.0.0", Complexity: "Depends on subcommand.",
	Summary: "Redis Cluster's commands.",
	Subcommands: []*Spec{
		disabled("addslots", -3, closing, "3.0.0"),
		disabled("addslotsrange", -4, closing, "7.0.0"),
		disabled("bumpepoch", 2, closing, "3.0.0", changing...),
		disabled("count-failure-reports", 3, Admin|Stale, "3.0.0", changing...),
		disabled("countkeysinslot", 3, Stale, "3.0.0"),
		disabled("delslots", -3, closing, "3.0.0"),
		disabled("delslotsrange", -4, closing, "7.0.0"),
		disabled("failover", -2, closing, "3.0.0"),
		disabled("flushslots", 2, closing, "3.0.0"),
		disabled("forget", 3, closing, "3.0.0"),
		disabled("getkeysinslot", 4, Stale, "3.0.0", changing...),
		{
			Name: "help", Arity: 2, Flags: helping, Since: "5.0.0", Complexity: "O(1)", Summary: "Describes the subcommands.",
		},
		disabled("info", 2, Stale, "3.0.0", changing...),
		disabled("keyslot", 3, Stale, "3.0.0"),
		disabled("links", 2, Stale, "7.0.0", changing...),
		disabled("meet", -4, closing, "3.0.0"),
		disabled("myid", 2, Stale, "3.0.0"),
		disabled("myshardid", 2, Stale, "7.2.0", changing...),
		disabled("nodes", 2, Stale, "3.0.0", changing...),
		disabled("replicas", 3, Admin|Stale, "5.0.0", changing...),
		disabled("replicate", 3, closing, "3.0.0"),
		disabled("reset", -2, Admin|NoScript|Stale, "3.0.0"),
		disabled("saveconfig", 2, closing, "3.0.0"),
		disabled("set-config-epoch", 3, closing, "3.0.0"),
		disabled("setslot", -4, closing, "3.0.0"),
		disabled("shards", 2, Stale, "7.0.0", changing...),
		disabled("slaves", 3, Admin|Stale, "3.0.0", changing...),
		disabled("slots", 2, Stale, "3.0.0", changing...),
	},
}}

const closing = Admin | Stale | NoAsyncLoading

// disabled describes a subcommand that replies an error.
func disabled(name string, arity int, flags Flags, since string, tips ...string) *Spec {
	return &Spec{
		Name: name, Arity: arity, Flags: flags, Tips: tips, Since: since, Complexity: "O(1)",
		Summary: "Replies that cluster support is disabled.",
	}
}

// Commands of our own.
var ownCommands = []*Spec{
	{
		Name: "dyn.consistency", Arity: -1, Flags: NoScript | Loading | Stale | Fast, Keys: Connection, Categories: CategoryConnection,
		Group: "dynomite", Since: "0.1.0", Complexity: "O(1)",
		Summary: "Returns or sets the consistency of this connection's reads and writes.",
		Syntax:  "[READ|WRITE] [level]",
	},
	{
		Name: "dyn.hints", Arity: -1, Flags: NoScript | Loading | Stale | Blocking, Categories: CategoryConnection,
		Group: "dynomite", Since: "0.1.0", Complexity: "O(N) where N is the number of nodes.",
		Summary: "Returns what this node keeps for nodes that missed writes, or waits until no node of the cluster lacks a write that was replied to.",
		Syntax:  "[WAIT timeout]",
	},
	{
		Name: "dyn.local", Arity: -2, Flags: Admin | NoScript | MovableKeys, Categories: CategoryDangerous,
		Group: "dynomite", Since: "0.1.0", Complexity: "That of the command.",
		Summary: "Executes a command on this node's own copies, without routing.",
		Syntax:  "command [arg...]",
	},
	{
		Name: "dyn.order", Arity: -1, Flags: NoScript | Loading | Stale | Fast, Keys: Connection, Categories: CategoryConnection,
		Group: "dynomite", Since: "0.1.0", Complexity: "O(1)",
		Summary: "Returns or sets whether this connection's commands run in order across primaries.",
		Syntax:  "[enabled=(ON | OFF)]",
	},
	{
		Name: "dyn.ring", Arity: -1, Flags: Loading | Stale, Categories: CategoryConnection,
		Group: "dynomite", Since: "0.1.0", Complexity: "O(N) where N is the number of ranges.",
		Summary: "Shows which nodes own what, or own a key.", Syntax: "[name]",
	},
}
