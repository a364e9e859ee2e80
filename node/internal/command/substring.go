package command

import (
	"github.com/dynomite-go/dynomite/node/datastore"
)

// fits says whether a string of n bytes and more may be stored, and replies
// if not.
func (c *Call) fits(n, more int64) bool {
	if total, ok := sum(n, more); !ok || total > maxBulk {
		c.fail(errTooLong)
		return false
	}
	return true
}

// appendTo is APPEND. The whole new value is written: the join of strings
// knows no pieces.
func appendTo(c *Call, v *datastore.View, d *datastore.Delta) {
	text, found, ok := c.text(v)
	more := c.Args[2]
	if !ok || found && !c.fits(int64(len(text)), int64(len(more))) {
		return
	}
	if !found || len(more) > 0 {
		c.buf = append(append(c.buf[:0], text...), more...)
		d.Put(datastore.String, nil, c.buf)
		c.trim()
	}
	c.integer(int64(len(text) + len(more)))
}

func parseSetRange(c *Call) bool {
	var ok bool
	if c.n, ok = c.integerArg(c.Args[2]); !ok {
		return false
	}
	if c.n < 0 {
		return c.failed("ERR offset is out of range")
	}
	return true
}

func setRange(c *Call, v *datastore.View, d *datastore.Delta) {
	text, _, ok := c.text(v)
	if !ok {
		return
	}
	piece := c.Args[3]
	if len(piece) == 0 {
		c.integer(int64(len(text)))
		return
	}
	if !c.fits(c.n, int64(len(piece))) {
		return
	}
	offset := int(c.n)
	c.buf = append(c.buf[:0], text...)
	if end := offset + len(piece); end > len(c.buf) {
		c.buf = append(c.buf, make([]byte, end-len(c.buf))...)
	}
	copy(c.buf[offset:], piece)
	d.Put(datastore.String, nil, c.buf)
	c.integer(int64(len(c.buf)))
	c.trim()
}

// trim gives a large scratch buffer back.
func (c *Call) trim() {
	if cap(c.buf) > 64<<10 {
		c.buf = nil
	}
}

func parseGetRange(c *Call) bool {
	var ok bool
	if c.n, ok = c.integerArg(c.Args[2]); !ok {
		return false
	}
	c.m, ok = c.integerArg(c.Args[3])
	return ok
}

func getRange(c *Call, v *datastore.View) {
	text, _, ok := c.text(v)
	if !ok {
		return
	}
	size, from, to := int64(len(text)), c.n, c.m
	// Both ends count from the end of the string if negative, and are then cut
	// to it, so 0 -100 is the first byte; but not if the range was empty before.
	empty := from < 0 && to < 0 && from > to
	if from < 0 {
		from = max(from+size, 0)
	}
	if to < 0 {
		to = max(to+size, 0)
	}
	to = min(to, size-1)
	if empty || from > to {
		c.bulk(nil)
		return
	}
	c.bulk(text[from : to+1])
}
