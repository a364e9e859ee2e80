package coordinator

import (
	"bytes"

	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/node/internal/command"
	"github.com/dynomite-go/dynomite/quorum"
)

// maxTries bounds how often an operation is executed again after something
// unseen beat it. Each round adopts what beat it, so only a storm of writers
// that do not agree who is primary gets this far.
const maxTries = 10

// settle ends operation i if it is met, or if it cannot be any more.
func (b *batch) settle(i int) {
	o := &b.ops[i]
	if o.done {
		return
	}
	if o.met() {
		if o.first {
			b.seen(o)
			return
		}
		b.end(o)
		return
	}
	if o.looked {
		b.askVotes(i) // in the place of those that failed
	}
	if o.hopeless() {
		b.failOp(o)
	}
}

// answered feeds the answer of the owner node to operation i; pushed says that
// it is the answer to our whole record. a.body is valid during the call only.
func (b *batch) answered(i, node int, a answer, pushed bool) {
	o := &b.ops[i]
	p := o.position(node)
	if o.done || p < 0 {
		return
	}
	if a.flags&flagFailed != 0 {
		o.failed(p, errText(string(a.body)))
		b.settle(i)
		return
	}
	vote := func() {
		o.won(p, b.cl.Members[node].Complete())
		b.settle(i)
	}
	if a.won() {
		vote()
		return
	}
	// The owner holds something that we did not see. Adopt it.
	held, _ := b.c.store.Digest(o.key)
	if len(a.body) > 0 {
		refused, err := b.c.adopt(o.key, a.body, a.by)
		if err == nil {
			if now, _ := b.c.store.Digest(o.key); now != held {
				o.repairs(b.c).in.Add(1)
			}
			b.unsaved = true
			if refused {
				err = errAgreeing
			}
		}
		if err != nil {
			o.failed(p, err)
			b.settle(i)
			return
		}
	}
	// What an owner refused of our whole record, it does not hold.
	joined := pushed && a.flags&flagRefused == 0
	if o.first { // now we hold all that it holds
		vote()
		return
	}
	if o.wrote {
		switch {
		case !b.stands(o): // what was written is dead or hidden, so it is executed again
			o.tally.Add(p, quorum.Lost)
			b.overtaken(o, held)
			b.again(i)
		case joined: // it joined all that we hold, and we all that it holds
			vote()
		case pushed:
			o.failed(p, errAgreeing)
			b.settle(i)
		default: // it stands here: the owner is merely behind, and completed
			b.push(i, node)
		}
		return
	}
	if now, _ := b.c.store.Digest(o.key); now != o.before {
		o.agreed = 0
		if len(a.body) > 0 && b.cl.Members[node].Complete() && b.c.holds(o.key, now, a.body, &b.scratch) {
			o.agreed, o.agreedOn = 1<<p, now
		}
		o.tally.Add(p, quorum.Lost)
		b.again(i) // what we saw was not all there was
		return
	}
	switch {
	case joined: // it joined all that we hold, and holds nothing that we do not
		vote()
	case pushed:
		o.failed(p, errAgreeing)
		b.settle(i)
	default: // the owner is behind: it must hold the joined record before the reply
		b.push(i, node)
	}
}

// stands says whether what operation o wrote still wins here, after what an
// owner holds was adopted. Executing it again would count it twice then.
func (b *batch) stands(o *op) bool {
	a, err := b.c.store.Merge(o.key, o.delta, datastore.MergeOptions{}, nil)
	return err == nil && a.Won
}

// overtaken notes that o is executed again for what we knew of: an owner heard of
// later commands before it, and held was our digest already before it answered. If
// o deleted something, one of those saw that it was gone. Executed again for a
// newer stamp, o may find nothing: its reply stays, or nobody would have deleted it.
func (b *batch) overtaken(o *op, held uint64) {
	now, err := b.c.store.Digest(o.key)
	if o.kept = o.kept[:0]; err == nil && now == held && o.spec.Access&command.Delete != 0 {
		o.kept = append(o.kept, o.out...)
	}
}

// holds says whether our record of key is the given one, and its digest too.
// scratch is a buffer to use and to keep.
func (c *Coordinator) holds(key []byte, digest uint64, record []byte, scratch *[]byte) bool {
	own, err := c.store.Record(key, (*scratch)[:0])
	*scratch = own
	now, _ := c.store.Digest(key)
	return err == nil && now == digest && bytes.Equal(own, record)
}

// again executes operation i anew after something unseen was adopted. Writes of
// the same key after it in the pipeline lost at that owner too, and their
// answers are judged after this one: so they are executed again in their order.
func (b *batch) again(i int) {
	o := &b.ops[i]
	o.tries++
	if o.spec.Write() && b.over() {
		o.err = errOver
		b.failOp(o)
		return
	}
	if o.spec.Write() && depends(o) && b.stood() {
		o.err = errStill
		b.failOp(o)
		return
	}
	b.c.count.reexecutions.Add(1)
	if o.tries > maxTries {
		o.err = errText("writers that do not see each other kept changing the key")
		b.failOp(o)
		return
	}
	b.execute(i)
}

// push sends our whole record of operation i's key to node, whose answer
// counts for it. A range reset that cuts the record goes before it: without it
// node would still show what the reset killed.
func (b *batch) push(i, node int) {
	o := &b.ops[i]
	p := o.position(node)
	floor := b.c.floor(o.token)
	rec, err := b.c.store.Record(o.key, b.scratch[:0])
	b.scratch = rec
	if err != nil {
		o.failed(p, err)
		b.settle(i)
		return
	}
	if !o.reset.has(p) && !b.c.resetOf(o.token).IsZero() {
		f := b.out.frame(b, node, KindReset)
		if len(f.ops) == 0 {
			f.buf = appendResets(f.buf, b.c.store.Resets())
		}
		f.add(i, o.tries)
		return
	}
	if len(rec) == 0 {
		// Nothing to hold: a reset of the range killed it.
		o.won(p, true)
		b.settle(i)
		return
	}
	f := b.out.frame(b, node, KindApply)
	f.buf = appendHeld(f.buf, o.key, floor, rec)
	f.ops = append(f.ops, opRef{i, o.tries, true})
	o.repairs(b.c).out.Add(1)
}

// repairs counts what o finds to differ.
func (o *op) repairs(c *Coordinator) *repairCounter {
	if o.spec.Write() {
		return &c.count.repairs[byWrite]
	}
	return &c.count.repairs[byRead]
}

// levelled goes on with a push to node, which holds our range resets now, as we
// hold its own; unless one of them was refused.
func (b *batch) levelled(i, node int, refused bool) {
	o := &b.ops[i]
	p := o.position(node)
	if refused {
		o.failed(p, errAgreeing)
		b.settle(i)
		return
	}
	o.reset |= 1 << p
	if now, _ := b.c.store.Digest(o.key); !o.wrote && now != o.before {
		b.again(i)
		return
	}
	b.push(i, node)
}

// lost feeds the failure of a message to node: none of its operations will be
// answered by it. sent says whether it may have been executed there.
func (b *batch) lost(f *frame, err error, sent bool) {
	for _, ref := range f.ops {
		o := b.current(ref)
		switch {
		case o == nil:
		case f.kind == KindExec:
			b.unexecuted(ref.op, err, sent)
		default:
			if p := o.position(f.node); p >= 0 {
				o.failed(p, err)
				b.settle(ref.op)
			}
		}
	}
}
