package coordinator

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dynomite-go/dynomite/hashkit"
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
		return c.flush(s.WriteLevel, cl, cmd, out)
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

// A keyspace message asks a node for the keys that it answers for in a run of tokens:
//
//	version, flags, from, to, limit, pattern, type, coverage
//
// and is answered with: version, next token (0: all of it), count, keys. Without
// queryLists it only counts; a limit of zero is none.
type keyspaceQuery struct {
	list     bool
	from, to uint64
	limit    uint64
	pattern  []byte // nil is any; an empty one is matched by the empty key
	kind     []byte // nil is any
	coverage coverage
}

const (
	queryLists = 1 << iota
	queryMatches
	queryOfType
)

func (q keyspaceQuery) append(dst []byte) []byte {
	flags := byte(0)
	if q.list {
		flags |= queryLists
	}
	if q.pattern != nil {
		flags |= queryMatches
	}
	if q.kind != nil {
		flags |= queryOfType
	}
	dst = append(dst, formatVersion, flags)
	dst = binary.BigEndian.AppendUint64(dst, q.from)
	dst = binary.BigEndian.AppendUint64(dst, q.to)
	dst = binary.AppendUvarint(dst, q.limit)
	dst = appendBytes(dst, q.pattern)
	dst = appendBytes(dst, q.kind)
	return q.coverage.append(dst)
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
	cl := c.Cluster()
	if cl == nil {
		return nil, errText("this node has no layout yet")
	}
	r := reader{b: payload}
	r.version()
	flags := r.byte()
	q := keyspaceQuery{list: flags&queryLists != 0, from: r.uint64(), to: r.uint64(), limit: r.uvarint(), pattern: r.bytes(), kind: r.bytes()}
	if flags&queryMatches == 0 {
		q.pattern = nil
	}
	if flags&queryOfType == 0 {
		q.kind = nil
	}
	if r.err == nil {
		q.coverage = r.coverage(cl)
	}
	if r.err != nil {
		return nil, r.err
	}
	a, err := c.askSelf(q)
	return a.append(nil), err
}

// visitBatch is how many entries one hold of the store's lock visits at least.
const visitBatch = 1024

// askSelf answers from our own store. A coverage without a cluster means every
// key that is held.
func (c *Coordinator) askSelf(q keyspaceQuery) (keyspaceAnswer, error) {
	var a keyspaceAnswer
	cl := q.coverage.cl
	all := cl == nil || cl.ownsAll && q.coverage.asker == cl.Self && q.coverage.may[cl.Self]
	for from := q.from; ; {
		visited := uint64(0)
		last, stopped, limited := uint64(0), uint64(0), false
		_, _, err := c.store.Scan(from, q.to, func(e datastore.Entry) bool {
			newPage := visited > 0 && e.Token>>cursorShift != last>>cursorShift
			if newPage && (visited >= visitBatch || q.limit > 0 && a.count >= q.limit) {
				stopped, limited = e.Token, q.limit > 0 && a.count >= q.limit
				return false
			}
			visited++
			last = e.Token
			if !all && q.coverage.node(hashkit.Token(e.Token)) != cl.Self {
				return true
			}
			if q.limit > 0 {
				a.count++ // SCAN's COUNT is of keys looked at
			}
			switch {
			case e.Kind == datastore.None || q.kind != nil && !strings.EqualFold(e.Kind.String(), string(q.kind)):
			case !q.list:
				a.count++
			case q.pattern == nil || command.Match(q.pattern, e.Key):
				a.keys = append(a.keys, append([]byte(nil), e.Key...))
			}
			return true
		})
		if err != nil || stopped == 0 {
			return a, err
		}
		if limited {
			a.next = stopped
			return a, nil
		}
		from = stopped
	}
}

// askAll puts the query to every node that answers for a part, all at once,
// and returns their answers.
func (c *Coordinator) askAll(cl *Cluster, q keyspaceQuery) ([]keyspaceAnswer, error) {
	cov, nodes, err := cover(cl)
	if err != nil {
		return nil, err
	}
	q.coverage = cov
	type result struct {
		a   keyspaceAnswer
		err error
	}
	results := make(chan result, len(nodes))
	deadline := time.Now().Add(c.timeout)
	for _, n := range nodes {
		if n == cl.Self {
			continue
		}
		c.peers.Send(n, KindKeyspace, q.append(nil), deadline, func(reply []byte, err error) {
			if err != nil {
				results <- result{err: fmt.Errorf("NOQUORUM node %s did not answer: %w", cl.Members[n].ID, err)}
				return
			}
			a, err := readKeyspaceAnswer(append([]byte(nil), reply...))
			results <- result{a, err}
		})
	}
	if slices.Contains(nodes, cl.Self) {
		a, err := c.askSelf(q)
		results <- result{a, err}
	}
	var all []keyspaceAnswer
	for range nodes {
		r := <-results
		if r.err != nil && err == nil {
			err = r.err
		}
		all = append(all, r.a)
	}
	return all, err
}

func readKeyspaceAnswer(b []byte) (keyspaceAnswer, error) {
	r := reader{b: b}
	r.version()
	a := keyspaceAnswer{next: r.uint64(), count: r.uvarint()}
	for len(r.b) > 0 && r.err == nil {
		a.keys = append(a.keys, r.bytes())
	}
	return a, r.err
}

func (c *Coordinator) size(cl *Cluster) (int64, error) {
	if cl.ownsAll && cl.SelfMember().Complete() {
		return int64(c.store.Len()), nil
	}
	answers, err := c.askAll(cl, keyspaceQuery{to: ^uint64(0)})
	n := uint64(0)
	for _, a := range answers {
		n += a.count
	}
	return int64(n), err
}

func (c *Coordinator) keys(cl *Cluster, cmd frontend.Request, out []byte) []byte {
	answers, err := c.askAll(cl, keyspaceQuery{to: ^uint64(0), list: true, pattern: command.KeysPattern(cmd.Args).Pattern})
	if err != nil {
		return appendErrorReply(out, err.Error())
	}
	var keys [][]byte
	for _, a := range answers {
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

// scan asks everybody for a page from the cursor on, and shows what lies before
// the first page's end: what others answered beyond is asked for again.
func (c *Coordinator) scan(cl *Cluster, cmd frontend.Request, out []byte) []byte {
	ask, text := command.ParseScan(cmd.Args)
	if text != "" {
		return respserver.AppendError(out, text)
	}
	var next uint64
	var keys [][]byte
	if ask.Cursor < 1<<(64-cursorShift) {
		answers, err := c.askAll(cl, keyspaceQuery{
			list: true, from: ask.Cursor << cursorShift, to: ^uint64(0),
			limit: uint64(ask.Count), pattern: ask.Pattern, kind: ask.Type,
		})
		if err != nil {
			return appendErrorReply(out, err.Error())
		}
		for _, a := range answers {
			if a.next != 0 && (next == 0 || a.next < next) {
				next = a.next
			}
		}
		next = next >> cursorShift << cursorShift
		for _, a := range answers {
			for _, k := range a.keys {
				if next == 0 || uint64(cl.Hash(k)) < next {
					keys = append(keys, k)
				}
			}
		}
	}
	out = respserver.AppendArray(out, 2)
	out = respserver.AppendBulkString(out, strconv.FormatUint(next>>cursorShift, 10))
	return appendKeys(out, keys)
}
