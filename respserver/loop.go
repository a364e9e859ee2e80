package respserver

import (
	"context"
	"errors"
	"runtime/debug"
	"time"
)

// lingerFor is how long a connection that the server ends is read and
// discarded, so that a client that was still sending gets the last replies: a
// socket closed with unread bytes takes them back.
const lingerFor = 250 * time.Millisecond

// recently is how long after its last request a client may still be at reading
// the replies when the server stops.
const recently = time.Second

// errStop ends the loop because the server stops.
var errStop = errors.New("respserver: stop")

// run is the connection's life, on its goroutine, unless it goes on in a loop.
func (c *Conn) run() {
	if err := c.handshake(); err != nil {
		c.server.log.Debug("TLS handshake", "remote", c.RemoteAddr(), "err", err)
		c.shut(false)
		return
	}
	if !c.open() {
		c.shut(c.Flush() == nil)
		return
	}
	c.proceed(false)
}

// proceed serves the connection on this goroutine until it ends or a loop
// takes it. full says that there may be requests at hand.
func (c *Conn) proceed(full bool) {
	if linger, ended := c.loop(full); ended {
		c.finish(linger)
	}
}

// finish is how a connection that was open ends.
func (c *Conn) finish(linger bool) {
	c.server.unlist(c)
	c.seal()
	c.guard(func() { c.server.cfg.Handler.Close(c) })
	c.shut(linger)
}

// shut closes the connection.
func (c *Conn) shut(linger bool) {
	c.hangUp()
	if linger {
		c.linger()
	}
	c.net.Close()
	c.server.unlist(c)
	if c.counted {
		c.server.leave()
	}
}

// handshake completes that of a TLS connection.
func (c *Conn) handshake() error {
	t, ok := c.net.(interface{ HandshakeContext(context.Context) error })
	if !ok {
		return nil
	}
	ctx := c.server.ctx
	if d := c.server.cfg.HandshakeTimeout; d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	return t.HandshakeContext(ctx)
}

// open asks the handler whether it takes the connection.
func (c *Conn) open() bool {
	var err error
	if !c.guard(func() { err = c.server.cfg.Handler.Open(c) }) {
		return false
	}
	if err != nil && len(c.Out) == 0 {
		c.Out = AppendError(c.Out, "ERR "+err.Error())
	}
	if err != nil {
		return false
	}
	c.server.list(c)
	return true
}

// loop reads, serves and writes until something ends the connection, or
// until a loop of many takes it: then nothing of it may be touched anymore.
// linger is whether the client should get the last replies in peace.
func (c *Conn) loop(full bool) (linger, ended bool) {
	for {
		if !full || c.stop.Load() {
			if c.calm >= c.server.calmBatches && c.share() {
				return false, false
			}
			if err := c.fill(); err != nil {
				return c.lingers(err), true
			}
		}
		switch c.step() {
		case more:
			full = true
		case rest:
			full = false
		case over:
			return false, true
		case overGently:
			return true, true
		}
	}
}

// lingers says whether the client should get the last replies in peace when
// err ended the connection between two batches.
func (c *Conn) lingers(err error) bool {
	return err == errStop && c.since()-time.Duration(c.lastActive.Load()) < recently
}

// outcome is how a step ended.
type outcome int

const (
	rest       outcome = iota // what was at hand is served
	more                      // there may be more requests at hand
	away                      // in a loop: somebody else has it until Resume
	over                      // it is to be ended
	overGently                // the same, when the client has got the last replies
)

// step serves a batch of the requests at hand.
func (c *Conn) step() outcome {
	c.full, c.broken = c.collect()
	c.whole = true
	if len(c.batch) > 0 {
		c.calm++
		c.whole = c.guard(c.serve)
		if c.suspended && c.leave() {
			return away
		}
	}
	return c.settle()
}

// settle writes the replies of a batch that was served.
func (c *Conn) settle() outcome {
	if len(c.batch) > 0 {
		if c.Flush() != nil {
			return over
		}
		c.argsUse.note(len(c.args), cap(c.args), keepArgs, c.lastActive.Load())
		if !c.whole || c.closing {
			return overGently
		}
	}
	switch {
	case c.broken != nil:
		c.server.log.Debug("protocol error", "conn", c.id, "remote", c.RemoteAddr(), "err", c.broken)
		c.Out = AppendError(c.Out, "ERR "+c.broken.Error())
		if c.Flush() != nil {
			return over
		}
		return overGently
	case c.full:
		return more
	}
	return rest
}

// collect parses the complete requests at hand into c.batch. It reports
// whether there may be more of them.
func (c *Conn) collect() (full bool, err error) {
	c.batch, c.args = c.batch[:0], c.args[:0]
	trusted, size := c.trusted.Load(), c.server.cfg.MaxBatch
	if !trusted {
		size = 1 // AUTH may change how the next request is judged
	}
	for len(c.batch) < size {
		request := c.in[c.start:c.end]
		n, err := c.parser.next(request, trusted)
		if n == 0 {
			return false, err
		}
		c.start += n
		if len(c.parser.spans) == 0 {
			continue
		}
		first := len(c.args)
		for _, s := range c.parser.spans {
			// Full slice expressions: appending to an argument must not
			// overwrite the next one.
			c.args = append(c.args, request[s.from:s.to:s.to])
		}
		c.batch = append(c.batch, Command{Args: c.args[first:len(c.args):len(c.args)]})
	}
	return true, nil
}

// guard calls the handler. A panic is told to the log and, briefly, to the
// client; then guard reports false.
func (c *Conn) guard(call func()) (whole bool) {
	defer func() {
		if whole {
			return
		}
		if v := recover(); v != nil {
			c.server.log.Error("panic in handler", "conn", c.id, "remote", c.RemoteAddr(),
				"panic", v, "stack", string(debug.Stack()))
			c.Out = AppendError(c.Out, "ERR internal error")
		}
	}()
	call()
	return true
}

// linger reads until the client closes too, for a short while.
func (c *Conn) linger() {
	half, ok := c.net.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	_ = c.net.SetReadDeadline(time.Now().Add(lingerFor))
	if len(c.in) == 0 {
		c.in = make([]byte, startBuffer)
	}
	for {
		if _, err := c.net.Read(c.in); err != nil {
			return
		}
	}
}
