package node

import (
	"context"
	"net"
	"time"

	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/node/datastore/disk"
)

// Transport is the network between the nodes.
type Transport interface {
	// Listen opens addr for streams and for packets, both on one port.
	Listen(addr string) (net.Listener, net.PacketConn, error)
	// Dial opens a stream to addr.
	Dial(ctx context.Context, addr string) (net.Conn, error)
	// Loopback says whether addr cannot be reached from another machine, so that
	// it may be used without PeerAuth.
	Loopback(addr string) bool
}

// PeerAuth authenticates and encrypts the streams between nodes.
type PeerAuth interface {
	// Client and Server take a fresh stream at the dialing and at the
	// accepting end and return it secured.
	Client(ctx context.Context, conn net.Conn, addr string) (net.Conn, error)
	Server(ctx context.Context, conn net.Conn) (net.Conn, error)
	// GossipKey is the key (16, 24 or 32 bytes) that gossip packets are encrypted with.
	GossipKey() []byte
}

// Seeds says where the nodes are that a new one joins.
type Seeds interface {
	// Addresses returns peer addresses; it is asked again while none of them
	// answers.
	Addresses(ctx context.Context) ([]string, error)
}

// StaticSeeds is a fixed list of peer addresses.
type StaticSeeds []string

// Addresses implements Seeds.
func (s StaticSeeds) Addresses(context.Context) ([]string, error) { return s, nil }

// StoreInfo is what a datastore is opened with.
type StoreInfo struct {
	// Dir is where the store may keep its files; empty means memory only.
	Dir string
	// Disk is where Dir is.
	Disk disk.FS
	// Sync says when acknowledged writes must be on the disk.
	Sync datastore.SyncPolicy
	// Token places keys; records are kept and scanned in its order.
	Token func(key []byte) uint64
	// Clock stamps the node's own writes.
	Clock *datastore.Clock
	// DigestKey keys the digests that replicas compare; the whole cluster has
	// the same.
	DigestKey uint64
}

// OpenStore opens a datastore when the node starts.
type OpenStore func(ctx context.Context, info StoreInfo) (datastore.Store, error)

// Observer is told of events. Every field may be nil; none may block.
type Observer struct {
	// LayoutFormed: the node has a layout, formed, learnt or read from its directory.
	LayoutFormed func(LayoutInfo)
	// MemberUp and MemberDown: another node became reachable or ceased to be.
	MemberUp, MemberDown func(Member)
	// CatchUpStarted says why; CatchUpFinished what it took.
	CatchUpStarted  func(CatchUpInfo)
	CatchUpFinished func(CatchUpInfo)
}

// LayoutInfo names a layout.
type LayoutInfo struct {
	// Epoch is the layout's number, Hash names its content, and Nodes is how
	// many nodes it has.
	Epoch, Hash uint64
	Nodes       int // in all datacenters
}

// CatchUpInfo describes one time of catching up.
type CatchUpInfo struct {
	// Cause is why: started, cut off from the majority, stood still.
	Cause string
	// Fetched and Pushed are the records that were taken from and given to
	// other owners; Took how long it took. Zero at the start.
	Fetched, Pushed int
	Took            time.Duration
}

// Member is a node as this one sees it.
type Member struct {
	ID, Datacenter, Rack string
	PeerAddr, ClientAddr string
	// Self marks this node.
	Self bool
	// Reachable: requests to it are answered. Complete: it is not catching up.
	Reachable, Complete bool
}

// tcpTransport is the default Transport: TCP and UDP.
type tcpTransport struct{}

func (tcpTransport) Listen(addr string) (net.Listener, net.PacketConn, error) {
	var err error
	for range 10 {
		var l net.Listener
		if l, err = net.Listen("tcp", addr); err != nil {
			return nil, nil, err
		}
		var p net.PacketConn
		if p, err = net.ListenPacket("udp", l.Addr().String()); err == nil {
			return l, p, nil
		}
		// With port 0 the port that TCP got may be taken for UDP: try another.
		l.Close()
	}
	return nil, nil, err
}

func (tcpTransport) Dial(ctx context.Context, addr string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "tcp", addr)
}

func (tcpTransport) Loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	return err == nil && loopback(host)
}
