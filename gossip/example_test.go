package gossip_test

import (
	"context"
	"fmt"
	"net"

	"github.com/dynomite-go/dynomite/gossip"
	"github.com/dynomite-go/dynomite/gossip/gossiptest"
)

// Two nodes find each other on a network in memory. With real sockets, Packets
// is a *net.UDPConn, Dial a net.Dialer's, and the listener one of TCP.
func Example() {
	var network gossiptest.Network
	joined := make(chan gossip.Event, 1)
	start := func(name, addr string, onEvent func(gossip.Event)) *gossip.Membership {
		packets, err := network.ListenPacket(addr)
		if err != nil {
			panic(err)
		}
		streams, err := network.Listen(addr)
		if err != nil {
			panic(err)
		}
		m, err := gossip.New(gossip.Config{
			Name:      name,
			Cluster:   "example",
			Advertise: addr,
			Meta:      []byte("rack=" + name),
			Packets:   packets,
			Dial:      func(ctx context.Context, to string) (net.Conn, error) { return network.Dialer(addr)(ctx, to) },
			Seeds:     []string{"10.0.0.1:8101"},
			OnEvent:   onEvent,
		})
		if err != nil {
			panic(err)
		}
		if err := m.Start(context.Background()); err != nil {
			panic(err)
		}
		go m.Serve(streams)
		return m
	}
	a := start("a", "10.0.0.1:8101", func(e gossip.Event) {
		if e.Kind == gossip.Joined {
			joined <- e
		}
	})
	b := start("b", "10.0.0.2:8101", nil)

	e := <-joined
	fmt.Println(e.Member.Name, e.Kind, string(e.Member.Meta))
	for _, m := range a.Members() {
		fmt.Println(m.Name, m.Addr, m.State)
	}
	b.Stop(context.Background())
	a.Stop(context.Background())
	// Output:
	// b joined rack=b
	// a 10.0.0.1:8101 alive
	// b 10.0.0.2:8101 alive
}
