package frontend

import (
	"errors"
	"fmt"

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
