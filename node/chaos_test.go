package node_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynomite-go/dynomite/node"
	"github.com/dynomite-go/dynomite/node/nodetest"
)

var (
	chaosRuns  = flag.Int("chaos", 0, "how many long histories TestChaos plays; 0 means a short one of each kind, always the same")
	chaosSeed  = flag.Uint64("chaos.seed", 0, "the seed of the first; 0 means any, or 1 without -chaos")
	chaosTrace = flag.Bool("chaos.trace", false, "print what was done before a history went wrong")
)

// A client writes, reads and deletes at any node, while nodes end and come
// back, with their disk, without what was not synced or with a copy of some
// time ago, while links are cut, hints pause and clocks go wrong, and while
// floors rise every few seconds. Nothing is read that cannot be, and at the
// end all copies are equal and nothing that was deleted is remembered.
//
// A history that went wrong is played again by -chaos 1 -chaos.seed N
// -chaos.trace: nearly the same one, for the scheduler has its part in it.
func TestChaos(t *testing.T) {
	runs, seed := *chaosRuns, *chaosSeed
	if seed == 0 && runs > 0 {
		seed = uint64(rand.Uint32())
	}
	if runs == 0 {
		runs, seed = len(chaosKinds), max(seed, 1)
	}
	for s := seed; s < seed+uint64(runs); s++ {
		k := chaosKinds[s%uint64(len(chaosKinds))]
		t.Run(fmt.Sprint(k.name, "/", s), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { playChaos(t, s, k) })
		})
	}
}

// chaosKind is a cluster, and what may happen to it.
type chaosKind struct {
	name    string
	nodes   int
	clients []int // the nodes that they use
	disks   bool
	options []nodetest.Option
	// forgets says that a node comes back without something that it had
	// acknowledged: no other may be away then.
	forgets func(i int, crash bool) bool
}

var (
	onCrash    = func(_ int, crash bool) bool { return crash }
	chaosKinds = []chaosKind{
		{"everysec", 3, []int{0, 1, 2}, true, nil, onCrash},
		{"always", 3, []int{0, 1, 2}, true, []nodetest.Option{nodetest.WithConfig(func(_ int, cfg *node.Config) {
			cfg.AppendFsync = "always"
		})}, func(int, bool) bool { return false }},
		{"memory", 3, []int{0, 1, 2}, false, nil, func(int, bool) bool { return true }},
		{"mixed", 3, []int{0, 1, 2}, true, []nodetest.Option{nodetest.WithConfig(func(i int, cfg *node.Config) {
			if i == 2 {
				cfg.DataDir = ""
			}
		})}, func(i int, crash bool) bool { return crash || i == 2 }},
		{"datacenters", 6, []int{0, 1, 2}, true, []nodetest.Option{nodetest.WithConfig(twoDatacenters)}, onCrash},
		{"groups", 6, []int{0, 1, 2, 3, 4, 5}, true, []nodetest.Option{nodetest.WithConfig(func(i int, cfg *node.Config) {
			cfg.Rack, cfg.Tokens = fmt.Sprintf("r%d", i%3), 8
		})}, onCrash},
	}
)

// chaos is one history.
type chaos struct {
	t     *testing.T
	c     *nodetest.Cluster
	rng   *rand.Rand
	kind  chaosKind
	began time.Time
	books map[string]*book
	value int             // the last one
	cut   map[[2]int]bool // links
	skew  []atomic.Int64  // of the clocks, in ms; nil: they are right
	trace []string
}

