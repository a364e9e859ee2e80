package coordinator

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// simPeers is the network as one process of a node sees it.
type simPeers struct {
	s    *sim
	p    *process
	from int
}

// simCall is one round trip.
type simCall struct {
	from *process
	over *process // the connection was to this one
	to   int
	kind byte
	done func([]byte, error)
}

func (c *simCall) finish(s *sim, reply []byte, err error) {
	if c.done == nil {
		return
	}
	done := c.done
	c.done = nil
	s.trace("     %v <- n%d kind %d: %d bytes, %v", c.from, c.to, c.kind, len(reply), err)
	done(reply, err)
}

func (simPeers) MaybeSent(err error) bool {
	var e benchError
	return errors.As(err, &e) && e.sent
}

// latency of one message.
func (s *sim) latency() time.Duration {
	d := time.Duration(s.rng.Int64N(int64(2 * s.profile.latency)))
	if s.rng.Float64() < s.profile.slow {
		d += time.Duration(s.rng.Int64N(int64(time.Second)))
	}
	return d
}

func (s *sim) chance(p float64) bool { return p > 0 && s.rng.Float64() < p }

// Send delivers a message some time, or never.
func (n simPeers) Send(to int, kind byte, payload []byte, deadline time.Time, done func([]byte, error)) {
	s, c := n.s, &simCall{from: n.p, over: n.p.views[to].proc, to: to, kind: kind, done: done}
	if n.p.dead || !n.p.views[to].up {
		refuse := func() { c.finish(s, nil, benchError{sent: false}) }
		if n.p.dead || s.chance(0.3) {
			refuse()
		} else {
			s.after(0, refuse)
		}
		return
	}
	msg := append([]byte(nil), payload...)
	s.calls = append(s.calls, c)
	s.trace("     %v -> n%d kind %d: %q", n.p, to, kind, msg)
	s.after(time.Until(deadline), func() { c.finish(s, nil, benchError{sent: true}) })
	s.deliver(c, msg, s.latency())
	if kind == KindApply && s.chance(s.profile.twice) {
		s.deliver(&simCall{from: n.p, over: c.over, to: to, kind: kind}, msg, s.latency()*3)
	}
}

// deliver brings a message to its receiver, and the answer back.
func (s *sim) deliver(c *simCall, msg []byte, d time.Duration) {
	if s.chance(s.profile.lose) {
		return
	}
	if s.profile.calm {
		// A connection keeps the order; TestHistory's other networks do not.
		last := &s.arrivals[c.from.node][c.to]
		d = max(d, time.Until(*last)+10*time.Microsecond)
		*last = time.Now().Add(d)
	}
	s.after(d, func() {
		to := s.nodes[c.to]
		if wait := time.Until(to.stalled); wait > 0 {
			s.deliver(c, msg, wait)
			return
		}
		if c.from.dead || c.over.dead || !s.links[c.from.node][c.to] {
			return
		}
		answer := func(reply []byte) {
			reply = append([]byte(nil), reply...)
			if c.done == nil || s.chance(s.profile.lose) {
				return
			}
			s.after(s.latency(), func() { s.answered(c, reply) })
		}
		s.trace("     n%d serves %v kind %d", c.to, c.from, c.kind)
		s.serve(to.p, c, msg, answer)
	})
}

func (s *sim) answered(c *simCall, reply []byte) {
	from := s.nodes[c.from.node]
	if wait := time.Until(from.stalled); wait > 0 {
		s.after(wait, func() { s.answered(c, reply) })
		return
	}
	if !c.from.dead && s.links[c.from.node][c.to] {
		c.finish(s, reply, nil)
	}
}

func (s *sim) serve(p *process, c *simCall, msg []byte, answer func([]byte)) {
	var out []byte
	var err error
	switch c.kind {
	case KindExec:
		deadline := time.Now().Add(2 * time.Second)
		err = p.c.ServeExec(msg, deadline, func(reply []byte) {
			if !p.dead {
				answer(reply)
			}
		})
		if err == nil {
			return
		}
	case KindApply:
		out, err = p.c.ServeApply(fmt.Sprintf("n%d", c.from.node), msg, nil)
	case KindReset:
		out, err = p.c.ServeReset(msg)
	case KindCompare:
		out, err = p.c.ServeCompare(fmt.Sprintf("n%d", c.from.node), msg)
	case KindReconcile:
		out, err = p.c.ServeReconcile(msg)
	}
	if err != nil {
		s.fault("n%d refuses kind %d from n%d: %v", c.to, c.kind, c.from.node, err)
		return
	}
	answer(out)
}

// caller is one round trip for a goroutine that waits for it.
func (p *process) caller(s *sim) Caller {
	return func(_ context.Context, node int, kind byte, payload []byte) ([]byte, error) {
		type result struct {
			reply []byte
			err   error
		}
		ch := make(chan result, 1)
		p.peers.Send(node, kind, payload, time.Now().Add(2*time.Second), func(reply []byte, err error) {
			ch <- result{append([]byte(nil), reply...), err}
		})
		r := <-ch
		return r.reply, r.err
	}
}
