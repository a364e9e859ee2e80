package coordinator

import (
	"fmt"
	"strings"
	"time"

	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/node/internal/command"
	"github.com/dynomite-go/dynomite/node/internal/frontend"
	"github.com/dynomite-go/dynomite/quorum"
	"github.com/dynomite-go/dynomite/respserver"
	"github.com/dynomite-go/dynomite/tokenring"
)

// flush resets the whole token space on every owner that can be reached, and
// answers when a majority of every range's owners has it: in this datacenter, at
// DC_ONE as well, or in each if the level says so. A reset that met something
// newer is stamped again above it, and so is one that came after the owners had
// closed above it.
func (c *Coordinator) flush(level quorum.Level, cl *Cluster, cmd frontend.Request, out []byte) []byte {
	if text := command.ParseFlush(cmd.Args); text != "" {
		return respserver.AppendError(out, text)
	}
	able := func(node int) bool { return cl.Members[node].Reachable() }
	if missing := cl.short(level, "can be reached", able); missing != "" && level != quorum.DCOne {
		c.count.refused.Add(1)
		return appendErrorReply(out, "NOQUORUM "+missing+"; nothing was written")
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
		if missing := cl.short(level, "answered", func(node int) bool { return acked[node] }); missing != "" {
			c.count.unknown.Add(1)
			return appendErrorReply(out, "TIMEOUT "+missing+"; the flush may have been applied")
		}
		return respserver.AppendOK(out)
	}
}

func (c *Coordinator) flushPeers(cl *Cluster, msg []byte) (acked map[int]bool, beaten bool) {
	type result struct {
		node   int
		answer resetAnswer
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
				if len(reply) < resetAnswerSize {
					r.err = errShort
				} else {
					tail := reader{b: reply[len(reply)-resetAnswerSize:]}
					r.answer = tail.resetAnswer()
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
		acked[r.node] = !r.answer.refused
		beaten = beaten || r.answer.refused
		if !r.answer.newest.IsZero() {
			c.onNewest(r.answer.newest)
			beaten = true
		}
	}
	return acked, beaten
}

// short names the first range that lacks a majority of the owners that has says
// yes of, in each datacenter that the level counts; empty if none does. did is
// what those do.
func (cl *Cluster) short(level quorum.Level, did string, has func(node int) bool) string {
	look := func(dc string, arcs []tokenring.Arc) string {
		for _, a := range arcs {
			var buf [maxOwners]int
			owners := cl.Ring.AppendOwners(buf[:0], dc, a.From)
			n := 0
			var missing []string
			for _, o := range owners {
				if has(o) {
					n++
				} else {
					missing = append(missing, cl.Members[o].String())
				}
			}
			if need := majority(len(owners)); n < need {
				return fmt.Sprintf("%v needs %d of %d owners in %s, %d %s; missing: %s", level, need, len(owners), dc, n, did, strings.Join(missing, ", "))
			}
		}
		return ""
	}
	text := look(cl.datacenter, cl.arcs)
	if level == quorum.DCEachSafeQuorum {
		for _, dc := range cl.remote {
			if text == "" {
				text = look(dc, cl.Ring.Arcs(dc))
			}
		}
	}
	return text
}

// majority is the least number that any other majority of n shares a member with.
func majority(n int) int { return n/2 + 1 }
