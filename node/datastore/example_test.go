package datastore_test

import (
	"context"
	"fmt"

	"github.com/dynomite-go/dynomite/node/datastore"
)

// incr is INCR.
type incr struct{}

func (incr) Update(_ *datastore.View, d *datastore.Delta) { d.Add(datastore.String, nil, 1) }

// visitor copies what a key shows.
type visitor struct{ text string }

func (r *visitor) Read(v *datastore.View) {
	text, _ := v.Text()
	r.text = string(text)
}

// Two replicas increment a number without hearing of each other; then each
// joins what the other wrote, one of them twice.
func Example() {
	open := func(node uint32) *datastore.Memory {
		m, err := datastore.Open(context.Background(), datastore.Config{Clock: datastore.NewClock(node, nil)})
		if err != nil {
			panic(err)
		}
		return m
	}
	a, b := open(1), open(2)
	defer a.Close()
	defer b.Close()

	key := []byte("visits")
	fromA, _ := a.Update(key, incr{}, nil)
	fromB, _ := b.Update(key, incr{}, nil)
	a.Merge(key, fromB.Delta, datastore.MergeOptions{}, nil)
	b.Merge(key, fromA.Delta, datastore.MergeOptions{}, nil)
	b.Merge(key, fromA.Delta, datastore.MergeOptions{}, nil)

	var onA, onB visitor
	a.Read(key, &onA)
	b.Read(key, &onB)
	x, _ := a.Digest(key)
	y, _ := b.Digest(key)
	fmt.Println(onA.text, onB.text, x == y)
	// Output: 2 2 true
}
