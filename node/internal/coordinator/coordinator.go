package coordinator

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dynomite-go/dynomite/merkle"
	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/node/internal/command"
	"github.com/dynomite-go/dynomite/quorum"
)

// Config is what a Coordinator needs.
type Config struct {
	// Peers carries messages to the other nodes. Required.
	Peers Peers
	// Timeout is how long a command may take in all; default 2 s.
	Timeout time.Duration
	// Nearest has reads at DC_ONE answered by the nearest complete owner instead
	// of the primary.
	Nearest bool
	// Bypassed is called when a delta came from another node than the one that
	// we take for the key's primary: that one has to be warned. It must not block.
	Bypassed func(primary int)
	// Hints keeps what an owner did not acknowledge; nil forgets it.
	Hints  Hints
	Logger *slog.Logger
}

// Coordinator executes commands on the owners of their keys. It is safe for
// concurrent use.
type Coordinator struct {
	store      datastore.Store
	toucher    toucher    // the store, if it is one
	floors     floorStore // the store, if it is one
	peers      Peers
	timeout    time.Duration
	nearest    bool
	hints      Hints
	onBypassed func(int)
	born       time.Time
	onNewest   func(datastore.Version)
	log        *slog.Logger

	// store, toucher, floors, onNewest, warm, hedging and digests are set before cluster is, and read after it was
	// seen to be set.
	cluster atomic.Pointer[Cluster]
	batches sync.Pool // of this coordinator's own: a batch holds a channel
	count   counters

	warm          *warmup      // made by Install
	cautiousUntil atomic.Int64 // since born, in nanoseconds
	pulse         pulse
	bypassed      bypassed
	underway      *underway // messages of kind KindApply

	flights flights
	hedging hedging

	// What is compared with other owners; nil in a cluster of one.
	digests    *digests
	secret     merkle.Key
	responders responders

	mu      sync.Mutex
	running *batch // the youngest of the batches that wait
	oldest  *batch
}

