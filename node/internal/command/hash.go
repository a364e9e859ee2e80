package command

import (
	"bytes"
	"slices"

	"github.com/dynomite-go/dynomite/node/datastore"
)

func hget(c *Call, v *datastore.View) {
	if c.is(v, datastore.Hash) {
		c.replyField(v, c.Args[2])
	}
}

// replyField replies a field's value, or null.
func (c *Call) replyField(v *datastore.View, field []byte) {
	if value, ok := v.Field(datastore.Hash, field); ok {
		c.bulk(value)
		return
	}
	c.null()
}

func hmget(c *Call, v *datastore.View) {
	if !c.is(v, datastore.Hash) {
		return
	}
	fields := c.Args[2:]
	c.array(len(fields))
	for _, field := range fields {
		c.replyField(v, field)
	}
}

func hlen(c *Call, v *datastore.View) {
	if c.is(v, datastore.Hash) {
		c.integer(int64(v.Len(datastore.Hash)))
	}
}

func hexists(c *Call, v *datastore.View) {
	if c.is(v, datastore.Hash) {
		_, ok := v.Field(datastore.Hash, c.Args[2])
		c.truth(ok)
	}
}

func hstrlen(c *Call, v *datastore.View) {
	if c.is(v, datastore.Hash) {
		value, _ := v.Field(datastore.Hash, c.Args[2])
		c.integer(int64(len(value)))
	}
}

func hgetall(c *Call, v *datastore.View) {
	if !c.is(v, datastore.Hash) {
		return
	}
	c.mapOf(v.Len(datastore.Hash))
	v.Each(datastore.Hash, func(field, value []byte) bool {
		c.bulk(field)
		c.bulk(value)
		return true
	})
}

func hkeys(c *Call, v *datastore.View) {
	if !c.is(v, datastore.Hash) {
		return
	}
	c.array(v.Len(datastore.Hash))
	v.Each(datastore.Hash, func(field, _ []byte) bool {
		c.bulk(field)
		return true
	})
}

func hvals(c *Call, v *datastore.View) {
	if !c.is(v, datastore.Hash) {
		return
	}
	c.array(v.Len(datastore.Hash))
	v.Each(datastore.Hash, func(_, value []byte) bool {
		c.bulk(value)
		return true
	})
}

// parseHSet refuses a field without a value.
func parseHSet(c *Call) bool {
	if len(c.Args)%2 != 0 {
		c.Out = AppendArity(c.Out, c.Spec)
		return false
	}
	return true
}

func hset(c *Call, v *datastore.View, d *datastore.Delta) {
	if created, ok := c.setFields(v, d); ok {
		c.integer(created)
	}
}

func hmset(c *Call, v *datastore.View, d *datastore.Delta) {
	if _, ok := c.setFields(v, d); ok {
		c.ok()
	}
}

// setFields sets pairs of fields and values. Of a field that is named more than once
// the last value counts, and one cell is written: a stamp writes none twice.
func (c *Call) setFields(v *datastore.View, d *datastore.Delta) (created int64, ok bool) {
	if !c.is(v, datastore.Hash) {
		return 0, false
	}
	for _, i := range c.distinct(2, 2) {
		field := c.Args[i]
		if _, has := v.Field(datastore.Hash, field); !has {
			created++
		}
		d.Put(datastore.Hash, field, c.Args[i+1])
	}
	return created, true
}

// distinct returns the positions of the words from, from+step, ... whose word
// does not come again later.
func (c *Call) distinct(from, step int) []int {
	c.index = c.index[:0]
	for i := from; i < len(c.Args); i += step {
		c.index = append(c.index, i)
	}
	if len(c.index) < 2 {
		return c.index
	}
	slices.SortFunc(c.index, func(i, j int) int {
		if order := bytes.Compare(c.Args[i], c.Args[j]); order != 0 {
			return order
		}
		return j - i
	})
	c.index = slices.CompactFunc(c.index, func(i, j int) bool {
		return bytes.Equal(c.Args[i], c.Args[j])
	})
	return c.index
}

func hsetnx(c *Call, v *datastore.View, d *datastore.Delta) {
	if !c.is(v, datastore.Hash) {
		return
	}
	_, has := v.Field(datastore.Hash, c.Args[2])
	if !has {
		d.Put(datastore.Hash, c.Args[2], c.Args[3])
	}
	c.truth(!has)
}

func hdel(c *Call, v *datastore.View, d *datastore.Delta) {
	if !c.is(v, datastore.Hash) {
		return
	}
	removed := int64(0)
	for _, i := range c.distinct(2, 1) {
		if _, has := v.Field(datastore.Hash, c.Args[i]); has {
			d.Remove(datastore.Hash, c.Args[i])
			removed++
		}
	}
	c.integer(removed)
}

func parseHIncrBy(c *Call) bool {
	var ok bool
	c.n, ok = c.integerArg(c.Args[3])
	return ok
}

func hincrBy(c *Call, v *datastore.View, d *datastore.Delta) {
	if !c.is(v, datastore.Hash) {
		return
	}
	field := c.Args[2]
	value, has := v.Field(datastore.Hash, field)
	c.add(datastore.Hash, field, value, has, "ERR hash value is not an integer", d)
}

func parseHIncrByFloat(c *Call) bool {
	var by float
	if !by.parse(c.Args[3]) {
		return c.failed(errNotFloat)
	}
	if by.IsInf() {
		return c.failed("ERR value is NaN or Infinity")
	}
	return true
}

func hincrByFloat(c *Call, v *datastore.View, d *datastore.Delta) {
	if !c.is(v, datastore.Hash) {
		return
	}
	field := c.Args[2]
	var total, by float
	if value, has := v.Field(datastore.Hash, field); has && !total.parse(value) {
		c.fail("ERR hash value is not a float")
		return
	}
	by.parse(c.Args[3])
	c.addFloat(datastore.Hash, field, &total, &by, d)
}
