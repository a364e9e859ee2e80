package frontend

import "github.com/dynomite-go/dynomite/node/internal/command"

// unlisted are commands that COMMAND does not show: they exist for clients
// that send them unasked, to get the error that they expect, and for browsers.
var unlisted = []*command.Spec{
	{Name: "asking", Arity: 1, Keys: command.Connection},
	{Name: "readonly", Arity: 1, Keys: command.Connection},
	{Name: "readwrite", Arity: 1, Keys: command.Connection},
	{Name: "post", Arity: -1, Keys: command.Connection},
	{Name: "host:", Arity: -1, Keys: command.Connection},
}

// handlers is everything that is answered here, but for CLUSTER's
// subcommands. What is not among it goes to the router.
func handlers() map[string]handler {
	return map[string]handler{
		"ping":   ping,
		"echo":   echo,
		"hello":  hello,
		"auth":   auth,
		"select": selectDB,
		"reset":  reset,
		"quit":   quit,
		"time":   timeNow,
		"info":   info,

		"command":                 commandAll,
		"command|count":           commandCount,
		"command|list":            commandList,
		"command|info":            commandInfo,
		"command|docs":            commandDocs,
		"command|getkeys":         commandKeys,
		"command|getkeysandflags": commandKeysAndFlags,
		"command|help":            helper("COMMAND", commandHelp),

		"client":              container,
		"client|id":           clientID,
		"client|setname":      clientSetName,
		"client|getname":      clientGetName,
		"client|setinfo":      clientSetInfo,
		"client|info":         clientInfo,
		"client|list":         clientList,
		"client|kill":         clientKill,
		"client|no-evict":     clientFlag(flagNoEvict),
		"client|no-touch":     clientFlag(flagNoTouch),
		"client|reply":        clientReply,
		"client|tracking":     clientTracking,
		"client|trackinginfo": clientTrackingInfo,
		"client|caching":      clientCaching,
		"client|getredir":     clientGetRedir,
		"client|help":         helper("CLIENT", clientHelp),

		"config":           container,
		"config|get":       configGet,
		"config|set":       configSet,
		"config|resetstat": configResetStat,
		"config|rewrite":   configRewrite,
		"config|help":      helper("CONFIG", configHelp),

		"object|help": helper("OBJECT", objectHelp),

		"cluster":   container,
		"asking":    noCluster,
		"readonly":  noCluster,
		"readwrite": noCluster,

		"post":  hangUp,
		"host:": hangUp,

		"dyn.consistency": dynConsistency,
		"dyn.hints":       dynHints,
		"dyn.order":       dynOrder,
	}
}

var objectHelp = []string{
	"ENCODING <key>",
	"    Return how Redis would hold the value of <key>.",
	"FREQ <key>",
	"    Not tracked here: an error.",
	"IDLETIME <key>",
	"    Not tracked here: an error.",
	"REFCOUNT <key>",
	"    Return 1 if <key> exists.",
}

// container stands for a command that has subcommands only. Its arity asks for
// one, so it is never reached.
func container(_ *Session, _ [][]byte, out []byte) []byte { return appendError(out, errSyntax) }

// hangUp ends a connection that speaks HTTP, as Redis does: what stands behind
// the head could be commands that a web page had a browser send.
func hangUp(s *Session, _ [][]byte, out []byte) []byte {
	s.end()
	return out
}

// noCluster answers CLUSTER, READONLY, READWRITE and ASKING: a client that got
// a map would route by it, and refuse what spans slots, while any node here
// takes any command.
func noCluster(_ *Session, _ [][]byte, out []byte) []byte { return appendError(out, errNoCluster) }
