package coordinator

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/dynomite-go/dynomite/node/internal/command"
	"github.com/dynomite-go/dynomite/node/internal/frontend"
	"github.com/dynomite-go/dynomite/quorum"
)

// batch is the machine of one group of operations: its life from newBatch to
// release. execute.go is what it asks, judge.go what it makes of the answers,
// forward.go what other nodes execute. See the package documentation.
type batch struct {
	c  *Coordinator
	mu sync.Mutex
	// refs counts who may still touch the batch: its starter and every
	// message under way.
	refs int
	// finished is set when every operation is done; answers that come later
	// repair, and change nothing here.
	finished bool
	finish   func(*batch)
	use      uint64 // counts what the batch was used for

	cl       *Cluster
	call     command.Call
	deadline time.Time
	started  int64 // on the coordinator's clock
	read     quorum.Level
	write    quorum.Level
	ops      []op
	pending  int
	firsts   int    // operations that look before they execute
	stops    uint64 // how often the node had stood still when the batch began
	looks    int    // how often it began
	detour   bool   // somebody went around the one whom we take for primary
	unsaved  bool   // our store or our hints took deltas that were not committed yet
	out      outbox
	landed   []*flight // whose leaders have ended
	steps    uint64
	wake     chan struct{}
	scratch  []byte

	// for operations that a client asked for who is not waited for
	session *frontend.Session
	cmds    []frontend.Request

	// for operations that another node asked for
	reply   func([]byte)
	request []byte
	argv    [][]byte
	encoded []byte

	// links in the coordinator's list of running batches, the next one older
	prev, next *batch
	// waits are the questions under way; due is when Tick has to look.
	waits  []*frame
	due    atomic.Int64
	parked int // operations that wait for another's question
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
	b.refs, b.finished, b.parked = 1, false, 0
	b.looks, b.detour = 0, false
	b.due.Store(never)
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
		o.spec, o.args, o.key, o.err, o.flight = nil, nil, nil, nil, nil
		if cap(o.out) > 64<<10 {
			o.out = nil
		}
		if cap(o.delta) > 64<<10 {
			o.delta = nil
		}
		if cap(o.kept) > 64<<10 {
			o.kept = nil
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
	*o = op{spec: spec, args: args, key: key, level: level, out: o.out[:0], delta: o.delta[:0], kept: o.kept[:0]}
	o.token = b.cl.Hash(key)
	o.rule = b.cl.rule(level)
	b.cl.placeOwners(o)
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
	b.begin()
	wrote := b.unsaved
	b.unsaved = false
	b.step()
	var err error
	if wrote {
		err = b.c.commit()
	}
	b.mu.Lock()
	if err != nil {
		b.unwritten(err)
	}
	b.pending--
	b.step()
}

// begin executes our operations, after a look where the node is cautious.
func (b *batch) begin() {
	b.stops = b.c.Stops() // before it counts whether the node is cautious
	b.looks++
	b.firsts = 1 // held until all are asked: some may fail at once
	if b.detour || b.c.cautious() {
		b.lookFirst()
	}
	if b.firsts--; b.firsts == 0 {
		b.executeAll()
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

func (b *batch) end(o *op) {
	o.done = true
	b.pending--
	if o.flight != nil {
		b.disembark(o)
	}
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

// check sets finished when nothing is pending.
func (b *batch) check() bool {
	if b.pending == 0 && !b.finished {
		b.finished = true
		return true
	}
	return false
}
