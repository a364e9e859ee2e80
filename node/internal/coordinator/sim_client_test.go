package coordinator

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dynomite-go/dynomite/node/internal/command"
	"github.com/dynomite-go/dynomite/node/internal/frontend"
	"github.com/dynomite-go/dynomite/quorum"
)

// simOp is one command of a client.
type simOp struct {
	line       []string
	node       int
	level      quorum.Level
	start, end int // by sim.seq; end is zero until it was answered
	began      time.Time
	parts      []simPart
	reply      string
	dead       bool // the node died before it answered
}

// simPart is what a command does to one key.
type simPart struct{ key, text string }

// spell makes the words of a command its own, so that each execution can be
// told apart: by the letters of its name.
func (s *sim) spell(line string) (words []string, ok bool) {
	words = strings.Split(line, " ")
	for i, w := range words {
		switch w {
		case "_":
			words[i] = ""
		case "BY":
			if words[i], ok = s.increment(words[1]); !ok {
				return nil, false
			}
		}
	}
	name := []byte(words[0])
	n := 0
	keys := words[1:2]
	switch {
	case words[0] == "MSET":
		keys = []string{words[1], words[3]}
	case len(words) == 3 && (words[0] == "UNLINK" || words[0] == "EXISTS"):
		keys = words[1:]
	}
	for _, k := range keys {
		n = max(n, s.spelt[words[0]+k])
	}
	for _, k := range keys {
		s.spelt[words[0]+k] = n + 1
	}
	for i := range name {
		if n&1 == 1 {
			name[i] += 'a' - 'A'
		}
		n >>= 1
	}
	words[0] = string(name)
	return words, n == 0 && (len(keys) < 2 || keys[0] != keys[1])
}

// draw draws a command on one or two keys.
func (s *sim) draw() string {
	k, k2 := s.keys[s.rng.IntN(len(s.keys))], s.keys[s.rng.IntN(len(s.keys))]
	ms := 1 + s.rng.IntN(int(s.profile.span.Milliseconds()))
	if s.chance(0.5) {
		ms = 1 + s.rng.IntN(40)
	}
	at := time.Now().UnixMilli() + int64(s.rng.IntN(2000)-300)
	n := s.rng.IntN(1000)
	f := string(rune('f' + s.rng.IntN(3)))
	pick := func(lines ...string) string { return lines[s.rng.IntN(len(lines))] }
	str := func() string {
		return pick(
			"INCRBY "+k+" BY", "INCRBY "+k+" BY", "INCRBY "+k+" BY",
			"GET "+k, "GET "+k, "GETRANGE "+k+" 0 100000", "STRLEN "+k, "PTTL "+k, "PEXPIRETIME "+k, "EXISTS "+k, "TYPE "+k,
			"DEL "+k, "UNLINK "+k, "GETDEL "+k, "PERSIST "+k, fmt.Sprintf("PEXPIRE %s %d", k, ms), fmt.Sprintf("PEXPIREAT %s %d", k, at),
			fmt.Sprintf("GETEX %s PX %d", k, ms), "GETEX "+k+" PERSIST", "APPEND "+k+" _",
			"SET "+k+" 0", "GETSET "+k+" 0", "SETNX "+k+" 0", fmt.Sprintf("SET %s 0 PX %d", k, ms), "SET "+k+" 0 KEEPTTL",
			"SET "+k+" 0 NX GET", "SET "+k+" 0 XX",
		)
	}
	hash := func() string {
		return pick(
			"HINCRBY "+k+" "+f+" BY", "HINCRBY "+k+" "+f+" BY",
			"HGET "+k+" "+f, "HGET "+k+" "+f, "HLEN "+k, "HEXISTS "+k+" "+f, "HDEL "+k+" "+f, "HDEL "+k+" f g", "HSET "+k+" "+f+" 0",
			"HSETNX "+k+" "+f+" 0", "HMSET "+k+" f 0 g 0", "DEL "+k, "PTTL "+k, fmt.Sprintf("PEXPIRE %s %d", k, ms), "PERSIST "+k,
		)
	}
	wild := func() string {
		return pick(
			fmt.Sprintf("SET %s v%d", k, n), fmt.Sprintf("SET %s v%d PXAT %d", k, n, at), fmt.Sprintf("PSETEX %s %d v%d", k, ms, n),
			fmt.Sprintf("APPEND %s a%d", k, n), fmt.Sprintf("SETRANGE %s %d b%d", k, s.rng.IntN(5), n), fmt.Sprintf("SETNX %s v%d", k, n),
			fmt.Sprintf("GETSET %s v%d", k, n), fmt.Sprintf("HSET %s %s v%d h w%d", k, f, n, n), fmt.Sprintf("SET %s v%d XX GET", k, n),
			fmt.Sprintf("MSET %s v%d %s w%d", k, n, k2, n), "UNLINK "+k+" "+k2, "EXISTS "+k+" "+k2,
		)
	}
	switch x := s.rng.Float64(); {
	case s.profile.counters && k == s.keys[0]:
		return hash()
	case s.profile.counters:
		return str()
	case x < 0.4:
		return str()
	case x < 0.7:
		return hash()
	}
	return wild()
}

