package command

import (
	"bytes"
	"fmt"
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
		switch j {
		case JoinSum:
			digits, ok := bytes.CutPrefix(reply, []byte(":"))
			n, err := strconv.ParseInt(string(bytes.TrimSuffix(digits, []byte("\r\n"))), 10, 64)
			if !ok || err != nil {
				return appendForeign(dst, reply)
			}
			total += n
		case JoinArray:
			if !bytes.HasPrefix(reply, []byte("*1\r\n")) {
				return appendForeign(dst, reply)
			}
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

// appendForeign appends the error for a part's reply of the wrong kind: it came
// from another node, perhaps of another version, and must not harm this one.
func appendForeign(dst, reply []byte) []byte {
	return respserver.AppendError(dst, fmt.Sprintf("ERR a node answered with %.40q", reply))
}
