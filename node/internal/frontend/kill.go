package frontend

import "github.com/dynomite-go/dynomite/respserver"

// clientKill is CLIENT KILL addr, or CLIENT KILL option value ... with the
// number of clients ended for an answer.
func clientKill(s *Session, args [][]byte, out []byte) []byte {
	if len(args) == 3 {
		addr := string(args[2])
		if s.front.kill(s, func(o *Session) bool { return o.shown.addr == addr }) == 0 {
			return appendError(out, "ERR No such client")
		}
		return respserver.AppendOK(out)
	}
	var match []func(*Session) bool
	skipMe := true
	for i := 2; i < len(args); i += 2 {
		if i+1 == len(args) {
			return appendError(out, errSyntax)
		}
		value := args[i+1]
		switch option := args[i]; {
		case equalFold(option, "id"):
			id, ok := parseInt(value)
			if !ok || id < 1 {
				return appendError(out, "ERR client-id should be greater than 0")
			}
			match = append(match, func(o *Session) bool { return o.ID == uint64(id) })
		case equalFold(option, "type"):
			normal, ok := clientType(value)
			if !ok {
				return appendUnknownType(out, value)
			}
			match = append(match, func(*Session) bool { return normal })
		case equalFold(option, "addr"):
			addr := string(value)
			match = append(match, func(o *Session) bool { return o.shown.addr == addr })
		case equalFold(option, "laddr"):
			laddr := string(value)
			match = append(match, func(o *Session) bool { return o.shown.laddr == laddr })
		case equalFold(option, "user"):
			if string(value) != defaultUser {
				return appendError(out, "ERR No such user '"+quoted(value, len(value))+"'")
			}
		case equalFold(option, "skipme"):
			yes, ok := yesNo(value)
			if !ok {
				return appendError(out, errSyntax)
			}
			skipMe = yes
		default:
			return appendError(out, errSyntax)
		}
	}
	n := s.front.kill(s, func(o *Session) bool {
		if skipMe && o == s {
			return false
		}
		for _, m := range match {
			if !m(o) {
				return false
			}
		}
		return true
	})
	return respserver.AppendInt(out, int64(n))
}

// kill ends the sessions that match and says how many. The one that asks gets
// its reply first.
func (f *Frontend) kill(asking *Session, match func(*Session) bool) int {
	n := 0
	for _, s := range f.clients.all() {
		if !match(s) {
			continue
		}
		n++
		if s == asking {
			s.end()
			continue
		}
		// It is gone from now on, though its goroutine may take a moment.
		f.clients.remove(s)
		s.conn.Kill()
	}
	return n
}
