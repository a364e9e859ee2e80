package nodetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/dynomite-go/dynomite/node"
	"github.com/dynomite-go/dynomite/node/datastore/disk/disktest"
)

// Cluster is some nodes on one Network, each in a rack of its own unless an
// option says otherwise.
type Cluster struct {
	Network *Network
	// Nodes are the running nodes; nil where one is stopped.
	Nodes []*node.Node
	// Disks are the nodes' disks, with WithDisks; put another in the place of one
	// whose node does not run to have it start with that.
	Disks []*disktest.Disk

	t       testing.TB
	configs []node.Config
	options []func(i int) []node.Option
	unready map[int]bool
}

// Option changes how a cluster is made.
type Option func(*Cluster)

// WithConfig changes the configuration of node i before it is made.
func WithConfig(change func(i int, cfg *node.Config)) Option {
	return func(c *Cluster) {
		for i := range c.configs {
			change(i, &c.configs[i])
		}
	}
}

// WithNodeOptions gives node i options of package node.
func WithNodeOptions(f func(i int) []node.Option) Option {
	return func(c *Cluster) { c.options = append(c.options, f) }
}

// WithDisks gives each node a data directory on a disk of its own, in memory,
// of which Crash takes all that was not synced.
func WithDisks() Option {
	return func(c *Cluster) {
		c.Disks = make([]*disktest.Disk, len(c.configs))
		for i := range c.configs {
			c.Disks[i] = disktest.New(nil)
			c.configs[i].DataDir = "/" + c.configs[i].Name
		}
	}
}

// WithoutReady makes NewCluster not wait for node i.
func WithoutReady(i int) Option {
	return func(c *Cluster) { c.unready[i] = true }
}

// readyTimeout is how long, in the bubble's time, a cluster may take to become
// ready.
const readyTimeout = time.Minute

// memberlistLinger is how long, in the bubble's time, memberlist's goroutines
// outlive its shutdown.
const memberlistLinger = 3 * time.Minute

// NewCluster starts n nodes and waits until each of them is ready. It is
// called inside a bubble of testing/synctest and stops the nodes when the test ends.
func NewCluster(t testing.TB, n int, opts ...Option) *Cluster {
	t.Helper()
	c := &Cluster{Network: NewNetwork(1), t: t, Nodes: make([]*node.Node, n), unready: map[int]bool{}}
	for i := range n {
		cfg := node.Config{
			Name: fmt.Sprintf("n%d", i), Cluster: "test",
			Rack:   fmt.Sprintf("r%d", i),
			Listen: "none", AdminListen: "none",
			PeerListen: c.Host(i) + ":8101", Expect: n,
		}
		if i > 0 || n > 1 {
			cfg.Seeds = []string{c.Host(0) + ":8101"}
			if n > 1 {
				cfg.Seeds = append(cfg.Seeds, c.Host(1)+":8101")
			}
		}
		c.configs = append(c.configs, cfg)
	}
	for _, o := range opts {
		o(c)
	}
	t.Cleanup(func() {
		for i := range c.Nodes {
			c.Stop(i)
		}
		// memberlist's last goroutines end with the timeouts of what they
		// were waiting for.
		time.Sleep(memberlistLinger)
	})
	for i := range n {
		c.Start(i)
	}
	for i := range n {
		if !c.unready[i] {
			c.WaitReady(i)
		}
	}
	return c
}

// Host is the address of node i on the network.
func (c *Cluster) Host(i int) string { return fmt.Sprintf("127.0.1.%d", i+1) }

// Start starts node i, which is not running.
func (c *Cluster) Start(i int) {
	c.t.Helper()
	opts := []node.Option{node.WithTransport(c.Network.Transport(c.Host(i)))}
	if c.Disks != nil {
		opts = append(opts, node.WithDisk(c.Disks[i]))
	}
	for _, f := range c.options {
		opts = append(opts, f(i)...)
	}
	n, err := node.New(c.configs[i], opts...)
	if err == nil {
		err = n.Start(context.Background())
	}
	if err != nil {
		c.t.Fatalf("node %d: %v", i, err)
	}
	c.Nodes[i] = n
}

// WaitReady waits until node i is ready.
func (c *Cluster) WaitReady(i int) {
	c.t.Helper()
	deadline := time.Now().Add(readyTimeout)
	for {
		err := c.Nodes[i].Ready()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("node %d is not ready after %v: %v", i, readyTimeout, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// Do executes a command on node i and fails the test if it is an error.
func (c *Cluster) Do(i int, args ...any) any {
	c.t.Helper()
	v, err := c.Try(i, args...)
	if err != nil {
		c.t.Fatalf("node %d: %v: %v", i, args, err)
	}
	return v
}

// Try executes a command on node i.
func (c *Cluster) Try(i int, args ...any) (any, error) {
	return c.Nodes[i].Do(context.Background(), args...)
}

// WaitComplete waits until every running node sees node i as reachable and
// not catching up.
func (c *Cluster) WaitComplete(i int) {
	c.t.Helper()
	deadline := time.Now().Add(readyTimeout)
	for {
		all := true
		for _, n := range c.Nodes {
			if n == nil {
				continue
			}
			for _, m := range n.Members() {
				if m.ID == c.configs[i].Name && !m.Complete {
					all = false
				}
			}
		}
		if all && c.Nodes[i].Ready() == nil {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("node %d is not complete after %v: %v", i, readyTimeout, c.Nodes[i].Ready())
		}
		time.Sleep(10 * time.Millisecond)
	}
}
