package node

import (
	"context"
	"testing"
	"time"
)

// withDeadline has a deadline and has not ended: its timer is late.
type withDeadline struct {
	context.Context
	deadline time.Time
}

func (c withDeadline) Deadline() (time.Time, bool) { return c.deadline, true }

// The end of a wait cuts off an answer. That is nobody's failure, and what the holder
// said before holds, even if the call noticed the end before the wait did.
func TestHintWait_ItsEndIsNobodysFailure(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name  string
		ctx   context.Context
		known bool
	}{
		{name: "goes on", ctx: t.Context()},
		{name: "goes on, with an end", ctx: withDeadline{t.Context(), time.Now().Add(time.Hour)}},
		{name: "ended", ctx: ended, known: true},
		{name: "ends now", ctx: withDeadline{t.Context(), time.Now()}, known: true},
	} {
		w := &hintWait{said: map[string][]HintState{}}
		own := []HintState{{Node: "n2"}}
		if states, known := w.hears(c.ctx, "n0", own, context.DeadlineExceeded); known || len(states) != 1 {
			t.Errorf("%s: one that never answered is known, or what it keeps is not", c.name)
		}
		w.hears(c.ctx, "n1", []HintState{{Node: "n2", Records: 1}}, nil)
		states, known := w.hears(c.ctx, "n1", nil, context.DeadlineExceeded)
		if known != c.known || known && len(states) != 1 {
			t.Errorf("%s: %v, known: %v", c.name, states, known)
		}
	}
}
