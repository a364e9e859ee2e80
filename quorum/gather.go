package quorum

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrLost and ErrRefused are how an owner's function tells [Gather] that the
// owner [Lost] or [Refused]; it may wrap them. Any other error means [Failed].
var (
	ErrLost    = errors.New("quorum: lost against something newer")
	ErrRefused = errors.New("quorum: refused, and not done")
)

const (
	// DefaultTries is Config.Tries if it is not set and there is a Retry: each
	// try has taken in what beat the one before, so only a storm of writers that
	// do not see each other gets this far.
	DefaultTries = 10
	// DefaultLinger is Config.Linger if it is not set and the context has no
	// deadline: an owner that is still silent then is better made whole by other
	// means.
	DefaultLinger = 10 * time.Second
)

// Reply is what an owner answered.
type Reply[ID, R any] struct {
	// Owner is the owner's position, ID what the caller gave for it.
	Owner int
	ID    ID
	// Try is the try that it is an answer to; the first is 1.
	Try int
	// Result is what the owner's function returned, beside Err, and Took the
	// time that it needed.
	Result R
	Err    error
	Took   time.Duration
	// Answer is what the reply counts as.
	Answer Answer
}

// Config is how [Gather] goes about it. The zero Config asks all owners at once,
// and lets their errors say what they count as.
type Config[ID, R any] struct {
	// Thrifty asks no more owners than are needed, as in [Plan]: for reads.
	Thrifty bool
	// Latency gives what is learnt about an owner, such as [Latencies.Of]. Gather
	// adds to it, and if it is Thrifty, asks another owner as well when one takes
	// longer than its Delay. If it is nil, or gives nil, nobody is overdue.
	Latency func(owner ID) *Latency
	// Judge says what a reply counts as, late ones too: anything but Silent, or
	// it panics. The reply comes with Answer set to what its error says: Won if
	// there is none, Lost or Refused if it wraps ErrLost or ErrRefused, Failed.
	// nil leaves it at that. It is also the place to take in what a reply brings.
	Judge func(reply Reply[ID, R]) Answer
	// Retry makes a request anew that lost, given all replies to the try so far,
	// and returns the function that asks the owners from now on; nil if that is
	// the same. Functions of the former try may still run, so what they send must
	// not be changed. With an error the request is given up, and Gather's error
	// wraps it. If Retry is nil, there is one try.
	Retry func(ctx context.Context, replies []Reply[ID, R]) (func(ctx context.Context, owner ID) (R, error), error)
	// Tries is how often the request may be made in all, at most 255; DefaultTries
	// if it is 0. It matters with Retry only.
	Tries int
	// Late takes each reply that comes when nobody waits for it any more: after
	// the return, or after the request was made anew. nil drops them.
	Late func(reply Reply[ID, R])
	// Linger is how long owners that have not answered may go on after the
	// return, within the deadline of Gather's context. If it is 0, they have
	// until that deadline, or DefaultLinger if there is none.
	Linger time.Duration
}

// Gather asks owners and returns as soon as the rule is met, cannot be met any
// more, or ctx ends, with the replies to the last try that it has by then, in the
// order of their arrival. Owners are in the positions that the rule gives them.
//
// The error is nil if the rule is met. Otherwise it is an [*Error] that wraps why
// it was given up, which is the cause of ctx or the error of Retry, and what the
// owners said to the last try, each after its name; or, when the number of owners
// is not the rule's, an error that says so, and nobody was asked. If ctx has ended before, nobody is asked either, and all count as
// Refused.
//
// ask runs in a goroutine of its own for each owner that is asked, and must return
// soon after its ctx ends. That ctx ends at the deadline of Gather's, and as long
// as Gather runs it is cancelled together with it; but it outlives the return, so
// that a caller may cancel its own and a write still reaches every owner. See
// Config.Linger.
//
// Judge, Retry and Late are called one at a time: until the return by Gather
// itself, later by the goroutine that waits for the late replies and ends with
// the last of them. Each reply is seen exactly once: it is returned, given to
// Retry, or given to Late, besides being judged.
func Gather[ID, R any](
	ctx context.Context, rule Rule, owners []ID,
	ask func(ctx context.Context, owner ID) (R, error), cfg Config[ID, R],
) ([]Reply[ID, R], error) {
	if len(owners) != rule.Owners() {
		return nil, fmt.Errorf("quorum: %d owners to ask, the rule counts %d", len(owners), rule.Owners())
	}
	tries := 1
	if cfg.Retry != nil {
		if tries = cfg.Tries; tries == 0 {
			tries = DefaultTries
		}
	}
	g := gathering[ID, R]{
		Config: cfg, owners: owners, ask: ask,
		request: rule.Request(Plan{Thrifty: cfg.Thrifty, Tries: tries}),
		answers: make(chan Reply[ID, R], len(owners)),
	}
	if ctx.Err() != nil {
		return nil, g.report(context.Cause(ctx))
	}
	asking, cancel := outlive(ctx)
	detach := context.AfterFunc(ctx, cancel)
	replies, err := g.run(ctx, asking)
	if detach(); err != nil && ctx.Err() != nil {
		cancel() // the function may have been detached before it ran
	}
	missing := g.request.InFlight()
	if missing == 0 {
		cancel()
		return replies, err
	}
	linger := cfg.Linger
	if _, ok := ctx.Deadline(); !ok && linger <= 0 {
		linger = DefaultLinger
	}
	go func() {
		defer cancel()
		if linger > 0 {
			defer time.AfterFunc(linger, cancel).Stop()
		}
		for range missing {
			g.late(g.judge(<-g.answers))
		}
	}()
	return replies, err
}

