package frontend

import (
	"strconv"
	"strings"
	"time"

	"github.com/dynomite-go/dynomite/respserver"
)

// clientHelp are Redis's sentences for what is supported.
var clientHelp = []string{
	"CACHING (YES|NO)",
	"    Enable/disable tracking of the keys for next command in OPTIN/OPTOUT modes.",
	"GETREDIR",
	"    Return the client ID we are redirecting to when tracking is enabled.",
	"GETNAME",
	"    Return the name of the current connection.",
	"ID",
	"    Return the ID of the current connection.",
	"INFO",
	"    Return information about the current client connection.",
	"KILL <ip:port>",
	"    Kill connection made from <ip:port>.",
	"KILL <option> <value> [<option> <value> [...]]",
	"    Kill connections. Options are:",
	"    * ADDR (<ip:port>|<unixsocket>:0)",
	"      Kill connections made from the specified address",
	"    * LADDR (<ip:port>|<unixsocket>:0)",
	"      Kill connections made to specified local address",
	"    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
	"      Kill connections by type.",
	"    * USER <username>",
	"      Kill connections authenticated by <username>.",
	"    * SKIPME (YES|NO)",
	"      Skip killing current connection (default: yes).",
	"LIST [options ...]",
	"    Return information about client connections. Options:",
	"    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
	"      Return clients of specified type.",
	"    * ID <id> [<id> [...]]",
	"      Return clients of specified IDs.",
	"REPLY (ON|OFF|SKIP)",
	"    Control the replies sent to the current connection.",
	"SETNAME <name>",
	"    Assign the name <name> to the current connection.",
	"SETINFO <option> <value>",
	"    Set client meta attr. Options are:",
	"    * LIB-NAME: the client lib name.",
	"    * LIB-VER: the client lib version.",
	"TRACKING (ON|OFF) [OPTIN] [NOLOOP]",
	"    Control server assisted client side caching.",
	"TRACKINGINFO",
	"    Report tracking status for the current connection.",
	"NO-EVICT (ON|OFF)",
	"    Protect current client connection from eviction.",
	"NO-TOUCH (ON|OFF)",
	"    Will not touch LRU/LFU stats when this mode is on.",
}

func clientID(s *Session, _ [][]byte, out []byte) []byte {
	return respserver.AppendInt(out, int64(s.ID))
}

// clientSetName sets the name; an empty one removes it.
func clientSetName(s *Session, args [][]byte, out []byte) []byte {
	if !printable(args[2]) {
		return appendError(out, errName)
	}
	s.shown.setName(string(args[2]))
	return respserver.AppendOK(out)
}

func clientGetName(s *Session, _ [][]byte, out []byte) []byte {
	name, _, _ := s.shown.text()
	if name == "" {
		return respserver.AppendNull(out, s.Proto())
	}
	return respserver.AppendBulkString(out, name)
}

func clientSetInfo(s *Session, args [][]byte, out []byte) []byte {
	var dst *string
	switch {
	case equalFold(args[2], "lib-name"):
		dst = &s.shown.libName
	case equalFold(args[2], "lib-ver"):
		dst = &s.shown.libVer
	default:
		return appendError(out, "ERR Unrecognized option '"+quoted(args[2], len(args[2]))+"'")
	}
	if !printable(args[3]) {
		return appendError(out, "ERR "+string(args[2])+" cannot contain spaces, newlines or special characters.")
	}
	s.shown.mu.Lock()
	*dst = string(args[3])
	s.shown.mu.Unlock()
	return respserver.AppendOK(out)
}

func clientInfo(s *Session, _ [][]byte, out []byte) []byte {
	return respserver.AppendVerbatim(out, s.Proto(), "txt", s.line(time.Now())+"\n")
}

