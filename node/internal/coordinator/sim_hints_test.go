package coordinator

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/dynomite-go/dynomite/hashkit"
)

// simHints is node's queue of hints: one delta per node and key.
type simHints struct {
	p     *process
	queue map[int]map[string][]byte
	dirty map[int]bool
	busy  map[int]bool
}

func (h *simHints) Hint(node int, _ hashkit.Token, key, delta []byte) {
	if h.p.dead {
		return
	}
	s := h.p.s
	s.stats.hints++
	if s.chance(0.1) { // there is no room
		h.mark(node)
		return
	}
	if h.queue == nil {
		h.queue = map[int]map[string][]byte{}
	}
	if h.queue[node] == nil {
		h.queue[node] = map[string][]byte{}
	}
	d := slices.Clone(delta)
	if old := h.queue[node][string(key)]; old != nil {
		d = s.join(key, old, d)
	}
	h.queue[node][string(key)] = d
}

func (h *simHints) HintResets(int, []byte) {}
func (h *simHints) CommitHints()           {}

func (h *simHints) mark(node int) {
	if h.dirty == nil {
		h.dirty = map[int]bool{}
	}
	h.dirty[node] = true
}

// handOver sends what is kept for node, and compares what is marked.
func (h *simHints) handOver(node int) {
	p := h.p
	if h.busy == nil {
		h.busy = map[int]bool{}
	}
	if p.dead || h.busy[node] || !p.views[node].up {
		return
	}
	if len(h.queue[node]) == 0 {
		if h.dirty[node] && p.views[node].told && p.views[node].complete && p.complete() {
			h.busy[node] = true
			p.s.after(0, func() {
				p.s.background(func() error { return h.compare(node) }, func(error) { h.busy[node] = false })
			})
		}
		return
	}
	h.busy[node] = true
	var d Deliver
	keys := slices.Sorted(maps.Keys(h.queue[node]))
	sent := map[string][]byte{}
	for _, k := range keys {
		sent[k] = h.queue[node][k]
		d.Add([]byte(k), sent[k])
	}
	p.peers.Send(node, KindApply, d.Message(), time.Now().Add(time.Second), func(reply []byte, err error) {
		h.busy[node] = false
		if p.dead || err != nil {
			return
		}
		taken, err := p.c.Delivered(&d, reply)
		if err != nil {
			p.s.fault("%v: hints delivered: %v", p, err)
		}
		for i, ok := range taken {
			if ok && string(h.queue[node][keys[i]]) == string(sent[keys[i]]) {
				delete(h.queue[node], keys[i])
			}
		}
	})
}

func (h *simHints) compare(node int) error {
	was := h.dirty[node]
	delete(h.dirty, node)
	_, err := h.p.c.Compare(context.Background(), h.p.caller(h.p.s), node, whole, true)
	if err != nil && was {
		h.mark(node)
	}
	return err
}