// increment is another power of ten for each increment of a key: a digit above
// one in a counter that starts at zero says that one was counted twice.
func (s *sim) increment(key string) (by string, ok bool) {
	n := s.digits[key]
	s.digits[key]++
	return "1" + strings.Repeat("0", n), n < 18
}

// request begins a pipeline of commands at some node.
func (s *sim) request() {
	if s.over {
		return
	}
	i := s.rng.IntN(len(s.nodes))
	n := s.nodes[i]
	if n.p.dead || time.Now().Before(n.stalled) || len(s.sessions) == 0 {
		return
	}
	level := quorum.DCQuorum
	if s.chance(s.profile.one) {
		level = quorum.DCOne
	}
	var ops []*simOp
	var cmds []frontend.Request
	for range 1 + s.rng.IntN(3)*s.rng.IntN(2) {
		line, ok := s.spell(s.draw())
		if !ok {
			continue
		}
		args := make([][]byte, len(line))
		for k, w := range line {
			args[k] = []byte(w)
		}
		spec := command.Lookup(args[0])
		o := &simOp{line: line, node: i, level: level, start: s.seq, began: time.Now()}
		for k := range spec.NumKeys(len(args)) {
			part := args
			if spec.NumKeys(len(args)) > 1 {
				part = spec.AppendPart(nil, args, k)
			}
			o.parts = append(o.parts, simPart{string(part[spec.First]), strings.Join(words(part), " ")})
		}
		ops = append(ops, o)
		cmds = append(cmds, frontend.Request{Spec: spec, Args: args})
	}
	if len(ops) == 0 {
		return
	}
	s.ops = append(s.ops, ops...)
	s.ask(n.p, ops, cmds)
}

// ask runs a pipeline as a connection does.
func (s *sim) ask(p *process, ops []*simOp, cmds []frontend.Request) {
	session := s.sessions[len(s.sessions)-1]
	s.sessions = s.sessions[:len(s.sessions)-1]
	session.ReadLevel, session.WriteLevel, session.Scratch = ops[0].level, ops[0].level, nil
	for _, o := range ops {
		s.trace("client at %v: %q at %v", p, o.line, o.level)
	}
	for _, d := range []time.Duration{25, 60, 500, 1200} {
		s.after(d*time.Millisecond, func() {
			if !p.dead && !time.Now().Before(s.nodes[p.node].stalled) {
				p.c.Tick()
			}
		})
	}
	go func() {
		out := p.c.Run(session, cmds, nil)
		s.endMu.Lock()
		s.ended = append(s.ended, ending{p, ops, session, out})
		s.endMu.Unlock()
	}()
}

// ending is a pipeline that was answered.
type ending struct {
	p       *process
	ops     []*simOp
	session *frontend.Session
	out     []byte
}

// judgeEnded judges what was answered since it was last called, oldest first.
func (s *sim) judgeEnded() {
	s.endMu.Lock()
	ended := s.ended
	s.ended = nil
	s.endMu.Unlock()
	slices.SortFunc(ended, func(a, b ending) int { return a.ops[0].start - b.ops[0].start })
	for _, e := range ended {
		s.sessions = append(s.sessions, e.session)
		out := e.out
		for _, o := range e.ops {
			o.end, o.dead = s.seq, e.p.dead
			o.reply, out = cutReply(out)
			s.trace("client at %v: %q is answered %q", e.p, o.line, o.reply)
			if !o.dead {
				s.judge(o)
			}
		}
		if len(out) > 0 {
			s.fault("%v replies too much: %q", e.p, out)
		}
	}
}

// cutReply takes one reply off out.
func cutReply(out []byte) (reply string, rest []byte) {
	end := strings.Index(string(out), "\r\n") + 2
	if end < 2 {
		return "", nil
	}
	if out[0] == '$' {
		if n, _ := strconv.Atoi(string(out[1 : end-2])); n >= 0 {
			end += n + 2
		}
	}
	return string(out[:end]), out[end:]
}
