package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/fx"

	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/node/datastore/disk"
	"github.com/dynomite-go/dynomite/node/internal/coordinator"
	"github.com/dynomite-go/dynomite/node/internal/frontend"
	"github.com/dynomite-go/dynomite/node/internal/layout"
	"github.com/dynomite-go/dynomite/peerwire"
	"github.com/dynomite-go/dynomite/respserver"
)

// Node is one node of a cluster. Make it with New. Its methods are safe for
// concurrent use.
type Node struct {
	app *fx.App // nil if the node is part of somebody else's

	cfg        Config
	id         string
	log        *slog.Logger
	transport  Transport
	seeds      Seeds
	auth       PeerAuth
	observer   Observer
	open       OpenStore
	disk       disk.FS
	wallClock  wallClock
	syncAlways bool

	coord       *coordinator.Coordinator
	front       *frontend.Frontend
	peers       *peers
	catchUp     *catchUp
	handoff     *handoff
	antiEntropy *antiEntropy
	floors      *floors
	forming     *forming
	skew        skew
	waiting     waiting
	local       localConns
	cork        peerwire.Cork // gathers what leaves for the peers
	caughtUp    atomic.Bool
	stopping    atomic.Bool
	cutOff      atomic.Bool // lost sight of the majority
	deaf        atomic.Bool // reaches a majority that does not reach this node
	layout      atomic.Pointer[layout.Layout]
	wireID      atomic.Pointer[peerwire.Epoch]
	store       atomic.Pointer[openedStore]
	addrs       atomic.Pointer[addresses]
	name        atomic.Pointer[string] // id, for whoever may come before it is known

	current atomic.Pointer[running]

	mu       sync.Mutex // guards what follows, and start, stop and adopt
	state    lifecycle
	identity *identity
}

// openedStore is the datastore once there is a layout, with the clock that
// stamps its versions.
type openedStore struct {
	datastore.Store
	clock *datastore.Clock
}

type lifecycle int

const (
	fresh lifecycle = iota
	started
	stopped
)

// addresses are where the node listens, once it has started.
type addresses struct{ client, peer, admin, advertise string }

// running is what exists between Start and Stop.
type running struct {
	ctx    context.Context
	cancel context.CancelFunc
	// still ends the ticks of the coordinator: after all else, for it would take
	// their absence for a process that stands still.
	still  context.CancelFunc
	tasks  sync.WaitGroup
	closed bool // no task begins any more; guarded by mu
	mu     sync.Mutex

	client    net.Listener
	server    *respserver.Server
	peerConns net.Listener
	packets   net.PacketConn
	mux       *peerwire.Mux
	wire      *peerwire.Server
	gossip    *gossipLink
	admin     *adminServer
}

// New assembles a node. It opens nothing and starts nothing.
func New(cfg Config, opts ...Option) (*Node, error) {
	decorated, err := decorations(opts)
	if err != nil {
		return nil, err
	}
	var n *Node
	app := fx.New(
		fx.NopLogger,
		fx.StartTimeout(time.Minute), fx.StopTimeout(time.Minute),
		fx.Supply(cfg), parts, decorated, fx.Populate(&n),
	)
	if err := app.Err(); err != nil {
		return nil, rootCause(err)
	}
	n.app = app
	return n, nil
}

// rootCause takes the node's own error out of what fx wraps around it.
func rootCause(err error) error {
	var own *configError
	if errors.As(err, &own) {
		return own.err
	}
	return err
}

// configError marks an error of ours on its way through fx.
type configError struct{ err error }

func (e *configError) Error() string { return e.err.Error() }

