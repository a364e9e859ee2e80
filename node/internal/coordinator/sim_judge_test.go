package coordinator

import (
	"slices"
	"strings"
	"time"

	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/quorum"
)

// ackedWrite is a write that was acknowledged at DC_QUORUM, joined with all of
// its key before it in the same datacenter.
type ackedWrite struct {
	seq  int
	all  *modelRecord
	line string
}

// disagreement is when nodes took different ones for a key's primary.
type disagreement struct {
	now  bool
	last time.Time
}

// watchDisagreement is called whenever somebody's view of somebody changed.
func (s *sim) watchDisagreement() {
	for _, key := range s.keys {
		first := map[string]int{} // who is primary, by datacenter, for the first node
		apart := map[string]bool{}
		for _, n := range s.nodes {
			if n.p == nil || n.p.dead {
				continue
			}
			cl := n.p.cluster()
			var buf [maxOwners]int
			p := cl.primary(cl.owners(cl.Hash([]byte(key)), buf[:0]), false)
			if q, ok := first[cl.datacenter]; ok && p != q {
				apart[cl.datacenter] = true
			} else {
				first[cl.datacenter] = p
			}
		}
		for dc := range first {
			d := s.disagree[dc+key]
			if d == nil {
				d = &disagreement{}
				s.disagree[dc+key] = d
			}
			if d.now || apart[dc] {
				d.last = time.Now()
			}
			d.now = apart[dc]
		}
	}
}

// disagreed says whether nodes disagreed since a time, or shortly before it:
// an answer may have been under way for as long as a command takes.
func (s *sim) disagreed(dc, key string, since time.Time) bool {
	d := s.disagree[dc+key]
	return d.now || !d.last.Before(since.Add(-2500*time.Millisecond))
}

// ackedBefore is the join of what was acknowledged before a moment.
func (s *sim) ackedBefore(dc, key string, seq int) (all *modelRecord, line string) {
	for _, w := range s.acked[dc+key] {
		if w.seq < seq {
			all, line = w.all, w.line
		}
	}
	return all, line
}

// holders counts the nodes of a datacenter that hold d.
func (s *sim) holders(dc, key string, d *modelRecord) (n, of int) {
	for i := range s.nodes {
		if s.nodes[i].p.cluster().datacenter == dc {
			of++
			if s.nodes[i].p.twin.holding(key).holds(d) {
				n++
			}
		}
	}
	return n, of
}

// judge looks at an answer: is what it promises true?
func (s *sim) judge(o *simOp) {
	s.stats.ops++
	switch {
	case strings.HasPrefix(o.reply, "-NOQUORUM"):
		s.stats.refused++
		if !strings.Contains(o.reply, "nothing was written") {
			return
		}
		for _, p := range o.parts {
			for _, run := range s.executions(p.text) {
				if run.delta != nil {
					s.fault("%q was executed on n%d: %q", o.line, run.node, o.reply)
				}
			}
		}
		return
	case strings.HasPrefix(o.reply, "-TIMEOUT"):
		s.stats.unknown++
		return
	case o.reply == "" || strings.HasPrefix(o.reply, "-MISCONF"):
		s.fault("%q is answered %q", o.line, o.reply)
		return
	}
	s.stats.acked++
	for _, p := range o.parts {
		s.judgePart(o, p)
	}
}

func (s *sim) executions(text string) []execution {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.runs[text]
}

