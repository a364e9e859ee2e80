package coordinator

import (
	"fmt"
	"strings"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/node/internal/command"
	"github.com/dynomite-go/dynomite/node/internal/frontend"
	"github.com/dynomite-go/dynomite/respserver"
)

// local executes a reading command on this node's own copy, without routing.
func (c *Coordinator) local(s *frontend.Session, cmd frontend.Request, out []byte) []byte {
	args := cmd.Args[1:]
	if strings.EqualFold(string(args[0]), "digest") && len(args) == 1 {
		sum, err := scanSum(&digests{store: c.store}, 0, hashkit.MaxToken)
		if err != nil {
			return appendErrorReply(out, "ERR "+err.Error())
		}
		return respserver.AppendBulkString(out, fmt.Sprintf("%016x %d", sum.Digest, sum.Count))
	}
	if strings.EqualFold(string(args[0]), "keys") && len(args) == 2 {
		a, err := c.askSelf(keyspaceQuery{to: ^uint64(0), list: true, pattern: command.KeysPattern(args).Pattern})
		if err != nil {
			return appendErrorReply(out, "ERR "+err.Error())
		}
		return appendKeys(out, a.keys)
	}
	if strings.EqualFold(string(args[0]), "dbsize") && len(args) == 1 {
		return respserver.AppendInt(out, int64(c.store.Len()))
	}
	spec := command.Resolve(args)
	if spec == nil || !spec.Keyed() || spec.Write() {
		return appendErrorReply(out, "ERR DYN.LOCAL takes a command that reads keys, or DIGEST, KEYS pattern, DBSIZE")
	}
	if !spec.Accepts(len(args)) {
		return appendErrorReply(out, "ERR wrong number of arguments for '"+spec.Name+"' command")
	}
	sc := s.Scratch.(*scratch)
	return c.runAlone(s, sc, []frontend.Request{{Spec: spec, Args: args}}, out)
}
