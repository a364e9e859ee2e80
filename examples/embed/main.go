// Embed runs a Redis-compatible node inside a program of its own.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/dynomite-go/dynomite/node"
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	n, err := node.New(node.Config{Listen: "127.0.0.1:0", PeerListen: "127.0.0.1:0", AdminListen: "none"})
	if err != nil {
		return err
	}
	if err := n.Start(ctx); err != nil {
		return err
	}
	defer n.Stop(ctx)
	log.Println("Redis clients can connect to", n.Addr())

	visits, err := n.Do(ctx, "INCR", "visits")
	fmt.Println("visits:", visits)
	return err
}
