package respserver

import (
	"bytes"
	"net"
	"testing"
)

// shouting is a connection of somebody else's type that changes what is
// written, as one that encrypts would.
type shouting struct{ *net.TCPConn }

func (c shouting) Write(b []byte) (int, error) { return c.TCPConn.Write(bytes.ToUpper(b)) }

type shoutingListener struct{ net.Listener }

func (l shoutingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return shouting{c.(*net.TCPConn)}, nil
}

// Nothing goes past the methods of a connection that wraps a socket.
func TestServe_WrappedSocket_WritesByItsOwnMethod(t *testing.T) {
	s := mustNew(t, Config{Share: true, Handler: hooks{}})
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(shoutingListener{inner}) }()
	c := dial(t, inner.Addr().String())
	for range 4 {
		send(t, c, request("ping"))
		expect(t, c, request("PING"))
	}
	stop(t, s)
	if err := <-served; err != nil {
		t.Error(err)
	}
}
