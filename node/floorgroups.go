package node

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"path/filepath"
	"slices"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/node/internal/coordinator"
)

// floorGroups are the sets of owners, over all datacenters, that this node is
// one of, with what they own, and what it owns alone.
func floorGroups(cl *coordinator.Cluster) (out []*floorGroup, alone []coordinator.Range) {
	starts := map[hashkit.Token]bool{}
	dcs := cl.Ring.Datacenters()
	for _, dc := range dcs {
		for _, a := range cl.Ring.Arcs(dc) {
			starts[a.From] = true
		}
	}
	from := make([]hashkit.Token, 0, len(starts))
	for t := range starts {
		from = append(from, t)
	}
	slices.Sort(from)
	for i, t := range from {
		if !cl.Ring.Owns(cl.Self, t) {
			continue
		}
		run := coordinator.Range{From: t, To: hashkit.MaxToken}
		if i+1 < len(from) {
			run.To = from[i+1] - 1
		}
		var owners []int
		for _, dc := range dcs {
			owners = cl.Ring.AppendOwners(owners, dc, t)
		}
		owners = slices.DeleteFunc(owners, func(o int) bool { return o == cl.Self })
		slices.Sort(owners)
		if len(owners) == 0 {
			alone = append(alone, run)
			continue
		}
		k := slices.IndexFunc(out, func(g *floorGroup) bool { return slices.Equal(g.others, owners) })
		if k < 0 {
			k, out = len(out), append(out, &floorGroup{others: owners})
		}
		g := out[k]
		if n := len(g.runs); n > 0 && g.runs[n-1].To+1 == run.From {
			g.runs[n-1].To = run.To
			continue
		}
		g.runs = append(g.runs, run)
	}
	return out, alone
}

// What is saved of the machines is a file beside the store's log: whoever loses
// the one loses the other. It is: format, and for each group its name, the length of its
// state, and that; then a checksum.
const floorFile = "data/floors"

const floorFormat = 1

// load reads what was saved, by group.
func (f *floors) load() (map[uint64][]byte, error) {
	b, err := f.n.identity.read(floorFile)
	if err != nil || len(b) == 0 {
		return nil, err
	}
	path := f.n.identity.path(filepath.FromSlash(floorFile))
	if b[0] > floorFormat {
		return nil, fmt.Errorf("node: %s has format %d, this version knows %d: upgrade", path, b[0], floorFormat)
	}
	saved := map[uint64][]byte{}
	body := b[1:max(len(b)-4, 1)]
	if len(b) < 5 || crc32.ChecksumIEEE(b[:len(b)-4]) != binary.BigEndian.Uint32(b[len(b)-4:]) {
		body, saved = nil, nil
	}
	for len(body) > 0 {
		if len(body) < 8 {
			saved, body = nil, nil
			break
		}
		group := binary.BigEndian.Uint64(body)
		n, size := binary.Uvarint(body[8:])
		if size <= 0 || n > uint64(len(body)-8-size) {
			saved, body = nil, nil
			break
		}
		body = body[8+size:]
		saved[group], body = body[:n:n], body[n:]
	}
	if saved == nil {
		f.n.log.Warn("what was saved of floors is damaged: this copy counts as an old one", "file", path)
	}
	return saved, nil
}

// save makes durable what the machines of some groups have decided, and has the
// store go by it.
func (f *floors) save(saving []*floorGroup) error {
	b := []byte{floorFormat}
	for _, g := range f.groups {
		state := g.saved
		if slices.Contains(saving, g) {
			state = g.saving
		}
		b = binary.BigEndian.AppendUint64(b, g.machine.Group())
		b = append(binary.AppendUvarint(b, uint64(len(state))), state...)
	}
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	if err := f.n.identity.write(floorFile, b); err != nil {
		return err
	}
	for _, g := range saving {
		f.tell(g, g.decided)
	}
	// What is promised to be held is held when the power fails, too.
	return f.store.Sync()
}
