package node

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"strconv"
	"time"

	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/node/internal/coordinator"
	"github.com/dynomite-go/dynomite/node/internal/layout"
	"github.com/dynomite-go/dynomite/peerwire"
	"github.com/dynomite-go/dynomite/respserver"
)

// runtime is what exists while the node runs, or nil. Tasks use it, so it
// must not need n.mu, which start and stop hold.
func (n *Node) runtime() *running { return n.current.Load() }

// start is the fx hook behind Start.
func (n *Node) start(ctx context.Context) error {
	n.mu.Lock()
	if n.state != fresh {
		n.mu.Unlock()
		return errors.New("node: started already")
	}
	r := &running{}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	ticking, still := context.WithCancel(context.Background())
	r.still = still
	n.current.Store(r)
	err := n.startLocked(ctx, r, ticking)
	if err != nil {
		n.state = stopped
	}
	n.mu.Unlock()
	if err != nil {
		_ = n.shutdown(context.Background(), r)
	}
	return err
}

func (n *Node) startLocked(ctx context.Context, r *running, ticking context.Context) (err error) {
	if err := n.listen(r); err != nil {
		return err
	}
	n.id = n.cfg.Name
	if n.id == "" {
		n.id = n.address().advertise
	}
	n.name.Store(&n.id)
	if n.identity, err = openIdentity(n.disk, n.cfg.DataDir, n.id, n.cfg.Cluster, time.UnixMilli(n.wall())); err != nil {
		return err
	}
	if err := n.startWire(r); err != nil {
		return err
	}
	if err := n.startGossip(ctx, r); err != nil {
		return err
	}
	if err := n.firstLayout(); err != nil {
		return err
	}
	n.state = started
	if err := n.startServing(r); err != nil {
		return err
	}
	r.tasks.Go(func() { n.catchUp.run(r.ctx) })
	r.tasks.Go(func() { n.tickFast(ticking) })
	r.tasks.Go(func() { n.tickSlow(r.ctx) })
	r.tasks.Go(func() { n.tickForming(r.ctx) })
	return nil
}

// listen opens every listener, so that the addresses are known.
func (n *Node) listen(r *running) error {
	var err error
	if r.peerConns, r.packets, err = n.transport.Listen(n.cfg.PeerListen); err != nil {
		return fmt.Errorf("node: peer_listen: %w", err)
	}
	a := addresses{peer: r.peerConns.Addr().String()}
	a.advertise = a.peer
	if n.cfg.Advertise != "" {
		a.advertise = n.cfg.Advertise
	}
	if n.cfg.Listen != "none" {
		if r.client, err = net.Listen("tcp", n.cfg.Listen); err != nil {
			return fmt.Errorf("node: listen: %w", err)
		}
		a.client = r.client.Addr().String()
	}
	if n.cfg.AdminListen != "none" {
		if r.admin, err = newAdmin(n, n.cfg.AdminListen); err != nil {
			return fmt.Errorf("node: admin_listen: %w", err)
		}
		a.admin = r.admin.addr()
	}
	n.addrs.Store(&a)
	return nil
}

func (n *Node) startWire(r *running) error {
	var err error
	if r.wire, err = peerwire.NewServer(peerwire.ServerConfig{
		Handler: peerHandler{n}, Cluster: n.cfg.Cluster, Node: n.id, Cork: &n.cork, Stops: n.coord.Stops,
	}); err != nil {
		return err
	}
	l := r.peerConns
	if n.auth != nil {
		l = securedListener{l, n.auth}
	}
	r.mux = peerwire.NewMux(l, 0)
	return nil
}

// firstLayout takes the layout of the last run, or makes one if the node is
// alone; otherwise forming begins.
func (n *Node) firstLayout() error {
	b, err := n.identity.read("layout.json")
	if err != nil {
		return fmt.Errorf("node: %w", err)
	}
	if b != nil {
		l, err := layout.Decode(b)
		if err != nil {
			return fmt.Errorf("node: %s: %w", n.identity.path("layout.json"), err)
		}
		if l.Cluster != n.cfg.Cluster {
			return fmt.Errorf("node: %s is of the cluster %q, not %q", n.identity.path("layout.json"), l.Cluster, n.cfg.Cluster)
		}
		return n.adoptLocked(l, "read")
	}
	if n.cfg.Expect == 1 && len(n.cfg.Seeds) == 0 {
		l, err := layout.First(n.settings(), []layout.Node{n.selfInfo()})
		if err != nil {
			return err
		}
		return n.adoptLocked(l, "alone")
	}
	var vote uint64
	if b, err := n.identity.read("vote"); err != nil {
		return fmt.Errorf("node: %w", err)
	} else if len(b) == 8 {
		for _, x := range b {
			vote = vote<<8 | uint64(x)
		}
	}
	n.waiting.set("waiting for other nodes")
	n.forming.start(vote)
	return nil
}

