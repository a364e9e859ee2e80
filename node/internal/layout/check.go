package layout

import (
	"errors"
	"fmt"

	"github.com/dynomite-go/dynomite/tokenring"
)

// check says what is wrong with a layout that somebody else encoded.
func (l *Layout) check() error {
	switch {
	case l.Format > Format:
		return fmt.Errorf("format %d is newer than this node's %d: upgrade it", l.Format, Format)
	case l.Format < 1 || l.Epoch == 0 || len(l.Nodes) == 0:
		return errors.New("incomplete")
	}
	slots := map[uint32]string{}
	racks := map[tokenring.Place]bool{}
	for _, n := range l.Nodes {
		if n.Slot == 0 || n.Slot > maxSlot {
			return fmt.Errorf("node %s has slot %d, want 1 to %d", n.ID, n.Slot, maxSlot)
		}
		if other, taken := slots[n.Slot]; taken {
			return fmt.Errorf("nodes %s and %s share slot %d", other, n.ID, n.Slot)
		}
		slots[n.Slot] = n.ID
		racks[tokenring.Place{Datacenter: n.Datacenter, Rack: n.Rack}] = true
		if l.Format == formatVNodes && (n.Weight != 0 || n.Tokens != nil) {
			return fmt.Errorf("node %s has a weight or tokens, which format %d has not", n.ID, l.Format)
		}
	}
	if l.Format == formatVNodes && (l.Distribution != tokenring.VNode || l.HashTag != "" || l.Tables != nil) {
		return fmt.Errorf("format %d has vnode alone, and no hash tag", l.Format)
	}
	// A rack without its table would get its first one here, and another than
	// where it has its own.
	for _, t := range l.Tables {
		delete(racks, tokenring.Place{Datacenter: t.Datacenter, Rack: t.Rack})
	}
	for at := range racks {
		if l.Distribution == tokenring.RandomSlicing {
			return fmt.Errorf("%v has no slicing table", at)
		}
	}
	if _, err := l.HashFunc(); err != nil {
		return err
	}
	_, err := l.Ring()
	return err
}
