package command

import (
	"math"
	"strings"

	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/respserver"
)

func parseExpire(c *Call) bool    { return c.parseExpiry(optEX) }
func parsePExpire(c *Call) bool   { return c.parseExpiry(optPX) }
func parseExpireAt(c *Call) bool  { return c.parseExpiry(optEXAT) }
func parsePExpireAt(c *Call) bool { return c.parseExpiry(optPXAT) }

// parseExpiry reads the words of EXPIRE and its like; unit says how the time
// is given.
func (c *Call) parseExpiry(unit options) bool {
	c.opt = unit
	for _, word := range c.Args[3:] {
		switch {
		case fold(word, "nx"):
			c.opt |= optNX
		case fold(word, "xx"):
			c.opt |= optXX
		case fold(word, "gt"):
			c.opt |= optGT
		case fold(word, "lt"):
			c.opt |= optLT
		default:
			c.Out = respserver.AppendError(c.Out,
				"ERR Unsupported option "+strings.TrimRight(quoted(word, len(word)), "\r\n"))
			return false
		}
	}
	if c.opt&optNX != 0 && c.opt&(optXX|optGT|optLT) != 0 {
		return c.failed("ERR NX and XX, GT or LT options at the same time are not compatible")
	}
	if c.opt&optGT != 0 && c.opt&optLT != 0 {
		return c.failed("ERR GT and LT options at the same time are not compatible")
	}
	var ok bool
	if c.n, ok = c.integerArg(c.Args[2]); !ok {
		return false
	}
	if c.opt&optSeconds != 0 {
		if c.n > math.MaxInt64/1000 || c.n < math.MinInt64/1000 {
			c.failExpiry()
			return false
		}
		c.n *= 1000
	}
	return true
}

// expire is EXPIRE and its like. Unlike those of SET, times in the past are
// fine: they delete.
func expire(c *Call, v *datastore.View, d *datastore.Delta) {
	at := c.n
	if c.opt&optAgo != 0 {
		if at > math.MaxInt64-d.Now() {
			c.failExpiry()
			return
		}
		at += d.Now()
	}
	if v.Kind() == datastore.None || !c.expires(v, at) {
		c.integer(0)
		return
	}
	if at <= d.Now() {
		d.Delete()
	} else {
		d.ExpireAt(at)
	}
	c.integer(1)
}

// expires says whether the options let a key expire at the given time.
func (c *Call) expires(v *datastore.View, at int64) bool {
	old, has := v.Expiry()
	switch {
	case c.opt&optNX != 0 && has,
		c.opt&optXX != 0 && !has,
		// No expiry is later than any other.
		c.opt&optGT != 0 && (!has || at <= old),
		c.opt&optLT != 0 && has && at >= old:
		return false
	}
	return true
}

func persist(c *Call, v *datastore.View, d *datastore.Delta) {
	_, has := v.Expiry()
	if has {
		d.Persist()
	}
	c.truth(has)
}

func ttl(c *Call, v *datastore.View)         { c.remaining(v, v.Now(), true) }
func pttl(c *Call, v *datastore.View)        { c.remaining(v, v.Now(), false) }
func expireTime(c *Call, v *datastore.View)  { c.remaining(v, 0, true) }
func pexpireTime(c *Call, v *datastore.View) { c.remaining(v, 0, false) }

// remaining replies the time from since to the expiry; -1 if there is none, -2
// if there is no key.
func (c *Call) remaining(v *datastore.View, since int64, seconds bool) {
	at, has := v.Expiry()
	switch {
	case v.Kind() == datastore.None:
		c.integer(-2)
	case !has:
		c.integer(-1)
	case seconds:
		left := max(at-since, 0)
		c.integer(left/1000 + (left%1000+500)/1000)
	default:
		c.integer(max(at-since, 0))
	}
}
