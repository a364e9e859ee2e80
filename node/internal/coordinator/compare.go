package coordinator

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/node/datastore"
)

// A node that was away, or may have lost writes, compares what it owns with
// the other owners, a page of keys at a time: it sends a page's bounds with
// the sum of its record digests, and the owner says "equal", or lists the keys
// and digests that it holds there. What differs is fetched and pushed.
const (
	pageKeys  = 512
	pageRuns  = 512
	listKeys  = 2048
	fetchKeys = 256
	// pushBytes bounds what is fetched or pushed in one message, give or take
	// one record.
	pushBytes = 256 << 10
)

// Range is a run of tokens, both ends included.
type Range struct{ From, To hashkit.Token }

// whole is every token.
var whole = []Range{{0, hashkit.MaxToken}}

// A page is what is held in some runs of tokens, which are sorted and do not
// overlap. With fewer copies than racks two nodes share many short runs, and
// one page has room for hundreds.
type page struct {
	runs       []Range
	sum, count uint64
}

// scanPage sums up about limit keys of runs; the page's last run ends at the
// last token covered.
func scanPage(s datastore.Store, runs []Range, limit int, each func(datastore.Entry)) (page, error) {
	p := page{}
	n := 0
	for _, r := range runs[:min(len(runs), pageRuns)] {
		var last uint64
		first, full := true, false
		_, _, err := s.Scan(uint64(r.From), uint64(r.To), func(e datastore.Entry) bool {
			full = n >= limit && (first || e.Token != last)
			last, first = e.Token, false
			if full {
				return false
			}
			n++
			p.sum += e.Digest
			p.count++
			if each != nil {
				each(e)
			}
			return true
		})
		if err != nil {
			return p, err
		}
		if full {
			if last > uint64(r.From) {
				p.runs = append(p.runs, Range{r.From, hashkit.Token(last - 1)})
			}
			break
		}
		p.runs = append(p.runs, r)
	}
	return p, nil
}

// end is the last token of the page.
func (p page) end() hashkit.Token { return p.runs[len(p.runs)-1].To }

func (p page) append(dst []byte) []byte {
	dst = binary.AppendUvarint(append(dst, formatVersion), uint64(len(p.runs)))
	for _, r := range p.runs {
		dst = binary.BigEndian.AppendUint64(dst, uint64(r.From))
		dst = binary.BigEndian.AppendUint64(dst, uint64(r.To))
	}
	dst = binary.BigEndian.AppendUint64(dst, p.sum)
	return binary.BigEndian.AppendUint64(dst, p.count)
}

func readPage(b []byte) (page, error) {
	r := reader{b: b}
	r.version()
	var p page
	for range r.count(16) {
		p.runs = append(p.runs, Range{hashkit.Token(r.uint64()), hashkit.Token(r.uint64())})
	}
	p.sum, p.count = r.uint64(), r.uint64()
	if r.err != nil {
		return p, r.err
	}
	if n := len(p.runs); n == 0 || n > pageRuns {
		return p, fmt.Errorf("coordinator: a page has %d runs, want 1 to %d", n, pageRuns)
	}
	for i, run := range p.runs {
		if run.From > run.To || i > 0 && run.From <= p.runs[i-1].To {
			return p, errors.New("coordinator: a page's runs are not in order")
		}
	}
	return p, nil
}

// ServeCompare answers a compare message.
func (c *Coordinator) ServeCompare(payload []byte) ([]byte, error) {
	ask, err := readPage(payload)
	if err != nil {
		return nil, err
	}
	out := []byte{formatVersion}
	var list []byte
	n := uint64(0)
	own, err := scanPage(c.store, ask.runs, listKeys, func(e datastore.Entry) {
		list = appendBytes(list, e.Key)
		list = binary.BigEndian.AppendUint64(list, e.Digest)
		n++
	})
	if err != nil {
		return nil, err
	}
	if own.end() == ask.end() && own.sum == ask.sum && own.count == ask.count {
		return append(out, 1), nil
	}
	out = append(out, 0)
	out = binary.BigEndian.AppendUint64(out, uint64(own.end()))
	out = binary.AppendUvarint(out, n)
	return append(out, list...), nil
}

