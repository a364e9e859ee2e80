package node

import (
	"context"
	"net"
	"sync"
	"time"
)

// securedListener secures the streams that it accepts, each at its first use,
// so that a slow handshake holds up nobody else.
type securedListener struct {
	net.Listener
	auth PeerAuth
}

func (l securedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &securedConn{Conn: conn, auth: l.auth}, nil
}

// securedConn runs the handshake at the first Read or Write.
type securedConn struct {
	net.Conn // the stream as accepted: addresses, deadlines, Close
	auth     PeerAuth
	once     sync.Once
	secured  net.Conn
	err      error
}

// handshakeTimeout bounds a handshake: a packet that is sent again takes 1
// and then 2 seconds.
const handshakeTimeout = 5 * time.Second

func (c *securedConn) handshake() error {
	c.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), handshakeTimeout)
		defer cancel()
		c.secured, c.err = c.auth.Server(ctx, c.Conn)
	})
	return c.err
}

func (c *securedConn) Read(b []byte) (int, error) {
	if err := c.handshake(); err != nil {
		return 0, err
	}
	return c.secured.Read(b)
}

func (c *securedConn) Write(b []byte) (int, error) {
	if err := c.handshake(); err != nil {
		return 0, err
	}
	return c.secured.Write(b)
}
