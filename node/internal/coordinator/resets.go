package coordinator

import (
	"encoding/binary"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/node/datastore"
)

// Range resets (FLUSHALL) are no part of any record: they travel by themselves.

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
