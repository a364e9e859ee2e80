package node

import (
	"context"
	"maps"
	"sync"
	"time"
)

// awaitHints waits until no node lacks anything that was written before, ctx
// ends, or the node stops. It says how many nodes still lack something, or
// cannot be asked what they keep for others: whichever node a client talks to,
// its writes may be kept by any.
func (n *Node) awaitHints(ctx context.Context) int {
	if n.handoff.log.Load() == nil {
		return 0 // there is no layout yet
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w := &hintWait{n: n, said: map[string][]HintState{}}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		looked := make(chan int, 1)
		go func() { looked <- w.look(ctx) }()
		lacking, done := 0, false
		for !done {
			select {
			case lacking = <-looked:
				done = true
			case <-tick.C:
			}
			if n.stopping.Load() {
				cancel()
			}
		}
		if lacking == 0 || ctx.Err() != nil {
			return lacking
		}
		select {
		case <-ctx.Done():
			return lacking
		case <-tick.C:
		}
		if ended(ctx) {
			return lacking
		}
	}
}

// hintWait is one wait.
type hintWait struct {
	n *Node
	// said is what each holder said last, the first time after the writes that
	// were under way.
	said map[string][]HintState
}

// look is how many nodes lack something, or cannot be asked.
func (w *hintWait) look(ctx context.Context) int {
	n := w.n
	var mu sync.Mutex
	lacking := map[string]bool{}
	heard := func(holder string, states []HintState, err error) {
		mu.Lock()
		defer mu.Unlock()
		states, known := w.hears(ctx, holder, states, err)
		if !known {
			lacking[holder] = true
		}
		for _, h := range states {
			if h.Records > 0 || h.Dirty > 0 {
				lacking[h.Node] = true
			}
		}
	}
	// What is under way has an end within the time of a command.
	round, cancel := context.WithTimeout(ctx, n.cfg.Timeout+answerWithin)
	defer cancel()
	var asked sync.WaitGroup
	said := maps.Clone(w.said)
	for _, q := range n.peers.all() {
		asked.Go(func() {
			_, again := said[q.member.ID]
			states, err := n.askHints(round, q, !again)
			heard(q.member.ID, states, err)
		})
	}
	var err error
	if _, again := said[n.ID()]; !again {
		err = n.coord.AwaitWrites(round)
	}
	heard(n.ID(), n.Hints(), err)
	asked.Wait()
	return len(lacking)
}

// hears is what a holder keeps, if it is known: it answered, or it had no time to
// say once more what it said before.
func (w *hintWait) hears(ctx context.Context, holder string, states []HintState, err error) ([]HintState, bool) {
	if err == nil {
		w.said[holder] = states
		return states, true
	}
	if before, ok := w.said[holder]; ok && ended(ctx) {
		return before, true
	}
	return states, false
}

// ended says whether ctx has ended, or is about to: a call that has its deadline may
// fail with it a moment earlier.
func ended(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && !time.Now().Before(deadline)
}
