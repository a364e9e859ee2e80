package command

import (
	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/respserver"
)

func typeOf(c *Call, v *datastore.View) {
	c.Out = respserver.AppendSimple(c.Out, v.Kind().String())
}

// exists is EXISTS and TOUCH for one key: no time of access is kept.
func exists(c *Call, v *datastore.View) { c.truth(v.Kind() != datastore.None) }

// del is DEL and UNLINK for one key.
func del(c *Call, v *datastore.View, d *datastore.Delta) {
	shown := v.Kind() != datastore.None
	if shown || c.Force {
		d.Delete()
	}
	c.truth(shown)
}
