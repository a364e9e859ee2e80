package peerwire

import (
	"fmt"
	"net"
	"time"
)

// write writes what is queued until the connection is closed.
func (l *link) write(conn net.Conn) {
	var c *chunk
	l.mu.Lock()
	for {
		if c != nil {
			l.out.written(c)
		}
		for !l.closing && l.cut == nil && l.out.empty() {
			if l.peer.stopping.Load() {
				l.mu.Unlock()
				l.peer.checkDrained()
				l.mu.Lock()
				if l.closing || l.cut != nil || !l.out.empty() {
					break
				}
			}
			l.idle = true
			l.cond.Wait()
		}
		if l.closing {
			l.mu.Unlock()
			return
		}
		at := 0
		if l.cut != nil {
			c, at, l.cut = l.cut, l.cutAt, nil
		} else {
			c = l.out.take(time.Since(l.peer.base))
		}
		l.mu.Unlock()
		_, err := conn.Write(c.buf[at:])
		if err != nil {
			l.close(err)
		}
		l.mu.Lock()
	}
}

// flush writes what is queued, in the writer's place if the connection takes it
// at once. The cork calls it.
func (l *link) flush() {
	l.mu.Lock()
	l.corked = false
	conn := l.conn
	if !l.idle || conn == nil || l.closing || l.out.empty() {
		l.mu.Unlock()
		return
	}
	l.idle = false
	d := l.direct
	if d == nil {
		l.cond.Signal()
		l.mu.Unlock()
		return
	}
	c := l.out.take(time.Since(l.peer.base))
	l.mu.Unlock()
	n := d.write(c.buf)
	l.mu.Lock()
	switch {
	case l.conn != conn || l.closing:
		// What was queued has failed, or is about to.
	case n < len(c.buf):
		l.cut, l.cutAt = c, n
		l.cond.Signal()
	default:
		l.out.written(c)
		if l.out.empty() {
			l.idle = true
		} else {
			l.cond.Signal()
		}
	}
	l.mu.Unlock()
	l.peer.checkDrained()
}

// read reads replies until the connection ends.
func (l *link) read(conn net.Conn) error {
	r := frameReader{r: reader(conn, l.direct)}
	in := inbox{max: l.peer.cfg.MaxMessageBytes}
	keep := func(f *frame) bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.wait.find(f.id) != nil
	}
	var f frame
	for {
		if err := r.fill(); err != nil {
			return err
		}
		l.reads.Add(1)
		l.peer.cfg.Cork.Hold()
		var err error
		for {
			var ok bool
			if ok, err = r.next(&f); err != nil || !ok {
				break
			}
			if err = l.handle(&f, &in, keep); err != nil {
				break
			}
		}
		l.complete()
		l.peer.cfg.Cork.Release()
		if err != nil {
			return err
		}
	}
}

// handle takes one frame; whole replies are gathered in l.ready.
func (l *link) handle(f *frame, in *inbox, keep func(*frame) bool) error {
	switch f.typ {
	case frameReply:
		whole, err := in.add(f, keep)
		if err != nil || !whole {
			return err
		}
		l.ready = append(l.ready, l.outcome(f))
	case framePong:
		l.pong(f.id)
	case frameAbort:
		in.drop(f.id)
	case frameClose:
		return &ClosedError{Reason: string(f.payload)}
	case framePing:
		l.mu.Lock()
		l.out.control = appendSmall(l.out.control, framePong, f.id, nil)
		l.wakeLocked()
		l.mu.Unlock()
	case frameVoid:
	default:
		return fmt.Errorf("%w: a server sent frame type %d", ErrProtocol, f.typ)
	}
	return nil
}

// outcome translates a reply; its callback is found later, for all replies of a
// read under one lock.
func (l *link) outcome(f *frame) ready {
	p := l.peer
	r := ready{id: f.id, payload: f.payload}
	switch f.code {
	case statusOK:
	case statusRefused:
		r.err = p.errRefused
	case statusDropped:
		r.err = p.errDropped
	default:
		r.err = &Error{Peer: p.cfg.Remote, Sent: true, Err: fmt.Errorf("%w: reply status %d", ErrProtocol, f.code)}
	}
	return r
}

// complete calls the callbacks of the replies that were gathered.
func (l *link) complete() {
	if len(l.ready) == 0 {
		return
	}
	l.mu.Lock()
	for i := range l.ready {
		l.ready[i].done = l.wait.remove(l.ready[i].id)
	}
	l.mu.Unlock()
	for i := range l.ready {
		r := &l.ready[i]
		if r.done == nil {
			continue // too late, or an answer that nobody asked for
		}
		if r.err != nil {
			r.done(nil, r.err)
		} else {
			r.done(r.payload, nil)
		}
	}
	clear(l.ready)
	l.ready = l.ready[:0]
	l.peer.checkDrained()
}
