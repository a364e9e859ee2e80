package node_test

import (
	"context"
	"fmt"

	"go.uber.org/fx"

	"github.com/dynomite-go/dynomite/node"
)

// A node as a part of a program that is assembled with fx, which hears of its
// events.
func ExampleModule() {
	ctx := context.Background()
	var n *node.Node
	app := fx.New(
		fx.NopLogger,
		fx.Supply(node.Config{Listen: "none", PeerListen: "127.0.0.1:0", AdminListen: "none"}),
		node.Module,
		fx.Decorate(func() node.Observer {
			return node.Observer{LayoutFormed: func(l node.LayoutInfo) { fmt.Println("nodes:", l.Nodes) }}
		}),
		fx.Populate(&n),
	)
	if err := app.Start(ctx); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(n.Do(ctx, "PING"))
	fmt.Println(app.Stop(ctx))
	// Output:
	// nodes: 1
	// PONG <nil>
	// <nil>
}

// registry stands for whatever a program finds its nodes by.
type registry struct{ addr string }

func (r registry) Addresses(context.Context) ([]string, error) { return []string{r.addr}, nil }

// Two nodes become a cluster; the second one finds the first in a registry.
func ExampleWithSeeds() {
	ctx := context.Background()
	ready := make(chan struct{}, 2)
	start := func(rack string, opts ...node.Option) *node.Node {
		opts = append(opts, node.WithObserver(node.Observer{CatchUpFinished: func(node.CatchUpInfo) { ready <- struct{}{} }}))
		n, err := node.New(node.Config{
			Name: rack, Rack: rack, Expect: 2,
			Listen: "none", PeerListen: "127.0.0.1:0", AdminListen: "none",
		}, opts...)
		if err == nil {
			err = n.Start(ctx)
		}
		if err != nil {
			panic(err)
		}
		return n
	}
	first := start("r1")
	defer first.Stop(ctx)
	second := start("r2", node.WithSeeds(registry{first.PeerAddr()}))
	defer second.Stop(ctx)
	<-ready
	<-ready
	fmt.Println(first.Do(ctx, "SET", "greeting", "hello"))
	fmt.Println(second.Do(ctx, "GET", "greeting"))
	// Output:
	// OK <nil>
	// hello <nil>
}
