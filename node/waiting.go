package node

import "sync"

// waiting is what the node waits for before it is ready, in words.
type waiting struct {
	mu   sync.Mutex
	text string
}

func (w *waiting) set(text string) {
	w.mu.Lock()
	w.text = text
	w.mu.Unlock()
}

func (w *waiting) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text
}