func (s *sim) judgePart(o *simOp, p simPart) {
	runs := s.executions(p.text)
	// Most are executed by one node, and the last time counts. A read may have
	// gone to another one meanwhile.
	var last []execution
	for i, run := range runs {
		if (i == len(runs)-1 || run.node != runs[len(runs)-1].node) && (len(o.parts) > 1 || run.reply == o.reply || kept(runs[:i], run, o.reply)) {
			last = append(last, run)
		}
	}
	if len(last) == 0 {
		s.fault("%q is answered %q, executed was %v", o.line, o.reply, runs)
		return
	}
	if s.profile.counters {
		s.counted(o)
	}
	if o.level == quorum.DCOne {
		return
	}
	dc := s.nodes[o.node].p.cluster().datacenter
	before, line := s.ackedBefore(dc, p.key, o.start)
	seen := false
	for _, run := range last {
		seen = seen || run.seen.holds(before)
	}
	run := last[len(last)-1]
	if run.delta == nil {
		if !seen {
			s.fault("%q saw\n %s\nand not what was acknowledged before it, at last %q\n %s", o.line, run.seen.text(), line, before.text())
		}
		return
	}
	if !seen && looks(o.line) {
		switch {
		case s.nodes[run.node].p.wasCautious(o.began):
			s.fault("%q was executed on\n %s\nand not on what was acknowledged before it, at last %q, though n%d was cautious\n %s", o.line, run.seen.text(), line, run.node, before.text())
		case !s.disagreed(dc, p.key, o.began):
			s.fault("%q was executed on\n %s\nand not on what was acknowledged before it, at last %q, though nobody disagreed\n %s", o.line, run.seen.text(), line, before.text())
		}
		s.stats.exceptions++
	}
	if before != nil && !run.delta.wonOver(modelJoin(before, run.seen), run.now) {
		s.fault("%q is acknowledged and wrote\n %s\nwhich is beaten by what was acknowledged before it, at last %q\n %s", o.line, run.delta.text(), line, before.text())
	}
	if n, of := s.holders(dc, p.key, run.delta); n < majority(of) && s.lossSeq < o.start {
		s.fault("%q is acknowledged and held by %d of %d: %s", o.line, n, of, run.delta.text())
	}
	all := run.delta
	if w := s.acked[dc+p.key]; len(w) > 0 {
		all = modelJoin(w[len(w)-1].all, all)
	}
	s.acked[dc+p.key] = append(s.acked[dc+p.key], ackedWrite{s.seq, all, strings.Join(o.line, " ")})
}

// kept says that a command which deleted something, and then found nothing when it
// was executed again on the same node, may have kept its reply. See batch.overtaken.
func kept(runs []execution, last execution, reply string) bool {
	kind, _ := last.seen.at(last.now).kind()
	return kind == datastore.None && slices.ContainsFunc(runs, func(run execution) bool {
		return run.node == last.node && run.reply == reply && run.delta != nil && run.delta.size(datastore.String)+run.delta.size(datastore.Hash) == 0
	})
}

// wonOver is what the owners' answers amount to: what d wrote is held and shown at
// time t if nothing but before was there. That holds of removals too: whatever
// was acknowledged before one began is dead by its own stamp, for a majority
// answered that it held nothing newer.
func (d *modelRecord) wonOver(before *modelRecord, t int64) bool {
	all := modelJoin(before, d).at(t)
	kind, _ := all.kind()
	values, fields := false, map[string]bool{}
	for k, x := range d.reg {
		if x.tomb {
			if _, shown := all.shown(k.kind, k.field); shown && kind == k.kind {
				return false
			}
			continue
		}
		if values, fields[k.field] = true, true; kind != k.kind || all.reg[k] != x {
			return false
		}
	}
	for k, x := range d.slot {
		values = true
		if got, ok := all.slot[k]; kind != k.kind || !ok || got.born != x.born || got.v.Less(x.v) {
			return false
		}
	}
	switch {
	case values && !d.reset.IsZero() && d.reset == d.rs.Pred(): // a SET
		return all.expAt == d.expAt && all.size(kind) == len(fields)
	case values:
		return true
	case !d.rs.IsZero() && d.exp.IsZero() && d.reset == d.rs:
		return kind == datastore.None
	case !d.exp.IsZero():
		return all.exp == d.exp
	}
	return true
}

// looks says whether a command looks before it writes.
func looks(line []string) bool {
	switch strings.ToUpper(line[0]) {
	case "SET":
		return len(line) > 3 && !strings.HasPrefix(line[3], "PX")
	case "PSETEX", "MSET":
		return false
	}
	return true
}

// counted finds an increment that was counted twice.
func (s *sim) counted(o *simOp) {
	switch strings.ToUpper(o.line[0]) {
	case "INCRBY", "HINCRBY", "GET", "GETRANGE", "GETSET", "GETDEL", "GETEX", "HGET":
	default:
		return
	}
	lines := strings.Split(strings.TrimSuffix(o.reply, "\r\n"), "\r\n")
	if strings.ContainsAny(lines[len(lines)-1], "23456789") && o.reply[0] != '-' {
		s.fault("%q is answered %q: an increment was counted twice", o.line, o.reply)
	}
}
