package coordinator

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"time"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/merkle"
	"github.com/dynomite-go/dynomite/node/datastore"
)

// Anti-entropy: two owners find out which records differ by reconciling the
// sets of their digests (package merkle), and then exchange these records, or
// the parts of large ones that differ (reconcile.go).
//
// A compare message is: format, scope, generation, then for scopeMembers key
// and kind, and a request of merkle. The reply: format, generation, number of
// records, reply of merkle. The first message has no request: it asks for the
// number. A side that shows a later generation than the other one says so, and
// both show that; a reply without anything of merkle asks to begin again. Who
// asks with the generation everything wants to see what there is by now, and is
// never asked to begin again.
const (
	scopeRecords byte = iota
	scopeMembers
)

// compareVersion opens the messages of anti-entropy.
const compareVersion = 2

// Range is a run of tokens, both ends included.
type Range struct{ From, To hashkit.Token }

// whole is every token.
var whole = []Range{{0, hashkit.MaxToken}}

// Caller is one round trip to a node.
type Caller func(ctx context.Context, node int, kind byte, payload []byte) ([]byte, error)

// Comparison is what comparing with one owner came to.
type Comparison struct {
	// Rounds is the number of round trips, Sent and Received are their bytes.
	Rounds, Sent, Received int
	// Differed is how many keys differed when they were looked at, Members how
	// many fields of large records did.
	Differed, Members int
	// Fetched and Pushed are the records, and parts of large ones, that this
	// node took and gave.
	Fetched, Pushed int
	Took            time.Duration
}

// Add adds up what several comparisons came to.
func (c *Comparison) Add(o Comparison) {
	c.Rounds += o.Rounds
	c.Sent += o.Sent
	c.Received += o.Received
	c.Differed += o.Differed
	c.Members += o.Members
	c.Fetched += o.Fetched
	c.Pushed += o.Pushed
	c.Took += o.Took
}

// comparing is one comparison under way.
type comparing struct {
	c    *Coordinator
	ctx  context.Context
	send Caller
	node int
	way  way
	done Comparison
	// told is the newest generation that one of both shows, or everything.
	told uint64
}

func (x *comparing) run(runs []Range, now bool) error {
	if err := x.way.resets(x); err != nil {
		return err
	}
	x.told = x.c.digests.settle(0)
	if now {
		x.told = everything
	}
	theirs, err := x.meet()
	if err != nil {
		return err
	}
	for _, part := range parts(runs, max(theirs, x.c.digests.records())) {
		if err := x.part(part); err != nil {
			return err
		}
	}
	return nil
}

// meet asks how many records the other node has: one with few compares with
// one that has many in as many parts as that needs.
func (x *comparing) meet() (records int, err error) {
	reply, err := x.call(KindCompare, binary.AppendUvarint([]byte{compareVersion, scopeRecords}, x.told))
	if err != nil {
		return 0, err
	}
	r := reader{b: reply}
	r.expect(compareVersion)
	x.shown(r.uvarint())
	return int(min(r.uvarint(), mostRecords)), r.err
}

// mostRecords is what a node is believed to hold: 65,536 parts.
const mostRecords = partKeys << 16

// shown takes note of what generation the other side shows.
func (x *comparing) shown(generation uint64) {
	if generation > x.told {
		// Of a clock far ahead of ours we show what we can.
		x.c.digests.settle(generation)
		x.told = generation
	}
}

// Settle makes visible to comparisons what is old enough by now: to be called
// some times a second.
func (c *Coordinator) Settle() {
	if c.digests != nil {
		c.digests.settle(0)
	}
}

// Parts divides runs of tokens into what is compared at a time.
func (c *Coordinator) Parts(runs []Range) [][]Range { return parts(runs, c.digests.records()) }

// everything is a generation after all that there are.
const everything = ^uint64(0)

// partKeys is about how many keys are compared at a time. It takes less than a
// generation to add them up, or they would never be equal under load.
const partKeys = 1 << 18

// parts divides runs of tokens, which are sorted, so that of so many keys in the
// whole token space about 262,144 are in each part.
func parts(runs []Range, keys int) [][]Range {
	width := uint(bits.Len(uint(max(keys-1, 0) / partKeys)))
	var out [][]Range
	for i := range uint64(1) << width {
		last := hashkit.MaxToken
		if width > 0 {
			last = hashkit.Token((i+1)<<(64-width) - 1)
		}
		var part []Range
		for len(runs) > 0 && runs[0].From <= last {
			r := runs[0]
			runs = runs[1:]
			part = append(part, Range{r.From, min(r.To, last)})
			if r.To > last {
				runs = append([]Range{{last + 1, r.To}}, runs...)
				break
			}
		}
		if len(part) > 0 {
			out = append(out, part)
		}
	}
	return out
}

// after is what of runs lies behind the token upto.
func after(runs []Range, upto hashkit.Token) []Range {
	for len(runs) > 0 && runs[0].To <= upto {
		runs = runs[1:]
	}
	if len(runs) > 0 && runs[0].From <= upto {
		runs = append([]Range{{upto + 1, runs[0].To}}, runs[1:]...)
	}
	return runs
}

