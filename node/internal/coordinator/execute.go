package coordinator

import (
	"github.com/dynomite-go/dynomite/node/internal/command"
	"github.com/dynomite-go/dynomite/quorum"
)

// lookFirst joins a majority's records before anything is executed, for
// commands that look before they write, while this node cannot be sure that
// nobody went around it.
func (b *batch) lookFirst() {
	for i := range b.ops {
		o := &b.ops[i]
		if !o.done && !o.ran && o.executor == b.cl.Self && b.looksFirst(o) {
			b.look(i)
		}
	}
}

func (b *batch) looksFirst(o *op) bool {
	return o.replicated() && o.spec.Write() && depends(o) && !b.refused(o)
}

func (b *batch) look(i int) {
	o := &b.ops[i]
	o.restart()
	o.first, o.looked = true, true
	o.before, _ = b.c.store.Digest(o.key)
	b.firsts++
	b.askSelf(o)
	b.askVotes(i)
	b.settle(i)
}

// depends says whether what a write does or replies depends on what is there.
// DEL writes whatever is there, but replies how much that was.
func depends(o *op) bool {
	return o.spec.LooksWith(o.args) || o.spec.Join == command.JoinSum
}

// executeAll executes our operations in order, but for those that took
// another's place and were executed already. Who stood still looks again before
// it executes what looks.
func (b *batch) executeAll() {
	for i := range b.ops {
		o := &b.ops[i]
		if o.done || o.ran || o.executor != b.cl.Self {
			continue
		}
		if b.looksFirst(o) && b.stood() {
			if b.looks < mostLooks {
				b.begin()
				return
			}
			o.err = errStill
			b.failOp(o)
			continue
		}
		b.execute(i)
	}
}

// seen ends the look before operation o; after the last one all execute, but for
// writes whose time is up.
func (b *batch) seen(o *op) {
	o.first, o.looked = false, false // nobody is asked for it until it executes
	o.tries++                        // a late answer to the look is none to the write
	if b.firsts--; b.firsts > 0 {
		return
	}
	if b.over() {
		for i := range b.ops {
			if o := &b.ops[i]; !o.done && !o.ran && o.executor == b.cl.Self && o.spec.Write() {
				o.err = errOver
				b.failOp(o)
			}
		}
	}
	b.executeAll()
}

// errOver is why a write is not executed whose answer nobody would wait for.
const errOver = errText("the time for it had passed before it was executed")

func (b *batch) over() bool { return !b.c.now().Before(b.deadline) }

// askSelf counts our own copy.
func (b *batch) askSelf(o *op) {
	if p := o.position(b.cl.Self); p >= 0 {
		o.won(p, b.cl.SelfMember().Complete())
		o.asked |= 1 << p
	}
}

// execute runs operation i on our store and asks the owners that it needs.
func (b *batch) execute(i int) {
	o := &b.ops[i]
	o.first, o.ran = false, true
	o.restart()
	if b.refused(o) {
		b.failOp(o)
		return
	}
	c := &b.call
	c.Spec, c.Args = o.spec, o.args
	c.Out, c.Delta = o.out[:0], o.delta[:0]
	c.Force, c.WantDigest = o.replicated(), o.replicated()
	err := c.Exec(b.c.store)
	o.out, o.delta = c.Out, c.Delta
	if len(o.kept) > 0 && c.Missing {
		o.out = append(o.out[:0], o.kept...)
	}
	if err != nil {
		o.out = appendStoreError(o.out[:0], err)
		b.end(o)
		return
	}
	o.wrote, o.before = c.Wrote, c.Before
	b.c.looked(c)
	o.applied = o.applied || o.wrote
	b.unsaved = b.unsaved || o.wrote
	// What was written is judged by the owners' answers; a reply that was only
	// read has to be what a majority holds. One that owes nothing to the record
	// (a syntax error) needs nobody.
	o.looked = o.replicated() && c.Looked && !o.wrote
	b.askSelf(o)
	if o.wrote {
		b.sendDelta(i)
	} else if o.looked {
		if o.before == o.agreedOn {
			for p := range o.nowners {
				if o.agreed.has(p) {
					o.tally.Add(p, quorum.Won)
				}
			}
			o.asked |= o.agreed
		}
		if b.board(i) {
			return
		}
		b.askVotes(i)
	}
	b.settle(i)
}

// sendDelta sends what operation i wrote to every owner there is, and keeps a
// hint for those that cannot be reached. The owners whose answers count are
// asked; those in other datacenters get it at once too, and nobody waits.
func (b *batch) sendDelta(i int) {
	o := &b.ops[i]
	for p, n := range o.owners[:o.nowners] {
		switch n := int(n); {
		case o.asked.has(p):
		case !b.cl.Members[n].Reachable():
			o.tally.Add(p, quorum.Refused)
			b.hint(n, o)
		default:
			o.asked |= 1 << p
			f := b.out.frame(b, n, KindApply)
			f.buf = appendDelta(f.buf, o.key, o.before, o.delta)
			f.add(i, o.tries)
		}
	}
	if o.nowners > o.nlocal {
		return // they are among the owners that count
	}
	for _, dc := range b.cl.remote {
		var buf [maxOwners]int
		for _, n := range b.cl.Ring.AppendOwners(buf[:0], dc, o.token) {
			if !b.cl.Members[n].Reachable() {
				b.hint(n, o)
				continue
			}
			f := b.out.frame(b, n, KindApply)
			f.buf = appendDelta(f.buf, o.key, o.before, o.delta)
			f.add(-1, 0)
		}
	}
}

// hint keeps what o wrote for a node that cannot be reached.
func (b *batch) hint(node int, o *op) {
	b.c.hint(node, o.token, o.key, o.delta)
	b.unsaved = true
}

// askVotes asks as many complete owners of each datacenter that counts, the
// nearest to primary first and the slow last, as its majority lacks.
func (b *batch) askVotes(i int) {
	o := &b.ops[i]
	for dc, s := range o.rule.spans {
		lack := o.rule.Need(dc)
		for p := s.from; p < s.to; p++ {
			if a := o.tally.Answer(p); a == quorum.Won || a == quorum.Silent && o.asked.has(p) {
				lack--
			}
		}
		var shunned mask
		if lack > 0 {
			shunned = b.shunned(o, s)
		}
		for p := s.from; p < s.to; p++ {
			switch {
			case o.asked.has(p):
			case !b.cl.Members[o.owners[p]].Complete():
				o.tally.Add(p, quorum.Refused)
			case lack > 0 && !shunned.has(p):
				b.askVote(i, p)
				lack--
			}
		}
		b.askShunned(i, shunned, lack)
	}
}

func (b *batch) askVote(i, p int) {
	o := &b.ops[i]
	o.asked |= 1 << p
	f := b.out.frame(b, int(o.owners[p]), KindApply)
	f.buf = appendDigest(f.buf, o.key, o.before)
	f.add(i, o.tries)
}
