package nodetest

import "context"

// Stop stops node i cleanly; one that is not running stays so.
func (c *Cluster) Stop(i int) {
	c.t.Helper()
	if n := c.Nodes[i]; n != nil {
		c.Nodes[i] = nil
		if err := n.Stop(context.Background()); err != nil {
			c.t.Errorf("node %d: stop: %v", i, err)
		}
	}
}

// Kill ends the process of node i, as SIGKILL would: nothing that it sends
// after this moment arrives anywhere, what it had in memory is lost, and what it
// wrote to its disk stays. Cuts stay as they are.
func (c *Cluster) Kill(i int) { c.end(i, false) }

// Crash ends node i as a loss of its machine's power would: as Kill, and what its
// disk had not synced is lost too. Without WithDisks that is everything.
func (c *Cluster) Crash(i int) { c.end(i, true) }

func (c *Cluster) end(i int, power bool) {
	c.t.Helper()
	n := c.Nodes[i]
	if n == nil {
		return
	}
	c.Nodes[i] = nil
	host := c.Host(i)
	c.Network.setDead(host, true)
	if c.Disks != nil {
		c.Disks[i] = c.Disks[i].Restart(power)
	}
	c.Network.Crash(host)
	// A goroutine cannot be killed: the node goes through its stop, where
	// nobody hears it and its disk takes nothing.
	_ = n.Stop(context.Background())
	c.Network.setDead(host, false)
}
