package respserver

import (
	"errors"
	"os"
)

// writeChunk is what a client must take within Config.WriteTimeout.
const writeChunk = 256 << 10

// Flush writes what is in Out and empties it, in the middle of a batch: for
// replies too large to be collected. It may split a reply. It waits for the
// client, at most Config.WriteTimeout per 256 KB; requests that the client
// sends meanwhile are read ahead, so that a client that writes everything
// before it reads anything is not stuck. After an error the connection is
// over and the handler should return.
func (c *Conn) Flush() error {
	if len(c.Out) == 0 {
		return c.writeErr
	}
	if len(c.Out) > c.server.cfg.Limits.MaxOutput && c.writeErr == nil {
		c.server.log.Warn("replies too large, client cut off",
			"conn", c.id, "remote", c.RemoteAddr(), "bytes", len(c.Out))
		c.writeErr = ErrOutputLimit
		c.hangUp()
	}
	err := c.write(c.Out)
	c.outUse.note(len(c.Out), cap(c.Out), keepBuffer, c.lastActive.Load())
	c.Out = c.Out[:0]
	return err
}

// write sends b, or fails for good.
func (c *Conn) write(b []byte) error {
	for len(b) > 0 && c.writeErr == nil {
		c.outBytes.Store(int64(len(b)))
		chunk := b[:min(len(b), writeChunk)]
		c.armWrite()
		n, err := c.writeDirect(chunk), error(nil)
		if n == 0 { // it has to wait, or fails: say so in the usual way
			c.Alone()
			c.armWrite() // a connection that comes from a loop has no deadline yet
			c.ahead.arm(c)
			n, err = c.net.Write(chunk)
			c.ahead.disarm(c)
		}
		c.bytesOut.Add(uint64(n))
		b = b[n:]
		if err != nil {
			c.writeErr = err
			if errors.Is(err, os.ErrDeadlineExceeded) {
				c.server.log.Warn("client reads its replies too slowly, cut off",
					"conn", c.id, "remote", c.RemoteAddr(), "bytes", len(b))
			}
			c.hangUp()
		}
	}
	c.outBytes.Store(0)
	return c.writeErr
}

// armWrite leaves between one and one and a quarter timeouts for the next
// write, so that the deadline is moved rarely.
func (c *Conn) armWrite() {
	now := c.since()
	c.lastActive.Store(int64(now))
	timeout := c.server.cfg.WriteTimeout
	if timeout > 0 && c.home == nil && c.writeBy < now+timeout {
		c.writeBy = now + timeout + timeout/4
		_ = c.net.SetWriteDeadline(c.created.Add(c.writeBy))
	}
}
