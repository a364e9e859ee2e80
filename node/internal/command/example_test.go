package command_test

import (
	"context"
	"fmt"

	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/node/internal/command"
)

// Two stores execute commands on one counter without seeing each other, and
// join what was written.
func ExampleCall_Exec() {
	ctx := context.Background()
	here, _ := datastore.Open(ctx, datastore.Config{Clock: datastore.NewClock(1, nil)})
	defer here.Close()
	there, _ := datastore.Open(ctx, datastore.Config{Clock: datastore.NewClock(2, nil)})
	defer there.Close()

	var c command.Call
	exec := func(store datastore.Store, words ...string) {
		c.Args = c.Args[:0]
		for _, word := range words {
			c.Args = append(c.Args, []byte(word))
		}
		c.Out, c.Delta = c.Out[:0], c.Delta[:0]
		if c.Spec = command.Resolve(c.Args); c.Spec == nil {
			c.Out = command.AppendUnknown(c.Out, c.Args)
		} else if err := c.Exec(store); err != nil {
			fmt.Println(err)
		}
		fmt.Printf("%q\n", c.Out)
	}
	exec(here, "INCRBY", "visits", "40")
	exec(there, "INCRBY", "visits", "2")
	if _, err := here.Merge([]byte("visits"), c.Delta, datastore.MergeOptions{}, nil); err != nil {
		fmt.Println(err)
	}
	exec(here, "GET", "visits")
	exec(here, "HGET", "visits", "today")
	// Output:
	// ":40\r\n"
	// ":2\r\n"
	// "$2\r\n42\r\n"
	// "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
}
