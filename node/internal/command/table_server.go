package command

// The flags that most commands on connections and servers have.
const (
	handshake = NoScript | Loading | Stale | Fast | NoAuth | AllowBusy
	ordinary  = NoScript | Loading | Stale
	operator  = Admin | ordinary
	helping   = Loading | Stale
)

var (
	everywhere = []string{"request_policy:all_nodes", "response_policy:all_succeeded"}
	changing   = []string{"nondeterministic_output"}
	unordered  = []string{"nondeterministic_output_order"}
)

// Commands on the connection, executed by the front end.
var connectionCommands = []*Spec{
	{
		Name: "auth", Arity: -2, Flags: handshake, Keys: Connection, Categories: CategoryConnection,
		Group: "connection", Since: "1.0.0", Complexity: "O(1)",
		Summary: "Proves who the client is.", Syntax: "[username] password",
	},
	{
		Name: "client", Arity: -2, Keys: Connection,
		Group: "connection", Since: "2.4.0", Complexity: "Depends on subcommand.",
		Summary: "Commands on connections.", Subcommands: clientCommands,
	},
	{
		Name: "echo", Arity: 2, Flags: Loading | Stale | Fast, Keys: Connection, Categories: CategoryConnection,
		Group: "connection", Since: "1.0.0", Complexity: "O(1)", Summary: "Returns its argument.", Syntax: "message",
	},
	{
		Name: "hello", Arity: -1, Flags: handshake, Keys: Connection, Categories: CategoryConnection,
		Group: "connection", Since: "6.0.0", Complexity: "O(1)",
		Summary: "Describes the server and chooses the protocol.",
		Syntax:  "[arguments=(protover:integer [AUTH username_password=(username password)] [SETNAME clientname])]",
	},
	{
		Name: "ping", Arity: -1, Flags: Fast, Keys: Connection, Categories: CategoryConnection,
		Tips:  []string{"request_policy:all_shards", "response_policy:all_succeeded"},
		Group: "connection", Since: "1.0.0", Complexity: "O(1)", Summary: "Returns PONG, or its argument.", Syntax: "[message]",
	},
	{
		Name: "quit", Arity: -1, Flags: handshake, Keys: Connection, Categories: CategoryConnection,
		Group: "connection", Since: "1.0.0", Complexity: "O(1)", Summary: "Closes the connection.",
	},
	{
		Name: "reset", Arity: 1, Flags: handshake, Keys: Connection, Categories: CategoryConnection,
		Group: "connection", Since: "6.2.0", Complexity: "O(1)", Summary: "Makes the connection as it was when opened.",
	},
	{
		Name: "select", Arity: 2, Flags: Loading | Stale | Fast, Keys: Connection, Categories: CategoryConnection,
		Group: "connection", Since: "1.0.0", Complexity: "O(1)",
		Summary: "Accepts database 0, the only one.", Syntax: "index:integer",
	},
}

var clientCommands = []*Spec{
	{
		Name: "caching", Arity: 3, Flags: ordinary, Categories: CategoryConnection, Since: "6.0.0", Complexity: "O(1)",
		Summary: "Says whether the keys of the next command are tracked.", Syntax: "mode=(YES | NO)",
	},
	{
		Name: "getname", Arity: 2, Flags: ordinary, Categories: CategoryConnection, Since: "2.6.9", Complexity: "O(1)",
		Summary: "Returns the connection's name.",
	},
	{
		Name: "getredir", Arity: 2, Flags: ordinary, Categories: CategoryConnection, Since: "6.0.0", Complexity: "O(1)",
		Summary: "Returns where invalidations are sent to.",
	},
	{
		Name: "help", Arity: 2, Flags: helping, Categories: CategoryConnection, Since: "5.0.0", Complexity: "O(1)",
		Summary: "Describes the subcommands.",
	},
	{
		Name: "id", Arity: 2, Flags: ordinary, Categories: CategoryConnection, Since: "5.0.0", Complexity: "O(1)",
		Summary: "Returns the connection's number.",
	},
	{
		Name: "info", Arity: 2, Flags: ordinary, Categories: CategoryConnection, Tips: changing, Since: "6.2.0", Complexity: "O(1)",
		Summary: "Describes the connection.",
	},
	{
		Name: "kill", Arity: -3, Flags: operator, Categories: CategoryConnection, Since: "2.4.0",
		Complexity: "O(N) where N is the number of connections.",
		Summary:    "Closes connections.",
		Syntax: "filter=(ip:port | new-format=([ID client-id:integer] | " +
			"[TYPE normal_master_slave_pubsub=(NORMAL | MASTER | SLAVE | REPLICA | PUBSUB)] | [USER username] | " +
			"[ADDR ip:port] | [LADDR ip:port] | [SKIPME yes/no])...)",
	},
	{
		Name: "list", Arity: -2, Flags: operator, Categories: CategoryConnection, Tips: changing, Since: "2.4.0",
		Complexity: "O(N) where N is the number of connections.",
		Summary:    "Describes the connections.",
		Syntax:     "[TYPE normal_master_replica_pubsub=(NORMAL | MASTER | REPLICA | PUBSUB)] [ID id=(client-id:integer...)]",
	},
	{
		Name: "no-evict", Arity: 3, Flags: operator, Categories: CategoryConnection, Since: "7.0.0", Complexity: "O(1)",
		Summary: "Says whether the connection may be dropped to save memory.", Syntax: "enabled=(ON | OFF)",
	},
	{
		Name: "no-touch", Arity: 3, Flags: ordinary, Categories: CategoryConnection, Since: "7.2.0", Complexity: "O(1)",
		Summary: "Says whether the connection's commands count as access.", Syntax: "enabled=(ON | OFF)",
	},
	{
		Name: "reply", Arity: 3, Flags: ordinary, Categories: CategoryConnection, Since: "3.2.0", Complexity: "O(1)",
		Summary: "Switches replies off and on.", Syntax: "on_off_skip=(ON | OFF | SKIP)",
	},
	{
		Name: "setinfo", Arity: 4, Flags: ordinary, Categories: CategoryConnection, Tips: everywhere, Since: "7.2.0", Complexity: "O(1)",
		Summary: "Names the client library or its version.", Syntax: "attr=(LIB-NAME libname | LIB-VER libver)",
	},
	{
		Name: "setname", Arity: 3, Flags: ordinary, Categories: CategoryConnection, Since: "2.6.9", Complexity: "O(1)",
		Summary: "Names the connection.", Syntax: "connection-name",
	},
	{
		Name: "tracking", Arity: -3, Flags: ordinary, Categories: CategoryConnection, Since: "6.0.0", Complexity: "O(1)",
		Summary: "Switches invalidation messages on and off.",
		Syntax:  "status=(ON | OFF) [REDIRECT client-id:integer] [PREFIX prefix,...] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]",
	},
	{
		Name: "trackinginfo", Arity: 2, Flags: ordinary, Categories: CategoryConnection, Since: "6.2.0", Complexity: "O(1)",
		Summary: "Describes what is tracked for the connection.",
	},
}

