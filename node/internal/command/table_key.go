package command

// Hints for commands on several keys whose replies add up.
var sumTips = []string{"request_policy:multi_shard", "response_policy:agg_sum"}

// Commands on keys of any kind.
var genericCommands = []*Spec{
	{
		Name: "del", Arity: -2, Flags: Write, First: 1, Last: -1, Step: 1, Access: RM | Delete, Join: JoinSum,
		Categories: CategoryKeyspace, Tips: sumTips, update: del,
		Group: "generic", Since: "1.0.0", Complexity: "O(N) where N is the number of keys.",
		Summary: "Deletes keys; returns how many there were.", Syntax: "key...",
	},
	{
		Name: "exists", Arity: -2, Flags: Readonly | Fast, First: 1, Last: -1, Step: 1, Access: RO, Join: JoinSum,
		Categories: CategoryKeyspace, Tips: sumTips, read: exists,
		Group: "generic", Since: "1.0.0", Complexity: "O(N) where N is the number of keys.",
		Summary: "Counts the keys that exist, each as often as it is named.", Syntax: "key...",
	},
	{
		Name: "object", Arity: -2,
		Group: "generic", Since: "2.2.3", Complexity: "Depends on subcommand.",
		Summary: "Commands on how values are held.", Subcommands: []*Spec{
			{
				Name: "encoding", Arity: 3, Flags: Readonly, First: 2, Last: 2, Step: 1, Access: RO,
				Categories: CategoryKeyspace, Tips: []string{"nondeterministic_output"}, read: objectEncoding,
				Since: "2.2.3", Complexity: "O(N) where N is the number of fields of a hash.",
				Summary: "Returns how Redis would hold the value.", Syntax: "key",
			},
			{
				Name: "freq", Arity: 3, Flags: Readonly, First: 2, Last: 2, Step: 1, Access: RO,
				Categories: CategoryKeyspace, Tips: []string{"nondeterministic_output"}, read: objectFreq,
				Since: "4.0.0", Complexity: "O(1)", Summary: "Replies an error: accesses are not counted.", Syntax: "key",
			},
			{
				Name: "help", Arity: 2, Flags: Loading | Stale, Categories: CategoryKeyspace,
				Since: "6.2.0", Complexity: "O(1)", Summary: "Describes the subcommands.",
			},
			{
				Name: "idletime", Arity: 3, Flags: Readonly, First: 2, Last: 2, Step: 1, Access: RO,
				Categories: CategoryKeyspace, Tips: []string{"nondeterministic_output"}, read: objectIdleTime,
				Since: "2.2.3", Complexity: "O(1)", Summary: "Replies an error: times of access are not kept.", Syntax: "key",
			},
			{
				Name: "refcount", Arity: 3, Flags: Readonly, First: 2, Last: 2, Step: 1, Access: RO,
				Categories: CategoryKeyspace, Tips: []string{"nondeterministic_output"}, read: objectRefCount,
				Since: "2.2.3", Complexity: "O(1)", Summary: "Returns 1 for a key that exists.", Syntax: "key",
			},
		},
	},
	{
		Name: "touch", Arity: -2, Flags: Readonly | Fast, First: 1, Last: -1, Step: 1, Access: RO, Join: JoinSum,
		Categories: CategoryKeyspace, Tips: sumTips, read: exists,
		Group: "generic", Since: "3.2.1", Complexity: "O(N) where N is the number of keys.",
		Summary: "Counts the keys that exist; times of access are not kept.", Syntax: "key...",
	},
	{
		Name: "type", Arity: 2, Flags: Readonly | Fast, First: 1, Last: 1, Step: 1, Access: RO,
		Categories: CategoryKeyspace, read: typeOf,
		Group: "generic", Since: "1.0.0", Complexity: "O(1)",
		Summary: "Returns what kind of value a key holds.", Syntax: "key",
	},
	{
		Name: "unlink", Arity: -2, Flags: Write | Fast, First: 1, Last: -1, Step: 1, Access: RM | Delete, Join: JoinSum,
		Categories: CategoryKeyspace, Tips: sumTips, update: del,
		Group: "generic", Since: "4.0.0", Complexity: "O(N) where N is the number of keys.",
		Summary: "Deletes keys; returns how many there were.", Syntax: "key...",
	},
}

