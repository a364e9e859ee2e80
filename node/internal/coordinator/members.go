package coordinator

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/node/datastore"
)

// Of a record that is large on both sides only the fields that differ are
// exchanged: they are found as records are, by reconciling the sets of their
// digests, and then both sides send what they have of them. So does what is no
// field: resets, an expiry, what was removed from a list.
//
//	asks      format, modeMembers, key, kind, number of hashes, a hash each, our part
//	answers   format, their part

// memberBatch is how many fields are exchanged in one message.
const memberBatch = 256

// members makes a large record equal on both sides; ours and theirs are the
// digests of the fields by kind.
func (x *comparing) members(key []byte, ours, theirs [datastore.NumKinds]uint64) error {
	store, ok := x.c.store.(memberStore)
	if !ok {
		return nil
	}
	any := false
	for k := range ours {
		if ours[k] == theirs[k] {
			continue
		}
		kind := datastore.Kind(k)
		any = true
		of := append(appendBytes(nil, key), byte(kind))
		err := x.exchange(members{store, key, kind}, nil, []byte{scopeMembers}, of, func(hashes []hashkit.Token) error {
			x.done.Members += len(hashes)
			for batch := range slices.Chunk(hashes, memberBatch) {
				if err := x.exchangePart(key, kind, batch); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if any {
		return nil // every part has the rest
	}
	return x.exchangePart(key, datastore.None, nil)
}

func (x *comparing) exchangePart(key []byte, kind datastore.Kind, hashes []hashkit.Token) error {
	msg := append(appendBytes([]byte{compareVersion, modeMembers}, key), byte(kind))
	msg = binary.AppendUvarint(msg, uint64(len(hashes)))
	list := make([]uint64, len(hashes))
	for i, h := range hashes {
		list[i] = uint64(h)
		msg = binary.BigEndian.AppendUint64(msg, uint64(h))
	}
	part, err := x.way.part(x, key, kind, list)
	if err != nil {
		return err
	}
	asked := x.c.asking()
	reply, err := x.call(KindReconcile, appendBytes(msg, part))
	if err != nil {
		return err
	}
	r := reader{b: reply}
	r.expect(compareVersion)
	if part = r.bytes(); r.err != nil || len(part) == 0 {
		return r.err
	}
	x.done.Fetched++
	if _, err := x.c.adopt(key, part, x.way.road(x, asked)); err != nil {
		return err
	}
	return x.c.store.Commit()
}

// serveMembers joins the asker's part of a record and answers with our own.
func (c *Coordinator) serveMembers(r *reader) ([]byte, error) {
	store, ok := c.store.(memberStore)
	if !ok {
		return nil, errors.New("coordinator: this node's store has no parts of records")
	}
	key, kind := r.bytes(), datastore.Kind(r.byte())
	hashes := make([]uint64, r.count(8))
	for i := range hashes {
		hashes[i] = r.uint64()
	}
	part := r.bytes()
	if r.err != nil {
		return nil, r.err
	}
	if len(part) > 0 {
		if _, err := c.adopt(key, part, ordinaryRoad); err != nil {
			return nil, err
		}
	}
	own, err := store.Part(key, kind, hashes, nil)
	if err != nil {
		return nil, err
	}
	return appendBytes([]byte{compareVersion}, own), c.store.Commit()
}
