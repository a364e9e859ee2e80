package peerwire

import (
	"context"
	"net"
	"sync"
	"testing"
)

// masking is a connection of somebody else's type that changes what is read and
// written, as one that encrypts would.
type masking struct{ *net.TCPConn }

func (c masking) Read(b []byte) (int, error) {
	n, err := c.TCPConn.Read(b)
	for i := range b[:n] {
		b[i] ^= 0x55
	}
	return n, err
}

func (c masking) Write(b []byte) (int, error) {
	masked := make([]byte, len(b))
	for i := range b {
		masked[i] = b[i] ^ 0x55
	}
	return c.TCPConn.Write(masked)
}

// Nothing goes past the methods of a connection that wraps a socket: if one end
// did, they would not understand each other.
func TestPeer_WrappedSocket_IsReadAndWrittenByItsOwnMethods(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cork := new(Cork)
	server, err := NewServer(ServerConfig{Cork: cork, Handler: echo})
	if err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			served.Go(func() { _ = server.ServeConn(masking{conn.(*net.TCPConn)}) })
		}
	})
	p := newPeer(t, PeerConfig{Cork: cork, Dial: func(ctx context.Context) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
		if err != nil {
			return nil, err
		}
		return struct{ net.Conn }{masking{conn.(*net.TCPConn)}}, nil // shows no socket at all
	}})
	if err := p.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	for range 10 {
		cork.Hold()
		reply := send(t, p, Request{Payload: []byte("x")})
		cork.Release()
		if r := <-reply; r.err != nil || r.reply != "x" {
			t.Fatalf("%q, %v", r.reply, r.err)
		}
	}
	ctx := t.Context()
	if err := p.Stop(ctx); err != nil {
		t.Error(err)
	}
	if err := server.Stop(ctx); err != nil {
		t.Error(err)
	}
	l.Close()
	served.Wait()
}
