package gossip

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"
)

// MaxMeta is the longest Meta, in bytes: memberlist carries 512, and two of them
// are our format version and flags.
const MaxMeta = 510

// MaxLabel is the longest Cluster name, in bytes, memberlist's limit of a label.
const MaxLabel = 255

// Config says who we are, how to reach others, and whom to tell.
type Config struct {
	// Name is our node id. It must be unique in the cluster. Required.
	Name string
	// Cluster labels every packet and stream; those of another cluster are
	// refused. At most MaxLabel bytes; empty joins other empty ones.
	Cluster string
	// Advertise is the address, "ip:port", under which the others reach both our
	// packets and our streams. A host name is resolved once, by Start. Required.
	Advertise string
	// Meta is what the others see of us, at most MaxMeta bytes. It is copied.
	Meta []byte

	// Packets sends and receives packets, such as a *net.UDPConn bound to the
	// port of Advertise. WriteTo is given a *net.UDPAddr. Start takes it over and
	// Stop closes it. Required.
	Packets net.PacketConn
	// Dial opens a stream to another node's advertised address. TLS belongs in
	// here. Streams that others open to us arrive through HandleStream. Required.
	Dial func(ctx context.Context, addr string) (net.Conn, error)

	// Seeds are addresses, "host:port", of nodes to join. Our own is ignored, so
	// that all nodes may have the same list. Host names are resolved anew at
	// each attempt.
	Seeds []string
	// FindSeeds, if not nil, is asked for more seeds before each attempt.
	FindSeeds func(ctx context.Context) ([]string, error)

	// Keys encrypt gossip, AES with 16, 24 or 32 bytes each. The first one
	// encrypts, any of them decrypts: a new key is rolled out last place first.
	// Empty leaves gossip in the clear.
	Keys [][]byte

	// OnEvent, if not nil, is told what happens to other members, one event after
	// the other, by a goroutine of ours: it may call any method but Stop. While
	// it blocks, events queue up.
	OnEvent func(Event)
	// LocalState and MergeRemoteState, if not nil, exchange an opaque state with
	// another node: when joining, and every PushPullInterval with a random one.
	// Both may be called at once from several goroutines. A state of up to 20 MiB
	// works; it is sent whole each time, so keep it small. MergeRemoteState owns
	// its argument and is not called for an empty state.
	LocalState       func() []byte
	MergeRemoteState func([]byte)

	// Logger gets memberlist's messages and ours; nil discards them.
	Logger *slog.Logger
	// Tuning changes the pace; the zero value is right for a LAN.
	Tuning Tuning
}

// Validate reports the first field that makes no sense.
func (c Config) Validate() error {
	switch {
	case c.Name == "":
		return errors.New("gossip: Name is missing")
	case len(c.Cluster) > MaxLabel:
		return fmt.Errorf("gossip: Cluster has %d bytes, at most %d", len(c.Cluster), MaxLabel)
	case c.Packets == nil:
		return errors.New("gossip: Packets is missing")
	case c.Dial == nil:
		return errors.New("gossip: Dial is missing")
	}
	if _, _, err := splitAddr(c.Advertise); err != nil {
		return fmt.Errorf("gossip: Advertise: %w", err)
	}
	if err := checkMeta(c.Meta); err != nil {
		return err
	}
	for _, key := range c.Keys {
		if n := len(key); n != 16 && n != 24 && n != 32 {
			return fmt.Errorf("gossip: Keys has one of %d bytes, want 16, 24 or 32", n)
		}
	}
	return c.Tuning.Validate()
}

