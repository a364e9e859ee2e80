package node

import (
	"errors"
	"fmt"
	"net"

	"github.com/dynomite-go/dynomite/node/internal/layout"
	"github.com/dynomite-go/dynomite/node/placement"
)

// FirstLayout gives the first layout that nodes of these configurations would
// agree on. Nothing is started; the errors are those that a node that waits for
// the others has, naming nodes and settings.
func FirstLayout(configs ...Config) (*placement.Layout, error) {
	if len(configs) == 0 {
		return nil, errors.New("node: no configuration")
	}
	var all []layout.Announcement
	seen := make(map[string]bool)
	for _, c := range configs {
		c = c.WithDefaults()
		if err := c.Validate(); err != nil {
			return nil, err
		}
		self := c.layoutNode()
		self.PeerAddr, self.ClientAddr = c.PeerListen, c.Listen
		if c.Advertise != "" {
			self.PeerAddr = c.Advertise
		}
		if self.ID = c.Name; self.ID == "" {
			if _, port, _ := net.SplitHostPort(self.PeerAddr); port == "0" {
				return nil, fmt.Errorf("node: name: a node without a name is called by its peer address, and the port of %s is not known before it starts", self.PeerAddr)
			}
			self.ID = self.PeerAddr
		}
		if seen[self.ID] {
			return nil, fmt.Errorf("node: name: two nodes are called %s", self.ID)
		}
		seen[self.ID] = true
		all = append(all, layout.Announcement{Node: self, Settings: c.layoutSettings()})
	}
	l, err := layout.NewFormation(all[0], 0).Candidate(all[1:])
	if err != nil {
		return nil, fmt.Errorf("node: %w", err)
	}
	return placement.Decode(l.Encode())
}
