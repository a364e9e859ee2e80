package coordinator

import (
	"sync"
	"sync/atomic"
	"time"
)

// A node that has just started knows its peers' health only after they have
// connected to each other and said how they are, which takes some hundred
// milliseconds. Commands that come before wait for it, instead of failing for
// owners that are there.

// warmTime bounds the wait: whoever has not said by then how it is, is not there.
const warmTime = time.Second

type warmup struct {
	over  atomic.Bool
	begun time.Time
	once  sync.Once
	ready chan struct{}
}

func newWarmup() *warmup { return &warmup{begun: time.Now(), ready: make(chan struct{})} }

func (w *warmup) end() {
	w.once.Do(func() {
		w.over.Store(true)
		close(w.ready)
	})
}

// await returns when the warm-up is over.
func (w *warmup) await() {
	if w.over.Load() {
		return
	}
	t := time.NewTimer(warmTime - time.Since(w.begun))
	defer t.Stop()
	select {
	case <-w.ready:
	case <-t.C:
		w.end()
	}
}

// HealthChanged is to be called after members' health was set.
func (c *Coordinator) HealthChanged() {
	cl := c.Cluster()
	if cl == nil || c.warm.over.Load() {
		return
	}
	if cl.Servable() == nil {
		c.warm.end()
	}
}
