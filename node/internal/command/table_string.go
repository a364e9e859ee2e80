package command

// Commands on strings.
var stringCommands = []*Spec{
	{
		Name: "append", Arity: 3, Flags: Write | DenyOOM | Fast, First: 1, Last: 1, Step: 1, Access: RW | Insert,
		Categories: CategoryString, Looks: true, update: appendTo,
		Group: "string", Since: "2.0.0", Complexity: "O(N) where N is the length of the new string.",
		Summary: "Appends to a string; a missing key counts as an empty one.", Syntax: "key value",
	},
	{
		Name: "decr", Arity: 2, Flags: Write | DenyOOM | Fast, First: 1, Last: 1, Step: 1, Access: RW | ReturnsData | Update,
		Categories: CategoryString, Looks: true, parse: parseDecr, update: incr,
		Group: "string", Since: "1.0.0", Complexity: "O(1)",
		Summary: "Subtracts one from the integer at a key.", Syntax: "key",
	},
	{
		Name: "decrby", Arity: 3, Flags: Write | DenyOOM | Fast, First: 1, Last: 1, Step: 1, Access: RW | ReturnsData | Update,
		Categories: CategoryString, Looks: true, parse: parseDecrBy, update: incr,
		Group: "string", Since: "1.0.0", Complexity: "O(1)",
		Summary: "Subtracts from the integer at a key.", Syntax: "key decrement:integer",
	},
	{
		Name: "get", Arity: 2, Flags: Readonly | Fast, First: 1, Last: 1, Step: 1, Access: RO | ReturnsData,
		Categories: CategoryString, read: get,
		Group: "string", Since: "1.0.0", Complexity: "O(1)",
		Summary: "Returns the string at a key.", Syntax: "key",
	},
	{
		Name: "getdel", Arity: 2, Flags: Write | Fast, First: 1, Last: 1, Step: 1, Access: RW | ReturnsData | Delete,
		Categories: CategoryString, Looks: true, update: getDel,
		Group: "string", Since: "6.2.0", Complexity: "O(1)",
		Summary: "Returns the string at a key and deletes the key.", Syntax: "key",
	},
	{
		Name: "getex", Arity: -2, Flags: Write | Fast, First: 1, Last: 1, Step: 1, Access: RW | ReturnsData | Update,
		Notes:      "RW and UPDATE because it changes the TTL",
		Categories: CategoryString, Looks: true, parse: parseGetEX, update: getEX,
		Group: "string", Since: "6.2.0", Complexity: "O(1)",
		Summary: "Returns the string at a key and sets or removes its expiry.",
		Syntax: "key [expiration=(EX seconds:integer | PX milliseconds:integer | EXAT unix-time-seconds:unix-time | " +
			"PXAT unix-time-milliseconds:unix-time | PERSIST)]",
	},
	{
		Name: "getrange", Arity: 4, Flags: Readonly, First: 1, Last: 1, Step: 1, Access: RO | ReturnsData,
		Categories: CategoryString, parse: parseGetRange, read: getRange,
		Group: "string", Since: "2.4.0", Complexity: "O(N) where N is the length of the returned string.",
		Summary: "Returns a piece of the string at a key.", Syntax: "key start:integer end:integer",
	},
	{
		Name: "getset", Arity: 3, Flags: Write | DenyOOM | Fast, First: 1, Last: 1, Step: 1, Access: RW | ReturnsData | Update,
		Categories: CategoryString, Looks: true, update: getSet,
		Group: "string", Since: "1.0.0", Complexity: "O(1)", Deprecated: "6.2.0", Instead: "`SET` with the `!GET` argument",
		Summary: "Sets a string and returns the one before.", Syntax: "key value",
	},
	{
		Name: "incr", Arity: 2, Flags: Write | DenyOOM | Fast, First: 1, Last: 1, Step: 1, Access: RW | ReturnsData | Update,
		Categories: CategoryString, Looks: true, parse: parseIncr, update: incr,
		Group: "string", Since: "1.0.0", Complexity: "O(1)",
		Summary: "Adds one to the integer at a key.", Syntax: "key",
	},
	{
		Name: "incrby", Arity: 3, Flags: Write | DenyOOM | Fast, First: 1, Last: 1, Step: 1, Access: RW | ReturnsData | Update,
		Categories: CategoryString, Looks: true, parse: parseIncrBy, update: incr,
		Group: "string", Since: "1.0.0", Complexity: "O(1)",
		Summary: "Adds to the integer at a key.", Syntax: "key increment:integer",
	},
	{
		Name: "incrbyfloat", Arity: 3, Flags: Write | DenyOOM | Fast, First: 1, Last: 1, Step: 1, Access: RW | ReturnsData | Update,
		Categories: CategoryString, Looks: true, update: incrByFloat,
		Group: "string", Since: "2.6.0", Complexity: "O(1)",
		Summary: "Adds to the number at a key.", Syntax: "key increment:double",
	},
	{
		Name: "mget", Arity: -2, Flags: Readonly | Fast, First: 1, Last: -1, Step: 1, Access: RO | ReturnsData, Join: JoinArray,
		Categories: CategoryString, Tips: []string{"request_policy:multi_shard"}, read: mget,
		Group: "string", Since: "1.0.0", Complexity: "O(N) where N is the number of keys.",
		Summary: "Returns the strings at several keys.", Syntax: "key...",
	},
	{
		Name: "mset", Arity: -3, Flags: Write | DenyOOM, First: 1, Last: -1, Step: 2, Access: OW | Update, Join: JoinOK,
		Categories: CategoryString, update: mset,
		Tips:  []string{"request_policy:multi_shard", "response_policy:all_succeeded"},
		Group: "string", Since: "1.0.1", Complexity: "O(N) where N is the number of keys.",
		Summary: "Sets several strings, each on its own.", Syntax: "key_value=(key value)...",
	},
	{
		Name: "psetex", Arity: 4, Flags: Write | DenyOOM, First: 1, Last: 1, Step: 1, Access: OW | Update,
		Categories: CategoryString, parse: parsePSetEX, update: setEX,
		Group: "string", Since: "2.6.0", Complexity: "O(1)",
		Summary: "Sets a string and its expiry in milliseconds.", Syntax: "key milliseconds:integer value",
	},
	{
		Name: "set", Arity: -3, Flags: Write | DenyOOM, First: 1, Last: 1, Step: 1,
		Access:     RW | ReturnsData | Update | VariableFlags,
		Notes:      "RW and ACCESS due to the optional `GET` argument",
		Categories: CategoryString, looks: setLooks, parse: parseSet, update: set,
		Group: "string", Since: "1.0.0", Complexity: "O(1)",
		Summary: "Sets a string, whatever the key was before.",
		Syntax: "key value [condition=(NX | XX)] [GET] [expiration=(EX seconds:integer | PX milliseconds:integer | " +
			"EXAT unix-time-seconds:unix-time | PXAT unix-time-milliseconds:unix-time | KEEPTTL)]",
	},
	{
		Name: "setex", Arity: 4, Flags: Write | DenyOOM, First: 1, Last: 1, Step: 1, Access: OW | Update,
		Categories: CategoryString, parse: parseSetEX, update: setEX,
		Group: "string", Since: "2.0.0", Complexity: "O(1)",
		Summary: "Sets a string and its expiry in seconds.", Syntax: "key seconds:integer value",
	},
	{
		Name: "setnx", Arity: 3, Flags: Write | DenyOOM | Fast, First: 1, Last: 1, Step: 1, Access: OW | Insert,
		Categories: CategoryString, Looks: true, update: setNX,
		Group: "string", Since: "1.0.0", Complexity: "O(1)",
		Summary: "Sets a string if the key does not exist.", Syntax: "key value",
	},
	{
		Name: "setrange", Arity: 4, Flags: Write | DenyOOM, First: 1, Last: 1, Step: 1, Access: RW | Update,
		Categories: CategoryString, Looks: true, parse: parseSetRange, update: setRange,
		Group: "string", Since: "2.2.0", Complexity: "O(N) where N is the length of the new string.",
		Summary: "Overwrites a piece of the string at a key, filling up with zero bytes.", Syntax: "key offset:integer value",
	},
	{
		Name: "strlen", Arity: 2, Flags: Readonly | Fast, First: 1, Last: 1, Step: 1, Access: RO,
		Categories: CategoryString, read: strlen,
		Group: "string", Since: "2.2.0", Complexity: "O(1)",
		Summary: "Returns the length of the string at a key.", Syntax: "key",
	},
	{
		Name: "substr", Arity: 4, Flags: Readonly, First: 1, Last: 1, Step: 1, Access: RO | ReturnsData,
		Categories: CategoryString, parse: parseGetRange, read: getRange,
		Group: "string", Since: "1.0.0", Complexity: "O(N) where N is the length of the returned string.",
		Deprecated: "2.0.0", Instead: "`GETRANGE`",
		Summary: "Returns a piece of the string at a key.", Syntax: "key start:integer end:integer",
	},
}
