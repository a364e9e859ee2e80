package hints_test

import (
	"context"
	"fmt"

	"github.com/dynomite-go/dynomite/hints"
)

func Example() {
	log, _, err := hints.Open(hints.Config{
		Self: "node-a",
		Join: func(dst, _, older, newer []byte) ([]byte, error) { // a set of letters: joining is union
			return fmt.Appendf(dst, "%s%s", older, newer), nil
		},
	})
	if err != nil {
		panic(err)
	}
	defer log.Close()
	for _, delta := range []string{"a", "b", "c"} { // node-b is away
		if err := log.Append("node-b", 7, []byte("key"), []byte(delta)); err != nil {
			panic(err)
		}
	}
	// It is back.
	err = log.Replay(context.Background(), "node-b", nil, func(_ context.Context, records []hints.Record) error {
		for _, r := range records {
			fmt.Printf("%s: %s\n", r.Key, r.Delta)
		}
		return nil
	})
	fmt.Println(err, log.Stats("node-b").Records)
	// Output:
	// key: abc
	// <nil> 0
}
