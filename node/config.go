package node

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/dynomite-go/dynomite/hints"
	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/node/internal/layout"
	"github.com/dynomite-go/dynomite/quorum"
)

// Config says what a node is. The zero value is a useful node: alone, in
// memory, on the default ports of the loopback address.
type Config struct {
	// Name is the node's id in its cluster and must stay the same over
	// restarts. Default: the address that its peers reach it at.
	Name string `yaml:"name"`
	// Cluster keeps clusters apart: nodes of different names never join.
	// Default "dynomite".
	Cluster string `yaml:"cluster"`
	// Datacenter and Rack place the node; each rack of a datacenter holds
	// every key once. Defaults "dc1" and "rack1".
	Datacenter string `yaml:"datacenter"`
	Rack       string `yaml:"rack"`

	// Listen is the address for clients, default 127.0.0.1:8102, "none" for
	// none (Do still works);
	// PeerListen the one for peers and gossip (TCP and UDP), default
	// 127.0.0.1:8101; AdminListen the one for the admin HTTP endpoint,
	// default 127.0.0.1:22222, "none" for none. Port 0 means any free one.
	Listen      string `yaml:"listen"`
	PeerListen  string `yaml:"peer_listen"`
	AdminListen string `yaml:"admin_listen"`
	// Advertise is the address that peers reach PeerListen at, if it is
	// another one.
	Advertise string `yaml:"advertise"`

	// Seeds are the peer addresses of nodes to join. A node with seeds serves
	// no data before it has a layout.
	Seeds []string `yaml:"seeds"`
	// Expect is how many nodes make the first layout together. Default 1 without
	// seeds; with seeds it must be set on the nodes that form a new cluster, and
	// may be 0 on a node that joins one.
	Expect int `yaml:"expect"`
	// Replicas is how many racks of each datacenter hold a key. Default 3,
	// and never more than there are racks.
	Replicas int `yaml:"replicas"`
	// Hash is the hash function that places keys: one of hashkit's names. Default
	// slot. Distributions that divide the token space by size spread functions of
	// 32 bits and fewer over it.
	Hash string `yaml:"hash"`
	// HashTag is two characters: if something stands between the first of the one
	// and the next of the other in a key, only that is hashed. The function slot
	// has {}, others none unless it is given.
	HashTag string `yaml:"hash_tag"`
	// Distribution is how the nodes of a rack divide the keys among them: one of
	// tokenring's names. Default random-slicing, or vnode if GivenTokens are set.
	Distribution string `yaml:"distribution"`
	// Tokens is how many ranges each node has of its rack at first, 1 to 256; with
	// vnode, how many tokens are generated for it. Default 16.
	Tokens int `yaml:"tokens"`
	// GivenTokens end the ranges of this node, in place of generated ones: decimal
	// or 0x-hexadecimal, of 64 bits, at most 8. With vnode alone, and then on all
	// nodes of the rack. A 32-bit token of a Dynomite file goes into the high half:
	// followed by 8 zeros in hexadecimal.
	GivenTokens []string `yaml:"given_tokens"`
	// Weight is how large this node's share of its rack is, beside the other
	// nodes' weights: 1 (the default) to 1,000,000. Shares are exact with
	// random-slicing, rough with ketama; others take no weights.
	Weight int64 `yaml:"weight"`

	// DataDir is where the log and the node's identity are. Empty: memory
	// only, and a restarted node gets its data from its peers.
	DataDir string `yaml:"data_dir"`
	// AppendFsync is when the log is synced to the disk: always (before each
	// reply), everysec (the default) or no.
	AppendFsync string `yaml:"appendfsync"`

	// HintBytes bounds the hints, deltas that an owner did not acknowledge, that
	// are kept for one node; what is beyond is found by comparing. Default
	// 256 MiB, or 64 MiB without a data_dir.
	HintBytes int64 `yaml:"hint_bytes"`
	// HintWindow is how long a hint is kept. Default 3h.
	HintWindow time.Duration `yaml:"hint_window"`
	// AntiEntropy is how long it may be since this node compared anything that it
	// owns with each other owner. Default 10m.
	AntiEntropy time.Duration `yaml:"anti_entropy"`
	// FloorPeriod is how often the owners of a key agree up to when what was deleted may be
	// forgotten; more rarely in a large store, 50 s for each million records. Default 1m.
	FloorPeriod time.Duration `yaml:"floor_period"`
	// DeadBytes is how much of deleted and expired keys may be remembered before
	// the node warns: they take memory until all owners have agreed to forget them, which they
	// cannot while one is away. Default 256 MiB.
	DeadBytes int64 `yaml:"dead_bytes"`

	// ReadConsistency and WriteConsistency are the default levels of connections:
	// DC_ONE, DC_QUORUM (the default) or DC_EACH_SAFE_QUORUM, which counts a
	// majority in every datacenter. DC_SAFE_QUORUM is refused: there are no terms yet.
	ReadConsistency  string `yaml:"read_consistency"`
	WriteConsistency string `yaml:"write_consistency"`
	// Read says who answers reads at DC_ONE: primary (the default), where the
	// writes of a healthy datacenter meet, so that a connection reads what it
	// wrote, or nearest: this node if it owns the key, or an owner in its rack. The
	// nearest answers sooner and may lack the latest writes.
	Read string `yaml:"read"`
	// Timeout is how long a command may take in all. Default 2s.
	Timeout time.Duration `yaml:"timeout"`
	// MaxClients is how many client connections are served at once. Default 10,000.
	MaxClients int `yaml:"max_clients"`
	// IdleTimeout ends client connections that were silent for so long.
	// Default 0: never.
	IdleTimeout time.Duration `yaml:"idle_timeout"`
}