func newNode(in ingredients) (*Node, error) {
	cfg := in.Config.WithDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, &configError{err}
	}
	if in.Auth.PeerAuth == nil {
		insecure := func(field, addr string) error {
			if addr == "" || in.Transport.Loopback(addr) {
				return nil
			}
			return &configError{fmt.Errorf("node: %s: %s can be reached from other machines, and traffic between peers is not secured: use a loopback address, or give the node a peer authentication (WithPeerAuth)", field, addr)}
		}
		for field, addr := range map[string]string{"peer_listen": cfg.PeerListen, "advertise": cfg.Advertise} {
			if err := insecure(field, addr); err != nil {
				return nil, err
			}
		}
		for _, addr := range cfg.Seeds {
			if err := insecure("seeds", addr); err != nil {
				return nil, err
			}
		}
	}
	sync, err := syncPolicy(cfg.AppendFsync)
	if err != nil {
		return nil, &configError{err}
	}
	n := &Node{
		cfg: cfg, log: in.Logger, transport: in.Transport, seeds: in.Seeds,
		auth: in.Auth.PeerAuth, observer: in.Observer, open: in.Open, disk: in.Disk,
		wallClock:  in.Wall,
		syncAlways: sync == datastore.SyncAlways && cfg.DataDir != "",
	}
	n.peers = &peers{n: n}
	n.catchUp = newCatchUp(n)
	n.handoff = &handoff{n: n}
	n.antiEntropy = &antiEntropy{n: n}
	n.floors = newFloors(n)
	n.forming = newForming(n)
	n.coord = coordinator.New(coordinator.Config{
		Peers:    n.peers,
		Timeout:  cfg.Timeout,
		Nearest:  cfg.Read == readNearest,
		Hints:    n.handoff,
		Bypassed: n.warnBypassed,
		Logger:   n.log,
	})
	n.front, err = n.newFrontend()
	if err != nil {
		return nil, &configError{err}
	}
	return n, nil
}

// Start opens the data directory and the listeners and begins to serve. It
// returns when clients can connect; a node that waits for others to form a
// cluster answers them with an error until then (see Ready). If it fails
// nothing is left behind. ctx bounds Start alone.
func (n *Node) Start(ctx context.Context) error {
	if n.app == nil {
		return errors.New("node: this node is started by the fx application that it is part of")
	}
	return n.app.Start(ctx)
}

// Stop stops taking commands, finishes those under way, leaves the cluster
// and closes the log. A second Stop, or one without Start, does nothing.
func (n *Node) Stop(ctx context.Context) error {
	if n.app == nil {
		return errors.New("node: this node is stopped by the fx application that it is part of")
	}
	n.mu.Lock()
	idle := n.state != started
	n.mu.Unlock()
	if idle {
		return nil
	}
	return n.app.Stop(ctx)
}

// Run starts the node, waits until ctx ends, and stops it. The error is that
// of starting or stopping.
func (n *Node) Run(ctx context.Context) error {
	if err := n.Start(ctx); err != nil {
		return err
	}
	<-ctx.Done()
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	return n.Stop(stop)
}

// ID is the node's id in its cluster; empty before Start if Config.Name is.
func (n *Node) ID() string {
	if id := n.name.Load(); id != nil {
		return *id
	}
	return n.cfg.Name
}

// Addr is the address that clients reach the node at; empty before Start.
func (n *Node) Addr() string { return n.address().client }

// PeerAddr is the address that peers reach the node at; empty before Start.
func (n *Node) PeerAddr() string { return n.address().advertise }

// AdminAddr is the address of the admin endpoint; empty before Start or if
// there is none.
func (n *Node) AdminAddr() string { return n.address().admin }

func (n *Node) address() addresses {
	if a := n.addrs.Load(); a != nil {
		return *a
	}
	return addresses{}
}

// Members are the nodes of the layout as this node sees them, in the order of
// their ids; empty before there is a layout.
func (n *Node) Members() []Member {
	cl := n.coord.Cluster()
	l := n.layout.Load()
	if cl == nil || l == nil {
		return nil
	}
	var out []Member
	for _, m := range cl.Members {
		info, _ := l.Node(m.ID)
		out = append(out, Member{
			ID: m.ID, Datacenter: m.Datacenter, Rack: m.Rack,
			PeerAddr: info.PeerAddr, ClientAddr: info.ClientAddr,
			Self: m.Index == cl.Self, Reachable: m.Reachable(), Complete: m.Complete(),
		})
	}
	return out
}

