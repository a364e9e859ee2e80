package coordinator

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/dynomite-go/dynomite/hashkit"
)

// serveGive answers who only takes: see taking.go. It joins nothing.
func (c *Coordinator) serveGive(r *reader) ([]byte, error) {
	out := []byte{compareVersion}
	for len(r.b) > 0 && r.err == nil && len(out) < pushBytes {
		var err error
		if out, err = c.giveToken(r, out); err != nil {
			return nil, err
		}
	}
	return out, r.err
}

func (c *Coordinator) giveToken(r *reader, out []byte) ([]byte, error) {
	token, from, all := hashkit.Token(r.uint64()), r.bytes(), r.byte() == 1
	named := map[string]held{}
	var last []byte
	for range r.count(10) {
		h := held{key: r.bytes(), flags: r.byte(), digest: r.uint64()}
		named[string(h.key)], last = h, h.key
	}
	switch {
	case r.err != nil:
		return nil, r.err
	case !c.Cluster().owns(token):
		return nil, errText("coordinator: this node does not own a token that it was asked about")
	}
	keys, err := c.keysFrom(token, from)
	if err != nil {
		return nil, err
	}
	if !all {
		keys = slices.DeleteFunc(keys, func(key []byte) bool { return bytes.Compare(key, last) > 0 })
	}
	for _, h := range named {
		if c.Cluster().Hash(h.key) != token {
			return nil, errText("coordinator: a key was named at another token")
		}
		keys = append(keys, h.key)
	}
	slices.SortFunc(keys, bytes.Compare)
	keys = slices.CompactFunc(keys, bytes.Equal)
	var answers []byte
	more, n := byte(0), 0
	for _, key := range keys {
		theirs := named[string(key)]
		ours, err := c.describe(key)
		if err != nil {
			return nil, err
		}
		if ours.digest == theirs.digest {
			continue
		}
		if len(answers) > pushBytes {
			more = 1
			break
		}
		if ours.flags&theirs.flags&holdsLarge == 0 {
			if ours, err = c.hold(key, true); err != nil {
				return nil, err
			}
		}
		answers = ours.appendAnswer(answers)
		n++
	}
	out = append(out, more)
	return append(binary.AppendUvarint(out, uint64(n)), answers...), nil
}
