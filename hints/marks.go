package hints

import (
	"fmt"
	"slices"
)

// MarkDirty remembers that a node may lack something in a range that no
// record will bring. That outlives a clean stop; for the other kind see
// Recovery.Unclean.
func (l *Log) MarkDirty(node string, r Range) error {
	if r.From > r.To {
		return fmt.Errorf("hints: the range from %d to %d is none", r.From, r.To)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	q, err := l.queue(node)
	if err != nil {
		return err
	}
	q.mark([]Range{r})
	return nil
}

// Dirty returns the ranges that are marked, sorted and apart.
func (l *Log) Dirty(node string) []Range {
	l.mu.Lock()
	defer l.mu.Unlock()
	if q := l.queues[node]; q != nil {
		return slices.Clone(q.dirty)
	}
	return nil
}

// Clean takes ranges out of the marks, when they have been compared. To lose
// no mark that is made meanwhile, take them out first and mark them again if
// the comparison fails.
func (l *Log) Clean(node string, rs ...Range) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if q := l.queues[node]; q != nil && !l.closed && !l.closing {
		for _, r := range rs {
			q.dirty = q.dirty.remove(r)
		}
	}
}

// Forget drops all that is held for a node that left for ever, and what is
// known of it. One that comes back is a new one.
func (l *Log) Forget(node string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	q := l.queues[node]
	if q == nil || l.closed || l.closing {
		return
	}
	for _, list := range [...]*list{&q.waiting, &q.flying} {
		for s := list.first(); s != nil; s = list.first() {
			q.drop(s)
		}
	}
	q.gone, q.dirty = true, nil
	q.trim() // a file that is being written goes with the flush
	l.forgotten = append(l.forgotten, marksName(node))
	delete(l.queues, node)
	l.soon()
}