// Ready returns nil when the node has joined, is caught up, and can meet
// DC_QUORUM in its datacenter; otherwise the error says what it waits for.
func (n *Node) Ready() error {
	cl := n.coord.Cluster()
	if cl == nil {
		text := n.waiting.String()
		if text == "" {
			text = "starting"
		}
		return errors.New(text)
	}
	if n.stopping.Load() {
		return errors.New("stopping")
	}
	if !n.caughtUp.Load() {
		text := n.waiting.String()
		if text == "" {
			text = "catching up"
		}
		return errors.New(text)
	}
	if n.skew.excessive() {
		return fmt.Errorf("this node's clock is %v from the median of its peers': set it right", n.skew.offset())
	}
	return cl.Servable()
}

// Remove takes a dead node out of the layout. Layouts cannot change yet, so it
// always fails: for a node that lives because it lives, for a dead one with
// the way to replace it.
func (n *Node) Remove(id string) error {
	for _, m := range n.Members() {
		switch {
		case m.ID != id:
		case m.Reachable:
			return fmt.Errorf("node %s lives (rack %s, peers %s): stop it first", id, m.Rack, m.PeerAddr)
		default:
			return fmt.Errorf("node %s is dead, but this release cannot change a layout: start a new node with the name %s and the address %s in its place, and it takes over what %s owned and gets it from the others", id, id, m.PeerAddr, id)
		}
	}
	return fmt.Errorf("there is no node %s", id)
}

// Version is the version of the node's module, as built into the program.
func Version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range append(info.Deps, &info.Main) {
			if m.Path == "github.com/dynomite-go/dynomite/node" && m.Version != "" && m.Version != "(devel)" {
				return m.Version
			}
		}
	}
	return "v0.1.0-dev"
}

func (n *Node) wall() int64 {
	if n.wallClock != nil {
		return n.wallClock()
	}
	return time.Now().UnixMilli()
}

func (n *Node) epoch() peerwire.Epoch {
	if e := n.wireID.Load(); e != nil {
		return *e
	}
	return peerwire.Epoch{}
}

// complete says whether others may read from us and take us for primary.
func (n *Node) complete() bool {
	return n.caughtUp.Load() && !n.stopping.Load() && !n.deaf.Load() && !n.skew.excessive()
}

func (n *Node) setCaughtUp(yes bool) {
	n.caughtUp.Store(yes)
	n.refreshSelf()
}

// refreshSelf tells the coordinator how we are. A node whose clock is wrong does not
// coordinate: like one that is catching up it forwards.
func (n *Node) refreshSelf() {
	if cl := n.coord.Cluster(); cl != nil {
		cl.SelfMember().SetHealth(true, n.complete())
		n.coord.HealthChanged()
	}
}

// spawn runs f in a goroutine that Stop waits for; it does nothing once the
// node is stopping for good, and says so.
func (n *Node) spawn(f func()) bool {
	r := n.runtime()
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.tasks.Go(f)
	return true
}

var errStopping = errors.New("node: not running, or about to stop")

// during is for what a caller's goroutine does with the store and the peers:
// the context ends when Stop has drained the clients, and Stop waits for done.
func (n *Node) during(ctx context.Context) (_ context.Context, done func(), err error) {
	r := n.runtime()
	if r == nil {
		return nil, nil, errStopping
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, nil, errStopping
	}
	r.tasks.Add(1)
	ctx, cancel := context.WithCancelCause(ctx)
	forget := context.AfterFunc(r.ctx, func() { cancel(errStopping) })
	return ctx, func() {
		forget()
		cancel(nil)
		r.tasks.Done()
	}, nil
}