// Default addresses: the ports are those of Netflix's Dynomite.
const (
	DefaultListen      = "127.0.0.1:8102"
	DefaultPeerListen  = "127.0.0.1:8101"
	DefaultAdminListen = "127.0.0.1:22222"
)

// WithDefaults returns the configuration with every default filled in.
func (c Config) WithDefaults() Config {
	text := func(s *string, d string) {
		if *s == "" {
			*s = d
		}
	}
	text(&c.Cluster, "dynomite")
	text(&c.Datacenter, "dc1")
	text(&c.Rack, "rack1")
	text(&c.Listen, DefaultListen)
	text(&c.PeerListen, DefaultPeerListen)
	text(&c.AdminListen, DefaultAdminListen)
	text(&c.Hash, "slot")
	if len(c.GivenTokens) > 0 {
		text(&c.Distribution, layout.GivenTokens)
	}
	text(&c.Distribution, layout.DefaultDistribution)
	text(&c.AppendFsync, "everysec")
	text(&c.ReadConsistency, "DC_QUORUM")
	text(&c.WriteConsistency, "DC_QUORUM")
	text(&c.Read, readPrimary)
	if c.Expect == 0 && len(c.Seeds) == 0 {
		c.Expect = 1
	}
	if c.Replicas == 0 {
		c.Replicas = 3
	}
	if c.Tokens == 0 {
		c.Tokens = 16
	}
	if c.Weight == 0 {
		c.Weight = 1
	}
	if c.HintBytes == 0 {
		c.HintBytes = hints.DefaultMaxBytes
		if c.DataDir == "" {
			c.HintBytes = 64 << 20 // it is the memory of the node itself
		}
	}
	if c.HintWindow == 0 {
		c.HintWindow = hints.DefaultWindow
	}
	if c.AntiEntropy == 0 {
		c.AntiEntropy = 10 * time.Minute
	}
	if c.FloorPeriod == 0 {
		c.FloorPeriod = time.Minute
	}
	if c.DeadBytes == 0 {
		c.DeadBytes = 256 << 20
	}
	if c.Timeout == 0 {
		c.Timeout = 2 * time.Second
	}
	if c.MaxClients == 0 {
		c.MaxClients = 10000
	}
	return c
}