// clientList is CLIENT LIST [TYPE type | ID id ...].
func clientList(s *Session, args [][]byte, out []byte) []byte {
	show := func(*Session) bool { return true }
	switch {
	case len(args) == 4 && equalFold(args[2], "type"):
		normal, ok := clientType(args[3])
		if !ok {
			return appendUnknownType(out, args[3])
		}
		show = func(*Session) bool { return normal }
	case len(args) > 3 && equalFold(args[2], "id"):
		ids := make(map[uint64]bool, len(args)-3)
		for _, arg := range args[3:] {
			id, ok := parseInt(arg)
			if !ok {
				return appendError(out, "ERR Invalid client ID")
			}
			ids[uint64(id)] = true
		}
		show = func(s *Session) bool { return ids[s.ID] }
	case len(args) != 2:
		return appendError(out, errSyntax)
	}
	now := time.Now()
	var b strings.Builder
	for _, other := range s.front.clients.all() {
		if show(other) {
			b.WriteString(other.line(now))
			b.WriteByte('\n')
		}
	}
	return respserver.AppendVerbatim(out, s.Proto(), "txt", b.String())
}

// line describes the session in the fields of Redis 7.2. What has no meaning
// here (the descriptor, Redis's buffers) is zero, or -1 where zero would mean
// something.
func (s *Session) line(now time.Time) string {
	name, libName, libVer := s.shown.text()
	cmd := "NULL"
	if e := s.shown.last.Load(); e != nil {
		cmd = e.name
	}
	redirect := "-1"
	if s.shown.has(flagTracking) {
		redirect = "0"
	}
	query, output := strconv.Itoa(s.conn.QueryBytes()), strconv.Itoa(s.conn.OutputBytes())
	return "id=" + strconv.FormatUint(s.ID, 10) +
		" addr=" + s.shown.addr +
		" laddr=" + s.shown.laddr +
		" fd=-1 name=" + name +
		" age=" + seconds(now.Sub(s.conn.Created())) +
		" idle=" + seconds(now.Sub(s.conn.LastActive())) +
		" flags=" + s.shown.letters() +
		" db=0 sub=0 psub=0 ssub=0 multi=-1" +
		" qbuf=" + query + " qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll=0" +
		" omem=" + output +
		" tot-mem=" + strconv.Itoa(s.conn.QueryBytes()+s.conn.OutputBytes()) +
		" events=r cmd=" + cmd +
		" user=" + defaultUser +
		" redir=" + redirect +
		" resp=" + strconv.Itoa(s.Proto()) +
		" lib-name=" + libName +
		" lib-ver=" + libVer
}

func seconds(d time.Duration) string {
	return strconv.FormatInt(int64(max(d, 0)/time.Second), 10)
}

// letters are the flags as CLIENT LIST shows them.
func (c *shown) letters() string {
	var b []byte
	for _, f := range []struct {
		flag   uint32
		letter byte
	}{{flagTracking, 't'}, {flagNoEvict, 'e'}, {flagNoTouch, 'T'}} {
		if c.has(f.flag) {
			b = append(b, f.letter)
		}
	}
	if b == nil {
		return "N"
	}
	return string(b)
}

// clientType reads a type of client. All clients are normal ones here.
func clientType(word []byte) (normal, ok bool) {
	switch strings.ToLower(string(word)) {
	case "normal":
		return true, true
	case "master", "slave", "replica", "pubsub":
		return false, true
	}
	return false, false
}

func appendUnknownType(out, word []byte) []byte {
	return appendError(out, "ERR Unknown client type '"+quoted(word, len(word))+"'")
}

// clientFlag answers CLIENT NO-EVICT and NO-TOUCH. Nothing is evicted here
// and nothing is ordered by its last use, so the flag is only shown.
func clientFlag(flag uint32) handler {
	return func(s *Session, args [][]byte, out []byte) []byte {
		on, ok := onOff(args[2])
		if !ok {
			return appendError(out, errSyntax)
		}
		s.shown.set(flag, on)
		return respserver.AppendOK(out)
	}
}

// clientReply is CLIENT REPLY ON|OFF|SKIP; only ON is answered.
func clientReply(s *Session, args [][]byte, out []byte) []byte {
	switch {
	case equalFold(args[2], "on"):
		s.muted, s.skipping = false, false
		return respserver.AppendOK(out)
	case equalFold(args[2], "off"):
		s.muted = true
		return out
	case equalFold(args[2], "skip"):
		s.skip = !s.muted
		return out
	}
	return appendError(out, errSyntax)
}
