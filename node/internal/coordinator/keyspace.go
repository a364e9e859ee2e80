package coordinator

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/node/internal/command"
	"github.com/dynomite-go/dynomite/node/internal/frontend"
	"github.com/dynomite-go/dynomite/respserver"
)

// cursorShift is how many low bits of a token a SCAN cursor leaves out: some
// clients hold cursors in floating point, which is exact up to 2^53. A page
// ends only where the bits above change.
const cursorShift = 11

// keyspace executes a command that is about all keys.
func (c *Coordinator) keyspace(s *frontend.Session, cl *Cluster, cmd frontend.Request, out []byte) []byte {
	switch cmd.Spec.Name {
	case "dbsize":
		n, err := c.size(cl)
		if err != nil {
			return appendErrorReply(out, err.Error())
		}
		return respserver.AppendInt(out, n)
	case "flushall", "flushdb":
		return c.flush(cl, cmd, out)
	case "keys":
		return c.keys(cl, cmd, out)
	case "scan":
		return c.scan(cl, cmd, out)
	case "dyn.local":
		return c.local(s, cmd, out)
	case "dyn.ring":
		var text strings.Builder
		if err := cl.Ring.Describe(&text); err != nil {
			return appendErrorReply(out, "ERR "+err.Error())
		}
		return respserver.AppendVerbatim(out, s.Proto(), "txt", text.String())
	}
	return appendErrorReply(out, "ERR "+cmd.Spec.Name+" cannot be served here")
}

// A span is a run of tokens and the node that answers for it.
type span struct {
	from, to uint64
	node     int
}

// coverage divides the token space among nodes that hold it: this one
// wherever it can, else the first owner that is complete.
func (c *Coordinator) coverage(cl *Cluster) ([]span, error) {
	var spans []span
	for _, a := range cl.Ring.Arcs(cl.datacenter) {
		var buf [maxOwners]int
		owners := cl.owners(a.From, buf[:0])
		node := cl.primary(owners, true)
		if slices.Contains(owners, cl.Self) && cl.SelfMember().Complete() {
			node = cl.Self
		}
		if node < 0 {
			return nil, fmt.Errorf("NOQUORUM no owner of the tokens %d to %d answers", a.From, a.To)
		}
		if n := len(spans); n > 0 && spans[n-1].node == node && spans[n-1].to+1 == uint64(a.From) {
			spans[n-1].to = uint64(a.To)
			continue
		}
		spans = append(spans, span{uint64(a.From), uint64(a.To), node})
	}
	return spans, nil
}

// A keyspace message asks for the keys of a run of tokens:
//
//	version, list, from, to, limit, pattern, type
//
// and is answered with: version, next token (0: all of it), count, keys. Without
// list it only counts; a limit of zero is none; an empty pattern or type is any.
type keyspaceQuery struct {
	list     bool
	from, to uint64
	limit    uint64
	pattern  []byte
	kind     []byte
}

func (q keyspaceQuery) append(dst []byte) []byte {
	list := byte(0)
	if q.list {
		list = 1
	}
	dst = append(dst, formatVersion, list)
	dst = binary.BigEndian.AppendUint64(dst, q.from)
	dst = binary.BigEndian.AppendUint64(dst, q.to)
	dst = binary.AppendUvarint(dst, q.limit)
	dst = appendBytes(dst, q.pattern)
	return appendBytes(dst, q.kind)
}

type keyspaceAnswer struct {
	next  uint64
	count uint64
	keys  [][]byte
}

func (a keyspaceAnswer) append(dst []byte) []byte {
	dst = append(dst, formatVersion)
	dst = binary.BigEndian.AppendUint64(dst, a.next)
	dst = binary.AppendUvarint(dst, a.count)
	for _, k := range a.keys {
		dst = appendBytes(dst, k)
	}
	return dst
}

// ServeKeyspace answers a keyspace message.
func (c *Coordinator) ServeKeyspace(payload []byte) ([]byte, error) {
	r := reader{b: payload}
	r.version()
	q := keyspaceQuery{list: r.byte() != 0, from: r.uint64(), to: r.uint64(), limit: r.uvarint(), pattern: r.bytes(), kind: r.bytes()}
	if r.err != nil {
		return nil, r.err
	}
	a, err := c.askSelf(q)
	return a.append(nil), err
}

// visitBatch is how many entries one hold of the store's lock visits at least.
const visitBatch = 1024

func (c *Coordinator) askSelf(q keyspaceQuery) (keyspaceAnswer, error) {
	var a keyspaceAnswer
	from := q.from
	for {
		visited := uint64(0)
		last, stopped, limited := uint64(0), uint64(0), false
		_, _, err := c.store.Scan(from, q.to, func(e datastore.Entry) bool {
			newPage := visited > 0 && e.Token>>cursorShift != last>>cursorShift
			if newPage && q.limit > 0 && a.count >= q.limit {
				stopped, limited = e.Token, true
				return false
			}
			if newPage && visited >= visitBatch {
				stopped = e.Token
				return false
			}
			visited++
			last = e.Token
			if q.limit > 0 {
				a.count++ // SCAN's COUNT is of keys looked at
			}
			if e.Kind == datastore.None || len(q.kind) > 0 && !strings.EqualFold(e.Kind.String(), string(q.kind)) {
				return true
			}
			if !q.list {
				a.count++
				return true
			}
			if len(q.pattern) == 0 || command.Match(q.pattern, e.Key) {
				a.keys = append(a.keys, append([]byte(nil), e.Key...))
			}
			return true
		})
		if err != nil {
			return a, err
		}
		if limited {
			a.next = stopped
			return a, nil
		}
		if stopped == 0 {
			return a, nil
		}
		from = stopped
	}
}

