package quorum

import (
	"context"
	"errors"
	"fmt"
)

// ErrLost and ErrRefused are how an owner's function tells [Gather] that the
// owner [Lost] or [Refused]; it may wrap them. Any other error means [Failed].
var (
	ErrLost    = errors.New("quorum: lost against something newer")
	ErrRefused = errors.New("quorum: refused, and not done")
)

// Reply is what an owner answered.
type Reply[ID, R any] struct {
	// Owner is the owner's position, ID what the caller gave for it.
	Owner int
	ID    ID
	// Result is what the owner's function returned, beside Err.
	Result R
	Err    error
}

// Answer is what the reply counts as: Won without an error, otherwise Lost,
// Refused or Failed by what Err wraps.
func (r Reply[ID, R]) Answer() Answer {
	switch {
	case r.Err == nil:
		return Won
	case errors.Is(r.Err, ErrLost):
		return Lost
	case errors.Is(r.Err, ErrRefused):
		return Refused
	}
	return Failed
}

// Gather asks all owners at once and returns as soon as the rule is met, cannot
// be met any more, or ctx ends, with the replies that it has by then, in the
// order of their arrival. Owners are in the positions that the rule gives them.
//
// The error is nil if the rule is met. Otherwise it is an [*Error] that wraps the
// cause of ctx, or the errors of the owners; or, when the number of owners is
// not the rule's, an error that says so, and nobody was asked. If ctx has ended
// before, nobody is asked either, and all count as Refused.
//
// ask runs in a goroutine of its own for each owner and must return soon after
// its ctx ends. That ctx ends at the deadline of Gather's, and as long as Gather
// runs it is cancelled together with it; but it outlives the return, so that a
// caller may cancel its own and the write still reaches every owner.
//
// Each reply that comes after the return is given to late, one at a time, if late
// is not nil; so an owner's reply is seen exactly once, returned or late, and who
// counts them knows when the last goroutine has nothing more to say.
func Gather[ID, R any](
	ctx context.Context, rule Rule, owners []ID,
	ask func(ctx context.Context, owner ID) (R, error),
	late func(Reply[ID, R]),
) ([]Reply[ID, R], error) {
	if len(owners) != rule.Owners() {
		return nil, fmt.Errorf("quorum: %d owners to ask, the rule counts %d", len(owners), rule.Owners())
	}
	tally := rule.Tally()
	name := func(owner int) string { return fmt.Sprint(owners[owner]) }
	if ctx.Err() != nil {
		for owner := range owners {
			tally.Add(owner, Refused)
		}
		return nil, tally.Report(name, context.Cause(ctx))
	}

	asking, cancel := outlive(ctx)
	detach := context.AfterFunc(ctx, cancel)
	answers := make(chan Reply[ID, R], len(owners)) // nobody waits to be heard
	for i, id := range owners {
		go func() {
			result, err := ask(asking, id)
			answers <- Reply[ID, R]{Owner: i, ID: id, Result: result, Err: err}
		}()
	}

	replies := make([]Reply[ID, R], 0, len(owners))
	var errs causes
	err := func() error {
		for {
			switch tally.State() {
			case Met:
				return nil
			case Impossible:
				return tally.Report(name, errs.orNil())
			}
			select {
			case reply := <-answers:
				replies = append(replies, reply)
				tally.Add(reply.Owner, reply.Answer())
				if reply.Err != nil {
					errs = append(errs, fmt.Errorf("%v: %w", reply.ID, reply.Err))
				}
			case <-ctx.Done():
				return tally.Report(name, context.Cause(ctx))
			}
		}
	}()
	detach()
	if len(replies) == len(owners) {
		cancel()
		return replies, err
	}
	go func(missing int) {
		defer cancel()
		for range missing {
			if reply := <-answers; late != nil {
				late(reply)
			}
		}
	}(len(owners) - len(replies))
	return replies, err
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
