package peerwire

import "sync"

// eagerBytes is how much may gather on a connection under a cork before its
// writer is woken all the same, to work beside whoever holds the cork.
const eagerBytes = 64 << 10

// Cork lets messages gather while somebody is at work on many requests, who
// would otherwise wake a writer and make a system call for every one. It is
// held around the work and released after it, or before any wait:
//
//	cork.Hold()
//	for _, r := range requests {
//		peer.Send(...)
//	}
//	cork.Release() // one write per connection
//
// The same Cork belongs in the [PeerConfig] of all peers and the [ServerConfig]:
// what is sent, and replied, while anybody holds it leaves when any holder
// releases it, written by the releasing goroutine where the connection is a
// plain socket that takes it. The goroutines that read connections hold it
// while they handle what one read brought. A Cork is safe for concurrent use.
type Cork struct {
	mu    sync.Mutex
	held  int
	dirty []flusher
	spare []flusher
}

// flusher is a connection with something to write.
type flusher interface{ flush() }

// Hold begins to gather. Holds count.
func (k *Cork) Hold() {
	k.mu.Lock()
	k.held++
	k.mu.Unlock()
}

// Release ends a Hold and writes what has gathered, by whomever.
func (k *Cork) Release() {
	k.mu.Lock()
	k.held--
	if k.held < 0 {
		k.mu.Unlock()
		panic("peerwire: Cork released more often than held")
	}
	dirty := k.dirty
	k.dirty, k.spare = k.spare[:0], nil
	k.mu.Unlock()
	for _, f := range dirty {
		f.flush()
	}
	clear(dirty)
	k.mu.Lock()
	if k.spare == nil {
		k.spare = dirty[:0]
	}
	k.mu.Unlock()
}

// note says that f has something to write. It returns false if nobody holds the
// cork, so that nobody would flush it.
func (k *Cork) note(f flusher) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.held == 0 {
		return false
	}
	k.dirty = append(k.dirty, f)
	return true
}
