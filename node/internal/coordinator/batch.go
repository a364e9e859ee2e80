package coordinator

import (
	"bytes"
	"sync"
	"time"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/node/internal/command"
	"github.com/dynomite-go/dynomite/quorum"
)

// maxTries bounds how often an operation is executed again after something
// unseen beat it. Each round adopts what beat it, so only a storm of writers
// that do not agree who is primary gets this far.
const maxTries = 10

// A mask has one bit per position in an operation's owners.
type mask uint16

func (m mask) has(i int) bool { return m&(1<<i) != 0 }

func (m mask) count() int {
	n := 0
	for ; m != 0; m &= m - 1 {
		n++
	}
	return n
}

// op is one operation: a command on one key, or one key's part of a command
// on several.
type op struct {
	spec  *command.Spec
	args  [][]byte
	key   []byte
	token hashkit.Token
	level quorum.Level

	owners   [maxOwners]int // in our datacenter, in preference order
	nowners  int
	executor int // index of the node that executes it

	out    []byte // the reply
	delta  []byte
	wrote  bool
	looked bool   // what it saw has to be what a majority holds
	before uint64 // the digest of what it saw
	first  bool   // a majority's records are joined before it executes
	ran    bool   // it was executed here

	need  int
	acks  mask // owners that hold the delta
	votes mask // complete owners that held what the executor saw
	asked mask
	fail  mask
	reset mask // owners that hold our range resets
	// agreed are owners whose records were found equal to ours at the digest
	// agreedOn: they have voted if that is what the next execution sees.
	agreed   mask
	agreedOn uint64
	tries    int
	done     bool
	// applied: at some time a delta of this operation left the store, so a
	// failure must say that the write may have been applied.
	applied bool
	err     error // the last failure, for the error's text
}

func (o *op) position(node int) int {
	for i, n := range o.owners[:o.nowners] {
		if n == node {
			return i
		}
	}
	return -1
}

// sufficient says whether the owners' answers meet the level.
func (o *op) sufficient() bool {
	if o.wrote && o.acks.count() < o.need {
		return false
	}
	return !o.looked || o.votes.count() >= o.need
}

// batch is the machine of one group of operations. See the package
// documentation.
type batch struct {
	c  *Coordinator
	mu sync.Mutex
	// refs counts who may still touch the batch: its starter and every
	// message under way.
	refs int
	// finished is set when every operation is done; answers that come later
	// are counted and change nothing here.
	finished bool
	finish   func(*batch)
	use      uint64 // counts what the batch was used for

	cl       *Cluster
	call     command.Call
	deadline time.Time
	started  time.Time
	read     quorum.Level
	write    quorum.Level
	ops      []op
	pending  int
	firsts   int  // operations that look before they execute
	unsaved  bool // our store took deltas that were not committed yet
	out      outbox
	wake     chan struct{}
	scratch  []byte

	// for operations that another node asked for
	reply   func([]byte)
	request []byte
	argv    [][]byte
	encoded []byte

	// links in the coordinator's list of running batches
	prev, next *batch
	hedged     bool
}

func newBatch(c *Coordinator, cl *Cluster, deadline time.Time) *batch {
	b, ok := c.batches.Get().(*batch)
	if !ok {
		b = &batch{wake: make(chan struct{}, 1)}
	}
	b.mu.Lock() // Tick may still look at the batch's former use
	defer b.mu.Unlock()
	b.use++
	b.c, b.cl, b.deadline = c, cl, deadline
	b.refs, b.finished, b.hedged = 1, false, false
	b.ops, b.pending, b.unsaved = b.ops[:0], 0, false
	b.reply, b.finish = nil, nil
	select {
	case <-b.wake:
	default:
	}
	return b
}

