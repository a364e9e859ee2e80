package coordinator

import (
	"time"

	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/node/internal/command"
	"github.com/dynomite-go/dynomite/node/internal/frontend"
	"github.com/dynomite-go/dynomite/quorum"
)

var _ frontend.Starter = (*Coordinator)(nil)

// scratch is what the coordinator keeps for a connection.
type scratch struct {
	call  command.Call // for a cluster of one
	parts []int        // per request: how many operations it became
	argv  [][]byte
	keys  [][]byte // to be touched
	// to make one reply of several
	ends    []int
	replies [][]byte
	joined  []byte
}

func scratchOf(s *frontend.Session) *scratch {
	sc, ok := s.Scratch.(*scratch)
	if !ok {
		sc = new(scratch)
		s.Scratch = sc
	}
	return sc
}

// Start implements frontend.Starter: what other nodes have a part in is not
// waited for.
func (c *Coordinator) Start(s *frontend.Session, cmds []frontend.Request) bool {
	cl := c.Cluster()
	if cl == nil || cl.alone() || s.Ordered || !c.warm.over.Load() {
		return false
	}
	for i := range cmds {
		if !cmds[i].Spec.Keyed() {
			return false
		}
	}
	b := newBatch(c, cl, time.Now().Add(c.timeout))
	b.mu.Lock()
	b.session, b.cmds = s, cmds
	b.call.Proto, b.read, b.write = s.Proto(), s.ReadLevel, s.WriteLevel
	c.plan(b, scratchOf(s), cmds, false)
	b.finish = (*batch).deliver
	s.Suspend()
	c.enlist(b)
	b.run()
	return true
}

// deliver hands the replies to the session that waits for them.
func (b *batch) deliver() {
	b.c.delist(b)
	b.mu.Lock()
	s := b.session
	out := b.appendReplies(s.Out(), scratchOf(s), b.cmds)
	b.session, b.cmds = nil, nil
	b.release()
	s.Finish(out)
}

// Run implements frontend.Router.
func (c *Coordinator) Run(s *frontend.Session, cmds []frontend.Request, out []byte) []byte {
	sc := scratchOf(s)
	cl := c.Cluster()
	if cl != nil {
		if !cl.alone() || !c.warm.over.Load() {
			s.Alone() // others must not wait for what this one waits for
		}
		c.warm.await()
	}
	for i := 0; i < len(cmds); {
		if cl == nil {
			out = appendErrorReply(out, "CLUSTERDOWN this node has no layout yet and serves no data: see /readyz for what it waits for")
			i++
			continue
		}
		if !cmds[i].Spec.Keyed() {
			out = c.keyspace(s, cl, cmds[i], out)
			i++
			continue
		}
		j := i + 1
		for j < len(cmds) && cmds[j].Spec.Keyed() {
			j++
		}
		if cl.alone() {
			out = c.runAlone(s, sc, cmds[i:j], out)
		} else {
			out = c.runGroup(s, sc, cl, cmds[i:j], out)
		}
		i = j
	}
	return out
}

// runAlone executes keyed commands on the only node there is: every level is
// met by its own copy.
func (c *Coordinator) runAlone(s *frontend.Session, sc *scratch, cmds []frontend.Request, out []byte) []byte {
	call := &sc.call
	call.Proto, call.Force, call.Alone = s.Proto(), false, true
	wrote, acked := false, uint64(0)
	start := len(out)
	run := func(spec *command.Spec, args [][]byte) {
		call.Spec, call.Args, call.Out, call.Delta = spec, args, out, call.Delta[:0]
		err := call.Exec(c.store)
		out = call.Out
		if err != nil {
			out = appendStoreError(out, err)
		}
		wrote = wrote || call.Wrote
		c.looked(call)
	}
	for i, cmd := range cmds {
		if i%datastore.MostTouched == 0 {
			c.touch(sc, cmds[i:])
		}
		n, from := cmd.Spec.NumKeys(len(cmd.Args)), len(out)
		if n == 1 {
			run(cmd.Spec, cmd.Args)
			if acknowledges(out[from:]) {
				acked++
			}
			continue
		}
		sc.ends = sc.ends[:0]
		for k := range n {
			sc.argv = cmd.Spec.AppendPart(sc.argv[:0], cmd.Args, k)
			run(cmd.Spec, sc.argv)
			sc.ends = append(sc.ends, len(out))
		}
		sc.replies = sc.replies[:0]
		at := from
		for _, end := range sc.ends {
			sc.replies = append(sc.replies, out[at:end])
			at = end
		}
		sc.joined = command.Combine(sc.joined[:0], cmd.Spec.Join, sc.replies)
		out = append(out[:from], sc.joined...)
		if acknowledges(sc.joined) {
			acked++
		}
	}
	call.Args, call.Spec, call.Out = nil, nil, nil
	if cap(call.Delta) > 64<<10 {
		call.Delta = nil
	}
	if wrote {
		if err := c.store.Commit(); err != nil {
			out, acked = out[:start], 0
			for range cmds {
				out = appendErrorReply(out, "MISCONF the log cannot be written ("+err.Error()+"); the write may have been applied")
			}
		}
	}
	c.count.acks[quorum.DCOne].Add(acked)
	return out
}

