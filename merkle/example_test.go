package merkle_test

import (
	"fmt"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/merkle"
)

// item is what a store would tell of a key and its value. A store whose keys come
// from strangers keys this hash.
func item(key, value string) merkle.Item {
	return merkle.Item{
		Token:  hashkit.XXHash64([]byte(key)),
		Digest: uint64(hashkit.XXHash64([]byte(key + "=" + value))),
	}
}

// Two sets at hand, and what only one of them has.
func Example() {
	ann := merkle.NewItems(item("a", "1"), item("b", "2"), item("c", "3"))
	bob := merkle.NewItems(item("a", "1"), item("b", "20"), item("d", "4"))
	here, there, _, err := merkle.Diff(ann, bob, merkle.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, it := range here {
		fmt.Println("only ann has b=2:", it == item("b", "2"), "or c=3:", it == item("c", "3"))
	}
	fmt.Println("bob has", len(there), "that ann lacks")
	// Unordered output:
	// only ann has b=2: true or c=3: false
	// only ann has b=2: false or c=3: true
	// bob has 2 that ann lacks
}

// The caller carries the messages between the sides. Each has a tree over what
// its store shows.
func ExampleExchange() {
	key := merkle.Key([]byte("of both the same"))
	store := merkle.NewItems(item("a", "1"), item("b", "2"))
	tree, err := merkle.NewTree(store, 8)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, it := range store { // as they are written
		tree.Insert(it)
	}
	other := merkle.NewResponder(merkle.NewItems(item("a", "1")), key) // on another machine

	x, err := merkle.NewExchange(tree, merkle.Config{Key: key, Salt: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	for !x.Done() {
		request, err := x.Request()
		if err != nil {
			fmt.Println(err)
			return
		}
		reply, err := other.Answer(request) // over the network
		if err != nil {
			fmt.Println(err)
			return
		}
		if err := x.Reply(reply); err != nil {
			fmt.Println(err)
			return
		}
		here, there := x.Take()
		fmt.Println("they lack b:", len(here) == 1 && here[0] == item("b", "2"), "we lack:", len(there))
	}
	fmt.Println("equal:", x.Stats().Equal)
	// Output:
	// they lack b: true we lack: 0
	// equal: false
}

// Symbols can be used without an exchange, over a stream for example: who gets
// them decodes as they come, and says when it is enough.
func ExampleDecoder() {
	var key merkle.Key
	theirs, ours := merkle.NewSketch(key, 0, 0, 100), merkle.NewSketch(key, 0, 0, 100)
	for i := range 1000 {
		it := item(fmt.Sprint(i), "")
		theirs.Add(it)
		if i != 500 {
			ours.Add(it)
		}
	}
	decoder := merkle.NewDecoder(key, 0)
	for i := 0; !decoder.Done(); i++ {
		if err := decoder.Push(theirs.Symbols()[i].Minus(ours.Symbols()[i])); err != nil {
			fmt.Println(err)
			return
		}
	}
	here, there := decoder.Found(nil, nil)
	fmt.Println(decoder.Len(), "symbol:", len(here), "and", len(there), there[0] == item("500", ""))
	// Output:
	// 1 symbol: 0 and 1 true
}
