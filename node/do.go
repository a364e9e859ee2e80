package node

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/dynomite-go/dynomite/node/internal/command"
	"github.com/dynomite-go/dynomite/quorum"
)

// ReplyError is an error reply of the server, such as "WRONGTYPE Operation
// against a key holding the wrong kind of value".
type ReplyError string

// Error is the reply's text.
func (e ReplyError) Error() string { return string(e) }

type levelKey struct{}

// AtLevel makes calls of Do under the returned context run at level instead
// of at the configured ones.
func AtLevel(ctx context.Context, level quorum.Level) context.Context {
	return context.WithValue(ctx, levelKey{}, level)
}

// Do executes one command in this node, as a client's connection would, and
// returns its reply as RESP3 has it: nil, string, int64, float64, bool, []any
// or map[string]any. Arguments are strings, byte slices, integers or floats. An error reply is a ReplyError.
// ctx ends the wait, not the command: a write that was begun may be applied.
func (n *Node) Do(ctx context.Context, args ...any) (any, error) {
	if len(args) == 0 {
		return nil, errors.New("node: Do needs a command")
	}
	words := make([][]byte, len(args))
	for i, a := range args {
		w, err := word(a)
		if err != nil {
			return nil, fmt.Errorf("node: argument %d: %w", i, err)
		}
		words[i] = w
	}
	level, _ := ctx.Value(levelKey{}).(quorum.Level)
	c, err := n.local.get(n)
	if err != nil {
		return nil, err
	}
	v, err := c.do(ctx, level, words)
	if err != nil {
		c.close()
		return nil, err
	}
	if changesConnection(words) {
		c.close()
	} else {
		n.local.put(c)
	}
	if e, ok := v.(ReplyError); ok {
		return nil, e
	}
	return v, nil
}

// changesConnection says whether a command may leave its connection other than
// the next call expects it (HELLO 2), or without a reply to come (QUIT).
func changesConnection(words [][]byte) bool {
	spec := command.Lookup(words[0])
	return spec != nil && spec.Keys == command.Connection
}

func word(a any) ([]byte, error) {
	switch x := a.(type) {
	case string:
		return []byte(x), nil
	case []byte:
		return x, nil
	case int:
		return strconv.AppendInt(nil, int64(x), 10), nil
	case int64:
		return strconv.AppendInt(nil, x, 10), nil
	case uint64:
		return strconv.AppendUint(nil, x, 10), nil
	case float64:
		return strconv.AppendFloat(nil, x, 'g', -1, 64), nil
	}
	return nil, fmt.Errorf("%T is no string, []byte, integer or float", a)
}
