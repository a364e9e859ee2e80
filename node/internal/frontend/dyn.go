package frontend

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dynomite-go/dynomite/quorum"
	"github.com/dynomite-go/dynomite/respserver"
)

// servable refuses the level that nobody executes yet: answering at a weaker
// one in silence would break what it promises.
func servable(level quorum.Level) error {
	switch level {
	case quorum.DCOne, quorum.DCQuorum, quorum.DCEachSafeQuorum:
		return nil
	case quorum.DCSafeQuorum:
		return errors.New("DC_SAFE_QUORUM is not available: this version has no terms, " +
			"without which two primaries could both accept; use DC_QUORUM")
	}
	return fmt.Errorf("level %v is not available", level)
}

// dynConsistency is DYN.CONSISTENCY [READ|WRITE] [level]: without a level it
// shows the connection's, with one it sets them. Without READ or WRITE it
// means both.
func dynConsistency(s *Session, args [][]byte, out []byte) []byte {
	read, write := true, true
	rest := args[1:]
	if len(rest) > 0 {
		switch {
		case equalFold(rest[0], "read"):
			write, rest = false, rest[1:]
		case equalFold(rest[0], "write"):
			read, rest = false, rest[1:]
		}
	}
	switch len(rest) {
	case 0:
		return s.appendLevels(out, read, write)
	case 1:
	default:
		return appendArity(out, "dyn.consistency")
	}
	level, err := quorum.ParseLevel(string(rest[0]))
	if err != nil {
		return appendError(out, "ERR unknown consistency level '"+quoted(rest[0], quotedBytes)+
			"', known are DC_ONE, DC_QUORUM and DC_EACH_SAFE_QUORUM")
	}
	if err := servable(level); err != nil {
		return appendError(out, "ERR "+err.Error())
	}
	if read {
		s.ReadLevel = level
	}
	if write {
		s.WriteLevel = level
	}
	return respserver.AppendOK(out)
}

// appendLevels appends one level as a string, both as a map.
func (s *Session) appendLevels(out []byte, read, write bool) []byte {
	switch {
	case !write:
		return respserver.AppendBulkString(out, s.ReadLevel.String())
	case !read:
		return respserver.AppendBulkString(out, s.WriteLevel.String())
	}
	out = respserver.AppendMap(out, s.Proto(), 2)
	out = respserver.AppendBulkString(out, "read")
	out = respserver.AppendBulkString(out, s.ReadLevel.String())
	out = respserver.AppendBulkString(out, "write")
	return respserver.AppendBulkString(out, s.WriteLevel.String())
}

// dynOrder is DYN.ORDER [ON|OFF]; without an argument it shows which.
func dynOrder(s *Session, args [][]byte, out []byte) []byte {
	switch len(args) {
	case 1:
		if s.Ordered {
			return respserver.AppendBulkString(out, "on")
		}
		return respserver.AppendBulkString(out, "off")
	case 2:
		on, ok := onOff(args[1])
		if !ok {
			return appendError(out, errSyntax)
		}
		s.Ordered = on
		return respserver.AppendOK(out)
	}
	return appendArity(out, "dyn.order")
}

// maxWait is the longest timeout that Redis takes, in milliseconds.
const maxWait = (1<<63 - 1) / int64(time.Millisecond)

// dynHints is DYN.HINTS [WAIT timeout]. Without an argument it shows what this
// node keeps for each of the others. WAIT is a point of synchronization, in
// the manner of Redis's WAIT, of all that any client wrote through any node and
// has a reply to: it replies how many nodes still lack something, or cannot be
// asked what they keep for others, as soon as none does and after timeout
// milliseconds at the latest; 0 waits for ever.
func dynHints(s *Session, args [][]byte, out []byte) []byte {
	facts := s.front.cfg.Facts
	if len(args) == 1 {
		var all []Hints
		if facts.Hints != nil {
			all = facts.Hints()
		}
		out = respserver.AppendMap(out, s.Proto(), len(all))
		for _, h := range all {
			out = respserver.AppendBulkString(out, h.Node)
			out = respserver.AppendMap(out, s.Proto(), len(h.Fields))
			for _, f := range h.Fields {
				out = respserver.AppendBulkString(out, f.Name)
				out = respserver.AppendInt(out, f.Value)
			}
		}
		return out
	}
	if len(args) != 3 || !equalFold(args[1], "wait") {
		return appendError(out, errSyntax)
	}
	ms, ok := parseInt(args[2])
	switch {
	case !ok || ms > maxWait:
		return appendError(out, "ERR timeout is not an integer or out of range")
	case ms < 0:
		return appendError(out, "ERR timeout is negative")
	case facts.AwaitHints == nil:
		return respserver.AppendInt(out, 0)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if ms > 0 {
		ctx, cancel = context.WithTimeout(ctx, time.Duration(ms)*time.Millisecond)
	}
	defer cancel()
	stop := s.conn.Watch()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-s.Done():
			cancel()
		case <-ctx.Done():
		}
	}()
	lacking := facts.AwaitHints(ctx)
	cancel()
	<-ended
	stop()
	return respserver.AppendInt(out, int64(lacking))
}
