package command

// Commands on hashes.
var hashCommands = []*Spec{
	{
		Name: "hdel", Arity: -3, Flags: Write | Fast, First: 1, Last: 1, Step: 1, Access: RW | Delete,
		Categories: CategoryHash, Looks: true, update: hdel,
		Group: "hash", Since: "2.0.0", Complexity: "O(N) where N is the number of fields named.",
		Summary: "Deletes fields of a hash, and the hash with its last field.", Syntax: "key field...",
	},
	{
		Name: "hexists", Arity: 3, Flags: Readonly | Fast, First: 1, Last: 1, Step: 1, Access: RO,
		Categories: CategoryHash, read: hexists,
		Group: "hash", Since: "2.0.0", Complexity: "O(1)",
		Summary: "Says whether a hash has a field.", Syntax: "key field",
	},
	{
		Name: "hget", Arity: 3, Flags: Readonly | Fast, First: 1, Last: 1, Step: 1, Access: RO | ReturnsData,
		Categories: CategoryHash, read: hget,
		Group: "hash", Since: "2.0.0", Complexity: "O(1)",
		Summary: "Returns the value of a field.", Syntax: "key field",
	},
	{
		Name: "hgetall", Arity: 2, Flags: Readonly, First: 1, Last: 1, Step: 1, Access: RO | ReturnsData,
		Categories: CategoryHash, Tips: []string{"nondeterministic_output_order"}, read: hgetall,
		Group: "hash", Since: "2.0.0", Complexity: "O(N) where N is the number of fields.",
		Summary: "Returns all fields of a hash with their values.", Syntax: "key",
	},
	{
		Name: "hincrby", Arity: 4, Flags: Write | DenyOOM | Fast, First: 1, Last: 1, Step: 1, Access: RW | ReturnsData | Update,
		Categories: CategoryHash, Looks: true, parse: parseHIncrBy, update: hincrBy,
		Group: "hash", Since: "2.0.0", Complexity: "O(1)",
		Summary: "Adds to the integer in a field.", Syntax: "key field increment:integer",
	},
	{
		Name: "hincrbyfloat", Arity: 4, Flags: Write | DenyOOM | Fast, First: 1, Last: 1, Step: 1, Access: RW | ReturnsData | Update,
		Categories: CategoryHash, Looks: true, parse: parseHIncrByFloat, update: hincrByFloat,
		Group: "hash", Since: "2.6.0", Complexity: "O(1)",
		Summary: "Adds to the number in a field.", Syntax: "key field increment:double",
	},
	{
		Name: "hkeys", Arity: 2, Flags: Readonly, First: 1, Last: 1, Step: 1, Access: RO | ReturnsData,
		Categories: CategoryHash, Tips: []string{"nondeterministic_output_order"}, read: hkeys,
		Group: "hash", Since: "2.0.0", Complexity: "O(N) where N is the number of fields.",
		Summary: "Returns all fields of a hash.", Syntax: "key",
	},
	{
		Name: "hlen", Arity: 2, Flags: Readonly | Fast, First: 1, Last: 1, Step: 1, Access: RO,
		Categories: CategoryHash, read: hlen,
		Group: "hash", Since: "2.0.0", Complexity: "O(1)",
		Summary: "Returns the number of fields.", Syntax: "key",
	},
	{
		Name: "hmget", Arity: -3, Flags: Readonly | Fast, First: 1, Last: 1, Step: 1, Access: RO | ReturnsData,
		Categories: CategoryHash, read: hmget,
		Group: "hash", Since: "2.0.0", Complexity: "O(N) where N is the number of fields named.",
		Summary: "Returns the values of several fields.", Syntax: "key field...",
	},
	{
		Name: "hmset", Arity: -4, Flags: Write | DenyOOM | Fast, First: 1, Last: 1, Step: 1, Access: RW | Update,
		Categories: CategoryHash, Looks: true, parse: parseHSet, update: hmset,
		Group: "hash", Since: "2.0.0", Complexity: "O(N) where N is the number of fields set.",
		Deprecated: "4.0.0", Instead: "`HSET` with multiple field-value pairs",
		Summary: "Sets several fields.", Syntax: "key field_value=(field value)...",
	},
	{
		Name: "hrandfield", Arity: -2, Flags: Readonly, First: 1, Last: 1, Step: 1, Access: RO | ReturnsData,
		Categories: CategoryHash, Tips: []string{"nondeterministic_output"}, parse: parseHRandField, read: hrandfield,
		Group: "hash", Since: "6.2.0", Complexity: "O(N) where N is the number of fields of the hash.",
		Summary: "Returns fields drawn at random.", Syntax: "key [options=(count:integer [WITHVALUES])]",
	},
	{
		Name: "hscan", Arity: -3, Flags: Readonly, First: 1, Last: 1, Step: 1, Access: RO | ReturnsData,
		Categories: CategoryHash, Tips: []string{"nondeterministic_output"}, parse: parseHScan, read: hscan,
		Group: "hash", Since: "2.8.0", Complexity: "O(1) for every call, O(N) for all the calls until the cursor is 0.",
		Summary: "Walks over the fields of a hash and their values.",
		Syntax:  "key cursor:integer [MATCH pattern:pattern] [COUNT count:integer]",
	},
	{
		Name: "hset", Arity: -4, Flags: Write | DenyOOM | Fast, First: 1, Last: 1, Step: 1, Access: RW | Update,
		Categories: CategoryHash, Looks: true, parse: parseHSet, update: hset,
		Group: "hash", Since: "2.0.0", Complexity: "O(N) where N is the number of fields set.",
		Summary: "Sets fields; returns how many are new.", Syntax: "key field_value=(field value)...",
	},
	{
		Name: "hsetnx", Arity: 4, Flags: Write | DenyOOM | Fast, First: 1, Last: 1, Step: 1, Access: RW | Insert,
		Categories: CategoryHash, Looks: true, update: hsetnx,
		Group: "hash", Since: "2.0.0", Complexity: "O(1)",
		Summary: "Sets a field if it does not exist.", Syntax: "key field value",
	},
	{
		Name: "hstrlen", Arity: 3, Flags: Readonly | Fast, First: 1, Last: 1, Step: 1, Access: RO,
		Categories: CategoryHash, read: hstrlen,
		Group: "hash", Since: "3.2.0", Complexity: "O(1)",
		Summary: "Returns the length of a field's value.", Syntax: "key field",
	},
	{
		Name: "hvals", Arity: 2, Flags: Readonly, First: 1, Last: 1, Step: 1, Access: RO | ReturnsData,
		Categories: CategoryHash, Tips: []string{"nondeterministic_output_order"}, read: hvals,
		Group: "hash", Since: "2.0.0", Complexity: "O(N) where N is the number of fields.",
		Summary: "Returns all values of a hash.", Syntax: "key",
	},
}
