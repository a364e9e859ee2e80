package coordinator

import (
	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/node/internal/frontend"
)

// toucher is what a store may be that can fetch records into the processor's
// cache: [datastore.Memory.Touch].
type toucher interface{ Touch(keys [][]byte) }

// fewTouched is below how many keys touching costs as much as it saves.
const fewTouched = 4

// touch has the store fetch the records of the next commands, as many as it
// takes at once. Of a command with several keys that is the first.
func (c *Coordinator) touch(sc *scratch, cmds []frontend.Request) {
	cmds = cmds[:min(len(cmds), datastore.MostTouched)]
	if c.toucher == nil || len(cmds) < fewTouched {
		return
	}
	sc.keys = sc.keys[:0]
	for i := range cmds {
		sc.keys = append(sc.keys, cmds[i].Args[cmds[i].Spec.First])
	}
	c.toucher.Touch(sc.keys)
	clear(sc.keys) // do not keep the client's bytes alive
}
