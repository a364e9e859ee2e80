package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// traffic is what some clients ask of a server, and when: with a rate, each
// request has a moment at which it is due whatever became of those before it,
// and its latency counts from then; without one, each client asks again as
// soon as it is answered.
type traffic struct {
	port    int
	clients int
	rate    float64 // requests a second of all clients; 0 is as fast as answers come
	sets    float64 // share of SETs; the rest are GETs
	level   string  // consistency of reads and writes
	keys    int     // named as fill names them
}

// latencies are what was measured of a stretch of traffic.
type latencies struct {
	histogram
	errors uint64
	first  error
	took   time.Duration
}

func (l *latencies) rate() float64 { return float64(l.total) / l.took.Seconds() }

// meter gathers the latencies of running traffic; turn hands out what came
// since the last turn.
type meter struct {
	mu    sync.Mutex
	now   *latencies
	since time.Time
}

func (m *meter) add(d time.Duration, err error) {
	m.mu.Lock()
	m.now.add(d)
	if err != nil {
		if m.now.errors++; m.now.first == nil {
			m.now.first = err
		}
	}
	m.mu.Unlock()
}

func (m *meter) turn() *latencies {
	m.mu.Lock()
	defer m.mu.Unlock()
	was, now := m.now, time.Now()
	if was != nil {
		was.took = now.Sub(m.since)
	}
	m.now, m.since = &latencies{}, now
	return was
}

// caller is one client's connection and the requests that wait for a reply.
type caller struct {
	*client
	due   chan time.Time
	value []byte
}

// start connects the clients and begins. stop ends them and waits for it; it
// may be called twice.
func (t traffic) start(ctx context.Context) (m *meter, stop func() error, err error) {
	m = &meter{}
	m.turn()
	var callers []*caller
	hangUp := func() {
		for _, c := range callers {
			c.conn.Close()
		}
	}
	for range t.clients {
		c, err := dial(t.port)
		if err == nil {
			callers = append(callers, &caller{client: c, due: make(chan time.Time, 4096), value: make([]byte, size)})
			_, err = c.do("DYN.CONSISTENCY", t.level)
		}
		if err != nil {
			hangUp()
			return nil, nil, err
		}
		_ = c.conn.SetDeadline(time.Time{})
	}
	ctx, cancel := context.WithCancel(ctx)
	var ending atomic.Bool
	var broken atomic.Pointer[error]
	var all sync.WaitGroup
	failed := func(err error) {
		if !ending.Load() {
			broken.CompareAndSwap(nil, &err)
		}
		cancel()
	}
	if t.rate > 0 {
		all.Go(func() { t.send(ctx, callers, failed) })
	}
	for _, c := range callers {
		all.Go(func() {
			if err := t.receive(ctx, c, m); err != nil {
				failed(err)
			}
		})
	}
	return m, func() error {
		ending.Store(true)
		cancel()
		hangUp()
		all.Wait()
		if err := broken.Load(); err != nil {
			return *err
		}
		return nil
	}, nil
}

// send asks in turn for every client, when it is due. It sleeps in the kernel
// by itself: the runtime's timers are up to a millisecond late.
func (t traffic) send(ctx context.Context, callers []*caller, failed func(error)) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer func() {
		for _, c := range callers {
			close(c.due)
		}
	}()
	began, gap := time.Now(), time.Duration(float64(time.Second)/t.rate)
	for i := 0; ctx.Err() == nil; i++ {
		at := began.Add(time.Duration(i) * gap)
		if early := time.Until(at); early > 20*time.Microsecond {
			pause := syscall.NsecToTimespec(int64(early))
			_ = syscall.Nanosleep(&pause, nil) // cut short by a signal it is a little early
		}
		c := callers[i%len(callers)]
		select {
		case c.due <- at:
		default:
			failed(fmt.Errorf("%d requests of one client wait for a reply", cap(c.due)))
			return
		}
		if err := t.ask(c); err != nil {
			failed(err)
			return
		}
	}
}

func (t traffic) ask(c *caller) error {
	key := fmt.Sprintf("key:%012d", rand.IntN(t.keys))
	if rand.Float64() < t.sets {
		c.send("SET", key, string(c.value))
	} else {
		c.send("GET", key)
	}
	return c.out.Flush()
}

// receive takes the replies of one client, and without a rate asks as well.
func (t traffic) receive(ctx context.Context, c *caller, m *meter) error {
	for {
		var at time.Time
		if t.rate > 0 {
			due, more := <-c.due
			if !more {
				return nil
			}
			at = due
		} else {
			if ctx.Err() != nil {
				return nil
			}
			at = time.Now()
			if err := t.ask(c); err != nil {
				return err
			}
		}
		err := c.reply()
		if ctx.Err() != nil {
			return nil
		}
		var refused refusal
		if err != nil && !errors.As(err, &refused) {
			return err
		}
		m.add(time.Since(at), err)
	}
}

// reply reads a reply that is a line, or a string.
func (c *caller) reply() error {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return err
	}
	if len(line) < 3 {
		return fmt.Errorf("the reply %q", line)
	}
	switch line[0] {
	case '-':
		return refusal(line[1 : len(line)-2])
	case '$':
		n := 0
		if _, err := fmt.Sscanf(string(line[1:len(line)-2]), "%d", &n); err != nil {
			return fmt.Errorf("the reply %q", line)
		}
		if n >= 0 {
			_, err = c.in.Discard(n + 2)
		}
		return err
	}
	return nil
}

// run is traffic for a while.
func (t traffic) run(ctx context.Context, length time.Duration) (*latencies, error) {
	m, stop, err := t.start(ctx)
	if err != nil {
		return nil, err
	}
	err = rest(ctx, length)
	got := m.turn()
	return got, errors.Join(err, stop())
}

// rest waits, unless ctx ends.
func rest(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
