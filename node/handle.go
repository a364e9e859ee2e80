package node

import (
	"errors"
	"sync"
	"time"

	"github.com/dynomite-go/dynomite/node/internal/coordinator"
	"github.com/dynomite-go/dynomite/peerwire"
)

// Handle takes one message of a peer. It runs on the connection's reader, so
// whatever may wait for the disk or takes long goes to a goroutine.
func (h peerHandler) Handle(in *peerwire.Incoming) {
	n := h.n
	switch in.Kind {
	case kindStatus:
		n.heardStatus(in.From, in.Payload)
		return
	case kindBypassed:
		n.coord.Caution()
		return
	case kindPropose:
		in.Reply(n.forming.proposed(in.Payload))
		return
	case kindCommit:
		in.Reply(n.forming.committed(in.Payload))
		return
	}
	if own := n.epoch(); in.Epoch != own || own == (peerwire.Epoch{}) {
		// Another layout: what it asks for is not executed here. With layouts
		// that do not change yet this is a foreign or unformed node.
		in.Refuse()
		return
	}
	switch in.Kind {
	case kindFloors:
		n.floors.heard(in.From, in.Payload)
	case kindGives:
		in.Reply(n.floors.serveGives(in.Payload))
	case kindHints:
		n.heardHints(in)
	case coordinator.KindExec:
		if n.syncAlways {
			in.Retain()
			n.spawn(func() { n.exec(in) })
			return
		}
		n.exec(in)
	case coordinator.KindApply:
		if n.syncAlways {
			in.Retain()
			n.spawn(func() { n.apply(in) })
			return
		}
		n.apply(in)
	case coordinator.KindReset, coordinator.KindKeyspace, coordinator.KindCompare, coordinator.KindReconcile:
		in.Retain()
		n.spawn(func() { n.slow(in) })
	default:
		in.Refuse()
	}
}

type peerHandler struct{ n *Node }

func (n *Node) countBad(from string) {
	if q := n.peers.find(from); q != nil {
		q.bad.Add(1)
	}
}

var applyBuffers = sync.Pool{New: func() any { return new([]byte) }}

func (n *Node) exec(in *peerwire.Incoming) {
	err := n.coord.ServeExec(in.Payload, in.Deadline, in.Reply)
	switch {
	case errors.Is(err, coordinator.ErrGivenUp):
		in.Refuse()
	case err != nil:
		n.badMessage(in, err)
	}
}

// givenUp says that in only asks, and that its sender does not wait any more.
// What brings records is taken whenever it comes.
func givenUp(in *peerwire.Incoming) bool {
	asks := in.Kind == coordinator.KindKeyspace || in.Kind == coordinator.KindCompare
	return asks && !in.Deadline.IsZero() && !time.Now().Before(in.Deadline)
}

func (n *Node) apply(in *peerwire.Incoming) {
	buf := applyBuffers.Get().(*[]byte)
	out, err := n.coord.ServeApply(in.From, in.Payload, (*buf)[:0])
	if err != nil {
		n.badMessage(in, err)
	} else {
		in.Reply(out)
	}
	if out != nil && cap(out) <= 1<<20 {
		*buf = out
	}
	applyBuffers.Put(buf)
}

func (n *Node) slow(in *peerwire.Incoming) {
	if givenUp(in) {
		in.Refuse()
		return
	}
	var out []byte
	var err error
	switch in.Kind {
	case coordinator.KindReset:
		out, err = n.coord.ServeReset(in.Payload)
	case coordinator.KindKeyspace:
		out, err = n.coord.ServeKeyspace(in.Payload)
	case coordinator.KindCompare:
		out, err = n.coord.ServeCompare(in.From, in.Payload)
	case coordinator.KindReconcile:
		out, err = n.coord.ServeReconcile(in.Payload)
	}
	if err != nil {
		n.badMessage(in, err)
		return
	}
	in.Reply(out)
}

// badMessage answers a message that could not be read or served. An empty
// reply is none that any decoder takes, so the asker counts it as a failure.
func (n *Node) badMessage(in *peerwire.Incoming, err error) {
	n.countBad(in.From)
	n.log.Warn("a peer's message could not be served", "peer", in.From, "kind", in.Kind, "err", err)
	in.Reply(nil)
}
