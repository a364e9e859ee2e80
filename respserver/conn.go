package respserver

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Command is one request.
type Command struct {
	// Args are the request's words, at least one; Args[0] is the command's
	// name as sent. They lie in the connection's buffer: valid, and the
	// handler's to change, until Serve returns. Copy what is kept longer.
	Args [][]byte
}

// Handler executes requests. Its methods are called by many goroutines; those
// for one connection come one after another. A panic in any of them ends that
// connection only.
type Handler interface {
	// Open is called when a connection was accepted, after the TLS
	// handshake if there is one. If it returns an error, the client is
	// told "-ERR " and the error's text, or what Open appended to c.Out if
	// another code is wanted; then the connection is closed, and neither
	// Serve nor Close follow.
	Open(c *Conn) error
	// Serve executes requests in order and appends one reply for each to
	// c.Out, which is written when Serve returns. The batch holds all
	// complete requests at hand, at most Config.MaxBatch, and just one
	// while the connection is not trusted.
	Serve(c *Conn, batch []Command)
	// Close is called once, after the last Serve, when the connection
	// cannot be reached anymore through Server.Conns.
	Close(c *Conn)
}

// Conn is one client's connection. Out, Data, Flush, CloseAfterReply, Watch,
// Alone and Suspend belong to the goroutine that calls the handler, Out and Data
// after Suspend to whoever calls Resume; all else may be used by any goroutine.
type Conn struct {
	// Out collects replies, by the Append functions: c.Out =
	// AppendOK(c.Out). It is written and emptied after each Serve.
	Out []byte
	// Data is the handler's own, set in Open.
	Data any

	server  *Server
	id      uint64
	created time.Time
	local   net.Addr
	remote  net.Addr
	counted bool // Server.leave is to be called at the end

	// place guards what changes when the connection enters or leaves an
	// eventLoop. Who serves it, and nobody else, changes and may read them
	// without it.
	place sync.Mutex
	net   net.Conn
	home  *eventLoop // nil while it has a goroutine of its own
	fd    int        // in a loop: its descriptor

	// Who serves it owns these.
	parser   parser
	in       []byte // requests, in[start:end] not yet served
	start    int
	end      int
	batch    []Command
	args     [][]byte      // backs batch
	closing  bool          // CloseAfterReply was called
	overfull bool          // the last read filled all its room: there was more
	writeErr error         // the first one; nothing is written after it
	readErr  error         // found while reading ahead, met when ahead is used up
	readBy   time.Time     // deadline of reads, zero if none
	writeBy  time.Duration // deadline of writes on the connection's clock
	queryUse usage
	outUse   usage
	argsUse  usage
	ahead    readAhead
	direct   direct
	calm     int    // batches since one that had to be alone
	weighed  uint32 // the last weighing that counted it
	more     bool   // in a loop: there may be requests at hand

	// Of the batch that is served.
	full      bool  // more requests may follow it
	broken    error // what follows it is none
	whole     bool  // Serve did not panic
	suspended bool  // Suspend was called

	met     atomic.Int32  // who has come: Resume, and the end of Serve
	resumed chan struct{} // wakes its goroutine, if it has one
	where   atomic.Int32  // in a loop: who has it, see hereNow
	muted   bool          // the loop's own: it is not polled
	early   int           // the loop's own: how often it was readable and returning

	trusted    atomic.Bool
	proto      atomic.Int32
	idleAfter  atomic.Int64 // idle timeout in nanoseconds
	lastActive atomic.Int64 // nanoseconds since created
	queryBytes atomic.Int64
	outBytes   atomic.Int64
	bytesIn    atomic.Uint64
	bytesOut   atomic.Uint64

	asleep atomic.Bool   // in a read that wake may interrupt
	wanted atomic.Bool   // there is something to see to: pushes, or stop
	stop   atomic.Bool   // leave after the running batch
	gone   chan struct{} // closed when the client cannot be reached anymore
	hangUp func()        // closes gone, once

	mu      sync.Mutex // guards the fields below
	pushed  []byte     // frames to be written between two batches
	spare   []byte     // the buffer that pushed alternates with
	writing int        // bytes of pushed that are being written
	sealed  bool       // no more pushes
}

