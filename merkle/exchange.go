package merkle

import (
	"errors"
	"fmt"
	"slices"
)

// ErrTooLong ends an exchange after [Config.MaxRoundTrips]. What was found so
// far is as true as ever, and [Exchange.Remaining] has not been looked at.
var ErrTooLong = errors.New("merkle: too many round trips")

// Config is what an exchange is about.
type Config struct {
	// Key is the secret of both sides.
	Key Key
	// Salt should be another one for each exchange: it makes requests unique, so
	// that no late answer to an earlier one is taken, and gives a sketch that
	// failed another chance.
	Salt uint64
	// Ranges are what is compared, ascending and disjoint; nil is every token,
	// an empty list none. Up to 1,024 are compared by one sum.
	Ranges []Range
	// MaxRoundTrips ends an exchange that a lying side drags on; 0 is 65,536,
	// enough to list 280 million items.
	MaxRoundTrips int
}

const defaultRoundTrips = 1 << 16

// Validate says which field is wrong.
func (c Config) Validate() error {
	if c.MaxRoundTrips < 0 {
		return fmt.Errorf("merkle: MaxRoundTrips is %d", c.MaxRoundTrips)
	}
	if len(c.Ranges) == 0 {
		return nil
	}
	if err := checkRuns(c.Ranges, len(c.Ranges)); err != nil {
		return fmt.Errorf("merkle: Ranges: %w", err)
	}
	return nil
}

// Stats are about an exchange so far.
type Stats struct {
	// Equal: they had, when they answered, the sum that we had when we asked and
	// when the answer came. They may have changed since. With several ranges it
	// holds for each at a moment of its own.
	Equal bool
	// Exact: the exchange is at its end, and what was found is the whole
	// difference of the two sums that it began with. Otherwise a set changed
	// meanwhile: what was found was true when it was looked at, and another
	// exchange is worth its while.
	Exact bool
	// RoundTrips counts accepted replies; Sent and Received are their bytes and
	// those of the requests.
	RoundTrips, Sent, Received int
	// Here and There are how many items only we, and only they, had.
	Here, There int
	// Symbols is how many coded symbols were received, Listed how many items
	// came in lists instead.
	Symbols, Listed int
}

// Exchange is the side of a comparison that asks. It is a step machine: the
// caller carries messages, in what way and how fast it likes.
//
//	for !x.Done() {
//		request, err := x.Request()
//		reply, err := send(request)
//		err = x.Reply(reply)
//		here, there := x.Take()
//	}
//
// It holds half a megabyte at most, the items that share one token, and what was
// not taken: at most 24,000 items a step. It is not safe for concurrent use.
type Exchange struct {
	set Set
	cfg Config
	seq uint64

	jobs    []*job // the last one is under way
	asked   *request
	message []byte

	// What they have more than we: by the sums that were compared first, and by
	// what was found.
	apart, explained Sum
	differ, moved    bool // some sums were not equal; ours changed while we asked
	here, there      []Item
	stats            Stats
}

// NewExchange begins to compare our set with somebody else's.
func NewExchange(set Set, cfg Config) (*Exchange, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	runs := slices.Clone(cfg.Ranges)
	if cfg.Ranges == nil {
		runs = whole
	}
	if cfg.MaxRoundTrips == 0 {
		cfg.MaxRoundTrips = defaultRoundTrips
	}
	x := &Exchange{set: set, cfg: cfg}
	for some := range slices.Chunk(runs, groupRuns) {
		x.jobs = append(x.jobs, &job{runs: some})
	}
	slices.Reverse(x.jobs)
	x.conclude()
	return x, nil
}

// Done is true when everything was compared.
func (x *Exchange) Done() bool { return len(x.jobs) == 0 }

