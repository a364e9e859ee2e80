package command

import (
	"github.com/dynomite-go/dynomite/node/datastore"
)

// text is the string that the key shows, nil if the key is missing; it
// replies if the key is of another kind.
func (c *Call) text(v *datastore.View) (text []byte, found, ok bool) {
	if !c.is(v, datastore.String) {
		return nil, false, false
	}
	if text, found = v.Text(); !found {
		return nil, false, true
	}
	return text, true, true
}

// replyText replies the string that the key shows, or null. It returns false
// if it replied an error.
func (c *Call) replyText(v *datastore.View) bool {
	text, found, ok := c.text(v)
	switch {
	case !ok:
		return false
	case found:
		c.bulk(text)
	default:
		c.null()
	}
	return true
}

func get(c *Call, v *datastore.View) { c.replyText(v) }

// mget replies for one key; what is no string counts as missing.
func mget(c *Call, v *datastore.View) {
	c.array(1)
	if text, ok := v.Text(); ok {
		c.bulk(text)
		return
	}
	c.null()
}

func strlen(c *Call, v *datastore.View) {
	if text, _, ok := c.text(v); ok {
		c.integer(int64(len(text)))
	}
}

// setLooks says whether SET with options depends on what is there.
func setLooks(args [][]byte) bool {
	for _, word := range args[min(3, len(args)):] {
		if setOption(word)&(optNX|optXX|optGet|optKeepTTL) != 0 {
			return true
		}
	}
	return false
}

func parseSet(c *Call) bool { return c.parseSetOptions(c.Args[3:]) }

func set(c *Call, v *datastore.View, d *datastore.Delta) {
	if len(c.Args) == 3 {
		d.Overwrite(c.Args[2])
		c.ok()
		return
	}
	c.setWith(c.Args[2], v, d)
}

// setWith sets with the options in c.opt and c.when.
func (c *Call) setWith(value []byte, v *datastore.View, d *datastore.Delta) {
	var at int64
	if c.opt&optTime != 0 {
		var ok bool
		if at, ok = c.deadline(d.Now()); !ok {
			return
		}
	}
	if c.opt&optGet != 0 && !c.replyText(v) {
		return
	}
	exists := v.Kind() != datastore.None
	if c.opt&optNX != 0 && exists || c.opt&optXX != 0 && !exists {
		if c.opt&optGet == 0 {
			c.null()
		}
		return
	}
	kept, keep := int64(0), false
	if c.opt&optKeepTTL != 0 {
		kept, keep = v.Expiry()
	}
	d.Overwrite(value)
	switch {
	case c.opt&optTime != 0:
		d.ExpireAt(at)
	case keep:
		d.ExpireAt(kept)
	}
	if c.opt&optGet == 0 {
		c.ok()
	}
}

func parseSetEX(c *Call) bool {
	c.opt, c.when = optEX, c.Args[2]
	return true
}

func parsePSetEX(c *Call) bool {
	c.opt, c.when = optPX, c.Args[2]
	return true
}

func setEX(c *Call, v *datastore.View, d *datastore.Delta) { c.setWith(c.Args[3], v, d) }

func setNX(c *Call, v *datastore.View, d *datastore.Delta) {
	missing := v.Kind() == datastore.None
	if missing {
		d.Overwrite(c.Args[2])
	}
	c.truth(missing)
}

// mset sets one key.
func mset(c *Call, _ *datastore.View, d *datastore.Delta) {
	d.Overwrite(c.Args[2])
	c.ok()
}

func getSet(c *Call, v *datastore.View, d *datastore.Delta) {
	if c.replyText(v) {
		d.Overwrite(c.Args[2])
	}
}

func getDel(c *Call, v *datastore.View, d *datastore.Delta) {
	if c.replyText(v) && v.Kind() != datastore.None {
		d.Delete()
	}
}

func parseGetEX(c *Call) bool { return c.parseGetOptions(c.Args[2:]) }

func getEX(c *Call, v *datastore.View, d *datastore.Delta) {
	text, found, ok := c.text(v)
	if !ok {
		return
	}
	if !found {
		c.null()
		return
	}
	var at int64
	if c.opt&optTime != 0 {
		// The time is looked at only now: with a missing key any will do.
		if at, ok = c.deadline(d.Now()); !ok {
			return
		}
	}
	c.bulk(text)
	switch _, has := v.Expiry(); {
	case c.opt&optTime != 0 && at <= d.Now():
		d.Delete()
	case c.opt&optTime != 0:
		d.ExpireAt(at)
	case c.opt&optPersist != 0 && has:
		d.Persist()
	}
}
