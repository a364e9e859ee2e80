package node

import "github.com/dynomite-go/dynomite/hashkit"

// handoff implements coordinator.Hints.
type handoff struct{ n *Node }

func (h *handoff) Hint(node int, _ hashkit.Token, _, _ []byte) { h.n.missedDelta(node) }
func (h *handoff) HintResets(node int, _ []byte)               { h.n.missedDelta(node) }
func (h *handoff) CommitHints()                                {}