// Request is what to send next; nil when done. It stays the same until a reply
// to it was accepted, so it may be sent again, over another connection too. Its
// bytes are the caller's to read. Errors are [ErrTooLong] and those of the set.
func (x *Exchange) Request() ([]byte, error) {
	if x.Done() || x.message != nil {
		return x.message, nil
	}
	if x.stats.RoundTrips >= x.cfg.MaxRoundTrips {
		return nil, fmt.Errorf("%w: %d", ErrTooLong, x.stats.RoundTrips)
	}
	q := &request{salt: x.cfg.Salt, seq: x.seq}
	if err := x.job().ask(x, q); err != nil {
		return nil, err
	}
	x.seq++
	x.asked, x.message = q, seal(q.append(nil), x.cfg.Key, 0)
	return x.message, nil
}

func (x *Exchange) job() *job { return x.jobs[len(x.jobs)-1] }

// Reply takes the answer to the last Request. An error that wraps [ErrDamaged]
// leaves the exchange where it was, or at most lets it begin again with a
// range; other errors are the set's, and leave it where it was.
func (x *Exchange) Reply(message []byte) error {
	if x.message == nil {
		return fmt.Errorf("%w: a reply to nothing", ErrDamaged)
	}
	kind, r, err := open(message, x.cfg.Key, sealOf(x.message))
	if err != nil {
		return err
	}
	j, q := x.job(), x.asked
	switch {
	case q.kind == askCompare && kind == sayEqual:
		err = j.equal(x, q, r)
	case q.kind == askCompare && kind == sayParts:
		err = j.parts(x, q, r)
	case q.kind == askCompare && kind == sayItems:
		err = j.few(x, q, r)
	case q.kind == askSymbols && kind == saySymbols:
		err = j.symbols(x, q, r)
	case q.kind == askItems && kind == sayItems:
		err = j.items(x, q, r)
	default:
		err = fmt.Errorf("%w: a reply of kind %d to a request of kind %d", ErrDamaged, kind, q.kind)
	}
	if err != nil {
		return err
	}
	x.stats.RoundTrips++
	x.stats.Sent += len(x.message)
	x.stats.Received += len(message)
	x.asked, x.message = nil, nil
	x.conclude()
	return nil
}

// conclude says at the end what is known.
func (x *Exchange) conclude() {
	if x.Done() {
		x.stats.Exact = !x.moved && x.apart == x.explained
		x.stats.Equal = x.stats.Exact && !x.differ
	}
}

// finish ends the job under way and puts others in its place, the first of
// which comes next.
func (x *Exchange) finish(next ...*job) {
	x.jobs = x.jobs[:len(x.jobs)-1]
	slices.Reverse(next)
	x.jobs = append(x.jobs, next...)
}

func (x *Exchange) onlyHere(items ...Item) {
	for _, it := range items {
		x.explained = x.explained.Minus(of(it))
	}
	x.here = append(x.here, items...)
	x.stats.Here += len(items)
}

func (x *Exchange) onlyThere(items ...Item) {
	for _, it := range items {
		x.explained = x.explained.Plus(of(it))
	}
	x.there = append(x.there, items...)
	x.stats.There += len(items)
}

// Take gives what was found since the last Take: the items that only we have
// and those that only they have. A token that both have with different digests
// is in both. The order is that of ranges, not of items. A side that lies can
// name items that nobody has, so they are looked up, not trusted. The caller
// owns the slices.
func (x *Exchange) Take() (here, there []Item) {
	here, there = x.here, x.there
	x.here, x.there = nil, nil
	return here, there
}

// Remaining are the ranges that have not been compared to the end. A later
// exchange, in another process too, resumes with them as its Ranges. Items with
// the token that a list was broken off at are found again then.
func (x *Exchange) Remaining() []Range {
	var out []Range
	for _, j := range slices.Backward(x.jobs) {
		for _, r := range masked(j.remaining(), j.mask) {
			out = join(out, r)
		}
	}
	return out
}

// Stats tells how it went, or goes.
func (x *Exchange) Stats() Stats { return x.stats }
