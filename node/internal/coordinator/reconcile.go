package coordinator

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/node/datastore"
)

// What differs is made equal token by token. The asker names its keys at the
// token, with their records if they are short; the other side joins these, and
// names what differs all the same with its own record:
//
//	asks      format, modeRecords, flags, for each token: token, number of keys, and for each
//	          key, flags, digest, newest version, record if it is there
//	answers   format, for each token, as far as they fit: 1 if there is more of it, how many
//	          keys differed, how many of the records changed something here, number of keys,
//	          and for each key, flags, digest, record if it is there, digests by kind if it is large
//
// A token of which there is more is asked about again: what was sent is equal by then.
//
// A record goes along if it is short, or if it may have what the other side
// lacks. Of two large ones the parts that differ are exchanged (members.go).
const (
	modeRecords byte = iota
	modeMembers
	modeGive // taking.go
)

const (
	holdsRecord byte = 1 << iota // the record follows
	holdsLarge                   // it is large: digests by kind follow in an answer
)

const (
	// shortRecord is the size up to which a record goes along unasked: less
	// than asking costs.
	shortRecord = 1 << 10
	// reconcileTokens is how many tokens one message names at most.
	reconcileTokens = 512
	// pushBytes bounds what is fetched or pushed in one message, give or take
	// one record.
	pushBytes = 256 << 10
)

// held is what one side has of a key.
type held struct {
	key    []byte
	flags  byte
	digest uint64
	newest datastore.Version
	record []byte
	floor  datastore.Version // ours when the record was read
	kinds  [datastore.NumKinds]uint64
}

// describe looks up what this node has of a key, but for the record.
func (c *Coordinator) describe(key []byte) (h held, err error) {
	h.key = key
	s, ok := c.store.(memberStore)
	if !ok {
		h.digest, err = c.store.Digest(key)
		return h, err
	}
	shape, err := s.Shape(key)
	h.digest, h.newest, h.kinds = shape.Digest, shape.Newest, shape.Members
	if shape.Large {
		h.flags |= holdsLarge
	}
	return h, err
}

// hold looks up what this node has of a key; the record too if it is short or
// all is set.
func (c *Coordinator) hold(key []byte, all bool) (held, error) {
	h, err := c.describe(key)
	if err != nil || h.flags&holdsLarge != 0 && !all {
		return h, err
	}
	record, err := c.store.Record(key, nil)
	if err != nil {
		return h, err
	}
	if len(record) > 0 && (all || len(record) <= shortRecord) {
		h.flags |= holdsRecord
		h.record = record
	}
	return h, nil
}

func (c *Coordinator) keysAt(token hashkit.Token) (keys [][]byte, err error) {
	_, _, err = c.store.Scan(uint64(token), uint64(token), func(e datastore.Entry) bool {
		keys = append(keys, slices.Clone(e.Key))
		return true
	})
	return keys, err
}

// allRecords sends as many messages about the tokens as it takes. Where a long
// record was pushed, it has the other side show what it has that we still lack:
// that is the last time, and may be asked for at once.
func (x *comparing) allRecords(tokens []hashkit.Token, last bool) error {
	for mores := 0; len(tokens) > 0; {
		n, again, err := x.someRecords(tokens, last)
		if err != nil {
			return err
		}
		if err := x.allRecords(again, true); err != nil {
			return err
		}
		if mores++; n > 0 {
			mores = 0
		} else if mores > maxRounds {
			return x.nonsense("has more and more records at a token")
		}
		tokens = tokens[n:]
	}
	return nil
}

