package peerwire_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/dynomite-go/dynomite/peerwire"
)

// A node that answers, and one that asks.
func Example() {
	server, err := peerwire.NewServer(peerwire.ServerConfig{
		Cluster: "example",
		Node:    "b",
		Handler: peerwire.HandlerFunc(func(in *peerwire.Incoming) {
			in.Reply([]byte(strings.ToUpper(string(in.Payload)) + ", " + in.From))
		}),
	})
	if err != nil {
		panic(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	mux := peerwire.NewMux(listener, 0)
	mux.Handle(peerwire.MagicPeer, func(c net.Conn) { server.ServeConn(c) })
	go mux.Serve()

	peer, err := peerwire.NewPeer(peerwire.PeerConfig{
		Cluster: "example",
		Node:    "a",
		Remote:  "b",
		Dial: func(ctx context.Context) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", listener.Addr().String())
		},
	})
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	peer.Start(ctx)
	if err := peer.Ready(ctx); err != nil {
		panic(err)
	}

	// Waiting for the reply.
	reply, err := peer.Call(ctx, peerwire.Request{Payload: []byte("hello")})
	fmt.Println(string(reply), err)

	// Being called back.
	done := make(chan struct{})
	peer.Send(peerwire.Request{Payload: []byte("pipelined")}, func(reply []byte, err error) {
		fmt.Println(string(reply), err)
		close(done)
	})
	<-done

	mux.Stop(ctx)
	server.Stop(ctx)
	peer.Stop(ctx)
	_, err = peer.Call(ctx, peerwire.Request{})
	fmt.Println(errors.Is(err, peerwire.ErrStopped), peerwire.Sent(err))
	// Output:
	// HELLO, a <nil>
	// PIPELINED, a <nil>
	// true false
}
