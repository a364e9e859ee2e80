package node

import (
	"bufio"
	"context"
	"errors"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/dynomite-go/dynomite/quorum"
)

// maxLocal is how many connections of Do are kept for the next call.
const maxLocal = 64

// maxLocalBuf bounds the buffer that a kept connection keeps.
const maxLocalBuf = 64 << 10

// localConns are connections of the node to itself, over pipes: what Do
// executes is what a client would get, to the letter.
type localConns struct {
	mu   sync.Mutex
	idle []*localConn
}

type localConn struct {
	conn  net.Conn
	r     *bufio.Reader
	level quorum.Level // 0: the configured ones
	buf   []byte
	ended bool // the context of a call ended: the deadline is past
	// read and write are the configured levels.
	read, write string
}

func (l *localConns) get(n *Node) (*localConn, error) {
	l.mu.Lock()
	if k := len(l.idle); k > 0 {
		c := l.idle[k-1]
		l.idle = l.idle[:k-1]
		l.mu.Unlock()
		return c, nil
	}
	l.mu.Unlock()
	r := n.runtime()
	if r == nil || r.server == nil {
		return nil, errors.New("node: not running")
	}
	near, far := net.Pipe()
	if !n.spawn(func() { r.server.ServeConn(far) }) {
		return nil, errors.New("node: not running")
	}
	c := &localConn{
		conn: near, r: bufio.NewReaderSize(near, 16<<10),
		read: n.cfg.ReadConsistency, write: n.cfg.WriteConsistency,
	}
	if _, err := c.do(context.Background(), 0, [][]byte{[]byte("HELLO"), []byte("3")}); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (l *localConns) put(c *localConn) {
	if cap(c.buf) > maxLocalBuf {
		c.buf = nil
	}
	l.mu.Lock()
	if !c.ended && len(l.idle) < maxLocal {
		l.idle = append(l.idle, c)
		c = nil
	}
	l.mu.Unlock()
	if c != nil {
		c.close()
	}
}

func (l *localConns) closeAll() {
	l.mu.Lock()
	idle := l.idle
	l.idle = nil
	l.mu.Unlock()
	for _, c := range idle {
		c.close()
	}
}

func (c *localConn) close() { c.conn.Close() }

// do sends a command, after one that sets the level if it is another than the
// last call's, and reads the reply.
func (c *localConn) do(ctx context.Context, level quorum.Level, words [][]byte) (any, error) {
	if ctx.Done() != nil {
		stop := context.AfterFunc(ctx, func() { c.conn.SetDeadline(time.Unix(1, 0)) })
		defer func() {
			if !stop() {
				c.ended = true
			}
		}()
	}
	replies := 1
	c.buf = c.buf[:0]
	if level != c.level {
		read, write := level.String(), level.String()
		if level == 0 {
			read, write = c.read, c.write
		}
		c.buf = appendRequest(c.buf, []byte("DYN.CONSISTENCY"), []byte("READ"), []byte(read))
		c.buf = appendRequest(c.buf, []byte("DYN.CONSISTENCY"), []byte("WRITE"), []byte(write))
		replies += 2
	}
	c.buf = appendRequest(c.buf, words...)
	v, err := c.exchange(replies)
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, err
	}
	c.level = level
	return v, nil
}

func (c *localConn) exchange(replies int) (v any, err error) {
	if _, err := c.conn.Write(c.buf); err != nil {
		return nil, err
	}
	for i := range replies {
		if v, err = readReply(c.r); err != nil {
			return nil, err
		}
		if e, ok := v.(ReplyError); ok && i < replies-1 {
			return nil, e
		}
	}
	return v, nil
}

func appendRequest(dst []byte, words ...[]byte) []byte {
	dst = append(dst, '*')
	dst = strconv.AppendInt(dst, int64(len(words)), 10)
	dst = append(dst, '\r', '\n')
	for _, w := range words {
		dst = append(dst, '$')
		dst = strconv.AppendInt(dst, int64(len(w)), 10)
		dst = append(dst, '\r', '\n')
		dst = append(dst, w...)
		dst = append(dst, '\r', '\n')
	}
	return dst
}