// The values of Config.Read.
const (
	readPrimary = "primary"
	readNearest = "nearest"
)

// Validate says what is wrong with the configuration, naming the field as it
// is written in a file.
func (c Config) Validate() error {
	c = c.WithDefaults()
	var errs []error
	fail := func(field, format string, args ...any) {
		errs = append(errs, fmt.Errorf("node: %s: %s", field, fmt.Sprintf(format, args...)))
	}
	address := func(field, a string) {
		_, port, err := net.SplitHostPort(a)
		if err != nil {
			fail(field, "%q is no host:port address", a)
			return
		}
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			fail(field, "%q has no port between 0 and 65535", a)
		}
	}
	if c.Listen != "none" {
		address("listen", c.Listen)
	}
	address("peer_listen", c.PeerListen)
	if c.AdminListen != "none" {
		address("admin_listen", c.AdminListen)
	}
	if c.Advertise != "" {
		address("advertise", c.Advertise)
	}
	for _, s := range c.Seeds {
		address("seeds", s)
	}
	for field, s := range map[string]string{"name": c.Name, "cluster": c.Cluster, "datacenter": c.Datacenter, "rack": c.Rack} {
		if len(s) > 64 || strings.ContainsAny(s, " \t\r\n\"'") {
			fail(field, "%q has spaces or quotes, or more than 64 characters", s)
		}
	}
	if c.Expect < 0 || c.Expect > 255 {
		fail("expect", "%d is not between 1 and 255", c.Expect)
	}
	if c.Replicas < 1 || c.Replicas > 16 {
		fail("replicas", "%d is not between 1 and 16", c.Replicas)
	}
	c.validatePlacement(fail)
	if _, err := syncPolicy(c.AppendFsync); err != nil {
		fail("appendfsync", "%v", err)
	}
	level := func(field, s string) {
		l, err := quorum.ParseLevel(s)
		switch {
		case err != nil:
			fail(field, "%v", err)
		case l == quorum.DCSafeQuorum:
			fail(field, "%s needs terms, without which two primaries could both accept, and these come with a later release: use DC_QUORUM", l)
		}
	}
	level("read_consistency", c.ReadConsistency)
	level("write_consistency", c.WriteConsistency)
	if c.Read != readPrimary && c.Read != readNearest {
		fail("read", "%q is neither %s nor %s", c.Read, readPrimary, readNearest)
	}
	if c.HintBytes < 0 {
		fail("hint_bytes", "%d is negative", c.HintBytes)
	}
	if c.HintWindow < 0 {
		fail("hint_window", "%v is negative", c.HintWindow)
	}
	if c.AntiEntropy < time.Second {
		fail("anti_entropy", "%v is less than a second", c.AntiEntropy)
	}
	if c.FloorPeriod < time.Second {
		fail("floor_period", "%v is less than a second", c.FloorPeriod)
	}
	if c.DeadBytes < 0 {
		fail("dead_bytes", "%d is negative", c.DeadBytes)
	}
	if c.Timeout < 0 {
		fail("timeout", "%v is negative", c.Timeout)
	}
	if c.MaxClients < 0 {
		fail("max_clients", "%d is negative", c.MaxClients)
	}
	if c.IdleTimeout < 0 {
		fail("idle_timeout", "%v is negative", c.IdleTimeout)
	}
	return errors.Join(errs...)
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func syncPolicy(s string) (datastore.SyncPolicy, error) {
	switch strings.ToLower(s) {
	case "always":
		return datastore.SyncAlways, nil
	case "everysec":
		return datastore.SyncEverySecond, nil
	case "no":
		return datastore.SyncNo, nil
	}
	return 0, fmt.Errorf("%q is not one of always, everysec, no", s)
}