// someRecords is one message about the first of some tokens, and says how many
// were dealt with (none, if there is more at the first) and which are to be
// looked at again.
func (x *comparing) someRecords(tokens []hashkit.Token, last bool) (n int, again []hashkit.Token, err error) {
	msg, ours, err := x.askRecords(tokens, last)
	if err != nil {
		return 0, nil, err
	}
	asked := x.c.asking()
	reply, err := x.call(KindReconcile, msg)
	if err != nil {
		return 0, nil, err
	}
	r := reader{b: reply}
	r.expect(compareVersion)
	var push []held
	answered := 0
	for n < len(ours) && len(r.b) > 0 && r.err == nil {
		more := r.byte() == 1
		differed, took, answers := r.uvarint(), r.uvarint(), r.count(10)
		if r.err != nil || took > uint64(ours[n]) || differed > uint64(ours[n]+answers) || more && answers == 0 {
			return 0, nil, cmp.Or(r.err, x.nonsense("counts what cannot be"))
		}
		x.done.Differed += int(differed)
		x.done.Pushed += int(took)
		news := false
		for range answers {
			theirs := r.answeredKey()
			if r.err != nil {
				break
			}
			if x.c.Cluster().Hash(theirs.key) != tokens[n] {
				return 0, nil, x.nonsense("answered with a key of another token")
			}
			lacks, some, err := x.join(theirs, x.way.road(x, asked))
			if err != nil {
				return 0, nil, err
			}
			news = news || some
			if lacks.flags&holdsRecord != 0 {
				push = append(push, lacks)
				if theirs.flags&holdsRecord == 0 && theirs.digest != 0 && !last {
					again = append(again, tokens[n])
				}
			}
		}
		// If nothing was taken of it, asking for more brings the same again.
		if answered++; more && news {
			break
		}
		n++
	}
	switch {
	case r.err != nil:
		return 0, nil, r.err
	case answered == 0:
		return 0, nil, x.nonsense("was asked for records and sent none")
	}
	if err := x.push(push); err != nil {
		return 0, nil, err
	}
	return n, sortedTokens(again), x.c.store.Commit()
}

// askRecords makes the message about as many of the tokens as fit, and says how
// many keys it names at each.
func (x *comparing) askRecords(tokens []hashkit.Token, last bool) (msg []byte, asked []int, err error) {
	msg = []byte{compareVersion, modeRecords, 0}
	if last {
		msg[2] = 1
	}
	for _, token := range tokens[:min(len(tokens), reconcileTokens)] {
		keys, err := x.c.keysAt(token)
		if err != nil {
			return nil, nil, err
		}
		msg = binary.BigEndian.AppendUint64(msg, uint64(token))
		msg = binary.AppendUvarint(msg, uint64(len(keys)))
		for _, key := range keys {
			h, err := x.c.hold(key, false)
			if err != nil {
				return nil, nil, err
			}
			if len(msg) > pushBytes { // many keys share the token
				h.flags &^= holdsRecord
			}
			msg = append(appendBytes(msg, key), h.flags)
			msg = h.newest.Append(binary.BigEndian.AppendUint64(msg, h.digest))
			if h.flags&holdsRecord != 0 {
				msg = appendBytes(msg, h.record)
			}
		}
		asked = append(asked, len(keys))
		if len(msg) > pushBytes {
			break
		}
	}
	return msg, asked, nil
}

func (r *reader) askedKey() held {
	h := held{key: r.bytes(), flags: r.byte(), digest: r.uint64(), newest: r.stamp()}
	if h.flags&holdsRecord != 0 {
		h.record = r.bytes()
	}
	return h
}

func (r *reader) answeredKey() held {
	h := held{key: r.bytes(), flags: r.byte(), digest: r.uint64()}
	if h.flags&holdsRecord != 0 {
		h.record = r.bytes()
	}
	if h.flags&holdsLarge != 0 {
		for k := range h.kinds {
			h.kinds[k] = r.uint64()
		}
	}
	return h
}

func (h *held) appendAnswer(dst []byte) []byte {
	dst = append(appendBytes(dst, h.key), h.flags)
	dst = binary.BigEndian.AppendUint64(dst, h.digest)
	if h.flags&holdsRecord != 0 {
		dst = appendBytes(dst, h.record)
	}
	if h.flags&holdsLarge != 0 {
		for _, d := range h.kinds {
			dst = binary.BigEndian.AppendUint64(dst, d)
		}
	}
	return dst
}

// join joins what the other side has of a key, and returns what it lacks, with
// the record and our floor, if that is not equal then. news says that something was
// joined, or was not refused at least.
func (x *comparing) join(theirs held, by road) (lacks held, news bool, err error) {
	c, refused := x.c, false
	before, err := c.store.Digest(theirs.key)
	if err != nil {
		return held{}, false, err
	}
	if theirs.flags&holdsRecord != 0 {
		if refused, err = c.adopt(theirs.key, theirs.record, by); err != nil {
			return held{}, false, err
		}
	}
	ours, err := c.hold(theirs.key, false)
	if err != nil {
		return held{}, false, err
	}
	if ours.digest != before {
		x.done.Fetched++
	}
	news = ours.digest != before || !refused
	if ours.digest == theirs.digest {
		return held{}, news, nil
	}
	if ours.flags&theirs.flags&holdsLarge != 0 {
		return held{}, news, x.members(theirs.key, ours.kinds, theirs.kinds)
	}
	floor := c.floor(c.Cluster().Hash(theirs.key))
	lacks, err = c.hold(theirs.key, true)
	lacks.floor = floor
	return lacks, news, err
}