func playChaos(t *testing.T, seed uint64, k chaosKind) {
	rng := rand.New(rand.NewPCG(seed, 7))
	x := &chaos{t: t, rng: rng, kind: k, began: time.Now(), books: map[string]*book{}, cut: map[[2]int]bool{}}
	steps := 60
	if *chaosRuns > 0 {
		steps = 400
	}
	compares := seed%2 == 0
	period := time.Duration(1+rng.IntN(5)) * time.Second
	options := append(slices.Clip(k.options), nodetest.WithConfig(func(_ int, cfg *node.Config) {
		cfg.FloorPeriod = period
		if compares {
			cfg.AntiEntropy = 30 * time.Second
		}
	}))
	if k.disks {
		options = append(options, nodetest.WithDisks())
	}
	if seed%4 == 3 {
		x.skew = make([]atomic.Int64, k.nodes)
		options = append(options, nodetest.WithNodeOptions(func(i int) []node.Option {
			return []node.Option{node.WithClock(func() int64 { return time.Now().UnixMilli() + x.skew[i].Load() })}
		}))
	}
	x.c = nodetest.NewCluster(t, k.nodes, options...)
	x.c.Network.SetDelay(time.Duration(rng.IntN(3)) * time.Millisecond)
	for range steps {
		x.command()
		time.Sleep(time.Duration(2+rng.IntN(300)) * time.Millisecond)
		if rng.IntN(8) == 0 {
			x.fault()
		}
	}
	x.allBack()
	handedOver(t, x.c)
	x.forgotten()
	if compares {
		time.Sleep(2 * time.Minute)
	}
	x.equal()
}

// forgotten waits until nothing of deleted keys is left.
func (x *chaos) forgotten() {
	time.Sleep(10 * time.Second)
	for began := time.Now(); ; time.Sleep(time.Second) {
		var left []string
		for i, n := range x.c.Nodes {
			if d := dead(x.t, x.c, i); d > 0 {
				left = append(left, fmt.Sprintf("node %d remembers %v deleted keys: %+v", i, d, n.Floors()))
			}
		}
		if len(left) == 0 {
			return
		}
		if time.Since(began) > 3*time.Minute {
			x.fail("%s", strings.Join(left, "\n"))
		}
	}
}

// equal compares all nodes with each other and with the books.
func (x *chaos) equal() {
	now := time.Now()
	for i := range x.c.Nodes {
		if x.kind.name != "groups" && x.c.Do(i, "DYN.LOCAL", "DIGEST") != x.c.Do(0, "DYN.LOCAL", "DIGEST") {
			x.fail("nodes 0 and %d have different copies", i)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(x.books)) {
		b := x.books[key]
		b.during(now, now)
		for i := range x.c.Nodes {
			switch key[0] {
			case 'n':
				x.right(key, b.wrongCount(x.c.Do(i, "GET", key)))
			case 's':
				x.right(key, b.wrong("", x.c.Do(i, "GET", key)))
			default:
				for _, f := range slices.Sorted(maps.Keys(b.fields)) {
					x.right(key, b.wrong(f, x.c.Do(i, "HGET", key, f)))
				}
			}
		}
	}
}

func (x *chaos) right(key, wrong string) {
	if wrong != "" {
		x.t.Helper()
		x.fail("%s: %s", key, wrong)
	}
}

func (x *chaos) note(format string, args ...any) {
	x.trace = append(x.trace, fmt.Sprintf("%9.3f ", time.Since(x.began).Seconds())+fmt.Sprintf(format, args...))
}

func (x *chaos) fail(format string, args ...any) {
	x.t.Helper()
	if *chaosTrace {
		x.t.Log("\n" + strings.Join(x.trace, "\n"))
	}
	x.t.Fatalf("%.3f s: %s", time.Since(x.began).Seconds(), fmt.Sprintf(format, args...))
}

var errAway = errors.New("the node is away, nothing was asked")

// try sends a command to a node.
func (x *chaos) try(args ...any) (reply any, err error) {
	i := x.kind.clients[x.rng.IntN(len(x.kind.clients))]
	if x.c.Nodes[i] == nil {
		return nil, errAway
	}
	reply, err = x.c.Try(i, args...)
	x.note("node %d: %v: %v, %v", i, args, reply, err)
	return reply, err
}
