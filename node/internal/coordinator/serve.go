package coordinator

import (
	"errors"
	"time"

	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/node/internal/command"
	"github.com/dynomite-go/dynomite/quorum"
)

// ErrGivenUp says that nobody waits for a message's answer any more, and that
// nothing of what it asks for was done: its sender may be told so.
var ErrGivenUp = errors.New("coordinator: the sender's deadline has passed")

// ServeApply joins the deltas of an apply message and compares its digests.
// What was joined is committed before the answer is returned. from is the id
// of the node that sent it.
func (c *Coordinator) ServeApply(from string, payload, dst []byte) ([]byte, error) {
	r := reader{b: payload}
	r.version()
	dst = append(dst, formatVersion)
	var beat []byte
	wrote := false
	for len(r.b) > 0 && r.err == nil {
		e := r.entry()
		if r.err != nil {
			return nil, r.err
		}
		var a datastore.Answer
		var err error
		switch e.tag {
		case entryDelta:
			a, err = c.store.Merge(e.key, e.delta, datastore.MergeOptions{Check: true, Before: e.digest}, beat[:0])
			// What the executor saw matters for counting conflicts alone.
			a.Differs = false
			wrote = true
			c.watchPrimary(e.key, from)
		case entryRecord:
			a, err = c.store.Merge(e.key, e.delta, datastore.MergeOptions{}, beat[:0])
			wrote = true
		case entryHeld:
			by := c.roadOf(c.Cluster().Hash(e.key), e.floor)
			a, err = c.store.Merge(e.key, e.delta, by.options(), beat[:0])
			wrote = true
		case entryDigest:
			a, err = c.compareDigest(e.key, e.digest, beat[:0])
		}
		if err != nil {
			dst = appendFailure(dst, err)
			continue
		}
		if a.Beat != nil {
			beat = a.Beat
		}
		if e.tag != entryDigest {
			c.count.merged.Add(1)
			if !a.Won {
				c.count.lost.Add(1)
			}
			c.tallyConflict(a)
		}
		dst = appendAnswer(dst, a, a.Beat)
	}
	if r.err != nil {
		return nil, r.err
	}
	if wrote {
		if err := c.store.Commit(); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

func (c *Coordinator) tallyConflict(a datastore.Answer) {
	if a.Conflict {
		c.count.conflicts.Add(1)
	}
}

func (c *Coordinator) compareDigest(key []byte, digest uint64, dst []byte) (datastore.Answer, error) {
	own, err := c.store.Digest(key)
	if err != nil {
		return datastore.Answer{}, err
	}
	if own == digest {
		return datastore.Answer{Won: true}, nil
	}
	rec, err := c.store.Record(key, dst)
	if v := c.resetOf(c.Cluster().Hash(key)); err == nil && !v.IsZero() {
		// Where the asker has not heard of it, it holds what that has killed.
		rec, err = datastore.WithReset(nil, rec, v)
	}
	return datastore.Answer{Differs: true, Beat: rec}, err
}

// ServeExec executes commands for another node and calls reply once, when
// every one of them is done. It never blocks; payload is copied. After the
// deadline it executes none of them and returns [ErrGivenUp]; zero is no deadline.
func (c *Coordinator) ServeExec(payload []byte, deadline time.Time, reply func([]byte)) error {
	cl := c.Cluster()
	if cl == nil {
		return errText("this node has no layout yet")
	}
	now := time.Now()
	if !deadline.IsZero() && !now.Before(deadline) {
		return ErrGivenUp
	}
	// The asker's own deadline passes at the same moment: answer before it.
	if deadline.IsZero() || deadline.After(now.Add(c.timeout)) {
		deadline = now.Add(c.timeout)
	}
	deadline = deadline.Add(-deadline.Sub(now) / 10)
	b := newBatch(c, cl, deadline)
	b.request = append(b.request[:0], payload...)
	r := reader{b: b.request}
	r.version()
	b.call.Proto = int(r.byte())
	b.read, b.write = quorum.Level(r.byte()), quorum.Level(r.byte())
	b.argv = b.argv[:0]
	err := b.readCommands(&r)
	if err == nil {
		err = r.err
	}
	b.mu.Lock()
	if err != nil {
		b.finished = true
		b.ops = b.ops[:0]
		b.release()
		return err
	}
	c.count.served.Add(uint64(len(b.ops)))
	b.reply = reply
	b.finish = (*batch).answer
	b.detour = b.madeDetour()
	c.enlist(b)
	b.run()
	return nil
}

func (b *batch) readCommands(r *reader) error {
	for len(r.b) > 0 && r.err == nil {
		n := r.count(1)
		if n == 0 || r.err != nil {
			return errShort
		}
		first := len(b.argv)
		for range n {
			b.argv = append(b.argv, r.bytes())
		}
		if r.err != nil {
			return r.err
		}
		args := b.argv[first:len(b.argv):len(b.argv)]
		spec := command.Resolve(args)
		if spec == nil || !spec.Keyed() || len(args) <= spec.First {
			return errText("this node does not know the command " + string(args[0]) + ": are all nodes of one version?")
		}
		o := b.add(spec, args, args[spec.First], b.level(spec.Write()))
		o.executor = b.cl.Self
	}
	return r.err
}

// madeDetour says whether we are asked for a command that looks before it writes,
// and take another node for the primary of its key: that one may have written
// what we have not got yet.
func (b *batch) madeDetour() bool {
	for i := range b.ops {
		if o := &b.ops[i]; b.looksFirst(o) && b.cl.primaryOf(o, true) != b.cl.Self {
			return true
		}
	}
	return false
}

// answer sends the replies of operations that another node asked for.
func (b *batch) answer() {
	b.c.delist(b)
	b.mu.Lock()
	out := append(b.encoded[:0], formatVersion)
	for i := range b.ops {
		out = appendBytes(out, b.ops[i].out)
	}
	b.encoded = out
	reply := b.reply
	b.mu.Unlock()
	reply(out)
	b.mu.Lock()
	b.release()
}
