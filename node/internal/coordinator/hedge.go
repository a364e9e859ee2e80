package coordinator

import (
	"math"
	"slices"
	"time"

	"github.com/dynomite-go/dynomite/quorum"
)

// A read asks as few owners as its level needs, and waits for each as long as 95 %
// of that owner's answers take. Then it is overdue, and one more is asked as
// well (Dean, Barroso: The Tail at Scale, CACM 56(2), 2013). An owner that has
// been overdue three times in a row, or is much slower than others, is not
// asked first any more (see pace.go).
//
//	read  | asks ann ...............................| answers late, and repairs
//	      |      delay of ann | asks bob ... answer | reply
//
// There is no timer per read: Tick looks at those that have waited for as long
// as the shortest delay, the oldest first.

// never is the due time of what waits for nobody.
const never = math.MaxInt64

// clock is the time that delays are measured in: nanoseconds since the start.
func (c *Coordinator) clock() int64 { return int64(time.Since(c.born)) }

// Tick lets reads that have waited too long ask further owners, or end, and
// notes that this node does not stand still. The node calls it again after the
// time that it returns.
func (c *Coordinator) Tick() (again time.Duration) {
	c.beat()
	cl := c.Cluster()
	if cl == nil {
		return idleTick
	}
	now := c.clock()
	slow, busy := c.slow(now)
	for _, s := range slow {
		s.look(now)
	}
	c.hedging.review(func(node int) bool { return cl.Members[node].Reachable() })
	if !busy {
		return idleTick
	}
	return min(max(time.Duration(c.hedging.least.Load()/2), leastDelay), idleTick)
}

// slowBatch is a batch that has waited too long, in one use of it.
type slowBatch struct {
	b   *batch
	use uint64
}

// slow are the batches in which something is due, and whether any wait at all.
func (c *Coordinator) slow(now int64) (slow []slowBatch, busy bool) {
	young := now - c.hedging.least.Load()
	c.mu.Lock()
	defer c.mu.Unlock()
	for b := c.oldest; b != nil && b.started <= young; b = b.prev {
		if b.due.Load() <= now {
			slow = append(slow, slowBatch{b, b.use})
		}
	}
	return slow, c.running != nil
}

// look deals with what is due, unless the batch has ended since it was seen:
// then it may be another group's by now, half made.
func (s slowBatch) look(now int64) {
	b := s.b
	if !b.mu.TryLock() {
		return // it is busy, perhaps with the disk: at the next tick
	}
	if b.use != s.use || b.finished {
		b.mu.Unlock()
		return
	}
	b.overdue(now)
	b.step()
}

// watch notes when the questions among the messages that leave now are overdue.
func (b *batch) watch(out []*frame) {
	now := int64(-1)
	for _, f := range out {
		if f.asks = b.asks(f); !f.asks {
			continue
		}
		if now < 0 {
			now = b.c.clock()
		}
		f.sent, f.late = now, false
		f.due = now + int64(b.c.hedging.of(f).Delay())
		b.waits = append(b.waits, f)
		b.dueBy(f.due)
		b.c.hedging.earn(len(f.ops))
	}
}

// dueBy has Tick look at the batch at that time, or before.
func (b *batch) dueBy(at int64) {
	if at < b.due.Load() {
		b.due.Store(at)
	}
}

// asks says whether f holds a question that another node could answer as
// well. A message with writes to execute is none: what is read behind them has to
// see them.
func (b *batch) asks(f *frame) bool {
	for _, ref := range f.ops {
		if ref.op < 0 {
			continue
		}
		o := &b.ops[ref.op]
		switch {
		case f.kind != KindExec && o.looked && !o.wrote:
			return true
		case f.kind == KindExec && (o.spec.Write() || !o.replicated()):
			return false
		}
	}
	return f.kind == KindExec
}

// heard lets the node's pace learn from the answer to f, or from nothing if it
// failed: how fast a connection breaks says little about answers.
func (b *batch) heard(f *frame, err error) {
	if !f.asks {
		return
	}
	if i := slices.Index(b.waits, f); i >= 0 {
		b.waits = slices.Delete(b.waits, i, i+1)
	}
	if err == nil {
		b.c.hedging.of(f).Add(time.Duration(b.c.clock() - f.sent))
	}
}

