package frontend

import (
	"cmp"
	"net"
	"slices"
	"sync"
	"sync/atomic"
)

// clients are the open connections.
type clients struct {
	mu       sync.Mutex
	sessions map[uint64]*Session

	accepted, refused atomic.Int64
	// Of connections that are closed; under mu.
	bytesIn, bytesOut int64
}

// add admits a session unless there are limit already.
func (c *clients) add(s *Session, limit int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if int64(len(c.sessions)) >= limit {
		c.refused.Add(1)
		return false
	}
	if c.sessions == nil {
		c.sessions = make(map[uint64]*Session)
	}
	c.sessions[s.ID] = s
	c.accepted.Add(1)
	return true
}

// remove forgets a session; it may be called again.
func (c *clients) remove(s *Session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sessions[s.ID] != s {
		return
	}
	delete(c.sessions, s.ID)
	c.bytesIn += int64(s.conn.BytesRead())
	c.bytesOut += int64(s.conn.BytesWritten())
}

func (c *clients) len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.sessions)
}

// all returns the sessions, the oldest first.
func (c *clients) all() []*Session {
	c.mu.Lock()
	list := make([]*Session, 0, len(c.sessions))
	for _, s := range c.sessions {
		list = append(list, s)
	}
	c.mu.Unlock()
	slices.SortFunc(list, func(a, b *Session) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// bytes is how much all connections sent to us and got from us.
func (c *clients) bytes() (in, out int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	in, out = c.bytesIn, c.bytesOut
	for _, s := range c.sessions {
		in += int64(s.conn.BytesRead())
		out += int64(s.conn.BytesWritten())
	}
	return in, out
}

// address is how Redis writes an address: a Unix socket's path gets ":0".
func address(a net.Addr) string {
	if a == nil {
		return ""
	}
	if a.Network() == "unix" {
		return a.String() + ":0"
	}
	return a.String()
}