// ServeFetch answers a fetch message: the records of the keys that it lists,
// as far as they fit.
func (c *Coordinator) ServeFetch(payload []byte) ([]byte, error) {
	r := reader{b: payload}
	r.version()
	n := r.count(1)
	out := []byte{formatVersion}
	var rec []byte
	for range n {
		key := r.bytes()
		if r.err != nil {
			return nil, r.err
		}
		if len(out) > pushBytes {
			break
		}
		var err error
		if rec, err = c.store.Record(key, rec[:0]); err != nil {
			return nil, err
		}
		out = appendBytes(out, rec)
	}
	return out, r.err
}

// Caller is one round trip to a node.
type Caller func(ctx context.Context, node int, kind byte, payload []byte) ([]byte, error)

// Comparison is what comparing with one owner came to.
type Comparison struct {
	Pages, Fetched, Pushed int
	Took                   time.Duration
}

// Compare makes this node and the owner node equal in runs of tokens, which are
// sorted: it fetches what this node lacks and pushes what the other lacks. It
// rests as long as it works, so that it takes at most half of a core and of the
// other's attention.
func (c *Coordinator) Compare(ctx context.Context, call Caller, node int, runs []Range) (Comparison, error) {
	var done Comparison
	start := time.Now()
	if err := c.exchangeResets(ctx, call, node); err != nil {
		return done, err
	}
	for len(runs) > 0 {
		began := time.Now()
		upto, err := c.comparePage(ctx, call, node, runs, &done)
		if err != nil {
			return done, err
		}
		done.Pages++
		if runs = after(runs, upto); len(runs) == 0 {
			break
		}
		if err := pause(ctx, time.Since(began)); err != nil {
			return done, err
		}
	}
	done.Took = time.Since(start)
	return done, nil
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

// comparePage deals with the first page of runs and returns the last token that
// it covered.
func (c *Coordinator) comparePage(ctx context.Context, call Caller, node int, runs []Range, done *Comparison) (hashkit.Token, error) {
	ours := map[string]uint64{}
	own, err := scanPage(c.store, runs, pageKeys, func(e datastore.Entry) { ours[string(e.Key)] = e.Digest })
	if err != nil {
		return 0, err
	}
	reply, err := call(ctx, node, KindCompare, own.append(nil))
	if err != nil {
		return 0, err
	}
	r := reader{b: reply}
	r.version()
	if equal := r.byte(); r.err != nil || equal == 1 {
		return own.end(), r.err
	}
	upto := hashkit.Token(r.uint64())
	if r.err == nil && (upto < runs[0].From || upto > own.end()) {
		return 0, fmt.Errorf("coordinator: node %s answered for another page", c.Cluster().Members[node].ID)
	}
	var fetch, push [][]byte
	for range r.count(9) {
		key, digest := r.bytes(), r.uint64()
		if mine, ok := ours[string(key)]; !ok || mine != digest {
			fetch = append(fetch, key)
			if ok {
				push = append(push, key)
			}
		}
		delete(ours, string(key))
	}
	if r.err != nil {
		return 0, r.err
	}
	cl := c.Cluster()
	for key := range ours {
		if cl.Hash([]byte(key)) <= upto {
			push = append(push, []byte(key))
		}
	}
	if err := c.fetch(ctx, call, node, fetch, done); err != nil {
		return 0, err
	}
	// After fetching, ours is the joined record: that is what is pushed.
	if err := c.pushRecords(ctx, call, node, push, done); err != nil {
		return 0, err
	}
	return upto, nil
}

func (c *Coordinator) fetch(ctx context.Context, call Caller, node int, keys [][]byte, done *Comparison) error {
	for len(keys) > 0 {
		ask := keys[:min(len(keys), fetchKeys)]
		msg := binary.AppendUvarint([]byte{formatVersion}, uint64(len(ask)))
		for _, k := range ask {
			msg = appendBytes(msg, k)
		}
		reply, err := call(ctx, node, KindFetch, msg)
		if err != nil {
			return err
		}
		r := reader{b: reply}
		r.version()
		got := 0
		for got < len(ask) && len(r.b) > 0 {
			rec := r.bytes()
			if r.err != nil {
				return r.err
			}
			if len(rec) > 0 {
				if err := c.adopt(ask[got], rec); err != nil {
					return err
				}
				done.Fetched++
			}
			got++
		}
		if r.err != nil {
			return r.err
		}
		if got == 0 {
			return errors.New("coordinator: a node that was asked for records sent none")
		}
		keys = keys[got:]
	}
	return c.store.Commit()
}

func (c *Coordinator) pushRecords(ctx context.Context, call Caller, node int, keys [][]byte, done *Comparison) error {
	msg := []byte{formatVersion}
	n := 0
	var rec []byte
	flush := func() error {
		if n == 0 {
			return nil
		}
		reply, err := call(ctx, node, KindApply, msg)
		if err != nil {
			return err
		}
		r := reader{b: reply}
		r.version()
		for range n {
			if a := r.answer(); a.flags&flagFailed != 0 {
				return errText(string(a.body))
			}
		}
		done.Pushed += n
		msg, n = msg[:1], 0
		return r.err
	}
	for _, k := range keys {
		var err error
		if rec, err = c.store.Record(k, rec[:0]); err != nil {
			return err
		}
		if len(rec) == 0 {
			continue
		}
		msg = appendRecord(msg, k, rec)
		n++
		if len(msg) > pushBytes {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// exchangeResets makes the range resets of both sides equal, since record
// digests are taken after them.
func (c *Coordinator) exchangeResets(ctx context.Context, call Caller, node int) error {
	reply, err := call(ctx, node, KindReset, appendResets(nil, c.store.Resets()))
	if err != nil {
		return err
	}
	_, err = c.mergeResets(reply)
	return err
}

func appendResets(dst []byte, resets []datastore.RangeReset) []byte {
	dst = append(dst, formatVersion)
	dst = binary.AppendUvarint(dst, uint64(len(resets)))
	for _, r := range resets {
		dst = binary.BigEndian.AppendUint64(dst, r.From)
		dst = binary.BigEndian.AppendUint64(dst, r.To)
		dst = r.Version.Append(dst)
	}
	return dst
}

// mergeResets joins the resets of a message, and returns the newest version
// that a range held above its reset; zero if all of them won.
func (c *Coordinator) mergeResets(b []byte) (newest datastore.Version, err error) {
	r := reader{b: b}
	r.version()
	for range r.count(16 + versionSize) {
		from, to := r.uint64(), r.uint64()
		v := r.stamp()
		if r.err != nil || from > to {
			return newest, errShort
		}
		a, err := c.store.MergeReset(from, to, v)
		if err != nil {
			return newest, err
		}
		if !a.Won && newest.Less(a.Newest) {
			newest = a.Newest
		}
	}
	return newest, r.err
}

// ServeReset answers a reset message with our own resets, after the newest
// version that stood above one of the sender's.
func (c *Coordinator) ServeReset(payload []byte) ([]byte, error) {
	newest, err := c.mergeResets(payload)
	if err != nil {
		return nil, err
	}
	if err := c.store.Commit(); err != nil {
		return nil, err
	}
	return newest.Append(appendResets(nil, c.store.Resets())), nil
}

// hasReset says whether we hold a range reset that covers token.
func (c *Coordinator) hasReset(token hashkit.Token) bool {
	for _, r := range c.store.Resets() {
		if uint64(token) >= r.From && uint64(token) <= r.To {
			return true
		}
	}
	return false
}

// majority is the least number that any other majority of n shares a member with.
func majority(n int) int { return n/2 + 1 }
