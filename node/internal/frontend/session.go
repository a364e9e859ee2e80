package frontend

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/dynomite-go/dynomite/quorum"
	"github.com/dynomite-go/dynomite/respserver"
)

// Session is one connection. The exported fields belong to the goroutine that
// serves the connection: the router may read and write them during
// [Router.Run] and at no other time.
type Session struct {
	// ID is the number that CLIENT ID shows, unique in this process.
	ID uint64
	// ReadLevel and WriteLevel are how consistent the connection wants its
	// reads and writes (DYN.CONSISTENCY).
	ReadLevel, WriteLevel quorum.Level
	// Ordered asks that commands with different primaries run in the order
	// that they were sent (DYN.ORDER ON).
	Ordered bool
	// Scratch is the router's memory for this connection, kept from one Run to
	// the next; nil at first.
	Scratch any

	front *Frontend
	conn  *respserver.Conn
	stats *statsShard

	// The group that is being gathered, and the table's entries beside it.
	group   []Request
	entries []*entry
	// During Run: settled replies of the group, and where in the output the
	// next one starts.
	settled int
	from    int

	now time.Time // the last time that somebody asked for

	// last is the entry that was looked up last; pipelines repeat themselves.
	last *entry

	muted    bool // CLIENT REPLY OFF
	skip     bool // CLIENT REPLY SKIP: the next command's reply is dropped
	skipping bool // this command's reply is dropped
	closing  bool // nothing more is executed
	// refuseNext: CLIENT CACHING YES was refused, and the command that it was
	// about follows.
	refuseNext bool

	shown shown
}

// Proto is the RESP version of the connection's replies, 2 or 3.
func (s *Session) Proto() int { return s.conn.Proto() }

// Flush writes out to the client and returns it emptied, for a router whose
// replies grow large. out must be what Run was given, with whole replies
// appended. Replies that the client asked not to get are dropped.
func (s *Session) Flush(out []byte) []byte {
	s.conn.Out = s.settle(out)
	s.flush()
	s.from = len(s.conn.Out)
	return s.conn.Out
}

// Alone is to be called by the router before it waits for anything but the
// client; see [respserver.Conn.Alone].
func (s *Session) Alone() { s.conn.Alone() }

// Suspend is called by a [Starter] that answers later, before it hands the
// session to whoever does; see [respserver.Conn.Suspend].
func (s *Session) Suspend() { s.conn.Suspend() }

// Out is the output that a suspended session's replies are appended to.
func (s *Session) Out() []byte { return s.conn.Out }

// Finish ends what Suspend began. out is Out with the replies of the group
// appended.
func (s *Session) Finish(out []byte) {
	s.endGroup(out)
	s.conn.Resume()
}

// RemoteAddr is the client's address.
func (s *Session) RemoteAddr() string { return s.shown.addr }

// Done is closed when the client cannot be reached anymore; it may help a
// router to give up early.
func (s *Session) Done() <-chan struct{} { return s.conn.Done() }

// shown is what other connections may see of a session (CLIENT LIST).
type shown struct {
	addr, laddr string
	last        atomic.Pointer[entry] // the last command
	flags       atomic.Uint32

	mu              sync.Mutex
	name            string
	libName, libVer string
}

// Flags of a connection, with the letters of CLIENT LIST.
const (
	flagTracking = 1 << iota // t
	flagNoEvict              // e
	flagNoTouch              // T
)

func (c *shown) set(flag uint32, on bool) {
	if on {
		c.flags.Or(flag)
	} else {
		c.flags.And(^flag)
	}
}

func (c *shown) has(flag uint32) bool { return c.flags.Load()&flag != 0 }

func (c *shown) setName(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.name = name
}

func (c *shown) text() (name, libName, libVer string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.name, c.libName, c.libVer
}