// ID is the connection's number, from 1, never reused by its Server.
func (c *Conn) ID() uint64 { return c.id }

// RemoteAddr is the client's address.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// LocalAddr is the address that the client connected to.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// NetConn is the network connection, for its facts such as
// tls.Conn.ConnectionState. Reading, writing, closing it or setting its
// deadlines breaks the protocol; see Kill. With Config.Share a plain socket
// may be replaced by one of another type that knows its addresses only.
func (c *Conn) NetConn() net.Conn {
	c.place.Lock()
	defer c.place.Unlock()
	return c.net
}

// Proto is the protocol that replies are written in: 2 at first, 3 when the
// handler agreed to HELLO 3.
func (c *Conn) Proto() int { return int(c.proto.Load()) }

// SetProto chooses the protocol; anything but 3 means 2.
func (c *Conn) SetProto(version int) {
	if version != 3 {
		version = 2
	}
	c.proto.Store(int32(version))
}

// Trusted reports whether the client may send requests of any size. While it
// may not (Config.RequireAuth, before SetAuthenticated), a request has at
// most 10 arguments of 16 KB, and comes to Serve alone, so that what follows
// AUTH in a pipeline is judged after it.
func (c *Conn) Trusted() bool { return c.trusted.Load() }

// SetAuthenticated makes the connection trusted or, as after RESET, not.
func (c *Conn) SetAuthenticated(yes bool) { c.trusted.Store(yes) }

// SetIdleTimeout replaces Config.IdleTimeout for this connection, at once.
// Zero means never: servers exempt subscribers, who only listen.
func (c *Conn) SetIdleTimeout(d time.Duration) {
	c.idleAfter.Store(int64(max(d, 0)))
	c.wake()
}

// Created is when the connection was accepted.
func (c *Conn) Created() time.Time { return c.created }

// LastActive is when bytes last arrived from the client, or were about to be
// sent to it.
func (c *Conn) LastActive() time.Time {
	return c.created.Add(time.Duration(c.lastActive.Load()))
}

// QueryBytes is how much was read and not yet served: the running batch and
// the incomplete request behind it.
func (c *Conn) QueryBytes() int { return int(c.queryBytes.Load()) }

// OutputBytes is how much is being written, or waits as pushed frames. It
// does not see replies that the handler is still appending.
func (c *Conn) OutputBytes() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return int(c.outBytes.Load()) + len(c.pushed)
}

// BytesRead is how much the client sent so far.
func (c *Conn) BytesRead() uint64 { return c.bytesIn.Load() }

// BytesWritten is how much was sent to the client so far.
func (c *Conn) BytesWritten() uint64 { return c.bytesOut.Load() }

// CloseAfterReply ends the connection when the running Serve has returned
// and its replies are written. The handler leaves the rest of its batch.
func (c *Conn) CloseAfterReply() { c.closing = true }

// Done is closed when the client cannot be reached anymore: it was killed, or
// cut off, or found gone by a read; see Watch.
func (c *Conn) Done() <-chan struct{} { return c.gone }

// Kill ends the connection at once; replies not yet written are lost. It does
// not wait for a running Serve, which learns of it by Done and Flush.
func (c *Conn) Kill() {
	defer c.hangUp() // last: who sees Done must not reach the client anymore
	c.stop.Store(true)
	c.place.Lock()
	defer c.place.Unlock()
	if c.home != nil {
		c.home.cut(c)
		return
	}
	// Closing a tls.Conn writes to the client first and may wait for it.
	if t, ok := c.net.(interface{ NetConn() net.Conn }); ok {
		t.NetConn().Close()
		return
	}
	c.net.Close()
}

// since is the time on the connection's own clock: in a loop, when its round
// began.
func (c *Conn) since() time.Duration {
	if c.home != nil {
		return c.home.now.Sub(c.created)
	}
	return time.Since(c.created)
}
