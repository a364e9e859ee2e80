package command

import (
	"strconv"

	"github.com/dynomite-go/dynomite/node/datastore"
)

// wholeHash is the size up to which HSCAN returns a hash at once, as Redis
// does with one in a compact encoding (hash-max-listpack-entries).
const wholeHash = 128

func parseHScan(c *Call) bool {
	cursor, ok := parseCursor(c.Args[2])
	if !ok {
		return c.failed(errCursor)
	}
	c.cursor = cursor
	return true
}

// hscan walks the fields in the order of their hashes, and the cursor is the
// next hash: whoever goes on to cursor 0 sees every field that is there all the
// time, whatever comes and goes and on whichever replica.
func hscan(c *Call, v *datastore.View) {
	if !c.is(v, datastore.Hash) {
		return
	}
	// Redis looks at the options of an existing hash only.
	size := v.Len(datastore.Hash)
	if size == 0 {
		c.array(2)
		c.bulkString("0")
		c.array(0)
		return
	}
	scan := Scan{Cursor: c.cursor}
	if err := scan.options(c.Args[3:], false); err != "" {
		c.fail(err)
		return
	}
	limit := scan.Count
	if size <= wholeHash {
		limit = wholeHash
	}
	// The cursor and the number of fields come first but are known last.
	c.buf = c.buf[:0]
	var seen, matched int
	var last, next uint64
	v.EachFrom(datastore.Hash, scan.Cursor, func(hash uint64, field, value []byte) bool {
		if int64(seen) >= limit && hash != last {
			next = hash
			return false
		}
		seen, last = seen+1, hash
		if scan.Matches(field) {
			matched++
			c.buf = appendPair(c.buf, field, value)
		}
		return true
	})
	c.array(2)
	var digits [20]byte
	c.bulk(strconv.AppendUint(digits[:0], next, 10))
	c.array(2 * matched)
	c.Out = append(c.Out, c.buf...)
	c.trim()
}
