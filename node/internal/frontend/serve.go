package frontend

import (
	"time"

	"github.com/dynomite-go/dynomite/node/internal/command"
	"github.com/dynomite-go/dynomite/respserver"
)

// Serve executes a batch and leaves the replies in c.Out.
func (f *Frontend) Serve(c *respserver.Conn, batch []respserver.Command) {
	s := c.Data.(*Session)
	s.now = time.Now()
	s.stats.rate.add(s.now, len(batch))
	for i := range batch {
		args := batch[i].Args
		e, ok := s.lookup(args)
		if ok && !e.brief || len(args) > maxBrief {
			c.Alone()
		}
		if ok && e.run == nil && !s.refuseNext {
			s.group = append(s.group, Request{Spec: e.spec, Args: args})
			s.entries = append(s.entries, e)
			if s.skip || len(s.group) == MaxGroup {
				s.runGroup()
			}
		} else {
			s.runGroup()
			if !s.closing {
				s.runHere(e, ok, args)
			}
		}
		if s.closing {
			return
		}
	}
	s.runLast()
}

// lookup finds the entry of a command, down to the subcommand. If it is not
// ok, e says how far it came: nil for an unknown command, the container for an
// unknown subcommand, the command itself for a wrong number of words.
func (s *Session) lookup(args [][]byte) (e *entry, ok bool) {
	e = s.last
	if e == nil || !equalFold(args[0], e.name) {
		if len(args[0]) > maxName {
			return nil, false
		}
		var lower [maxName]byte
		e = s.front.table.byName[string(appendLower(lower[:0], args[0]))]
		if e == nil {
			return nil, false
		}
		s.last = e
	}
	if e.subs != nil && len(args) > 1 {
		sub := e.sub(args[1])
		if sub == nil {
			return e, false
		}
		e = sub
	}
	return e, e.spec.Accepts(len(args))
}

// runHere answers one command that does not go to the router.
func (s *Session) runHere(e *entry, ok bool, args [][]byte) {
	s.skipping, s.skip = s.skip, false
	c := s.conn
	if ok && e.spec.Flags&command.Blocking != 0 {
		s.flush() // what came before is not held up
	}
	from := len(c.Out)
	switch {
	case s.refuseNext:
		s.refuseNext = false
		c.Out = appendError(c.Out, errCachedNext)
		s.front.stats.errors.count(c.Out[from:])
	case e == nil:
		c.Out = command.AppendUnknown(c.Out, args)
		s.front.stats.errors.count(c.Out[from:])
	case !ok:
		if e.subs != nil && len(args) > 1 {
			c.Out = command.AppendUnknown(c.Out, args)
		} else {
			c.Out = command.AppendArity(c.Out, e.spec)
		}
		s.stats.reject(e)
		s.front.stats.errors.count(c.Out[from:])
	default:
		s.shown.last.Store(e)
		c.Out = e.run(s, args, c.Out)
		failed := len(c.Out) > from && c.Out[from] == '-'
		if failed {
			s.front.stats.errors.count(c.Out[from:])
		}
		s.stats.ran(e, 1, s.lap(), failed)
	}
	if s.muted || s.skipping {
		c.Out = c.Out[:from]
	}
	s.flushLarge()
}

// runGroup hands the gathered commands to the router and waits for them.
func (s *Session) runGroup() {
	if len(s.group) == 0 {
		return
	}
	s.beginGroup()
	s.endGroup(s.front.router.Run(s, s.group, s.conn.Out))
	s.flushLarge()
}

// runLast is runGroup for the end of a batch: the router may answer later, and
// then nothing of s may be touched anymore.
func (s *Session) runLast() {
	if len(s.group) == 0 {
		return
	}
	s.beginGroup()
	if r := s.front.starter; r != nil && r.Start(s, s.group) {
		return
	}
	s.endGroup(s.front.router.Run(s, s.group, s.conn.Out))
	s.flushLarge()
}

func (s *Session) beginGroup() {
	s.skipping, s.skip = s.skip, false
	s.settled, s.from = 0, len(s.conn.Out)
	s.shown.last.Store(s.entries[len(s.entries)-1])
}

// endGroup takes the replies of the group, appended to the output.
func (s *Session) endGroup(out []byte) {
	s.conn.Out = s.settle(out)
	s.countGroup(s.lap())
	clear(s.group) // do not keep the client's bytes alive
	s.group, s.entries = s.group[:0], s.entries[:0]
}

// settle looks through the replies that were appended since the last call,
// counts the errors among them, and drops them all if the client asked for
// that.
func (s *Session) settle(out []byte) []byte {
	replies := out[min(s.from, len(out)):]
	for len(replies) > 0 && s.settled < len(s.entries) {
		if replies[0] == '-' {
			s.stats.fail(s.entries[s.settled])
			s.front.stats.errors.count(replies)
		}
		s.settled++
		if s.settled == len(s.entries) {
			break // the rest need not be measured
		}
		n := replyLen(replies)
		if n == 0 {
			break
		}
		replies = replies[n:]
	}
	if s.muted || s.skipping {
		return out[:min(s.from, len(out))]
	}
	return out
}

// countGroup spreads the time of a group evenly over its commands; neighbours
// with one name are counted at once.
func (s *Session) countGroup(took time.Duration) {
	n := len(s.entries)
	for i := 0; i < n; {
		e, first := s.entries[i], i
		for i < n && s.entries[i] == e {
			i++
		}
		s.stats.ran(e, i-first, took*time.Duration(i-first)/time.Duration(n), false)
	}
}

// lap is the time since the last lap of this batch, so that a batch of one
// group asks for the time twice.
func (s *Session) lap() time.Duration {
	last := s.now
	s.now = time.Now()
	return s.now.Sub(last)
}

// flush writes the output. If the client is gone, the rest of its batch is not
// executed.
func (s *Session) flush() {
	if s.conn.Flush() != nil {
		s.closing = true
	}
}

// flushLarge writes the output early when much has gathered.
func (s *Session) flushLarge() {
	if len(s.conn.Out) >= flushBytes {
		s.flush()
	}
}