// release gives up one reference; the last one recycles the batch. It is
// called with the lock held and returns with it released.
func (b *batch) release() {
	b.refs--
	last := b.refs == 0
	b.mu.Unlock()
	if !last {
		return
	}
	if cap(b.ops) > 4096 || cap(b.request) > 1<<20 || cap(b.encoded) > 1<<20 {
		return // a giant: leave it to the garbage collector
	}
	for i := range b.ops {
		o := &b.ops[i]
		o.spec, o.args, o.key, o.err = nil, nil, nil, nil
		if cap(o.out) > 64<<10 {
			o.out = nil
		}
		if cap(o.delta) > 64<<10 {
			o.delta = nil
		}
	}
	if cap(b.scratch) > 64<<10 {
		b.scratch = nil
	}
	b.call.Args, b.call.Spec, b.call.Out, b.call.Delta = nil, nil, nil, nil
	b.c.batches.Put(b)
}

// add appends an operation, keeping the buffers that a former use of the
// place grew.
func (b *batch) add(spec *command.Spec, args [][]byte, key []byte, level quorum.Level) *op {
	if len(b.ops) < cap(b.ops) {
		b.ops = b.ops[:len(b.ops)+1]
	} else {
		b.ops = append(b.ops, op{})
	}
	o := &b.ops[len(b.ops)-1]
	*o = op{spec: spec, args: args, key: key, level: level, out: o.out[:0], delta: o.delta[:0]}
	o.token = b.cl.Hash(key)
	var buf [maxOwners]int
	owners := b.cl.owners(o.token, buf[:0])
	o.nowners = copy(o.owners[:], owners)
	o.need = b.cl.need(level)
	return o
}

// run executes the operations that are this node's, in order, sends what has
// to be sent, and makes our own part durable meanwhile. It is called once,
// with the lock held, after the exec messages have been put in the outbox,
// and returns with the lock released.
func (b *batch) run() {
	b.pending = 1 // held until our own log has what we wrote
	for i := range b.ops {
		if !b.ops[i].done {
			b.pending++
		}
	}
	b.firsts = 1 // held until all are asked: some may fail at once
	if b.c.cautious() {
		b.lookFirst()
	}
	if b.firsts--; b.firsts == 0 {
		b.executeAll()
	}
	wrote := b.unsaved
	b.unsaved = false
	b.step()
	var err error
	if wrote {
		err = b.c.store.Commit()
	}
	b.mu.Lock()
	if err != nil {
		b.unwritten(err)
	}
	b.pending--
	b.step()
}

// lookFirst joins a majority's records before anything is executed, for
// commands that look before they write, while this node cannot be sure that
// nobody went around it.
func (b *batch) lookFirst() {
	for i := range b.ops {
		o := &b.ops[i]
		if !o.done && o.executor == b.cl.Self && b.looksFirst(o) {
			b.look(i)
		}
	}
}

func (b *batch) looksFirst(o *op) bool {
	return o.need > 1 && o.spec.Write() && depends(o) && !b.refused(o)
}

