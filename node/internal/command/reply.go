package command

import (
	"bytes"
	"strings"

	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/respserver"
)

// Errors that more than one command replies. Clients match on the texts.
const (
	errWrongType  = "WRONGTYPE Operation against a key holding the wrong kind of value"
	errSyntax     = "ERR syntax error"
	errNotInteger = "ERR value is not an integer or out of range"
	errNotFloat   = "ERR value is not a valid float"
	errOutOfRange = "ERR value is out of range"
	errOverflow   = "ERR increment or decrement would overflow"
	errNotFinite  = "ERR increment would produce NaN or Infinity"
	errCursor     = "ERR invalid cursor"
	errTooLong    = "ERR string exceeds maximum allowed size (proto-max-bulk-len)"
)

// maxBulk is the length of the longest string: Redis's proto-max-bulk-len.
const maxBulk = 512 << 20

// quotedBytes is how much of a client's words Redis quotes in an error.
const quotedBytes = 128

func (c *Call) fail(text string)    { c.Out = respserver.AppendError(c.Out, text) }
func (c *Call) ok()                 { c.Out = respserver.AppendOK(c.Out) }
func (c *Call) integer(n int64)     { c.Out = respserver.AppendInt(c.Out, n) }
func (c *Call) bulk(b []byte)       { c.Out = respserver.AppendBulk(c.Out, b) }
func (c *Call) bulkString(s string) { c.Out = respserver.AppendBulkString(c.Out, s) }
func (c *Call) null()               { c.Out = respserver.AppendNull(c.Out, c.Proto) }
func (c *Call) array(n int)         { c.Out = respserver.AppendArray(c.Out, n) }
func (c *Call) mapOf(n int)         { c.Out = respserver.AppendMap(c.Out, c.Proto, n) }
func (c *Call) failExpiry()         { c.fail("ERR invalid expire time in '" + c.Spec.Name + "' command") }

// truth replies 1 or 0.
func (c *Call) truth(yes bool) {
	if yes {
		c.integer(1)
		return
	}
	c.integer(0)
}

// failed replies syntax errors and the like on behalf of a parse function.
func (c *Call) failed(text string) bool {
	c.fail(text)
	return false
}

// is says whether the key is missing or of kind k; otherwise it replies that
// it is of the wrong kind.
func (c *Call) is(v *datastore.View, k datastore.Kind) bool {
	if shown := v.Kind(); shown != k && shown != datastore.None {
		c.fail(errWrongType)
		return false
	}
	return true
}

// AppendArity appends the error for a number of words that the command does
// not accept.
func AppendArity(dst []byte, s *Spec) []byte {
	return respserver.AppendError(dst, "ERR wrong number of arguments for '"+s.Name+"' command")
}

// AppendUnknown appends the error for words in which [Resolve] finds no
// command, or no subcommand.
func AppendUnknown(dst []byte, args [][]byte) []byte {
	if s := Lookup(args[0]); s != nil && len(s.Subcommands) > 0 && len(args) > 1 {
		return respserver.AppendError(dst, "ERR unknown subcommand '"+quoted(args[1], quotedBytes)+
			"'. Try "+strings.ToUpper(quoted(args[0], maxName))+" HELP.")
	}
	var b strings.Builder
	b.WriteString("ERR unknown command '")
	b.WriteString(quoted(args[0], quotedBytes))
	b.WriteString("', with args beginning with: ")
	// The quotes and spaces count too, and may go beyond the limit.
	head := b.Len()
	for _, arg := range args[1:] {
		room := quotedBytes - (b.Len() - head)
		if room <= 0 {
			break
		}
		b.WriteString("'")
		b.WriteString(quoted(arg, room))
		b.WriteString("' ")
	}
	return respserver.AppendError(dst, b.String())
}

// quoted cuts a client's word to n bytes, and at a zero byte as Redis does,
// whose strings end there.
func quoted(word []byte, n int) string {
	word = word[:min(n, len(word))]
	if zero := bytes.IndexByte(word, 0); zero >= 0 {
		word = word[:zero]
	}
	return string(word)
}
