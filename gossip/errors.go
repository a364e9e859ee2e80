package gossip

import "errors"

var (
	// ErrStopped: the Membership is stopped, or was not started.
	ErrStopped = errors.New("gossip: not running")
	// ErrNotGossip: a stream does not begin with Magic.
	ErrNotGossip = errors.New("gossip: not a gossip stream")
)
