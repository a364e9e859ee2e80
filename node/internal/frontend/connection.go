package frontend

import (
	"bytes"
	"strconv"
	"time"

	"github.com/dynomite-go/dynomite/respserver"
)

const (
	errWrongPass = "WRONGPASS invalid username-password pair or user is disabled."
	errNoPass    = "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?"
	errName      = "ERR Client names cannot contain spaces, newlines or special characters."
)

// defaultUser is the only one, and it has no password.
const defaultUser = "default"

func ping(s *Session, args [][]byte, out []byte) []byte {
	switch len(args) {
	case 1:
		return append(out, "+PONG\r\n"...)
	case 2:
		return respserver.AppendBulk(out, args[1])
	}
	return appendArity(out, "ping")
}

func echo(_ *Session, args [][]byte, out []byte) []byte {
	return respserver.AppendBulk(out, args[1])
}

// hello is HELLO [version [AUTH user password] [SETNAME name]]. It changes
// nothing unless all of it is right.
func hello(s *Session, args [][]byte, out []byte) []byte {
	proto := s.Proto()
	if len(args) > 1 {
		version, ok := parseInt(args[1])
		if !ok {
			return appendError(out, "ERR Protocol version is not an integer or out of range")
		}
		if version != 2 && version != 3 {
			return appendError(out, "NOPROTO unsupported protocol version")
		}
		proto = int(version)
	}
	var name, user []byte
	for i := 2; i < len(args); i++ {
		switch left := len(args) - 1 - i; {
		case equalFold(args[i], "auth") && left >= 2:
			user = args[i+1]
			i += 2
		case equalFold(args[i], "setname") && left >= 1:
			name = args[i+1]
			if !printable(name) {
				return appendError(out, errName)
			}
			i++
		default:
			return appendError(out, "ERR Syntax error in HELLO option '"+quoted(args[i], len(args[i]))+"'")
		}
	}
	if user != nil && string(user) != defaultUser {
		return appendError(out, errWrongPass)
	}
	if name != nil {
		s.shown.setName(string(name))
	}
	s.conn.SetProto(proto)

	out = respserver.AppendMap(out, proto, 7)
	out = respserver.AppendBulkString(out, "server")
	out = respserver.AppendBulkString(out, "redis")
	out = respserver.AppendBulkString(out, "version")
	out = respserver.AppendBulkString(out, RedisVersion)
	out = respserver.AppendBulkString(out, "proto")
	out = respserver.AppendInt(out, int64(proto))
	out = respserver.AppendBulkString(out, "id")
	out = respserver.AppendInt(out, int64(s.ID))
	out = respserver.AppendBulkString(out, "mode")
	out = respserver.AppendBulkString(out, "standalone")
	out = respserver.AppendBulkString(out, "role")
	out = respserver.AppendBulkString(out, "master")
	out = respserver.AppendBulkString(out, "modules")
	return respserver.AppendArray(out, 0)
}

// auth knows no password: the default user may name itself with any.
func auth(_ *Session, args [][]byte, out []byte) []byte {
	switch {
	case len(args) > 3:
		return appendError(out, errSyntax)
	case len(args) == 2:
		return appendError(out, errNoPass)
	case string(args[1]) != defaultUser:
		return appendError(out, errWrongPass)
	}
	return respserver.AppendOK(out)
}

func selectDB(_ *Session, args [][]byte, out []byte) []byte {
	db, ok := parseInt(args[1])
	switch {
	case !ok:
		return appendError(out, errNotInteger)
	case db != int64(int32(db)):
		return appendError(out, "ERR value is out of range, value must between -2147483648 and 2147483647")
	case db != 0:
		return appendError(out, "ERR DB index is out of range")
	}
	return respserver.AppendOK(out)
}

// reset makes the connection as if it had just been opened.
func reset(s *Session, _ [][]byte, out []byte) []byte {
	s.ReadLevel, s.WriteLevel = s.front.cfg.ReadLevel, s.front.cfg.WriteLevel
	s.Ordered = false
	s.muted, s.skip, s.skipping, s.refuseNext = false, false, false, false
	s.conn.SetProto(2)
	s.shown.setName("")
	s.shown.set(flagTracking|flagNoEvict|flagNoTouch, false)
	return respserver.AppendSimple(out, "RESET")
}

func quit(s *Session, _ [][]byte, out []byte) []byte {
	s.end()
	return respserver.AppendOK(out)
}

// end closes the connection when the replies so far are written.
func (s *Session) end() {
	s.closing = true
	s.conn.CloseAfterReply()
}

func timeNow(_ *Session, _ [][]byte, out []byte) []byte {
	now := time.Now()
	out = respserver.AppendArray(out, 2)
	out = respserver.AppendBulkString(out, strconv.FormatInt(now.Unix(), 10))
	return respserver.AppendBulkString(out, strconv.Itoa(now.Nanosecond()/1000))
}

// printable says whether CLIENT LIST can show the word between spaces.
func printable(word []byte) bool {
	if zero := bytes.IndexByte(word, 0); zero >= 0 {
		word = word[:zero]
	}
	for _, c := range word {
		if c < '!' || c > '~' {
			return false
		}
	}
	return true
}
