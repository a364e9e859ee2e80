package respserver

import "errors"

// ErrClosed says that the connection is closed or about to be: what was
// given to Push or Flush will not reach the client.
var ErrClosed = errors.New("respserver: connection closed")

// ErrOutputLimit says that the client does not read as fast as it is written
// to, passed Limits.MaxOutput or Limits.MaxPush, and was therefore cut off.
var ErrOutputLimit = errors.New("respserver: output limit passed")

// protocolError is a violation of the framing. Its text is what Redis
// answers after "-ERR Protocol error: "; clients and tests match on it.
type protocolError string

func (e protocolError) Error() string { return "Protocol error: " + string(e) }

// The texts are those of networking.c in Redis 7, except errTooBigRequest:
// Redis closes the connection without a word there.
const (
	errMultibulkLength  = protocolError("invalid multibulk length")
	errBulkLength       = protocolError("invalid bulk length")
	errUnauthMultibulk  = protocolError("unauthenticated multibulk length")
	errUnauthBulk       = protocolError("unauthenticated bulk length")
	errTooBigInline     = protocolError("too big inline request")
	errTooBigMultibulk  = protocolError("too big mbulk count string")
	errTooBigBulk       = protocolError("too big bulk count string")
	errUnbalancedQuotes = protocolError("unbalanced quotes in request")
	errTooBigRequest    = protocolError("too big request")
)
