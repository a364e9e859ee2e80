package peerwire

import (
	"errors"
	"fmt"
	"time"
)

// reply queues a reply, copying the payload.
func (c *serverConn) reply(id uint64, status byte, payload []byte) {
	large := len(payload) > MaxFrame
	if large {
		payload = append([]byte(nil), payload...)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.owed--
	if c.closed || c.closing {
		return
	}
	limit := c.srv.cfg.MaxQueueBytes
	if c.out.full(0, limit+queueSlack) {
		c.endLocked(fmt.Errorf("%w: client does not read its replies", ErrUnresponsive))
		return
	}
	if c.out.full(len(payload), limit) || len(payload) > c.max {
		status, payload, large = statusDropped, nil, false
	}
	f := frame{typ: frameReply, code: status, id: id}
	if large {
		c.out.putStream(f, 0, payload)
	} else {
		c.out.putSmall(&f, 0, payload)
	}
	if c.drained && c.owed == 0 {
		c.closeLocked(ErrStopped)
	}
	c.wakeLocked()
}

// wakeLocked has the writer, or the cork, write what is queued; the lock is held.
func (c *serverConn) wakeLocked() {
	switch {
	case !c.idle:
		return
	case c.closing:
	case c.corked:
		if c.out.bytes() < eagerBytes {
			return
		}
	case c.srv.cfg.Cork.note(c):
		c.corked = true
		return
	}
	c.idle = false
	c.cond.Signal()
}

// flush writes what is queued, in the writer's place if the connection takes it
// at once. The cork calls it.
func (c *serverConn) flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.corked = false
	if !c.idle || c.closed || c.closing || c.out.empty() {
		return
	}
	c.idle = false
	if c.direct == nil {
		c.cond.Signal()
		return
	}
	sent := c.out.take(0)
	c.mu.Unlock()
	n := c.direct.write(sent.buf)
	c.mu.Lock()
	if n < len(sent.buf) {
		c.cut, c.cutAt = sent, n
	} else {
		c.out.written(sent)
	}
	if c.cut != nil || c.closing || c.closed || !c.out.empty() {
		c.cond.Signal()
		return
	}
	c.idle = true
}

// drain refuses new requests and closes once none is owed a reply.
func (c *serverConn) drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drained = true
	if c.owed == 0 {
		c.closeLocked(ErrStopped)
	}
}

// closeLocked has the writer write what is queued and a last word, and close.
// The lock is held.
func (c *serverConn) closeLocked(cause error) {
	if c.closing || c.closed {
		return
	}
	c.closing, c.cause = true, cause
	c.word = appendSmall(nil, frameClose, 0, []byte(cause.Error()))
	c.wakeLocked()
}

// finish ends the connection after the reader failed with err: with a last word
// if the other end may still listen.
func (c *serverConn) finish(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if errors.Is(err, ErrProtocol) || errors.Is(err, ErrVersion) {
		c.closeLocked(err)
		c.conn.SetWriteDeadline(time.Now().Add(lastWords))
	} else {
		c.endLocked(err)
	}
}

// end closes the connection at once.
func (c *serverConn) end(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endLocked(cause)
}

func (c *serverConn) endLocked(cause error) {
	if c.cause == nil {
		c.cause = cause
	}
	c.closed = true
	c.conn.Close()
	c.idle = false
	c.cond.Signal()
}

// write writes what is queued until the connection is closed.
func (c *serverConn) write() {
	var sent *chunk
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		if sent != nil {
			c.out.written(sent)
		}
		for !c.closed && !c.closing && c.cut == nil && c.out.empty() {
			c.idle = true
			c.cond.Wait()
		}
		if c.closed {
			return
		}
		var b []byte
		switch {
		case c.cut != nil:
			sent, c.cut = c.cut, nil
			b = sent.buf[c.cutAt:]
		case !c.out.empty():
			sent = c.out.take(0)
			b = sent.buf
		case c.word != nil:
			b, c.word, sent = c.word, nil, nil
		default:
			c.endLocked(nil) // closing, and all is said
			return
		}
		c.mu.Unlock()
		_, err := c.conn.Write(b)
		c.mu.Lock()
		if err != nil {
			c.endLocked(err)
		}
	}
}
