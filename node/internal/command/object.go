package command

import (
	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/respserver"
)

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

// objectHelp replies without a key.
func objectHelp(c *Call) bool {
	c.Out = AppendHelp(c.Out, "OBJECT",
		"ENCODING <key>",
		"    Return how Redis would hold the value of <key>.",
		"FREQ <key>",
		"    Not tracked here: an error.",
		"IDLETIME <key>",
		"    Not tracked here: an error.",
		"REFCOUNT <key>",
		"    Return 1 if <key> exists.",
	)
	return false
}

// AppendHelp appends the reply to a container's HELP, with Redis's heading and
// end around the lines.
func AppendHelp(dst []byte, container string, lines ...string) []byte {
	dst = respserver.AppendArray(dst, len(lines)+3)
	dst = respserver.AppendSimple(dst, container+" <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")
	for _, line := range lines {
		dst = respserver.AppendSimple(dst, line)
	}
	dst = respserver.AppendSimple(dst, "HELP")
	return respserver.AppendSimple(dst, "    Prints this help.")
}