func (b *batch) look(i int) {
	o := &b.ops[i]
	o.acks, o.votes, o.asked, o.fail = 0, 0, 0, 0
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
// another's place and were executed already.
func (b *batch) executeAll() {
	for i := range b.ops {
		if o := &b.ops[i]; !o.done && !o.ran && o.executor == b.cl.Self {
			b.execute(i)
		}
	}
}

// seen ends the look before operation o; after the last one all execute.
func (b *batch) seen(o *op) {
	o.first = false
	o.tries++ // a late answer to the look is none to the write
	if b.firsts--; b.firsts == 0 {
		b.executeAll()
	}
}

// askSelf counts our own copy.
func (b *batch) askSelf(o *op) {
	if p := o.position(b.cl.Self); p >= 0 {
		o.acks |= 1 << p
		if b.cl.SelfMember().Complete() {
			o.votes |= 1 << p
		}
		o.asked |= 1 << p
	}
}

// unwritten fails every operation whose delta our log could not take.
func (b *batch) unwritten(err error) {
	for i := range b.ops {
		o := &b.ops[i]
		if !o.wrote {
			continue
		}
		if !o.done {
			b.end(o)
		}
		o.out = appendErrorReply(o.out[:0], "MISCONF the log cannot be written ("+err.Error()+"); the write may have been applied")
	}
}

// execute runs operation i on our store and asks the owners that it needs.
func (b *batch) execute(i int) {
	o := &b.ops[i]
	self := o.position(b.cl.Self)
	o.first, o.ran = false, true
	o.acks, o.votes, o.asked, o.fail, o.reset = 0, 0, 0, 0, 0
	if b.refused(o) {
		b.failOp(o)
		return
	}
	c := &b.call
	c.Spec, c.Args = o.spec, o.args
	c.Out, c.Delta = o.out[:0], o.delta[:0]
	c.Force, c.WantDigest = o.need > 1, o.need > 1
	err := c.Exec(b.c.store)
	o.out, o.delta = c.Out, c.Delta
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
	o.looked = o.need > 1 && c.Looked && !o.wrote
	b.askSelf(o)
	if o.wrote {
		for p, n := range o.owners[:o.nowners] {
			if p != self && b.cl.Members[n].Reachable() {
				b.askDelta(i, p, n)
			} else if p != self {
				b.c.missed(n)
			}
		}
		b.forwardAbroad(o)
	} else if o.looked {
		if o.before == o.agreedOn {
			o.votes |= o.agreed
			o.asked |= o.agreed
		}
		b.askVotes(i)
	}
	b.settle(i)
}

func (b *batch) askDelta(i, p, n int) {
	o := &b.ops[i]
	o.asked |= 1 << p
	f := b.out.frame(b, n, KindApply)
	f.buf = appendDelta(f.buf, o.key, o.before, o.delta)
	f.add(i, o.tries)
}

// askVotes asks as many complete owners, the nearest to primary first, as the
// majority lacks.
func (b *batch) askVotes(i int) {
	o := &b.ops[i]
	lack := o.need - o.votes.count() - b.underway(o)
	for p, n := range o.owners[:o.nowners] {
		if lack <= 0 {
			return
		}
		if o.asked.has(p) || !b.cl.Members[n].Complete() {
			continue
		}
		o.asked |= 1 << p
		f := b.out.frame(b, n, KindApply)
		f.buf = appendDigest(f.buf, o.key, o.before)
		f.add(i, o.tries)
		lack--
	}
}

// underway is how many complete owners were asked and have not answered.
func (b *batch) underway(o *op) int {
	n := 0
	for p, node := range o.owners[:o.nowners] {
		if o.asked.has(p) && !o.votes.has(p) && !o.fail.has(p) && node != b.cl.Self && b.cl.Members[node].Complete() {
			n++
		}
	}
	return n
}

// forwardAbroad sends a delta to the owners in the other datacenters: at
// once, in the background, counted by nobody at these levels.
func (b *batch) forwardAbroad(o *op) {
	for _, dc := range b.cl.remote {
		var buf [maxOwners]int
		for _, n := range b.cl.Ring.AppendOwners(buf[:0], dc, o.token) {
			if !b.cl.Members[n].Reachable() {
				b.c.missed(n)
				continue
			}
			f := b.out.frame(b, n, KindApply)
			f.buf = appendDelta(f.buf, o.key, o.before, o.delta)
			f.add(-1, 0)
		}
	}
}

// settle ends operation i if it is met, or if it cannot be any more.
func (b *batch) settle(i int) {
	o := &b.ops[i]
	if o.done {
		return
	}
	if o.sufficient() {
		if o.first {
			b.seen(o)
			return
		}
		b.end(o)
		return
	}
	open := o.asked &^ o.fail
	possibleAcks, possibleVotes := 0, 0
	for p, n := range o.owners[:o.nowners] {
		if o.acks.has(p) || open.has(p) {
			possibleAcks++
		}
		if o.votes.has(p) || open.has(p) && b.cl.Members[n].Complete() {
			possibleVotes++
		}
	}
	if o.wrote && possibleAcks < o.need || o.looked && possibleVotes < o.need {
		if !o.wrote && o.looked {
			before := o.asked
			b.askVotes(i)
			if o.asked != before {
				return
			}
		}
		b.failOp(o)
	}
}

func (b *batch) end(o *op) {
	o.done = true
	b.pending--
}

func (b *batch) failOp(o *op) {
	o.out = b.c.appendShortfall(o.out[:0], b.cl, o)
	b.end(o)
	if o.first {
		b.seen(o)
	}
}

// current returns the operation that a message's reference means, or nil if it
// has ended, or been executed again since.
func (b *batch) current(ref opRef) *op {
	if ref.op < 0 {
		return nil
	}
	if o := &b.ops[ref.op]; !o.done && o.tries == ref.try {
		return o
	}
	return nil
}

// answered feeds the answer of the owner node to operation i; pushed says that
// it is the answer to our whole record. body is valid during the call only.
func (b *batch) answered(i, node int, a answer, pushed bool) {
	o := &b.ops[i]
	p := o.position(node)
	if o.done || p < 0 {
		return
	}
	if a.flags&flagFailed != 0 {
		o.fail |= 1 << p
		o.err = errText(string(a.body))
		b.settle(i)
		return
	}
	vote := func() {
		o.acks |= 1 << p
		if b.cl.Members[node].Complete() {
			o.votes |= 1 << p
		} else {
			o.fail |= 1 << p // it holds the delta, but it cannot vote
		}
	}
	if a.flags&flagWon != 0 && a.flags&flagDiffers == 0 {
		vote()
		b.settle(i)
		return
	}
	// The owner holds something that we did not see. Adopt it.
	if len(a.body) > 0 {
		if err := b.c.adopt(o.key, a.body); err != nil {
			o.fail |= 1 << p
			o.err = err
			b.settle(i)
			return
		}
		b.unsaved = true
	}
	if o.first { // now we hold all that it holds
		vote()
		b.settle(i)
		return
	}
	if o.wrote {
		switch {
		case !b.stands(o): // what was written is dead or hidden, so it is executed again
			b.again(i)
		case pushed: // it joined all that we hold, and we all that it holds
			vote()
			b.settle(i)
		default: // it stands here: the owner is merely behind, and completed
			b.push(o, node, i)
		}
		return
	}
	if now, _ := b.c.store.Digest(o.key); now != o.before {
		o.agreed = 0
		if len(a.body) > 0 && b.cl.Members[node].Complete() && b.holds(o, now, a.body) {
			o.agreed, o.agreedOn = 1<<p, now
		}
		b.again(i) // what we saw was not all there was
		return
	}
	if pushed { // it joined all that we hold, and holds nothing that we do not
		vote()
		b.settle(i)
		return
	}
	// The owner is behind: it must hold the joined record before the reply.
	b.push(o, node, i)
}

// stands says whether what operation o wrote still wins here, after what an
// owner holds was adopted. Executing it again would count it twice then.
func (b *batch) stands(o *op) bool {
	a, err := b.c.store.Merge(o.key, o.delta, datastore.MergeOptions{}, nil)
	return err == nil && a.Won
}

// holds says whether our record of o's key is the given one, and its digest too.
func (b *batch) holds(o *op, digest uint64, record []byte) bool {
	own, err := b.c.store.Record(o.key, b.scratch[:0])
	b.scratch = own
	now, _ := b.c.store.Digest(o.key)
	return err == nil && now == digest && bytes.Equal(own, record)
}

// again executes operation i anew after something unseen was adopted.
func (b *batch) again(i int) {
	o := &b.ops[i]
	o.tries++
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
func (b *batch) push(o *op, node, i int) {
	rec, err := b.c.store.Record(o.key, b.scratch[:0])
	b.scratch = rec
	if err != nil {
		o.fail |= 1 << o.position(node)
		o.err = err
		b.settle(i)
		return
	}
	if p := o.position(node); !o.reset.has(p) && b.c.hasReset(o.token) {
		f := b.out.frame(b, node, KindReset)
		if len(f.ops) == 0 {
			f.buf = appendResets(f.buf, b.c.store.Resets())
		}
		f.add(i, o.tries)
		return
	}
	if len(rec) == 0 {
		// Nothing to hold: a reset of the range killed it.
		o.votes |= 1 << o.position(node)
		b.settle(i)
		return
	}
	f := b.out.frame(b, node, KindApply)
	f.buf = appendRecord(f.buf, o.key, rec)
	f.ops = append(f.ops, opRef{i, o.tries, true})
	b.c.count.writebacks.Add(1)
}

// levelled goes on with a push to node, which holds our range resets now; we
// hold its own.
func (b *batch) levelled(i, node int) {
	o := &b.ops[i]
	o.reset |= 1 << o.position(node)
	if now, _ := b.c.store.Digest(o.key); !o.wrote && now != o.before {
		b.again(i)
		return
	}
	b.push(o, node, i)
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
				o.fail |= 1 << p
				o.err = err
				b.settle(ref.op)
			}
		}
	}
}