// adopt makes l the layout of this node: once, for layouts do not change yet.
func (n *Node) adopt(l *layout.Layout, how string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.state != started {
		return errors.New("node: not running")
	}
	if n.layout.Load() != nil {
		return nil
	}
	return n.adoptLocked(l, how)
}

func (n *Node) adoptLocked(l *layout.Layout, how string) error {
	info, ok := l.Node(n.id)
	if !ok {
		return fmt.Errorf("node: the layout has no node %s: it was made with another name or address", n.id)
	}
	if at := n.address().advertise; len(l.Nodes) > 1 && info.PeerAddr != at {
		return fmt.Errorf("node: peer_listen: the others look for node %s at %s, where the layout has it, not at %s", n.id, info.PeerAddr, at)
	}
	ring, err := l.Ring()
	if err != nil {
		return err
	}
	hash, err := l.HashFunc()
	if err != nil {
		return err
	}
	if err := n.identity.write("layout.json", l.Encode()); err != nil {
		return err
	}
	e := peerwire.Epoch{Number: l.Epoch, Hash: l.ContentHash()}
	cl, err := coordinator.NewCluster(coordinator.Epoch(e), ring, hash, n.id)
	if err != nil {
		return err
	}
	cl.DigestKey = l.DigestKey
	clock := datastore.NewClock(layout.Number(info.Slot, n.identity.generation()), n.wallClock)
	clock.Observe(n.identity.high)
	sync, _ := syncPolicy(n.cfg.AppendFsync)
	dir := ""
	if n.cfg.DataDir != "" {
		dir = n.identity.path("data")
	}
	began := time.Now()
	store, err := n.open(context.Background(), StoreInfo{
		Dir: dir, Disk: n.disk, Sync: sync, Clock: clock, DigestKey: l.DigestKey,
		Token: func(key []byte) uint64 { return uint64(hash(key)) },
	})
	if err != nil {
		return err
	}
	n.store.Store(&openedStore{store, clock})
	first := n.forming.brought(l)
	if err := n.floors.open(cl, store); err != nil {
		return err
	}
	// Before anybody finds out more.
	n.catchUp.lost.Store(n.floors.back || !first && !n.identity.kept && !(n.syncAlways && !n.identity.blank))
	if err := n.handoff.open(cl, sync, first); err != nil {
		return err
	}
	n.coord.Install(cl, store, clock.Observe)
	n.layout.Store(l)
	n.wireID.Store(&e)
	r := n.runtime()
	if err := n.peers.connect(r.ctx, l, cl); err != nil {
		return err
	}
	for _, q := range n.peers.all() {
		r.tasks.Go(func() { n.handoff.serve(r.ctx, q) })
		r.tasks.Go(func() { n.antiEntropy.serve(r.ctx, q) })
	}
	if n.floors.store != nil {
		r.tasks.Go(func() { n.floors.run(r.ctx) })
		r.tasks.Go(func() { n.floors.work(r.ctx) })
		r.tasks.Go(func() { n.floors.sweep(r.ctx) })
	}
	r.gossip.announce()
	n.log.Info("layout", "how", how, "epoch", l.Epoch, "nodes", len(l.Nodes), "records", store.Len(), "took", time.Since(began))
	if f := n.observer.LayoutFormed; f != nil {
		f(LayoutInfo{Epoch: l.Epoch, Hash: e.Hash, Nodes: len(l.Nodes)})
	}
	n.waiting.set("")
	if len(l.Nodes) == 1 {
		n.setCaughtUp(true)
	} else {
		n.catchUp.request("started")
	}
	return nil
}

func (n *Node) startServing(r *running) error {
	r.mux.Handle(peerwire.MagicPeer, func(conn net.Conn) { n.acceptPeer(r, conn) })
	r.gossip.handle(r.mux)
	r.tasks.Go(func() {
		if err := r.mux.Serve(); err != nil && r.ctx.Err() == nil {
			n.log.Error("peers are not accepted any more", "err", err)
		}
	})
	var err error
	if r.server, err = respserver.New(respserver.Config{
		Handler: n.front,
		// A write that waits for the disk must not hold up others.
		Share: n.cfg.DataDir == "" || n.cfg.AppendFsync != "always",
		// What one round of many clients sends to a peer leaves together.
		Begin:  n.cork.Hold,
		End:    n.cork.Release,
		Logger: n.log,
	}); err != nil {
		return err
	}
	if r.client != nil {
		r.tasks.Go(func() {
			if err := r.server.Serve(r.client); err != nil && r.ctx.Err() == nil {
				n.log.Error("clients are not accepted any more", "err", err)
			}
		})
	}
	if r.admin != nil {
		r.tasks.Go(r.admin.serve)
	}
	return nil
}

