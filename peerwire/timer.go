package peerwire

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// deadlineTick is how many deadlines may share one pass over the pending
// requests: the price of a pass is paid at most 200 times a second.
const deadlineTick = 5 * time.Millisecond

// timer is what a Peer's timer goroutine works on: deadlines, pings, refusals
// that wait for their callback, and state changes.
type timer struct {
	wake  chan struct{} // capacity 1
	until atomic.Int64  // when the goroutine looks next, since base

	mu      sync.Mutex
	running bool // the goroutine is there
	refused []ready
}

// want makes sure that the goroutine looks at due, or up to a tick later. Most
// requests have a later deadline than one that is pending already, so this is
// one load.
func (t *timer) want(due time.Duration) {
	for {
		until := t.until.Load()
		if int64(due) >= until {
			return
		}
		if t.until.CompareAndSwap(until, int64(due)) {
			t.kick()
			return
		}
	}
}

func (t *timer) kick() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// refuse has done called with err outside of the caller.
func (p *Peer) refuse(done func([]byte, error), err error) {
	p.timer.mu.Lock()
	alive := p.timer.running
	if alive {
		p.timer.refused = append(p.timer.refused, ready{done: done, err: err})
	}
	p.timer.mu.Unlock()
	if !alive {
		go done(nil, err)
		return
	}
	p.timer.kick()
}

// runTimer is the timer goroutine.
func (p *Peer) runTimer() {
	defer p.wg.Done()
	defer p.endTimer()
	var last PeerState
	t := time.NewTimer(0)
	defer t.Stop()
	nextPing := time.Since(p.base) + p.cfg.PingInterval
	var lastPass time.Duration
	for {
		now := time.Since(p.base)
		if now >= nextPing {
			for _, l := range p.links {
				l.tick(now)
			}
			nextPing = now + p.cfg.PingInterval
		}
		if now >= p.nextPass(lastPass) {
			lastPass = now
			// Requests that come during the pass compare with this, so none of
			// them is forgotten.
			p.timer.until.Store(math.MaxInt64)
			for _, l := range p.links {
				p.timer.want(l.expire(now))
			}
		}
		p.flushRefused()
		p.reportState(&last)
		t.Reset(min(nextPing, p.nextPass(lastPass)) - time.Since(p.base))
		select {
		case <-p.ctx.Done():
			return
		case <-p.timer.wake:
		case <-t.C:
		}
	}
}

// nextPass is when deadlines are looked at again.
func (p *Peer) nextPass(last time.Duration) time.Duration {
	return max(time.Duration(p.timer.until.Load()), last+deadlineTick)
}

func (p *Peer) flushRefused() {
	p.timer.mu.Lock()
	refused := p.timer.refused
	p.timer.refused = nil
	p.timer.mu.Unlock()
	for _, r := range refused {
		r.done(nil, r.err)
	}
}

func (p *Peer) endTimer() {
	p.timer.mu.Lock()
	p.timer.running = false
	p.timer.mu.Unlock()
	p.flushRefused()
}

func (p *Peer) reportState(last *PeerState) {
	if p.cfg.OnState == nil || !p.changed.Swap(false) {
		return
	}
	st := p.State()
	if st.Connected != last.Connected || st.Responsive != last.Responsive {
		p.cfg.OnState(st)
	}
	*last = st
}

// expire fails the requests whose deadline has passed and returns the earliest
// deadline that is left, or the end of time.
func (l *link) expire(now time.Duration) time.Duration {
	var late []ready
	next := time.Duration(math.MaxInt64)
	l.mu.Lock()
	if l.wait.n > 0 {
		l.wait.each(func(id uint64, s *slot) {
			switch {
			case s.due == 0:
			case s.due <= now:
				e := l.peer.errLate
				if l.withdraw(s) {
					e = l.peer.errLateSent
				}
				late = append(late, ready{done: l.wait.remove(id), err: e})
			default:
				next = min(next, s.due)
			}
		})
	}
	l.mu.Unlock()
	for _, r := range late {
		r.done(nil, r.err)
	}
	if late != nil {
		l.peer.checkDrained()
	}
	return next
}

// tick sends a ping and judges the silence since the last one.
func (l *link) tick(now time.Duration) {
	if !l.up.Load() {
		l.missed = 0
		return
	}
	cfg := &l.peer.cfg
	reads := l.reads.Load()
	if reads != l.heard {
		l.heard, l.missed = reads, 0
	} else {
		l.missed++
	}
	if silent := l.missed >= cfg.MissedPings; silent != l.silent.Load() {
		l.silent.Store(silent)
		l.peer.noteState(false, "")
	}
	if time.Duration(l.missed)*cfg.PingInterval >= cfg.CutAfter {
		l.close(ErrUnresponsive)
		return
	}
	l.mu.Lock()
	l.ping(now)
	l.wakeLocked()
	l.mu.Unlock()
}

// ping queues a ping unless one is queued or under way; the lock is held.
func (l *link) ping(now time.Duration) {
	if l.conn == nil || l.pinged != 0 {
		return
	}
	l.pingID++
	l.pinged = now
	l.out.control = appendSmall(l.out.control, framePing, l.pingID, nil)
}

// pong takes the answer to a ping into the round-trip estimate, smoothed by an
// eighth as TCP does (RFC 6298).
func (l *link) pong(id uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if id != l.pingID || l.pinged == 0 {
		return
	}
	sample := time.Since(l.peer.base) - l.pinged
	l.pinged = 0
	if l.rtt == 0 {
		l.rtt, l.least = sample, sample
	} else {
		l.rtt += (sample - l.rtt) / 8
		l.least = min(l.least, sample)
	}
}