// Tuning is the pace of gossip. Fields that are zero take their default, which
// suits up to some hundred nodes on a LAN or on loopback. All nodes of a cluster
// should have the same.
//
// How long a dead node goes unnoticed, with P = ProbeInterval and 3 nodes: each
// survivor probes the others in a random order that is drawn anew each round,
// so up to 3 P pass until one of them probes the dead one; the probe, with its
// indirect and stream attempts, takes 1 P; suspicion lasts SuspicionMult P (from
// 10 nodes on times log10 n). That is (3 + 1 + 4) x 300 ms = 2.4 s at the
// worst, and one GossipInterval until the other survivor knows. From 4 nodes on
// suspicion lasts up to SuspicionMaxMult times as long, unless other nodes
// confirm it, as they do when they probe the node themselves.
type Tuning struct {
	// ProbeInterval is how often one other node is probed; default 300 ms (see
	// above; memberlist's 1 s takes 8 s to be sure).
	ProbeInterval time.Duration
	// ProbeTimeout is how long the answer to a packet may take before other ways
	// are tried; default 120 ms. Below half of ProbeInterval, so that a helper's
	// "no answer either" arrives in time: without it the prober blames itself
	// and slows down.
	ProbeTimeout time.Duration
	// SuspicionMult is how many ProbeIntervals a suspected node has to contradict;
	// default 4, memberlist's for a LAN: 1.2 s outlast a long collection of
	// garbage or a lost packet and its repetition.
	SuspicionMult int
	// SuspicionMaxMult multiplies that while nobody confirms; default 3.
	// memberlist has 6, made for clusters of thousands.
	SuspicionMaxMult int
	// MaxSlowdown is how far a node that gets no answers from anybody stretches
	// its probes, because it may be the culprit; default 4, memberlist has 8.
	MaxSlowdown int
	// IndirectChecks is how many nodes are asked to probe for us when an answer
	// is missing; default 3, as in SWIM and memberlist.
	IndirectChecks int
	// GossipInterval and GossipNodes: news go to that many random nodes so often;
	// defaults 100 ms and 3. News reach n nodes in about log4 n rounds.
	GossipInterval time.Duration
	GossipNodes    int
	// RetransmitMult times log10(n+1) is how often each node repeats news; default
	// 4, memberlist's for a LAN.
	RetransmitMult int
	// PushPullInterval is how often the whole state is exchanged with one random
	// node; default 10 s: it bounds how long a layout that gossip missed stays
	// unknown.
	PushPullInterval time.Duration
	// StreamTimeout bounds one exchange over a stream, dialing included; default
	// 3 s: a seed that does not answer must not hold up the next for long.
	StreamTimeout time.Duration
	// DeadNodeGossip is how long a failed node is still sent gossip, so that it
	// can contradict; default 30 s.
	DeadNodeGossip time.Duration
	// DeadNodeReclaim is how long the name of a failed node is kept for its
	// address; default 30 s. A node that left can return anywhere at once.
	DeadNodeReclaim time.Duration
	// JoinInterval is how often seeds are tried while we know nobody; default 1 s.
	JoinInterval time.Duration
	// RejoinInterval is how often one address of a failed member, or of a seed
	// that is no member, is tried while we know others; default 10 s. It heals a
	// cluster that fell apart for longer than DeadNodeGossip.
	RejoinInterval time.Duration
	// LeaveTimeout bounds how long Stop says goodbye; default 1 s.
	LeaveTimeout time.Duration
}

// WAN returns a Tuning for members in several datacenters: a dead node is noticed
// within about 25 s, and round trips of 500 ms do no harm. The multiples of P
// are memberlist's WAN profile.
func WAN() Tuning {
	return Tuning{
		ProbeInterval:    2500 * time.Millisecond,
		ProbeTimeout:     time.Second,
		SuspicionMult:    6,
		SuspicionMaxMult: 6,
		GossipInterval:   500 * time.Millisecond,
		GossipNodes:      4,
		PushPullInterval: 30 * time.Second,
		StreamTimeout:    15 * time.Second,
		DeadNodeGossip:   time.Minute,
		JoinInterval:     3 * time.Second,
		LeaveTimeout:     5 * time.Second,
	}
}

// Validate reports the first field that makes no sense.
func (t Tuning) Validate() error {
	for _, f := range []struct {
		name string
		bad  bool
	}{
		{"ProbeInterval", t.ProbeInterval < 0},
		{"ProbeTimeout", t.ProbeTimeout < 0},
		{"SuspicionMult", t.SuspicionMult < 0},
		{"SuspicionMaxMult", t.SuspicionMaxMult < 0},
		{"MaxSlowdown", t.MaxSlowdown < 0},
		{"IndirectChecks", t.IndirectChecks < 0},
		{"GossipInterval", t.GossipInterval < 0},
		{"GossipNodes", t.GossipNodes < 0},
		{"RetransmitMult", t.RetransmitMult < 0},
		{"PushPullInterval", t.PushPullInterval < 0},
		{"StreamTimeout", t.StreamTimeout < 0},
		{"DeadNodeGossip", t.DeadNodeGossip < 0},
		{"DeadNodeReclaim", t.DeadNodeReclaim < 0},
		{"JoinInterval", t.JoinInterval < 0},
		{"RejoinInterval", t.RejoinInterval < 0},
		{"LeaveTimeout", t.LeaveTimeout < 0},
	} {
		if f.bad {
			return fmt.Errorf("gossip: Tuning.%s is negative", f.name)
		}
	}
	if d := t.withDefaults(); d.ProbeTimeout >= d.ProbeInterval {
		return fmt.Errorf("gossip: Tuning.ProbeTimeout of %v is not below ProbeInterval of %v", d.ProbeTimeout, d.ProbeInterval)
	}
	return nil
}

func (t Tuning) withDefaults() Tuning {
	def(&t.ProbeInterval, 300*time.Millisecond)
	def(&t.ProbeTimeout, 120*time.Millisecond)
	def(&t.SuspicionMult, 4)
	def(&t.SuspicionMaxMult, 3)
	def(&t.MaxSlowdown, 4)
	def(&t.IndirectChecks, 3)
	def(&t.GossipInterval, 100*time.Millisecond)
	def(&t.GossipNodes, 3)
	def(&t.RetransmitMult, 4)
	def(&t.PushPullInterval, 10*time.Second)
	def(&t.StreamTimeout, 3*time.Second)
	def(&t.DeadNodeGossip, 30*time.Second)
	def(&t.DeadNodeReclaim, 30*time.Second)
	def(&t.JoinInterval, time.Second)
	def(&t.RejoinInterval, 10*time.Second)
	def(&t.LeaveTimeout, time.Second)
	return t
}

func def[T int | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}
