package command

import (
	"bytes"
	"strconv"

	"github.com/dynomite-go/dynomite/respserver"
)

// Combine appends the one reply that the replies to the parts of a command on several keys make,
// in the order of the parts. The first error among them is the reply: what
// other parts did stays done.
func Combine(dst []byte, j Join, replies [][]byte) []byte {
	total := int64(0)
	for _, reply := range replies {
		if len(reply) > 0 && reply[0] == '-' {
			return append(dst, reply...)
		}
		if j == JoinSum {
			n, _ := strconv.ParseInt(string(bytes.TrimSuffix(reply[1:], []byte("\r\n"))), 10, 64)
			total += n
		}
	}
	switch j {
	case JoinSum:
		return respserver.AppendInt(dst, total)
	case JoinArray:
		dst = respserver.AppendArray(dst, len(replies))
		for _, reply := range replies {
			dst = append(dst, reply[len("*1\r\n"):]...)
		}
		return dst
	}
	return append(dst, replies[0]...)
}