func (n *Node) acceptPeer(r *running, conn net.Conn) {
	if err := r.wire.ServeConn(conn); err != nil && r.ctx.Err() == nil {
		n.log.Debug("peer connection ended", "addr", conn.RemoteAddr(), "err", err)
	}
}

// stop is the fx hook behind Stop.
func (n *Node) stop(ctx context.Context) error {
	n.mu.Lock()
	if n.state != started {
		n.mu.Unlock()
		return nil
	}
	n.state = stopped
	n.mu.Unlock()
	return n.shutdown(ctx, n.runtime())
}

// shutdown ends whatever of r exists, in the order that loses nothing: others
// are told to stop sending us work, clients are drained while the peers are
// still there, and the log is closed last. n.mu is not held: tasks that wait for it
// (to adopt a layout) have to end first.
func (n *Node) shutdown(ctx context.Context, r *running) error {
	var errs []error
	add := func(err error) { errs = append(errs, err) }
	n.stopping.Store(true)
	n.refreshSelf()
	n.tellAll()
	n.local.closeAll()
	if r.server != nil {
		add(r.server.Stop(ctx))
	}
	if r.client != nil {
		add(ignoreClosed(r.client.Close()))
	}
	r.cancel() // before what waits for requests to /repair
	if r.admin != nil {
		add(r.admin.stop(ctx))
	}
	if r.mux != nil {
		add(r.mux.Stop(ctx))
	}
	if r.gossip != nil {
		add(r.gossip.stop(ctx))
	}
	add(n.peers.stop(ctx))
	if r.wire != nil {
		add(r.wire.Stop(ctx))
	}
	r.still()
	if r.peerConns != nil {
		add(ignoreClosed(r.peerConns.Close()))
	}
	if r.packets != nil {
		add(ignoreClosed(r.packets.Close()))
	}
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.tasks.Wait()
	clean := true
	if err := n.handoff.close(); err != nil {
		add(err)
	}
	if s := n.store.Load(); s != nil {
		if err := s.Close(); err != nil {
			add(err)
			clean = false
		}
		if clean && n.identity != nil {
			add(n.identity.markClean(s.clock.High()))
		}
	}
	if n.identity != nil {
		n.identity.close()
	}
	n.current.Store(nil)
	return errors.Join(errs...)
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// selfInfo is what this node is in a layout.
func (n *Node) selfInfo() layout.Node {
	a, self := n.address(), n.cfg.layoutNode()
	self.ID, self.PeerAddr, self.ClientAddr = n.id, a.advertise, a.client
	return self
}

func (n *Node) settings() layout.Settings { return n.cfg.layoutSettings() }

// slowTick is how often statuses go out and expired keys are noticed.
const slowTick = 500 * time.Millisecond

func every(ctx context.Context, d time.Duration, f func()) {
	t := time.NewTicker(d)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			f()
		}
	}
}

// tickFast lets slow reads ask further owners.
func (n *Node) tickFast(ctx context.Context) {
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			t.Reset(n.coord.Tick())
		}
	}
}

func (n *Node) tickForming(ctx context.Context) { every(ctx, formationTick, n.forming.tick) }

func (n *Node) tickSlow(ctx context.Context) {
	last := time.Now()
	every(ctx, slowTick, func() {
		now := time.Now()
		if now.Sub(last) > cutAfter && n.coord.Cluster() != nil && len(n.peers.all()) > 0 {
			// The process stood still; the others went on without us.
			n.catchUp.request("stood still for " + strconv.Itoa(int(now.Sub(last).Seconds())) + " s")
		}
		last = now
		if n.coord.Cluster() != nil {
			n.coord.Settle()
		}
		n.forgetSilent(now)
		n.refreshSelf()
		n.tellAll()
		n.sweep()
		n.floors.alarm.look(n)
	})
}

// sweeper is a store that notices expired keys when it is told to look.
type sweeper interface {
	Sweep(budget int) (visited int)
}

// floorer is a store that drops what every owner has joined.
type floorer interface {
	SetFloor(from, to uint64, floor, before datastore.Version)
}

// sweepBudget is how many records a step looks at: all of a million keys in
// half a minute.
const sweepBudget = 20000

func (n *Node) sweep() {
	s := n.store.Load()
	if s == nil {
		return
	}
	if f, ok := s.Store.(floorer); ok && len(n.peers.all()) == 0 {
		// The only owner has joined every owner's state at any time.
		high := s.clock.High()
		f.SetFloor(0, math.MaxUint64, high, high)
	}
	if w, ok := s.Store.(sweeper); ok {
		w.Sweep(sweepBudget)
	}
}