// New prepares a coordinator. It serves nothing before Install.
func New(cfg Config) *Coordinator {
	c := &Coordinator{
		peers: cfg.Peers, timeout: cfg.Timeout, nearest: cfg.Nearest,
		underway: newUnderway(),
		hints:    cfg.Hints, onBypassed: cfg.Bypassed, born: time.Now(), log: cfg.Logger,
	}
	if c.timeout <= 0 {
		c.timeout = 2 * time.Second
	}
	if c.hints == nil {
		c.hints = forgetful{}
	}
	if c.onBypassed == nil {
		c.onBypassed = func(int) {}
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	c.Caution()
	return c
}

// Install gives the coordinator its layout and its store, before which it
// serves nothing. observe is told of versions that the next stamp must be above.
func (c *Coordinator) Install(cl *Cluster, store datastore.Store, observe func(datastore.Version)) {
	c.store, c.onNewest, c.warm = store, observe, newWarmup()
	c.toucher, _ = store.(toucher)
	c.floors, _ = store.(floorStore)
	if len(cl.Members) > 1 {
		c.digests = newDigests(store)
		c.secret = secretOf(cl.DigestKey)
	}
	c.hedging.begin(cl, c.timeout/4) // a few owners may be slow, one after the other
	c.cluster.Store(cl)
	c.HealthChanged()
}

// Cluster is the layout in force; nil before there is one.
func (c *Coordinator) Cluster() *Cluster { return c.cluster.Load() }

func (c *Coordinator) now() time.Time { return time.Now() }

// Counts are running totals since the start.
type Counts struct {
	// Acks are commands acknowledged with a reply that is no error, by level;
	// those of a cluster of one count as DC_ONE, whatever was asked.
	Acks map[quorum.Level]uint64
	// Forwarded are commands sent to another node for execution, Served those
	// executed for another node.
	Forwarded, Served uint64
	// Merged are deltas taken from other nodes, Lost those of them that
	// something newer beat.
	Merged, Lost uint64
	// Conflicts are deltas that replaced a live value whose writer had not
	// seen it.
	Conflicts uint64
	// Reexecutions are commands executed again because something unseen beat
	// them; Hedges are further owners asked.
	Reexecutions, Hedges uint64
	// ReadRepairs are those of reads, WriteRepairs those of commands that write,
	// also where one found nothing to write; LateRepairs those of answers that
	// came after the reply.
	ReadRepairs, WriteRepairs, LateRepairs Repairs
	// Coalesced are reads that made use of what another one asked.
	Coalesced uint64
	// Missed are deltas that an owner did not acknowledge, Returned records that
	// beat a hint and came back for it.
	Missed, Returned uint64
	// Refused are commands refused or failed for want of owners, Unknown
	// those whose outcome could not be learnt.
	Refused, Unknown uint64
	// Stops is how often this node went on after it stood still.
	Stops uint64
	// Hits and Misses are reading commands executed here that found their key
	// or did not.
	Hits, Misses uint64
}

// Repairs are records that one owner got from another because their copies
// differed: In are those that this node took and that changed what it holds, Out
// those that it gave to an owner that held less, or keeps for it.
type Repairs struct{ In, Out uint64 }

// What found that copies differ.
const (
	byRead = iota
	byWrite
	byLate
	repairCauses
)

type repairCounter struct{ in, out atomic.Uint64 }

func (r *repairCounter) load() Repairs { return Repairs{r.in.Load(), r.out.Load()} }

type counters struct {
	acks                                                [quorum.DCEachSafeQuorum + 1]atomic.Uint64
	repairs                                             [repairCauses]repairCounter
	forwarded, served, merged, lost, conflicts          atomic.Uint64
	reexecutions, hedges, missed                        atomic.Uint64
	refused, unknown, hits, misses, coalesced, returned atomic.Uint64
}

// Counts returns the totals so far.
func (c *Coordinator) Counts() Counts {
	n := &c.count
	return Counts{
		Acks: map[quorum.Level]uint64{
			quorum.DCOne: n.acks[quorum.DCOne].Load(), quorum.DCQuorum: n.acks[quorum.DCQuorum].Load(),
			quorum.DCEachSafeQuorum: n.acks[quorum.DCEachSafeQuorum].Load(),
		},
		Forwarded: n.forwarded.Load(), Served: n.served.Load(),
		Merged: n.merged.Load(), Lost: n.lost.Load(), Conflicts: n.conflicts.Load(),
		Reexecutions: n.reexecutions.Load(), Hedges: n.hedges.Load(),
		ReadRepairs: n.repairs[byRead].load(), WriteRepairs: n.repairs[byWrite].load(), LateRepairs: n.repairs[byLate].load(),
		Missed: n.missed.Load(), Returned: n.returned.Load(),
		Coalesced: n.coalesced.Load(),
		Refused:   n.refused.Load(), Unknown: n.unknown.Load(),
		Stops: c.Stops(),
		Hits:  n.hits.Load(), Misses: n.misses.Load(),
	}
}

// Commands is how many commands of clients were acknowledged here, or executed
// here for another node.
func (c *Coordinator) Commands() uint64 {
	all := c.count.served.Load()
	for i := range c.count.acks {
		all += c.count.acks[i].Load()
	}
	return all
}

func (c *Coordinator) tally(a answer) {
	if a.flags&flagConflict != 0 {
		c.count.conflicts.Add(1)
	}
}

// looked counts whether a reading command that was executed here found its key.
func (c *Coordinator) looked(call *command.Call) {
	switch {
	case call.Spec.Write() || !call.Touched:
	case call.Missing:
		c.count.misses.Add(1)
	default:
		c.count.hits.Add(1)
	}
}

// ResetHits sets Hits and Misses to zero.
func (c *Coordinator) ResetHits() {
	c.count.hits.Store(0)
	c.count.misses.Store(0)
}

func (c *Coordinator) enlist(b *batch) {
	b.started = c.clock()
	c.mu.Lock()
	b.prev, b.next = nil, c.running
	if c.running != nil {
		c.running.prev = b
	} else {
		c.oldest = b
	}
	c.running = b
	c.mu.Unlock()
}

func (c *Coordinator) delist(b *batch) {
	c.mu.Lock()
	if b.prev != nil {
		b.prev.next = b.next
	} else {
		c.running = b.next
	}
	if b.next != nil {
		b.next.prev = b.prev
	} else {
		c.oldest = b.prev
	}
	b.prev, b.next = nil, nil
	c.mu.Unlock()
}

// level is the consistency level that a command of a group runs at.
func (b *batch) level(write bool) quorum.Level {
	if write {
		return b.write
	}
	return b.read
}
