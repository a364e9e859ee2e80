package node

import (
	"context"
	"log/slog"

	"go.uber.org/fx"

	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/node/datastore/disk"
)

// wallClock returns the Unix time in milliseconds.
type wallClock func() int64

// peerAuth carries a PeerAuth through fx; nil means plain streams.
type peerAuth struct{ PeerAuth }

// Module is a node for programs that are assembled with fx. It needs a Config
// and provides a *Node that starts and stops with the program. Parts are
// replaced with fx.Decorate, on OpenStore, disk.FS, Seeds, Transport, *slog.Logger
// and Observer; give the program a StopTimeout of at least 20 s, so that a node
// can drain.
var Module = fx.Module("dynomite-node",
	parts,
	fx.Invoke(func(*Node) {}),
)

// parts are the default parts and the node made of them.
var parts = fx.Options(
	fx.Provide(
		func() OpenStore { return openMemory },
		func() disk.FS { return disk.OS() },
		func(cfg Config) Seeds { return StaticSeeds(cfg.Seeds) },
		func() Transport { return tcpTransport{} },
		func() peerAuth { return peerAuth{} },
		func() Observer { return Observer{} },
		func() *slog.Logger { return slog.New(slog.DiscardHandler) },
		func() wallClock { return nil },
		assemble,
	),
)

type ingredients struct {
	fx.In
	Config    Config
	Open      OpenStore
	Disk      disk.FS
	Seeds     Seeds
	Transport Transport
	Auth      peerAuth
	Observer  Observer
	Logger    *slog.Logger
	Wall      wallClock
}

func assemble(in ingredients, lc fx.Lifecycle) (*Node, error) {
	n, err := newNode(in)
	if err != nil {
		return nil, err
	}
	lc.Append(fx.Hook{OnStart: n.start, OnStop: n.stop})
	return n, nil
}

func openMemory(ctx context.Context, info StoreInfo) (datastore.Store, error) {
	return datastore.Open(ctx, datastore.Config{
		Token: info.Token, Clock: info.Clock, DigestKey: info.DigestKey,
		Dir: info.Dir, Sync: info.Sync, FS: info.Disk,
	})
}
