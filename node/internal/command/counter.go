package command

import (
	"math"
	"strconv"

	"github.com/dynomite-go/dynomite/node/datastore"
)

func parseIncr(c *Call) bool {
	c.n = 1
	return true
}

func parseDecr(c *Call) bool {
	c.n = -1
	return true
}

func parseIncrBy(c *Call) bool {
	var ok bool
	c.n, ok = c.integerArg(c.Args[2])
	return ok
}

func parseDecrBy(c *Call) bool {
	if !parseIncrBy(c) {
		return false
	}
	if c.n == math.MinInt64 {
		return c.failed("ERR decrement would overflow")
	}
	c.n = -c.n
	return true
}

// incr adds c.n.
func incr(c *Call, v *datastore.View, d *datastore.Delta) {
	text, found, ok := c.text(v)
	if !ok {
		return
	}
	c.add(datastore.String, nil, text, found, errNotInteger, d)
}

// add adds c.n to the number that text is, zero if the field is missing.
func (c *Call) add(k datastore.Kind, field, text []byte, found bool, notInteger string, d *datastore.Delta) {
	var old int64
	if found {
		var ok bool
		if old, ok = parseInt(text); !ok {
			c.fail(notInteger)
			return
		}
	}
	total, ok := sum(old, c.n)
	if !ok {
		c.fail(errOverflow)
		return
	}
	if far(old) || far(total) {
		d.Put(k, field, strconv.AppendInt(c.buf[:0], total, 10))
	} else {
		d.Add(k, field, c.n)
	}
	c.integer(total)
}

// far says that a number is so far from zero that the sum of increments that leads
// to it or away from it might not fit 64 bits, though the number does: -2^63
// plus 2^63 is 0. Then the number is written instead, and of concurrent
// increments the last one wins.
func far(n int64) bool { return n >= 1<<62 || n <= -1<<62 }

// incrByFloat writes the new number as a string: floats do not add up without
// regard to order, so concurrent ones do not join.
func incrByFloat(c *Call, v *datastore.View, d *datastore.Delta) {
	text, found, ok := c.text(v)
	if !ok {
		return
	}
	var by, total float
	if found && !total.parse(text) || !by.parse(c.Args[2]) {
		c.fail(errNotFloat)
		return
	}
	c.addFloat(datastore.String, nil, &total, &by, d)
}

func (c *Call) addFloat(k datastore.Kind, field []byte, total, by *float, d *datastore.Delta) {
	if !total.add(by) {
		c.fail(errNotFinite)
		return
	}
	c.buf = total.append(c.buf[:0])
	d.Put(k, field, c.buf)
	c.bulk(c.buf)
}
