package hints

import (
	"errors"
	"fmt"
)

// ErrClosed is returned by a Log after Close.
var ErrClosed = errors.New("hints: the log is closed")

// Reasons of a DirtyError.
var (
	ErrFull     = errors.New("hints: the queue is at its limit")
	ErrTooLarge = errors.New("hints: the delta is larger than a record may be")
)

// DirtyError says that a delta was not queued, and why; the ranges that it
// belongs to are marked dirty instead, so nothing is forgotten in silence.
type DirtyError struct {
	// Node is whom the delta was for.
	Node string
	// Ranges are what was marked.
	Ranges []Range
	// Err is why: ErrFull or ErrTooLarge.
	Err error
}

func (e *DirtyError) Error() string {
	return fmt.Sprintf("hints: marked %d ranges of node %s instead of queueing: %v", len(e.Ranges), e.Node, e.Err)
}

// Unwrap gives the reason.
func (e *DirtyError) Unwrap() error { return e.Err }