// acknowledges says of a reply that its command was acknowledged.
func acknowledges(reply []byte) bool { return len(reply) > 0 && reply[0] != '-' }

// runGroup executes keyed commands on the owners of their keys.
func (c *Coordinator) runGroup(s *frontend.Session, sc *scratch, cl *Cluster, cmds []frontend.Request, out []byte) []byte {
	for len(cmds) > 0 {
		b := newBatch(c, cl, time.Now().Add(c.timeout))
		b.mu.Lock()
		b.call.Proto, b.read, b.write = s.Proto(), s.ReadLevel, s.WriteLevel
		n := c.plan(b, sc, cmds, s.Ordered)
		b.finish = wake
		c.enlist(b)
		b.run()
		<-b.wake
		c.delist(b)
		b.mu.Lock()
		out = b.appendReplies(out, sc, cmds)
		b.release()
		cmds = cmds[n:]
	}
	return out
}

func wake(b *batch) { b.wake <- struct{}{} }

// plan makes operations of commands and chooses who executes them. It returns
// how many commands it took: all of them, or, if they are to run in order
// across primaries, those up to the first with another executor.
func (c *Coordinator) plan(b *batch, sc *scratch, cmds []frontend.Request, ordered bool) int {
	sc.parts, sc.argv = sc.parts[:0], sc.argv[:0]
	// written has a bit for each node that writes of this group go to: a read
	// of such a node's key must not overtake them.
	var written uint64
	only := -1
	for i, cmd := range cmds {
		n := cmd.Spec.NumKeys(len(cmd.Args))
		first := len(b.ops)
		for k := range n {
			args := cmd.Args
			if n > 1 {
				at := len(sc.argv)
				sc.argv = cmd.Spec.AppendPart(sc.argv, cmd.Args, k)
				args = sc.argv[at:len(sc.argv):len(sc.argv)]
			}
			o := b.add(cmd.Spec, args, args[cmd.Spec.First], b.level(cmd.Spec.Write()))
			c.choose(b, o, &written)
		}
		if ordered && i > 0 {
			same := true
			for k := first; k < len(b.ops); k++ {
				same = same && b.ops[k].executor == only
			}
			if !same {
				b.ops = b.ops[:first]
				c.send(b)
				return i
			}
		} else if i == 0 {
			only = b.ops[first].executor
		}
		sc.parts = append(sc.parts, n)
	}
	c.send(b)
	return len(cmds)
}

// send puts the exec messages of operations that other nodes execute in the outbox.
func (c *Coordinator) send(b *batch) {
	n := 0
	for i := range b.ops {
		if o := &b.ops[i]; !o.done && o.executor != b.cl.Self {
			b.askExec(i)
			if o.probe > 0 {
				b.askExecOf(i, o.probe-1)
			}
			n++
		}
	}
	if n > 0 {
		c.count.forwarded.Add(uint64(n))
	}
}

func (c *Coordinator) choose(b *batch, o *op, written *uint64) {
	cl := b.cl
	p := cl.primaryOf(o, o.level == quorum.DCOne)
	o.executor = p
	if p < 0 {
		o.out = c.appendShortfall(o.out[:0], cl, o)
		o.done = true
		return
	}
	bit := uint64(1) << (p & 63)
	switch {
	case o.spec.Write():
		if p != cl.Self {
			*written |= bit
		}
	case *written&bit != 0 || p == cl.Self:
	case o.level == quorum.DCOne:
		if c.nearest {
			o.executor = cl.nearestOf(o, p)
		}
	case cl.SelfMember().Complete() && o.position(cl.Self) >= 0:
		o.executor = cl.Self
	default:
		o.executor = c.quicker(cl, o, p)
	}
}

// executorExcept is the next node that can execute o after those that failed.
func (c *Coordinator) executorExcept(cl *Cluster, o *op) int {
	for p, n := range o.owners[:o.nlocal] {
		if !o.spent.has(p) && cl.Members[n].Complete() {
			return int(n)
		}
	}
	return -1
}

// appendReplies appends the replies of the commands in order; sc.parts says
// how many operations each became.
func (b *batch) appendReplies(out []byte, sc *scratch, cmds []frontend.Request) []byte {
	i := 0
	var acks [quorum.DCEachSafeQuorum + 1]uint64
	for k, n := range sc.parts {
		level, from := b.ops[i].level, len(out)
		if n == 1 {
			out = append(out, b.ops[i].out...)
			if i++; acknowledges(out[from:]) {
				acks[level]++
			}
			continue
		}
		sc.replies = sc.replies[:0]
		for range n {
			sc.replies = append(sc.replies, b.ops[i].out)
			i++
		}
		out = command.Combine(out, cmds[k].Spec.Join, sc.replies)
		out = admitParts(out, from, sc.replies)
		if acknowledges(out[from:]) {
			acks[level]++
		}
	}
	for level, n := range acks {
		if n > 0 {
			b.c.count.acks[level].Add(n)
		}
	}
	return out
}