func (c *Coordinator) ask(cl *Cluster, node int, q keyspaceQuery) (keyspaceAnswer, error) {
	if node == cl.Self {
		return c.askSelf(q)
	}
	reply, err := c.call(node, KindKeyspace, q.append(nil))
	if err != nil {
		return keyspaceAnswer{}, fmt.Errorf("NOQUORUM node %s did not answer: %v", cl.Members[node].ID, err)
	}
	r := reader{b: reply}
	r.version()
	a := keyspaceAnswer{next: r.uint64(), count: r.uvarint()}
	for len(r.b) > 0 && r.err == nil {
		a.keys = append(a.keys, r.bytes())
	}
	return a, r.err
}

// call is one round trip; it blocks.
func (c *Coordinator) call(node int, kind byte, payload []byte) ([]byte, error) {
	type result struct {
		reply []byte
		err   error
	}
	ch := make(chan result, 1)
	c.peers.Send(node, kind, payload, time.Now().Add(c.timeout), func(reply []byte, err error) {
		ch <- result{append([]byte(nil), reply...), err}
	})
	r := <-ch
	return r.reply, r.err
}

func (c *Coordinator) size(cl *Cluster) (int64, error) {
	spans, err := c.coverage(cl)
	if err != nil {
		return 0, err
	}
	if len(spans) == 1 && spans[0].node == cl.Self {
		return int64(c.store.Len()), nil
	}
	n := uint64(0)
	for _, sp := range spans {
		a, err := c.ask(cl, sp.node, keyspaceQuery{from: sp.from, to: sp.to})
		if err != nil {
			return 0, err
		}
		n += a.count
	}
	return int64(n), nil
}

func (c *Coordinator) keys(cl *Cluster, cmd frontend.Request, out []byte) []byte {
	spans, err := c.coverage(cl)
	if err != nil {
		return appendErrorReply(out, err.Error())
	}
	var keys [][]byte
	for _, sp := range spans {
		a, err := c.ask(cl, sp.node, keyspaceQuery{from: sp.from, to: sp.to, list: true, pattern: command.KeysPattern(cmd.Args).Pattern})
		if err != nil {
			return appendErrorReply(out, err.Error())
		}
		keys = append(keys, a.keys...)
	}
	return appendKeys(out, keys)
}

func appendKeys(out []byte, keys [][]byte) []byte {
	out = respserver.AppendArray(out, len(keys))
	for _, k := range keys {
		out = respserver.AppendBulk(out, k)
	}
	return out
}

func (c *Coordinator) scan(cl *Cluster, cmd frontend.Request, out []byte) []byte {
	ask, text := command.ParseScan(cmd.Args)
	if text != "" {
		return respserver.AppendError(out, text)
	}
	q := keyspaceQuery{list: true, limit: uint64(ask.Count), pattern: ask.Pattern, kind: ask.Type}
	cursor := ask.Cursor
	spans, err := c.coverage(cl)
	if err != nil {
		return appendErrorReply(out, err.Error())
	}
	var next uint64
	var keys [][]byte
	if cursor < 1<<(64-cursorShift) {
		from := cursor << cursorShift
		for i, sp := range spans {
			if from > sp.to {
				continue
			}
			q.from, q.to = max(from, sp.from), sp.to
			a, err := c.ask(cl, sp.node, q)
			if err != nil {
				return appendErrorReply(out, err.Error())
			}
			keys, next = append(keys, a.keys...), a.next
			if next == 0 && i+1 < len(spans) {
				next = spans[i+1].from
				if next>>cursorShift <= cursor {
					continue // the cursor cannot tell the two spans apart
				}
			}
			break
		}
	}
	out = respserver.AppendArray(out, 2)
	out = respserver.AppendBulkString(out, strconv.FormatUint(next>>cursorShift, 10))
	return appendKeys(out, keys)
}

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
			c.missed(i)
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
			c.missed(r.node)
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
	for _, a := range cl.Ring.Arcs(cl.datacenter) {
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

// local executes a reading command on this node's own copy, without routing.
func (c *Coordinator) local(s *frontend.Session, cmd frontend.Request, out []byte) []byte {
	args := cmd.Args[1:]
	if strings.EqualFold(string(args[0]), "digest") && len(args) == 1 {
		p, err := scanPage(c.store, 0, ^uint64(0), int(^uint(0)>>1), nil)
		if err != nil {
			return appendErrorReply(out, "ERR "+err.Error())
		}
		return respserver.AppendBulkString(out, fmt.Sprintf("%016x %d", p.sum, p.count))
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
