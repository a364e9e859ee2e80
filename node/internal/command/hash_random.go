package command

import (
	"math"
	"math/rand/v2"

	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/respserver"
)

const (
	// maxDraws bounds what one command may draw with repetition, where Redis
	// goes on until its memory ends.
	maxDraws = 1 << 24
	// maxReply bounds the bytes of such a reply.
	maxReply = 1 << 30
	// gatherUpTo is the size of a hash up to which its fields are gathered to
	// draw from; from larger ones each draw looks one up.
	gatherUpTo = 4096
)

// span is where a field and its value are in a scratch buffer.
type span struct{ from, to int }

func appendPair(dst, field, value []byte) []byte {
	return respserver.AppendBulk(respserver.AppendBulk(dst, field), value)
}

// parseHRandField reads the count into c.n; c.m is 0 without one, 1 with one
// and 2 if the values are asked for too.
func parseHRandField(c *Call) bool {
	c.n, c.m = 1, 0
	if len(c.Args) == 2 {
		return true
	}
	var ok bool
	if c.n, ok = c.integerArg(c.Args[2]); !ok {
		return false
	}
	if c.n == math.MinInt64 {
		return c.failed("ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807")
	}
	switch {
	case len(c.Args) == 3:
		c.m = 1
	case len(c.Args) > 4 || !fold(c.Args[3], "withvalues"):
		return c.failed(errSyntax)
	default:
		c.m = 2
		if c.n < -math.MaxInt64/2 || c.n > math.MaxInt64/2 {
			return c.failed(errOutOfRange)
		}
	}
	return true
}

func hrandfield(c *Call, v *datastore.View) {
	if !c.is(v, datastore.Hash) {
		return
	}
	size := int64(v.Len(datastore.Hash))
	switch {
	case c.m == 0 && size == 0:
		c.null()
	case c.m == 0:
		c.draw(v, 1)
	case size == 0 || c.n == 0:
		c.array(0)
	case c.n < -maxDraws:
		c.fail(errOutOfRange)
	case c.n < 0:
		from := len(c.Out)
		c.pairs(-c.n)
		c.draw(v, -c.n)
		if len(c.Out)-from > maxReply {
			c.Out = c.Out[:from]
			c.fail(errOutOfRange)
		}
	default:
		c.sample(v, size, min(size, c.n))
	}
}

// pairs begins a reply of n fields, with their values if they are asked for.
func (c *Call) pairs(n int64) {
	if c.m == 2 && c.Proto != 3 {
		n *= 2
	}
	c.array(int(n))
}

// pair replies one field.
func (c *Call) pair(field, value []byte) {
	if c.m < 2 {
		c.bulk(field)
		return
	}
	if c.Proto == 3 {
		c.array(2)
	}
	c.Out = appendPair(c.Out, field, value)
}

// sample replies n different fields of size, every choice as likely.
func (c *Call) sample(v *datastore.View, size, n int64) {
	c.pairs(n)
	v.Each(datastore.Hash, func(field, value []byte) bool {
		if c.random(uint64(size)) < uint64(n) {
			c.pair(field, value)
			n--
		}
		size--
		return n > 0
	})
}

// draw replies n fields, each drawn from all.
func (c *Call) draw(v *datastore.View, n int64) {
	from := len(c.Out)
	if v.Len(datastore.Hash) > gatherUpTo {
		for ; n > 0 && len(c.Out)-from <= maxReply; n-- {
			c.drawHash(v)
		}
		return
	}
	// The fields are written as replies, one behind the other, and copied.
	out := c.Out
	c.Out, c.spans = c.buf[:0], c.spans[:0]
	v.Each(datastore.Hash, func(field, value []byte) bool {
		at := len(c.Out)
		c.pair(field, value)
		c.spans = append(c.spans, span{at, len(c.Out)})
		return true
	})
	c.Out, c.buf = out, c.Out
	for ; n > 0 && len(c.Out)-from <= maxReply; n-- {
		s := c.spans[c.random(uint64(len(c.spans)))]
		c.Out = append(c.Out, c.buf[s.from:s.to]...)
	}
	c.trim()
}

// drawHash replies the field behind a random place among the hashes. Fields
// are not equally likely: each as likely as the gap before it is wide.
func (c *Call) drawHash(v *datastore.View) {
	drawn := false
	visit := func(_ uint64, field, value []byte) bool {
		c.pair(field, value)
		drawn = true
		return false
	}
	v.EachFrom(datastore.Hash, c.random(math.MaxUint64), visit)
	if !drawn {
		v.EachFrom(datastore.Hash, 0, visit)
	}
}

// random returns a number below n.
func (c *Call) random(n uint64) uint64 {
	if c.Rand != nil {
		return c.Rand.Uint64N(n)
	}
	return rand.Uint64N(n)
}
