package coordinator

import (
	"github.com/dynomite-go/dynomite/hashkit"
)

// Hints keeps deltas for owners that did not acknowledge them. Its methods may
// be called with a batch's lock held: they must neither wait for a peer nor
// call the Coordinator.
type Hints interface {
	// Hint keeps a delta, or a whole record, of key for a node. What it cannot
	// keep it must remember as a range in which the node lacks something: a
	// hint is never lost in silence.
	Hint(node int, token hashkit.Token, key, delta []byte)
	// HintResets keeps a message of kind KindReset.
	HintResets(node int, message []byte)
	// CommitHints makes what was kept as durable as the log's policy asks.
	CommitHints()
}

// forgetful keeps nothing: for tests of what does not need it.
type forgetful struct{}

func (forgetful) Hint(int, hashkit.Token, []byte, []byte) {}
func (forgetful) HintResets(int, []byte)                  {}
func (forgetful) CommitHints()                            {}

func (c *Coordinator) hint(node int, token hashkit.Token, key, delta []byte) {
	c.count.missed.Add(1)
	c.hints.Hint(node, token, key, delta)
}

func (c *Coordinator) hintResets(node int, message []byte) {
	c.count.missed.Add(1)
	c.hints.HintResets(node, message)
	c.hints.CommitHints()
}

// commit makes what was joined, and what was kept for others, durable.
func (c *Coordinator) commit() error {
	err := c.store.Commit()
	c.hints.CommitHints()
	return err
}

// keep keeps the deltas of an apply message that was not answered. It says
// whether there were any.
func (c *Coordinator) keep(node int, message []byte) bool {
	cl := c.Cluster()
	r := reader{b: message}
	r.version()
	kept := false
	for len(r.b) > 0 && r.err == nil {
		if e := r.entry(); r.err == nil && len(e.delta) > 0 {
			c.hint(node, cl.Hash(e.key), e.key, e.delta)
			kept = true
		}
	}
	return kept
}

// late makes use of an answer that decides nothing any more: what the owner
// holds that we did not see is joined here, and what it lacks is kept for it.
func (b *batch) late(node int, e entry, a answer) {
	if a.won() || a.flags&flagFailed != 0 {
		return
	}
	c := b.c
	before, _ := c.store.Digest(e.key)
	if len(a.body) > 0 {
		if _, err := c.adopt(e.key, a.body, a.by); err != nil {
			c.log.Warn("a late answer could not be joined", "err", err)
			return
		}
		b.unsaved = true
	}
	now, _ := c.store.Digest(e.key)
	if now != before {
		c.count.repairs[byLate].in.Add(1)
	}
	if e.tag != entryDigest {
		return // it joined what we sent or takes it from us later, and we what it holds
	}
	if now == 0 || c.holds(e.key, now, a.body, &b.scratch) {
		return
	}
	rec, err := c.store.Record(e.key, b.scratch[:0])
	b.scratch = rec
	if err == nil && len(rec) > 0 {
		c.hints.Hint(node, b.cl.Hash(e.key), e.key, rec)
		c.count.repairs[byLate].out.Add(1)
		b.unsaved = true
	}
}

// Deliver is one message of hints for a node.
type Deliver struct {
	message []byte
	keys    [][]byte
}

// Reset begins another message in the same memory, when nobody needs the last one.
func (d *Deliver) Reset() { d.message, d.keys = d.message[:0], d.keys[:0] }

// Add appends a hint to the message. key must stay as it is until Answers.
func (d *Deliver) Add(key, delta []byte) {
	if len(d.message) == 0 {
		d.message = append(d.message, formatVersion)
	}
	d.message = appendRecord(d.message, key, delta)
	d.keys = append(d.keys, key)
}

// Message is what to send, of kind KindApply.
func (d *Deliver) Message() []byte { return d.message }

// Delivered reads the answer to a message of hints: taken says of each whether
// the node has it now, or refused it as too old: then it takes it from the
// owners, who all have it. What the node holds that beats a hint is joined here.
func (c *Coordinator) Delivered(d *Deliver, reply []byte) (taken []bool, err error) {
	r := reader{b: reply}
	r.version()
	joined := false
	for _, key := range d.keys {
		a := r.answer()
		if r.err != nil {
			break
		}
		taken = append(taken, a.flags&flagFailed == 0)
		if !a.won() && a.flags&flagFailed == 0 && len(a.body) > 0 {
			if _, err := c.adopt(key, a.body, ordinaryRoad); err == nil {
				c.count.returned.Add(1)
				joined = true
			}
		}
	}
	if joined {
		if err := c.store.Commit(); err != nil {
			return taken, err
		}
	}
	return taken, r.err
}
