package datastore_test

import (
	"context"
	"fmt"
	"os"

	"github.com/dynomite-go/dynomite/node/datastore"
)

// set is SET: it looks at nothing and overwrites.
type set string

func (v set) Update(_ *datastore.View, d *datastore.Delta) { d.Overwrite([]byte(v)) }

// get is GET: it copies what it is shown.
type get struct{ value []byte }

func (g *get) Read(v *datastore.View) {
	text, _ := v.Text()
	g.value = append(g.value[:0], text...)
}

func ExampleMemory() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)

	for run := range 2 {
		m, err := datastore.Open(context.Background(), datastore.Config{Dir: dir})
		if err != nil {
			panic(err)
		}
		if run == 0 {
			up, err := m.Update([]byte("greeting"), set("hello"), nil)
			if err == nil {
				err = m.Commit() // now it may be acknowledged
			}
			fmt.Println("wrote:", up.Wrote, err)
		}
		var g get
		err = m.Read([]byte("greeting"), &g)
		fmt.Printf("run %d: %s %v, %d joined from the log\n", run, g.value, err, m.Recovery().Operations)
		if err := m.Close(); err != nil {
			panic(err)
		}
	}
	// Output:
	// wrote: true <nil>
	// run 0: hello <nil>, 0 joined from the log
	// run 1: hello <nil>, 1 joined from the log
}