// overdue asks one more for each operation whose question is overdue, and ends
// those that waited for another's question until their own deadline.
func (b *batch) overdue(now int64) {
	b.due.Store(never)
	for _, f := range b.waits {
		switch {
		case f.late:
			continue
		case f.due > now:
			b.dueBy(f.due)
			continue
		}
		f.late = true
		b.c.hedging.of(f).Miss()
		for _, ref := range f.ops {
			o := b.current(ref)
			switch {
			case o == nil:
			case f.kind == KindExec:
				b.askElsewhere(ref.op, f.node)
			case o.looked && !o.wrote:
				b.askFurther(ref.op, f.node)
			}
		}
	}
	if b.parked == 0 {
		return
	}
	if at := int64(b.deadline.Sub(b.c.born)); at > now {
		b.dueBy(at)
		return
	}
	for i := range b.ops {
		if o := &b.ops[i]; o.parked && !o.done {
			o.err = errText("another read of the key had no answer either")
			b.failOp(o)
		}
	}
}

// askFurther puts operation i's question, which node owes an answer to, to one
// more owner of that datacenter.
func (b *batch) askFurther(i, node int) {
	o := &b.ops[i]
	late := o.position(node)
	if late < 0 || o.tally.Answer(late) != quorum.Silent {
		return
	}
	o.late |= 1 << late
	for dc, s := range o.rule.spans {
		if late < s.from || late >= s.to {
			continue
		}
		lack := o.rule.Need(dc)
		for p := s.from; p < s.to; p++ {
			if a := o.tally.Answer(p); a == quorum.Won || a == quorum.Silent && o.asked.has(p) && !o.late.has(p) {
				lack--
			}
		}
		if lack <= 0 {
			return // there are enough without it
		}
		for p := s.from; p < s.to; p++ {
			if !o.asked.has(p) && b.cl.Members[o.owners[p]].Complete() {
				if b.c.hedging.spend() {
					b.c.count.hedges.Add(1)
					b.askVote(i, p)
				}
				return
			}
		}
	}
}

// askElsewhere has one more node execute the read i, which node was to execute.
// Whoever replies first is right: each compares with a majority.
func (b *batch) askElsewhere(i, node int) {
	o := &b.ops[i]
	if node != o.executor {
		return // it was asked to learn how quick it is
	}
	before := o.spent
	if p := o.position(node); p >= 0 {
		o.spent |= 1 << p
	}
	next := b.c.executorExcept(b.cl, o)
	if next < 0 || !b.c.hedging.spend() {
		o.spent = before
		return
	}
	b.c.count.hedges.Add(1)
	o.executor = next
	if next == b.cl.Self {
		o.alone = true // the other's reply may end it at any time
		b.takeOver(i)
		return
	}
	b.askExec(i)
}

// shunned are the owners in s that could be asked about o, but only after others.
func (b *batch) shunned(o *op, s span) (m mask) {
	h := &b.c.hedging
	if !h.shunning.Load() {
		return 0
	}
	for p := s.from; p < s.to; p++ {
		n := o.owners[p]
		if !o.asked.has(p) && h.nodes[n].votes.shunned.Load() && b.cl.Members[n].Complete() {
			m |= 1 << p
		}
	}
	return m
}

// askShunned asks as many of the shunned as are needed, and now and then one
// more, to learn whether it is quick again.
func (b *batch) askShunned(i int, shunned mask, lack int) {
	o := &b.ops[i]
	for p := 0; shunned != 0; p++ {
		if !shunned.has(p) {
			continue
		}
		shunned &^= 1 << p
		switch {
		case lack > 0:
			lack--
			b.askVote(i, p)
		case b.c.hedging.nodes[o.owners[p]].votes.probe() && b.c.hedging.spend():
			b.c.count.hedges.Add(1)
			b.askVote(i, p)
		}
	}
}

// quicker is who executes the read o, which its primary would: another owner if
// the primary is shunned. Now and then both do.
func (c *Coordinator) quicker(cl *Cluster, o *op, primary int) int {
	h := &c.hedging
	if !h.shunning.Load() || !h.nodes[primary].execs.shunned.Load() {
		return primary
	}
	for _, n := range o.owners[:o.nlocal] {
		n := int(n)
		if n == primary || n == cl.Self || !cl.Members[n].Complete() || h.nodes[n].execs.shunned.Load() {
			continue
		}
		if h.nodes[primary].execs.probe() && h.spend() {
			c.count.hedges.Add(1)
			o.probe = primary + 1
		}
		return n
	}
	return primary
}
