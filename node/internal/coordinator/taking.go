package coordinator

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/node/datastore"
)

// Who only takes names its keys at a token with their digests, and no record;
// the other side answers with all that is not equal, as it is there.
//
//	asks      format, modeGive, for each token: token, the least key that is asked for, 1 if
//	          the last that is named is the greatest, number of keys, and for each: key, flags, digest
//	answers   format, for each token, as far as they fit: 1 if there is more of it, number of
//	          keys, and for each: key, flags, digest, record if it is there, digests by kind if it is large
//
// Keys go up. What is asked next begins behind the last one that was dealt with: what
// was given need not be equal by then.

// taking takes what the other side holds and gives nothing.
type taking struct{}

func (taking) resets(x *comparing) error { return x.takeResets(nil) }

func (w taking) records(x *comparing, tokens []hashkit.Token) error {
	return x.given(tokens, holdsLarge, func(theirs held) error {
		switch {
		case theirs.flags&holdsRecord != 0:
			return x.takeRecord(theirs)
		case theirs.flags&holdsLarge == 0:
			return nil // it holds nothing
		}
		ours, err := x.c.describe(theirs.key)
		if err != nil {
			return err
		}
		if err := x.members(theirs.key, ours.kinds, theirs.kinds); err != nil {
			return err
		}
		// The fields that were found to differ may have died since, by what
		// every part has.
		return x.exchangePart(theirs.key, datastore.None, nil)
	})
}

func (taking) part(*comparing, []byte, datastore.Kind, []uint64) ([]byte, error) { return nil, nil }

func (taking) road(*comparing, uint64) road { return exchangeRoad }

func (x *comparing) takeRecord(theirs held) error {
	before, err := x.c.store.Digest(theirs.key)
	if err != nil {
		return err
	}
	if _, err := x.c.adopt(theirs.key, theirs.record, exchangeRoad); err != nil {
		return err
	}
	return x.fetched(theirs.key, before)
}

// fetched counts a record if its digest is not what it was before.
func (x *comparing) fetched(key []byte, before uint64) error {
	now, err := x.c.store.Digest(key)
	if now != before {
		x.done.Fetched++
	}
	return err
}

// returning forgets what the other side does not hold up to g, and takes the rest.
type returning struct {
	taking
	g datastore.Version
}

func (w returning) records(x *comparing, tokens []hashkit.Token) error {
	return x.given(tokens, 0, func(theirs held) error {
		before, err := x.c.store.Digest(theirs.key)
		if err != nil {
			return err
		}
		if err := x.c.floors.Return(theirs.key, theirs.record, w.g); err != nil {
			return err
		}
		return x.fetched(theirs.key, before)
	})
}

// asked is what was asked of a token: keys up to the last, or all if that is nil.
type asked struct{ from, last []byte }

// given asks for what the other side holds at some tokens, and calls take with
// each key that is not equal; of flags those are told the other side.
func (x *comparing) given(tokens []hashkit.Token, flags byte, take func(theirs held) error) error {
	var from []byte
	for len(tokens) > 0 {
		msg, asks, err := x.askGiven(tokens, from, flags)
		if err != nil {
			return err
		}
		reply, err := x.call(KindReconcile, msg)
		if err != nil {
			return err
		}
		r := reader{b: reply}
		r.expect(compareVersion)
		n := 0
		for from = nil; n < len(asks) && from == nil && len(r.b) > 0 && r.err == nil; {
			last, err := x.givenToken(&r, tokens[n], asks[n], take)
			if err != nil {
				return err
			}
			if last == nil {
				n++
				continue
			}
			from = append(slices.Clone(last), 0) // the next key that there can be
		}
		switch {
		case r.err != nil:
			return r.err
		case n == 0 && from == nil:
			return x.nonsense("was asked for records and sent none")
		}
		tokens = tokens[n:]
		if err := x.c.store.Commit(); err != nil {
			return err
		}
	}
	return nil
}

// givenToken reads what is given of a token, and returns the last key that was
// dealt with; nil if that is all.
func (x *comparing) givenToken(r *reader, token hashkit.Token, a asked, take func(held) error) (last []byte, err error) {
	more := r.byte() == 1
	least := a.from
	for range r.count(10) {
		theirs := r.answeredKey()
		if r.err != nil {
			return nil, r.err
		}
		if x.c.Cluster().Hash(theirs.key) != token || bytes.Compare(theirs.key, least) < 0 || a.last != nil && bytes.Compare(theirs.key, a.last) > 0 {
			return nil, x.nonsense("gave a key that it was not asked for")
		}
		if err := take(theirs); err != nil {
			return nil, err
		}
		x.done.Differed++
		last, least = theirs.key, append(slices.Clone(theirs.key), 0)
	}
	switch {
	case r.err != nil:
		return nil, r.err
	case more && last == nil:
		return nil, x.nonsense("has more of nothing")
	case more:
		return last, nil
	}
	return a.last, nil
}

// askGiven makes the message about as many of the tokens as fit, of the first
// from a key on.
func (x *comparing) askGiven(tokens []hashkit.Token, from []byte, flags byte) (msg []byte, asks []asked, err error) {
	msg = []byte{compareVersion, modeGive}
	for _, token := range tokens[:min(len(tokens), reconcileTokens)] {
		keys, err := x.c.keysFrom(token, from)
		if err != nil {
			return nil, nil, err
		}
		a, n, all, named := asked{from: from}, 0, byte(1), []byte(nil)
		for _, key := range keys {
			if len(msg)+len(named) > pushBytes && n > 0 {
				all = 0
				break
			}
			h, err := x.c.describe(key)
			if err != nil {
				return nil, nil, err
			}
			named = append(appendBytes(named, key), h.flags&flags)
			named = binary.BigEndian.AppendUint64(named, h.digest)
			a.last = key
			n++
		}
		if all == 1 {
			a.last = nil
		}
		msg = append(appendBytes(binary.BigEndian.AppendUint64(msg, uint64(token)), from), all)
		msg = append(binary.AppendUvarint(msg, uint64(n)), named...)
		if asks, from = append(asks, a), nil; len(msg) > pushBytes {
			break
		}
	}
	return msg, asks, nil
}

// keysFrom are the keys at a token from one on, sorted.
func (c *Coordinator) keysFrom(token hashkit.Token, from []byte) ([][]byte, error) {
	keys, err := c.keysAt(token)
	keys = slices.DeleteFunc(keys, func(key []byte) bool { return bytes.Compare(key, from) < 0 })
	slices.SortFunc(keys, bytes.Compare)
	return keys, err
}
