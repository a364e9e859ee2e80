package hints

import (
	"maps"
	"slices"
	"time"
)

// expiresAtOnce is how many records expire before who does that gives up the
// lock, or leaves the rest to the timer: two milliseconds if each is a mark of its
// own.
const expiresAtOnce = 1 << 10

// expire drops what is older than the window and not in flight. It says whether
// there may be more of it.
func (q *queue) expire(now time.Time) (more bool) {
	w := q.log.cfg.Window
	if w < 0 || q.log.closing {
		return false
	}
	oldest := now.Add(-w).UnixMilli()
	var gone []uint64
	for s := q.waiting.first(); s != nil && s.at < oldest; s = q.waiting.first() {
		if more = len(gone) == expiresAtOnce; more {
			break
		}
		gone = append(gone, s.id)
		q.giveUp(s, &q.total.Expired)
	}
	q.settleAcks(gone) // or they would come back, to be marked again
	return more
}

// current is the queue of a node, if there is one, without what is too old. It
// gives up the lock when that is much.
func (l *Log) current(node string, now time.Time) *queue {
	for {
		q := l.queues[node]
		if q == nil || !q.expire(now) {
			return q
		}
		l.breathe()
	}
}

// breathe gives up the lock. Whoever waits for it for a millisecond has it next.
func (l *Log) breathe() {
	l.mu.Unlock()
	l.mu.Lock()
}

// expireLater has a record of at, which waits, expire though nobody adds
// anything or asks for it. The timer is set for the oldest one, and for a second
// from now at least, so that records that came one by one do not go one by one.
func (l *Log) expireLater(at int64) {
	if l.cfg.Window < 0 || l.closing || l.expiry != nil && (l.expiryOf <= at || !l.stopExpiry()) {
		return
	}
	// It is older than the window in the millisecond after.
	in := time.Until(time.UnixMilli(at).Add(l.cfg.Window).Add(time.Millisecond))
	l.expiryOf = at
	l.tidying.Add(1)
	l.expiry = time.AfterFunc(max(in, time.Second), l.expireNow)
}

// stopExpiry stops the timer. Without success it is about to expire what there
// is, and to look for what there is then.
func (l *Log) stopExpiry() bool {
	if l.expiry == nil || !l.expiry.Stop() {
		return false
	}
	l.expiry = nil
	l.tidying.Done()
	return true
}

// expireNow expires what is too old, and sets the timer for what waits then.
func (l *Log) expireNow() {
	defer l.tidying.Done()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.expiry = nil
	now := time.Now()
	for _, q := range slices.Collect(maps.Values(l.queues)) {
		for q.expire(now) {
			l.breathe()
		}
	}
	for _, q := range l.queues {
		if s := q.waiting.first(); s != nil {
			l.expireLater(s.at)
		}
	}
}
