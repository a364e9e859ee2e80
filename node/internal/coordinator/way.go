package coordinator

import (
	"context"
	"errors"
	"time"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/node/datastore"
)

// A way is what is done about what differs between this node and another.
type way interface {
	// resets is about range resets: record digests are taken after them.
	resets(x *comparing) error
	// records is about the keys at some tokens, which are sorted.
	records(x *comparing, tokens []hashkit.Token) error
	// part is what the other side is given for its part of a large record.
	part(x *comparing, key []byte, kind datastore.Kind, hashes []uint64) ([]byte, error)
	// road is that of what the other side answered to what was asked.
	road(x *comparing, asked uint64) road
}

// Compare makes this node and the owner node equal in runs of tokens, which are
// sorted: it fetches what this node lacks and pushes what the other lacks. It
// rests as long as it works, so that it takes at most half of a core and of the
// other's attention.
//
// If now is set it compares what both hold from the beginning of the call on;
// otherwise what is older than some seconds, which busy owners agree on.
func (c *Coordinator) Compare(ctx context.Context, send Caller, node int, runs []Range, now bool) (Comparison, error) {
	x := &comparing{c: c, ctx: ctx, send: send, node: node, way: equalizing{}}
	start := time.Now()
	err := x.run(runs, now)
	x.done.Took = time.Since(start)
	return x.done, err
}

// Take joins whatever the owner node holds in runs of tokens at some moment
// after the call began and this node lacks, however old it is, and gives
// nothing. If it returns nil, nothing was left out; it is as durable then as
// the store's Commit makes it. Its pace is that of Compare.
func (c *Coordinator) Take(ctx context.Context, send Caller, node int, runs []Range) (Comparison, error) {
	return c.take(ctx, send, node, runs, taking{})
}

// Return is Take for an old copy, whose floor is now g as that of the owner
// node is, which must be complete: of every key that differs it first forgets
// what the other does not hold and may have seen the death of. See
// [datastore.Memory.Return]. It may be begun again.
func (c *Coordinator) Return(ctx context.Context, send Caller, node int, runs []Range, g datastore.Version) (Comparison, error) {
	return c.take(ctx, send, node, runs, returning{g: g})
}

var errNoFloors = errors.New("coordinator: this node's store has no floors")

func (c *Coordinator) take(ctx context.Context, send Caller, node int, runs []Range, w way) (Comparison, error) {
	if c.floors == nil {
		return Comparison{}, errNoFloors
	}
	x := &comparing{c: c, ctx: ctx, send: send, node: node, way: w}
	start := time.Now()
	err := x.run(runs, true)
	if err == nil {
		// A reset that came meanwhile has killed what was not given any more.
		err = x.way.resets(x)
	}
	if err == nil {
		err = c.store.Commit()
	}
	x.done.Took = time.Since(start)
	return x.done, err
}

// equalizing gives and takes, so that both sides are equal.
type equalizing struct{}

func (equalizing) resets(x *comparing) error {
	return x.takeResets(x.c.store.Resets())
}

func (equalizing) records(x *comparing, tokens []hashkit.Token) error {
	return x.allRecords(tokens, false)
}

func (equalizing) part(x *comparing, key []byte, kind datastore.Kind, hashes []uint64) ([]byte, error) {
	x.done.Pushed++
	return x.c.store.(memberStore).Part(key, kind, hashes, nil)
}

func (equalizing) road(x *comparing, asked uint64) road { return x.c.roadSince(asked) }

// takeResets joins the range resets of the other side, which is told some.
func (x *comparing) takeResets(told []datastore.RangeReset) error {
	asked := x.c.asking()
	reply, err := x.call(KindReset, appendResets(nil, told))
	if err != nil {
		return err
	}
	r := reader{b: reply}
	_, _, err = x.c.mergeResets(&r, x.way.road(x, asked))
	return err
}