// gathering is one call of Gather: it does what its request says.
type gathering[ID, R any] struct {
	Config[ID, R]
	owners  []ID
	ask     func(ctx context.Context, owner ID) (R, error)
	request Request
	answers chan Reply[ID, R]
}

// run is Gather up to the return. The owners are asked with the context asking.
func (g *gathering[ID, R]) run(ctx, asking context.Context) ([]Reply[ID, R], error) {
	var delay func(owner int) time.Duration
	if g.Latency != nil {
		delay = g.delay
	}
	replies := make([]Reply[ID, R], 0, len(g.owners))
	var errs causes
	var timer *time.Timer
	start := time.Now()
	now := time.Duration(0) // stands still until something happens: who is asked together is due together
	for {
		if why := ended(ctx, asking); why != nil && (g.request.lost || g.request.tally.State() != Met) {
			return replies, g.report(append(causes{why}, errs...)) // nobody is asked for nothing
		}
		var overdue <-chan time.Time
		switch step := g.request.Next(now, delay); step.Do {
		case Done:
			return replies, nil
		case Fail:
			return replies, g.report(errs.orNil())
		case Ask:
			if step.Overdue >= 0 {
				g.Latency(g.owners[step.Overdue]).Miss()
			}
			go g.askOwner(asking, g.ask, step)
			continue
		case Retry:
			ask, err := g.Retry(ctx, replies)
			if err != nil {
				return nil, g.report(append(causes{err}, errs...))
			}
			if ask != nil {
				g.ask = ask
			}
			g.request.Retry()
			replies, errs = make([]Reply[ID, R], 0, len(g.owners)), nil
			now = time.Since(start) // Retry may have taken its time
			continue
		case Wait:
			if step.Until != Forever {
				if wait := step.Until - time.Since(start); timer == nil {
					timer = time.NewTimer(wait)
					defer timer.Stop()
				} else {
					timer.Reset(wait)
				}
				overdue = timer.C
			}
		}
		select {
		case reply := <-g.answers:
			reply = g.judge(reply)
			g.request.Answer(reply.Owner, reply.Try, reply.Answer)
			if reply.Try != g.request.Try() {
				g.late(reply)
				break
			}
			replies = append(replies, reply)
			if reply.Err != nil {
				errs = append(errs, fmt.Errorf("%v: %w", reply.ID, reply.Err))
			}
		case <-overdue:
		case <-ctx.Done(): // seen above
		}
		now = time.Since(start)
	}
}

// askOwner asks one owner and hands its reply over.
func (g *gathering[ID, R]) askOwner(ctx context.Context, ask func(context.Context, ID) (R, error), step Step) {
	reply := Reply[ID, R]{Owner: step.Owner, ID: g.owners[step.Owner], Try: step.Try}
	start := time.Now()
	reply.Result, reply.Err = ask(ctx, reply.ID)
	reply.Took = time.Since(start)
	g.answers <- reply
}

// judge says what the reply counts as, and lets its owner's latency learn from it.
func (g *gathering[ID, R]) judge(reply Reply[ID, R]) Reply[ID, R] {
	switch {
	case reply.Err == nil:
		reply.Answer = Won
	case errors.Is(reply.Err, ErrLost):
		reply.Answer = Lost
	case errors.Is(reply.Err, ErrRefused):
		reply.Answer = Refused
	default:
		reply.Answer = Failed
	}
	if g.Judge != nil {
		reply.Answer = g.Judge(reply)
		if reply.Answer == Silent || reply.Answer > Won {
			panic(fmt.Sprintf("quorum: a reply is judged to be %v", reply.Answer))
		}
	}
	if g.Latency != nil && (reply.Answer == Won || reply.Answer == Lost) {
		if latency := g.Latency(reply.ID); latency != nil {
			latency.Add(reply.Took)
		}
	}
	return reply
}

func (g *gathering[ID, R]) late(reply Reply[ID, R]) {
	if g.Late != nil {
		g.Late(reply)
	}
}

// delay is how long to wait for an owner before another is asked as well.
func (g *gathering[ID, R]) delay(owner int) time.Duration {
	if latency := g.Latency(g.owners[owner]); latency != nil {
		return latency.Delay()
	}
	return Forever
}

func (g *gathering[ID, R]) report(cause error) *Error {
	return g.request.Report(func(owner int) string { return fmt.Sprint(g.owners[owner]) }, cause)
}

// ended is why ctx ended, nil if it has not; asking has the same deadline and may
// notice it first.
func ended(ctx, asking context.Context) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return context.Cause(asking)
}

// outlive gives a context with the values and the deadline of ctx that is not
// cancelled with it.
func outlive(ctx context.Context) (context.Context, context.CancelFunc) {
	free := context.WithoutCancel(ctx)
	if deadline, ok := ctx.Deadline(); ok {
		return context.WithDeadline(free, deadline)
	}
	return context.WithCancel(free)
}
