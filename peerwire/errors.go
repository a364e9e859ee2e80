package peerwire

import (
	"context"
	"errors"
	"fmt"
)

// Reasons why a request failed. They arrive inside an [*Error]; test for them
// with errors.Is.
var (
	// ErrUnavailable: there is no connection, or the other end refused the
	// request without executing it.
	ErrUnavailable = errors.New("peer unavailable")
	// ErrQueueFull: MaxQueueBytes or MaxPending is reached. The peer is slower
	// than its load, and the caller should shed to something else.
	ErrQueueFull = errors.New("queue to the peer is full")
	// ErrDeadline: the request's deadline passed before its reply came. It is
	// also a context.DeadlineExceeded.
	ErrDeadline = fmt.Errorf("no reply in time: %w", context.DeadlineExceeded)
	// ErrLost: the connection ended after the request was given to it.
	ErrLost = errors.New("connection lost")
	// ErrTooLarge: the payload is larger than this side or the other accepts.
	ErrTooLarge = errors.New("message too large")
	// ErrStopped: the Peer, Server or Mux is not running.
	ErrStopped = errors.New("stopped")
	// ErrReplyDropped: the request was executed, but its reply found the
	// server's queue full and was thrown away.
	ErrReplyDropped = errors.New("executed, but the reply was dropped: the server's queue is full")
)

// Reasons why a connection ended, as returned by [Server.ServeConn] and shown
// in [PeerState.LastError].
var (
	// ErrProtocol: the other end sent something that is not this protocol.
	ErrProtocol = errors.New("protocol error")
	// ErrVersion: the other end speaks a version that is newer than ours.
	ErrVersion = errors.New("unknown protocol version")
	// ErrCluster: the other end belongs to another cluster.
	ErrCluster = errors.New("another cluster")
	// ErrUnresponsive: nothing was heard for CutAfter or IdleTimeout.
	ErrUnresponsive = errors.New("nothing heard from the other end")
)

// Error says why a request has no reply. It is shared between requests and must
// not be modified.
type Error struct {
	Peer string // PeerConfig.Remote, or what the other end called itself
	// Sent reports that the request may have been executed. When it is false
	// the request has certainly not been, and can be sent elsewhere.
	Sent bool
	Err  error // wraps one of the sentinels, and a cause where there is one
}

// Error names the peer, the reason, and whether the request may have been executed.
func (e *Error) Error() string {
	peer := e.Peer
	if peer == "" {
		peer = "unnamed peer"
	}
	sent := "not sent"
	if e.Sent {
		sent = "may have been executed"
	}
	return fmt.Sprintf("peerwire: %s: %v (%s)", peer, e.Err, sent)
}

// Unwrap gives the reason to errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Err }

// Sent reports whether a request that failed with err may have been executed.
// It is false for nil, and true for an error that does not come from this
// package, because nothing is known then.
func Sent(err error) bool {
	if err == nil {
		return false
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Sent
	}
	return true
}

// ClosedError is the reason that the other end gave before it closed the
// connection.
type ClosedError struct{ Reason string }

// Error quotes the other end's reason.
func (e *ClosedError) Error() string { return "closed by the other end: " + e.Reason }