// part compares some runs of tokens.
func (x *comparing) part(runs []Range) error {
	ranges := make([]merkle.Range, len(runs))
	for i, r := range runs {
		ranges[i] = merkle.Range(r)
	}
	return x.exchange(x.c.digests, ranges, []byte{scopeRecords}, nil, func(tokens []hashkit.Token) error {
		return x.way.records(x, tokens)
	})
}

// maxRestarts bounds how often an exchange begins again because one side shows
// a later generation, which happens once each two seconds. What takes longer
// goes through at once, as for who catches up.
const maxRestarts = 8

// exchange finds out in what our set and theirs differ, and calls resolve with
// the tokens in ascending order.
func (x *comparing) exchange(set merkle.Set, ranges []merkle.Range, scope, of []byte, resolve func([]hashkit.Token) error) error {
	for range maxRestarts {
		again, err := x.exchangeOnce(set, ranges, scope, of, resolve)
		if err != nil || !again {
			return err
		}
	}
	agreed := x.told
	x.told = everything
	again, err := x.exchangeOnce(set, ranges, scope, of, resolve)
	if x.told = agreed; err == nil && again {
		err = x.nonsense("asks to begin comparing again and again")
	}
	return err
}

func (x *comparing) exchangeOnce(set merkle.Set, ranges []merkle.Range, scope, of []byte, resolve func([]hashkit.Token) error) (again bool, err error) {
	m, err := merkle.NewExchange(set, merkle.Config{
		Key: x.c.secret, Salt: rand.Uint64(), Ranges: ranges, MaxRoundTrips: maxRounds,
	})
	if err != nil {
		return false, err
	}
	for !m.Done() {
		began := time.Now()
		if x.told == everything {
			x.c.digests.settle(everything)
		}
		request, err := m.Request()
		if err != nil {
			return false, err
		}
		msg := append([]byte{compareVersion}, scope...)
		msg = binary.AppendUvarint(msg, x.told)
		msg = append(append(msg, of...), request...)
		reply, err := x.call(KindCompare, msg)
		if err != nil {
			return false, err
		}
		r := reader{b: reply}
		r.expect(compareVersion)
		x.shown(r.uvarint())
		r.uvarint() // how many records there are
		if r.err != nil {
			return false, r.err
		}
		if len(r.b) == 0 {
			return true, nil
		}
		if err := m.Reply(r.b); err != nil {
			return false, err
		}
		if err := resolve(tokensOf(m.Take())); err != nil {
			return false, err
		}
		if m.Done() {
			break
		}
		if err := pause(x.ctx, time.Since(began)); err != nil {
			return false, err
		}
	}
	return false, nil
}

var errNonsense = errors.New("coordinator: a peer's answer makes no sense")

func (x *comparing) nonsense(what string) error {
	return fmt.Errorf("%w: node %s %s", errNonsense, x.name(), what)
}

// Nonsense says of an error of Compare that the other node sent what no healthy
// node of this version sends.
func Nonsense(err error) bool {
	return errors.Is(err, merkle.ErrDamaged) || errors.Is(err, merkle.ErrTooLong) ||
		errors.Is(err, errNonsense) || errors.Is(err, errShort)
}

// maxRounds bounds an exchange with a side that lies: it lists 70 million
// records.
const maxRounds = 1 << 14

func tokensOf(here, there []merkle.Item) []hashkit.Token {
	tokens := make([]hashkit.Token, 0, len(here)+len(there))
	for _, it := range here {
		tokens = append(tokens, it.Token)
	}
	for _, it := range there {
		tokens = append(tokens, it.Token)
	}
	return sortedTokens(tokens)
}

func (x *comparing) name() string { return x.c.Cluster().Members[x.node].ID }

// call is one round trip, which is counted.
func (x *comparing) call(kind byte, msg []byte) ([]byte, error) {
	reply, err := x.send(x.ctx, x.node, kind, msg)
	if err != nil {
		return nil, err
	}
	x.done.Rounds++
	x.done.Sent += len(msg)
	x.done.Received += len(reply)
	if len(reply) == 0 {
		return nil, fmt.Errorf("coordinator: node %s could not read or serve a message of kind %d: its log says why", x.name(), kind)
	}
	return reply, nil
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(min(d, 100*time.Millisecond))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// ServeCompare answers a compare message of a node.
func (c *Coordinator) ServeCompare(from string, payload []byte) ([]byte, error) {
	if c.digests == nil {
		return nil, errors.New("coordinator: this node knows of no other owner to compare with")
	}
	r := reader{b: payload}
	r.expect(compareVersion)
	scope, told := r.byte(), r.uvarint()
	var set merkle.Set = c.digests
	switch scope {
	case scopeRecords:
	case scopeMembers:
		key, kind := r.bytes(), datastore.Kind(r.byte())
		store, ok := c.store.(memberStore)
		if !ok {
			return nil, errors.New("coordinator: this node's store has no parts of records")
		}
		set = members{store, key, kind}
	default:
		r.fail()
	}
	if r.err != nil {
		return nil, r.err
	}
	shown := c.digests.settle(told)
	out := binary.AppendUvarint([]byte{compareVersion}, shown)
	out = binary.AppendUvarint(out, uint64(c.digests.records()))
	if len(r.b) == 0 || shown > told && scope == scopeRecords && c.digests.settled != nil {
		return out, nil
	}
	reply, err := c.responders.answer(from, set, c.secret, r.b)
	return append(out, reply...), err
}
