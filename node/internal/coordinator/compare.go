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
	listKeys  = 2048
	fetchKeys = 256
	// pushBytes bounds what is fetched or pushed in one message, give or take
	// one record.
	pushBytes = 256 << 10
)

// A page is a run of tokens and what is held in it.
type page struct {
	from, to uint64
	sum      uint64
	count    uint64
}

// scanPage sums up to limit keys from from on; to is the last token covered.
func scanPage(s datastore.Store, from, to uint64, limit int, each func(datastore.Entry)) (page, error) {
	p := page{from: from, to: to}
	n := 0
	var last uint64
	_, _, err := s.Scan(from, to, func(e datastore.Entry) bool {
		if n >= limit && e.Token != last {
			p.to = e.Token - 1
			return false
		}
		n++
		last = e.Token
		p.sum += e.Digest
		p.count++
		if each != nil {
			each(e)
		}
		return true
	})
	return p, err
}

func (p page) append(dst []byte) []byte {
	dst = append(dst, formatVersion)
	for _, x := range [...]uint64{p.from, p.to, p.sum, p.count} {
		dst = binary.BigEndian.AppendUint64(dst, x)
	}
	return dst
}

func readPage(b []byte) (page, error) {
	r := reader{b: b}
	r.version()
	p := page{r.uint64(), r.uint64(), r.uint64(), r.uint64()}
	if r.err == nil && p.from > p.to {
		r.err = errors.New("coordinator: a page ends before it begins")
	}
	return p, r.err
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
	own, err := scanPage(c.store, ask.from, ask.to, listKeys, func(e datastore.Entry) {
		list = appendBytes(list, e.Key)
		list = binary.BigEndian.AppendUint64(list, e.Digest)
		n++
	})
	if err != nil {
		return nil, err
	}
	if own == ask {
		return append(out, 1), nil
	}
	out = append(out, 0)
	out = binary.BigEndian.AppendUint64(out, own.to)
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

// Compare makes this node and the owner node equal in the tokens from to to:
// it fetches what this node lacks and pushes what the other lacks. It rests
// as long as it works, so that it takes at most half of a core and of the
// other's attention.
func (c *Coordinator) Compare(ctx context.Context, call Caller, node int, from, to hashkit.Token) (Comparison, error) {
	var done Comparison
	start := time.Now()
	if err := c.exchangeResets(ctx, call, node); err != nil {
		return done, err
	}
	at := uint64(from)
	for {
		began := time.Now()
		next, err := c.comparePage(ctx, call, node, at, uint64(to), &done)
		if err != nil {
			return done, err
		}
		done.Pages++
		if next == 0 || next > uint64(to) {
			done.Took = time.Since(start)
			return done, nil
		}
		at = next
		if err := pause(ctx, time.Since(began)); err != nil {
			return done, err
		}
	}
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

// comparePage deals with one page and returns the token to go on from; zero
// when the space ended.
func (c *Coordinator) comparePage(ctx context.Context, call Caller, node int, from, to uint64, done *Comparison) (uint64, error) {
	ours := map[string]uint64{}
	own, err := scanPage(c.store, from, to, pageKeys, func(e datastore.Entry) { ours[string(e.Key)] = e.Digest })
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
		return own.to + 1, r.err
	}
	upto := r.uint64()
	if r.err == nil && (upto < from || upto > own.to) {
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
		if uint64(cl.Hash([]byte(key))) <= upto {
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
	return upto + 1, nil
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
