package command

import "github.com/dynomite-go/dynomite/node/datastore"

// Where Redis changes from one encoding to the next.
const (
	embeddedText  = 44  // the longest string inside its object
	listpackValue = 64  // hash-max-listpack-value
	listpackSize  = 128 // hash-max-listpack-entries
)

// objectEncoding answers how Redis would hold the value if it had just been
// set: tools use it to guess sizes.
func objectEncoding(c *Call, v *datastore.View) {
	switch v.Kind() {
	case datastore.None:
		c.null()
	case datastore.String:
		text, _ := v.Text()
		c.bulkString(stringEncoding(text))
	case datastore.Hash:
		c.bulkString(hashEncoding(v))
	default:
		c.bulkString("raw")
	}
}

func stringEncoding(text []byte) string {
	if _, ok := parseInt(text); ok {
		return "int"
	}
	if len(text) <= embeddedText {
		return "embstr"
	}
	return "raw"
}

func hashEncoding(v *datastore.View) string {
	small := v.Len(datastore.Hash) <= listpackSize
	if small {
		v.Each(datastore.Hash, func(field, value []byte) bool {
			small = len(field) <= listpackValue && len(value) <= listpackValue
			return small
		})
	}
	if small {
		return "listpack"
	}
	return "hashtable"
}

func objectRefCount(c *Call, v *datastore.View) {
	if v.Kind() == datastore.None {
		c.null()
		return
	}
	c.integer(1)
}

func objectIdleTime(c *Call, v *datastore.View) {
	if v.Kind() == datastore.None {
		c.null()
		return
	}
	c.fail("ERR access times are not tracked")
}

func objectFreq(c *Call, v *datastore.View) {
	if v.Kind() == datastore.None {
		c.null()
		return
	}
	c.fail("ERR An LFU maxmemory policy is not selected, access frequency not tracked. " +
		"Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.")
}
