package command

import "iter"

// Flags are the properties of a command that clients and proxies act on, as
// COMMAND INFO prints them.
type Flags uint32

// The order is that in which COMMAND INFO prints them.
const (
	Write Flags = 1 << iota
	Readonly
	DenyOOM
	Admin
	PubSub
	NoScript
	Blocking
	Loading
	Stale
	SkipMonitor
	SkipSlowlog
	Fast
	NoAuth
	NoMandatoryKeys
	NoAsyncLoading
	NoMulti
	MovableKeys
	AllowBusy
)

var flagNames = []string{
	"write", "readonly", "denyoom", "admin", "pubsub", "noscript", "blocking", "loading", "stale",
	"skip_monitor", "skip_slowlog", "fast", "no_auth", "no_mandatory_keys", "no_async_loading",
	"no_multi", "movablekeys", "allow_busy",
}

// Access is what a command does with its keys, as COMMAND INFO's key
// specifications print it.
type Access uint16

const (
	RO            Access = 1 << iota // reads
	RW                               // reads and writes
	OW                               // overwrites without looking
	RM                               // removes
	ReturnsData                      // what it reads goes to the client
	Update                           // writes depending on, or over, what is there
	Insert                           // only adds
	Delete                           // removes content
	NotKey                           // is no key, though routed like one
	Incomplete                       // not all keys are found this way
	VariableFlags                    // depends on the options
)

var accessNames = []string{
	"RO", "RW", "OW", "RM", "access", "update", "insert", "delete", "not_key", "incomplete", "variable_flags",
}

// Categories are ACL categories.
type Categories uint32

// The order is that in which COMMAND INFO prints them.
const (
	CategoryKeyspace Categories = 1 << iota
	CategoryRead
	CategoryWrite
	CategorySet
	CategorySortedSet
	CategoryList
	CategoryHash
	CategoryString
	CategoryBitmap
	CategoryHyperLogLog
	CategoryGeo
	CategoryStream
	CategoryPubSub
	CategoryAdmin
	CategoryFast
	CategorySlow
	CategoryBlocking
	CategoryDangerous
	CategoryConnection
	CategoryTransaction
	CategoryScripting
)

var categoryNames = []string{
	"keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap", "hyperloglog",
	"geo", "stream", "pubsub", "admin", "fast", "slow", "blocking", "dangerous", "connection",
	"transaction", "scripting",
}

// imply completes categories by what follows from the flags.
func (f Flags) imply(c Categories) Categories {
	if f&Write != 0 {
		c |= CategoryWrite
	}
	if f&Readonly != 0 {
		c |= CategoryRead
	}
	if f&Admin != 0 {
		c |= CategoryAdmin | CategoryDangerous
	}
	if f&PubSub != 0 {
		c |= CategoryPubSub
	}
	if f&Blocking != 0 {
		c |= CategoryBlocking
	}
	if f&Fast != 0 {
		return c | CategoryFast
	}
	return c | CategorySlow
}

// named yields the names of the bits that are set.
func named[T ~uint16 | ~uint32](bits T, names []string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i, name := range names {
			if bits&(1<<i) != 0 && !yield(name) {
				return
			}
		}
	}
}
