package node_test

import (
	"context"
	"fmt"

	"github.com/dynomite-go/dynomite/node"
)

func Example() {
	ctx := context.Background()
	n, err := node.New(node.Config{Listen: "127.0.0.1:0", PeerListen: "127.0.0.1:0", AdminListen: "none"})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := n.Start(ctx); err != nil {
		fmt.Println(err)
		return
	}
	defer n.Stop(ctx)
	if _, err := n.Do(ctx, "HSET", "user:1", "name", "Ada", "visits", 1); err != nil {
		fmt.Println(err)
		return
	}
	visits, err := n.Do(ctx, "HINCRBY", "user:1", "visits", 41)
	fmt.Println(visits, err)
	// Output: 42 <nil>
}
