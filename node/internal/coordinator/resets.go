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

// mergeResets joins the resets that r is about to read, and returns the newest
// version that a range held above its reset, zero if none did; refused says
// that one was too old for its road.
func (c *Coordinator) mergeResets(r *reader, by road) (newest datastore.Version, refused bool, err error) {
	r.version()
	for range r.count(16 + versionSize) {
		from, to := r.uint64(), r.uint64()
		v := r.stamp()
		if r.err != nil || from > to {
			return newest, refused, errShort
		}
		a, late, err := c.adoptReset(datastore.RangeReset{From: from, To: to, Version: v}, by)
		if err != nil {
			return newest, refused, err
		}
		refused = refused || late
		if !a.Won && newest.Less(a.Newest) {
			newest = a.Newest
		}
	}
	return newest, refused, r.err
}

// resetAnswer is what stands after our resets in the answer to a reset message.
type resetAnswer struct {
	newest  datastore.Version // that stood above one of the sender's
	refused bool              // one of them, somewhere
}

const resetAnswerSize = versionSize + 1

func (a resetAnswer) append(dst []byte) []byte {
	dst = a.newest.Append(dst)
	if a.refused {
		return append(dst, 1)
	}
	return append(dst, 0)
}

func (r *reader) resetAnswer() resetAnswer {
	return resetAnswer{r.stamp(), r.byte() != 0}
}

// ServeReset answers a reset message with our own resets, and how those of the
// sender fared.
func (c *Coordinator) ServeReset(payload []byte) ([]byte, error) {
	r := reader{b: payload}
	newest, refused, err := c.mergeResets(&r, ordinaryRoad)
	if err != nil {
		return nil, err
	}
	if err := c.store.Commit(); err != nil {
		return nil, err
	}
	return resetAnswer{newest, refused}.append(appendResets(nil, c.store.Resets())), nil
}

// resetOf is the newest range reset that we hold and that covers token; zero if
// there is none.
func (c *Coordinator) resetOf(token hashkit.Token) (newest datastore.Version) {
	for _, r := range c.store.Resets() {
		if uint64(token) >= r.From && uint64(token) <= r.To && newest.Less(r.Version) {
			newest = r.Version
		}
	}
	return newest
}