// unexecuted deals with an operation whose executor did not answer: it goes
// to the next one if it was never sent or only looks; the outcome of a write
// that was sent is unknown, and it is never sent again blindly.
func (b *batch) unexecuted(i int, err error, sent bool) {
	o := &b.ops[i]
	if o.done {
		return
	}
	o.err = err
	o.tries++
	if !sent || !o.spec.Write() {
		if p := o.position(o.executor); p >= 0 {
			o.fail |= 1 << p
		}
		if next := b.c.executorExcept(b.cl, o); next >= 0 && o.tries <= o.nowners && b.c.now().Before(b.deadline) {
			o.executor = next
			if next == b.cl.Self {
				b.takeOver(i)
				return
			}
			b.askExec(i)
			return
		}
		o.out = b.c.appendShortfall(o.out[:0], b.cl, o)
	} else {
		o.applied = true
		b.c.count.unknown.Add(1)
		o.out = appendUnknown(o.out[:0], b.cl.Members[o.executor].ID, err)
	}
	b.end(o)
}

// takeOver makes this node the executor of operation i, whose primary is gone:
// a change that calls for caution, known here or not.
func (b *batch) takeOver(i int) {
	o := &b.ops[i]
	switch {
	case b.looksFirst(o):
		b.look(i)
	case b.firsts == 0:
		b.execute(i)
	} // else it is executed with the others, in order
}

func (b *batch) askExec(i int) {
	o := &b.ops[i]
	f := b.out.frame(b, o.executor, KindExec)
	if len(f.ops) == 0 {
		f.buf = appendExecHead(f.buf, b.call.Proto, b.read, b.write)
	}
	f.buf = appendExecCommand(f.buf, o.args)
	f.add(i, o.tries)
}

// hedge asks further owners for operations whose voters are slow.
func (b *batch) hedge() {
	if b.hedged {
		return
	}
	b.hedged = true
	for i := range b.ops {
		o := &b.ops[i]
		if o.done || o.wrote || !o.looked || o.executor != b.cl.Self {
			continue
		}
		for p, n := range o.owners[:o.nowners] {
			if !o.asked.has(p) && b.cl.Members[n].Complete() {
				o.asked |= 1 << p
				f := b.out.frame(b, n, KindApply)
				f.buf = appendDigest(f.buf, o.key, o.before)
				f.add(i, o.tries)
				b.c.count.hedges.Add(1)
			}
		}
	}
}

// check sets finished when nothing is pending.
func (b *batch) check() bool {
	if b.pending == 0 && !b.finished {
		b.finished = true
		return true
	}
	return false
}