// Commands on the expiry of keys of any kind.
var expiryCommands = []*Spec{
	{
		Name: "expire", Arity: -3, Flags: Write | Fast, First: 1, Last: 1, Step: 1, Access: RW | Update,
		Categories: CategoryKeyspace, Looks: true, parse: parseExpire, update: expire,
		Group: "generic", Since: "1.0.0", Complexity: "O(1)",
		Summary: "Lets a key expire after some seconds.", Syntax: "key seconds:integer [condition=(NX | XX | GT | LT)]",
	},
	{
		Name: "expireat", Arity: -3, Flags: Write | Fast, First: 1, Last: 1, Step: 1, Access: RW | Update,
		Categories: CategoryKeyspace, Looks: true, parse: parseExpireAt, update: expire,
		Group: "generic", Since: "1.2.0", Complexity: "O(1)",
		Summary: "Lets a key expire at a Unix time in seconds.",
		Syntax:  "key unix-time-seconds:unix-time [condition=(NX | XX | GT | LT)]",
	},
	{
		Name: "expiretime", Arity: 2, Flags: Readonly | Fast, First: 1, Last: 1, Step: 1, Access: RO | ReturnsData,
		Categories: CategoryKeyspace, read: expireTime,
		Group: "generic", Since: "7.0.0", Complexity: "O(1)",
		Summary: "Returns the Unix time in seconds at which a key expires.", Syntax: "key",
	},
	{
		Name: "persist", Arity: 2, Flags: Write | Fast, First: 1, Last: 1, Step: 1, Access: RW | Update,
		Categories: CategoryKeyspace, Looks: true, update: persist,
		Group: "generic", Since: "2.2.0", Complexity: "O(1)",
		Summary: "Removes the expiry of a key.", Syntax: "key",
	},
	{
		Name: "pexpire", Arity: -3, Flags: Write | Fast, First: 1, Last: 1, Step: 1, Access: RW | Update,
		Categories: CategoryKeyspace, Looks: true, parse: parsePExpire, update: expire,
		Group: "generic", Since: "2.6.0", Complexity: "O(1)",
		Summary: "Lets a key expire after some milliseconds.",
		Syntax:  "key milliseconds:integer [condition=(NX | XX | GT | LT)]",
	},
	{
		Name: "pexpireat", Arity: -3, Flags: Write | Fast, First: 1, Last: 1, Step: 1, Access: RW | Update,
		Categories: CategoryKeyspace, Looks: true, parse: parsePExpireAt, update: expire,
		Group: "generic", Since: "2.6.0", Complexity: "O(1)",
		Summary: "Lets a key expire at a Unix time in milliseconds.",
		Syntax:  "key unix-time-milliseconds:unix-time [condition=(NX | XX | GT | LT)]",
	},
	{
		Name: "pexpiretime", Arity: 2, Flags: Readonly | Fast, First: 1, Last: 1, Step: 1, Access: RO | ReturnsData,
		Categories: CategoryKeyspace, read: pexpireTime,
		Group: "generic", Since: "7.0.0", Complexity: "O(1)",
		Summary: "Returns the Unix time in milliseconds at which a key expires.", Syntax: "key",
	},
	{
		Name: "pttl", Arity: 2, Flags: Readonly | Fast, First: 1, Last: 1, Step: 1, Access: RO | ReturnsData,
		Categories: CategoryKeyspace, Tips: []string{"nondeterministic_output"}, read: pttl,
		Group: "generic", Since: "2.6.0", Complexity: "O(1)",
		Summary: "Returns the milliseconds until a key expires.", Syntax: "key",
	},
	{
		Name: "ttl", Arity: 2, Flags: Readonly | Fast, First: 1, Last: 1, Step: 1, Access: RO | ReturnsData,
		Categories: CategoryKeyspace, Tips: []string{"nondeterministic_output"}, read: ttl,
		Group: "generic", Since: "1.0.0", Complexity: "O(1)",
		Summary: "Returns the seconds until a key expires.", Syntax: "key",
	},
}

// Commands on all keys, executed by the router.
var keyspaceCommands = []*Spec{
	{
		Name: "dbsize", Arity: 1, Flags: Readonly | Fast, Keys: KeySpace, Categories: CategoryKeyspace,
		Tips:  []string{"request_policy:all_shards", "response_policy:agg_sum"},
		Group: "server", Since: "1.0.0", Complexity: "O(1)", Summary: "Returns the number of keys.",
	},
	{
		Name: "flushall", Arity: -1, Flags: Write, Keys: KeySpace, Categories: CategoryKeyspace | CategoryDangerous,
		Tips:  []string{"request_policy:all_shards", "response_policy:all_succeeded"},
		Group: "server", Since: "1.0.0", Complexity: "O(1); the space is freed later.",
		Summary: "Removes all keys.", Syntax: "[async=(ASYNC | SYNC)]",
	},
	{
		Name: "flushdb", Arity: -1, Flags: Write, Keys: KeySpace, Categories: CategoryKeyspace | CategoryDangerous,
		Tips:  []string{"request_policy:all_shards", "response_policy:all_succeeded"},
		Group: "server", Since: "1.0.0", Complexity: "O(1); the space is freed later.",
		Summary: "Removes all keys: there is one database.", Syntax: "[async=(ASYNC | SYNC)]",
	},
	{
		Name: "keys", Arity: 2, Flags: Readonly, Keys: KeySpace, Categories: CategoryKeyspace | CategoryDangerous,
		Tips:  []string{"request_policy:all_shards", "nondeterministic_output_order"},
		Group: "generic", Since: "1.0.0", Complexity: "O(N) where N is the number of all keys.",
		Summary: "Returns the keys that match a pattern.", Syntax: "pattern:pattern",
	},
	{
		Name: "scan", Arity: -2, Flags: Readonly, Keys: KeySpace, Categories: CategoryKeyspace,
		Tips:  []string{"nondeterministic_output", "request_policy:special"},
		Group: "generic", Since: "2.8.0", Complexity: "O(1) for every call, O(N) for all the calls until the cursor is 0.",
		Summary: "Walks over the keys.",
		Syntax:  "cursor:integer [MATCH pattern:pattern] [COUNT count:integer] [TYPE type]",
	},
}
