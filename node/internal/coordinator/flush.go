package coordinator

import (
	"fmt"
	"strings"
	"time"

	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/node/internal/command"
	"github.com/dynomite-go/dynomite/node/internal/frontend"
	"github.com/dynomite-go/dynomite/respserver"
)

// flush resets the whole token space on every owner that can be reached, and
// answers when every range's majority has it. A reset that met something newer
// is stamped again above it.
func (c *Coordinator) flush(cl *Cluster, cmd frontend.Request, out []byte) []byte {
	if text := command.ParseFlush(cmd.Args); text != "" {
		return respserver.AppendError(out, text)
	}
	for try := 0; ; try++ {
		v, err := c.store.ResetRange(0, ^uint64(0))
		if err == nil {
			err = c.store.Commit()
		}
		if err != nil {
			return appendErrorReply(out, "MISCONF the log cannot be written ("+err.Error()+"); the write may have been applied")
		}
		if cl.alone() {
			return respserver.AppendOK(out)
		}
		msg := appendResets(nil, []datastore.RangeReset{{To: ^uint64(0), Version: v}})
		acked, beaten := c.flushPeers(cl, msg)
		if beaten && try < maxTries {
			continue
		}
		if missing := c.short(cl, acked); missing != "" {
			return appendErrorReply(out, "TIMEOUT "+missing+"; the flush may have been applied")
		}
		return respserver.AppendOK(out)
	}
}

func (c *Coordinator) flushPeers(cl *Cluster, msg []byte) (acked map[int]bool, beaten bool) {
	type result struct {
		node   int
		newest datastore.Version
		err    error
	}
	ch := make(chan result, len(cl.Members))
	asked := 0
	for i, m := range cl.Members {
		if i == cl.Self {
			continue
		}
		if !m.Reachable() {
			c.hintResets(i, msg)
			continue
		}
		asked++
		c.peers.Send(i, KindReset, msg, time.Now().Add(c.timeout), func(reply []byte, err error) {
			r := result{node: i, err: err}
			if err == nil {
				if len(reply) < versionSize {
					r.err = errShort
				} else {
					tail := reader{b: reply[len(reply)-versionSize:]}
					r.newest = tail.stamp()
				}
			}
			ch <- r
		})
	}
	acked = map[int]bool{cl.Self: true}
	for range asked {
		r := <-ch
		if r.err != nil {
			c.hintResets(r.node, msg)
			continue
		}
		acked[r.node] = true
		if !r.newest.IsZero() {
			c.onNewest(r.newest)
			beaten = true
		}
	}
	return acked, beaten
}

// short names what lacks a majority of owners in acked; empty if nothing does.
func (c *Coordinator) short(cl *Cluster, acked map[int]bool) string {
	for _, a := range cl.arcs {
		var buf [maxOwners]int
		owners := cl.owners(a.From, buf[:0])
		n := 0
		var missing []string
		for _, o := range owners {
			if acked[o] {
				n++
			} else {
				missing = append(missing, cl.Members[o].ID)
			}
		}
		if n < majority(len(owners)) {
			return fmt.Sprintf("%d of %d owners answered; missing: %s", n, len(owners), strings.Join(missing, ", "))
		}
	}
	return ""
}
