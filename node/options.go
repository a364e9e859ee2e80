package node

import (
	"errors"
	"fmt"
	"log/slog"

	"go.uber.org/fx"

	"github.com/dynomite-go/dynomite/node/datastore/disk"
)

// Option replaces a part of a node.
type Option struct {
	name string
	err  error
	fx   fx.Option
}

func option[T any](name string, isNil bool, part T) Option {
	o := Option{name: name}
	if isNil {
		o.err = fmt.Errorf("node: %s: nil", name)
		return o
	}
	o.fx = fx.Decorate(func() T { return part })
	return o
}

// WithDatastore keeps the records in what open opens, instead of in memory
// with a log.
func WithDatastore(open OpenStore) Option {
	return option("WithDatastore", open == nil, open)
}

// WithDisk keeps the files below Config.DataDir on d instead of the operating
// system's disk: what the node remembers of itself, its hints, and the log of
// the default datastore. Tests take a node's disk away with it.
func WithDisk(d disk.FS) Option { return option("WithDisk", d == nil, d) }

// WithSeeds finds other nodes by s instead of by Config.Seeds.
func WithSeeds(s Seeds) Option { return option("WithSeeds", s == nil, s) }

// WithTransport connects nodes by t instead of by TCP and UDP.
func WithTransport(t Transport) Option { return option("WithTransport", t == nil, t) }

// WithPeerAuth secures the connections between nodes by a. Without it every
// address of a peer must be a loopback address.
func WithPeerAuth(a PeerAuth) Option {
	return option("WithPeerAuth", a == nil, peerAuth{a})
}

// WithObserver tells o of events.
func WithObserver(o Observer) Option { return option("WithObserver", false, o) }

// WithLogger logs to l; without it a node is silent.
func WithLogger(l *slog.Logger) Option { return option("WithLogger", l == nil, l) }

// WithClock takes the wall clock of the versions, in Unix milliseconds, from
// now: to test how a node behaves whose clock is wrong. Timeouts do not use it.
func WithClock(now func() int64) Option {
	return option("WithClock", now == nil, wallClock(now))
}

// decorations checks options and turns them into what fx takes.
func decorations(opts []Option) (fx.Option, error) {
	seen := map[string]bool{}
	var all []fx.Option
	var errs []error
	for _, o := range opts {
		switch {
		case o.name == "":
			errs = append(errs, errors.New("node: an empty Option"))
		case o.err != nil:
			errs = append(errs, o.err)
		case seen[o.name]:
			errs = append(errs, fmt.Errorf("node: %s is given twice", o.name))
		default:
			all = append(all, o.fx)
		}
		seen[o.name] = true
	}
	return fx.Options(all...), errors.Join(errs...)
}