// Commands on this node, executed by the front end.
var serverCommands = []*Spec{
	{
		Name: "command", Arity: -1, Flags: helping, Categories: CategoryConnection, Tips: unordered,
		Group: "server", Since: "2.8.13", Complexity: "O(N) where N is the number of commands.",
		Summary: "Describes all commands.", Subcommands: []*Spec{
			{
				Name: "count", Arity: 2, Flags: helping, Categories: CategoryConnection, Since: "2.8.13", Complexity: "O(1)",
				Summary: "Returns the number of commands.",
			},
			{
				Name: "docs", Arity: -2, Flags: helping, Categories: CategoryConnection, Tips: unordered, Since: "7.0.0",
				Complexity: "O(N) where N is the number of commands named.",
				Summary:    "Returns the documentation of commands.", Syntax: "[command-name...]",
			},
			{
				Name: "getkeys", Arity: -4, Flags: helping, Categories: CategoryConnection, Since: "2.8.13",
				Complexity: "O(N) where N is the number of words.", Summary: "Returns the keys that a whole command names.",
			},
			{
				Name: "getkeysandflags", Arity: -4, Flags: helping, Categories: CategoryConnection, Since: "7.0.0",
				Complexity: "O(N) where N is the number of words.",
				Summary:    "Returns the keys that a whole command names and what it does with them.",
			},
			{
				Name: "help", Arity: 2, Flags: helping, Categories: CategoryConnection, Since: "5.0.0", Complexity: "O(1)",
				Summary: "Describes the subcommands.",
			},
			{
				Name: "info", Arity: -2, Flags: helping, Categories: CategoryConnection, Tips: unordered, Since: "2.8.13",
				Complexity: "O(N) where N is the number of commands named.",
				Summary:    "Describes commands, all if none is named.", Syntax: "[command-name...]",
			},
			{
				Name: "list", Arity: -2, Flags: helping, Categories: CategoryConnection, Tips: unordered, Since: "7.0.0",
				Complexity: "O(N) where N is the number of commands.",
				Summary:    "Returns the names of the commands.",
				Syntax:     "[FILTERBY filterby=(MODULE module-name | ACLCAT category | PATTERN pattern:pattern)]",
			},
		},
	},
	{
		Name: "config", Arity: -2,
		Group: "server", Since: "2.0.0", Complexity: "Depends on subcommand.",
		Summary: "Commands on this node's settings.", Subcommands: []*Spec{
			{
				Name: "get", Arity: -3, Flags: operator, Since: "2.0.0", Complexity: "O(N) where N is the number of parameters named.",
				Summary: "Returns settings.", Syntax: "parameter=(parameter)...",
			},
			{
				Name: "help", Arity: 2, Flags: helping, Since: "5.0.0", Complexity: "O(1)", Summary: "Describes the subcommands.",
			},
			{
				Name: "resetstat", Arity: 2, Flags: operator, Since: "2.0.0", Complexity: "O(1)",
				Summary: "Sets the counters of INFO back.",
			},
			{
				Name: "rewrite", Arity: 2, Flags: operator, Since: "2.8.0", Complexity: "O(1)",
				Summary: "Writes the settings to the configuration file.",
			},
			{
				Name: "set", Arity: -4, Flags: operator, Tips: everywhere, Since: "2.0.0",
				Complexity: "O(N) where N is the number of parameters named.",
				Summary:    "Changes settings.", Syntax: "parameter_value=(parameter value)...",
			},
		},
	},
	{
		Name: "info", Arity: -1, Flags: Loading | Stale, Categories: CategoryDangerous,
		Tips:  []string{"nondeterministic_output", "request_policy:all_shards", "response_policy:special"},
		Group: "server", Since: "1.0.0", Complexity: "O(1)",
		Summary: "Describes this node and counts what it did.", Syntax: "[section...]",
	},
	{
		Name: "time", Arity: 1, Flags: Loading | Stale | Fast, Tips: changing,
		Group: "server", Since: "2.6.0", Complexity: "O(1)", Summary: "Returns the server's time.",
	},
}