// push sends records that the other side lacks, or a part of.
func (x *comparing) push(records []held) error {
	msg := []byte{formatVersion}
	n := 0
	for i, h := range records {
		msg = appendHeld(msg, h.key, h.floor, h.record)
		n++
		if len(msg) < pushBytes && i < len(records)-1 {
			continue
		}
		reply, err := x.call(KindApply, msg)
		if err != nil {
			return err
		}
		r := reader{b: reply}
		r.version()
		for range n {
			a := r.answer()
			if a.flags&flagFailed != 0 {
				return errText(string(a.body))
			}
			if a.flags&flagRefused == 0 {
				x.done.Pushed++
			}
		}
		if r.err != nil {
			return r.err
		}
		msg, n = msg[:1], 0
	}
	return nil
}

// ServeReconcile answers a reconcile message.
func (c *Coordinator) ServeReconcile(payload []byte) ([]byte, error) {
	r := reader{b: payload}
	r.expect(compareVersion)
	switch mode := r.byte(); {
	case r.err != nil:
		return nil, r.err
	case mode == modeGive:
		return c.serveGive(&r)
	case mode == modeMembers:
		return c.serveMembers(&r)
	case mode != modeRecords:
		return nil, errShort
	}
	all := r.byte() == 1
	out := []byte{compareVersion}
	for len(r.b) > 0 && r.err == nil && len(out) < pushBytes {
		var err error
		if out, err = c.answerToken(&r, all, out); err != nil {
			return nil, err
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	return out, c.store.Commit()
}

// answerToken joins what the asker has at a token, and appends what differs.
func (c *Coordinator) answerToken(r *reader, all bool, out []byte) ([]byte, error) {
	token := hashkit.Token(r.uint64())
	if r.err == nil && !c.Cluster().owns(token) {
		return nil, errText("coordinator: this node does not own a token that it was asked about")
	}
	named := map[string]bool{}
	var answers []held
	var differed, took int
	var more byte
	for range r.count(22) {
		theirs := r.askedKey()
		if r.err != nil {
			return nil, r.err
		}
		if c.Cluster().Hash(theirs.key) != token {
			return nil, errText("coordinator: a key was named at another token")
		}
		named[string(theirs.key)] = true
		before, err := c.store.Digest(theirs.key)
		if err != nil {
			return nil, err
		}
		if theirs.flags&holdsRecord != 0 {
			if _, err := c.adopt(theirs.key, theirs.record, ordinaryRoad); err != nil {
				return nil, err
			}
		}
		ours, err := c.hold(theirs.key, false)
		if err != nil {
			return nil, err
		}
		if before != theirs.digest {
			differed++
		}
		if ours.digest != before {
			took++
		}
		if ours.digest == theirs.digest {
			continue
		}
		// What is large here and there is exchanged in parts. Of what is long we
		// wait for the asker's if that is newer.
		switch both := ours.flags & theirs.flags & holdsLarge; {
		case ours.digest == 0 || both != 0:
		case all || theirs.flags&holdsRecord != 0 || !ours.newest.Less(theirs.newest):
			if ours, err = c.hold(theirs.key, true); err != nil {
				return nil, err
			}
		}
		answers = append(answers, ours)
	}
	keys, err := c.keysAt(token)
	if err != nil {
		return nil, err
	}
	size := 0
	for _, key := range keys {
		if named[string(key)] {
			continue
		}
		if size > pushBytes {
			more = 1
			break
		}
		ours, err := c.hold(key, true)
		if err != nil {
			return nil, err
		}
		if ours.flags&holdsRecord != 0 {
			answers = append(answers, ours)
			size += len(key) + len(ours.record)
			differed++
		}
	}
	out = append(out, more)
	out = binary.AppendUvarint(out, uint64(differed))
	out = binary.AppendUvarint(out, uint64(took))
	out = binary.AppendUvarint(out, uint64(len(answers)))
	for i := range answers {
		out = answers[i].appendAnswer(out)
	}
	return out, nil
}

func sortedTokens(tokens []hashkit.Token) []hashkit.Token {
	slices.Sort(tokens)
	return slices.Compact(tokens)
}
