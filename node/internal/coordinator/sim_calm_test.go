package coordinator

import (
	"slices"
	"strings"
)

// placed is a command in the one order of all that was done to a key.
type placed struct {
	*simOp
	write bool
	at    int // how many writes are before it, a write counted in
}

// checkCalm wants a healthy datacenter to have behaved like one Redis: the writes
// of a key follow each other, each on what the one before left, and every
// command has a place among them between its beginning and its end.
func (s *sim) checkCalm() {
	for _, key := range s.keys {
		s.checkOrder(key)
	}
}

func (s *sim) checkOrder(key string) {
	type write struct {
		execution
		op *simOp
	}
	var writes []write
	reads := map[*simOp]execution{}
	for _, o := range s.ops {
		for _, p := range o.parts {
			if p.key != key {
				continue
			}
			runs := s.executions(p.text)
			for _, run := range runs {
				if run.delta != nil {
					writes = append(writes, write{run, o})
				}
			}
			if n := len(runs); n > 0 && runs[n-1].delta == nil {
				reads[o] = runs[n-1]
			}
		}
	}
	slices.SortFunc(writes, func(a, b write) int { return a.stamp.Compare(b.stamp) })
	states := []*modelRecord{newModelRecord()}
	var order []placed
	for i, w := range writes {
		if last := states[i]; !w.seen.equal(last) {
			s.fault("key %s: %q was executed on\n %s\nbut the write before it left\n %s", key, w.op.line, w.seen.text(), last.text())
		}
		states = append(states, modelJoin(states[i], w.delta))
		order = append(order, placed{w.op, true, i + 1})
	}
	for _, o := range s.ops {
		if run, ok := reads[o]; ok && o.answered() {
			at := slices.IndexFunc(states, run.seen.equal)
			if at < 0 {
				s.fault("key %s: %q saw what never was\n %s", key, o.line, run.seen.text())
			}
			order = append(order, placed{o, false, at})
		}
	}
	for _, a := range order {
		for _, b := range order {
			if a.answered() && a.end < b.start && (a.at > b.at || a.at == b.at && b.write) {
				s.fault("key %s: %q was answered %q before %q began, but comes after it", key, a.line, a.reply, b.line)
			}
		}
	}
}

// answered says that the outcome is known.
func (o *simOp) answered() bool {
	return o.end > 0 && !strings.HasPrefix(o.reply, "-NOQUORUM") && !strings.HasPrefix(o.reply, "-TIMEOUT")
}
