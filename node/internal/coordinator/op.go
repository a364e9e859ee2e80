package coordinator

import (
	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/node/internal/command"
	"github.com/dynomite-go/dynomite/quorum"
)

// A mask has one bit per position in an operation's owners.
type mask uint32

func (m mask) has(p int) bool { return m&(1<<p) != 0 }

// op is one operation: a command on one key, or one key's part of a command
// on several.
type op struct {
	spec  *command.Spec
	args  [][]byte
	key   []byte
	token hashkit.Token
	level quorum.Level

	// owners are those whose answers count: ours in preference order, and if
	// the level asks for it those of the other datacenters after them.
	owners   [maxOwners]uint16
	nowners  int // all of them
	nlocal   int // ours
	executor int // index of the node that executes it
	rule     *rule

	out    []byte // the reply
	kept   []byte // that of an execution which was overtaken, see there
	delta  []byte
	wrote  bool
	looked bool   // what it saw has to be what a majority holds
	before uint64 // the digest of what it saw
	first  bool   // a majority's records are joined before it executes
	ran    bool   // it was executed here

	// tally counts the owners that hold the delta of a write, or the complete
	// owners that hold what a read saw.
	tally quorum.Tally
	asked mask
	late  mask // of these, the owners that are not waited for any more
	spent mask // executors that were given up
	reset mask // owners that hold our range resets
	// agreed are owners whose records were found equal to ours at the digest
	// agreedOn: they have voted if that is what the next execution sees.
	agreed   mask
	agreedOn uint64
	// flight is what it leads; parked while it waits for another's to end; alone
	// if it shall not wait again.
	flight *flight
	parked bool
	alone  bool
	// execs counts the nodes that were asked to execute it and have not
	// answered; probe: one more than needed shall be.
	execs int
	probe int // the node, plus 1
	tries int
	done  bool
	// applied: at some time a delta of this operation left the store, so a
	// failure must say that the write may have been applied.
	applied bool
	err     error // the last failure, for the error's text
}

// replicated says that one copy is not enough.
func (o *op) replicated() bool { return o.rule.total > 1 }

// position is the node's place among the owners that count, or -1.
func (o *op) position(node int) int {
	for p, n := range o.owners[:o.nowners] {
		if int(n) == node {
			return p
		}
	}
	return -1
}

// restart forgets the answers to a former try.
func (o *op) restart() {
	o.tally = o.rule.Tally()
	o.asked, o.late, o.reset = 0, 0, 0
}

// met says whether the owners' answers meet the level. What neither wrote nor
// looked needs nobody.
func (o *op) met() bool {
	return !o.wrote && !o.looked || o.tally.State() == quorum.Met
}

// hopeless says that they cannot meet it any more.
func (o *op) hopeless() bool {
	return (o.wrote || o.looked) && o.tally.State() == quorum.Impossible
}

// failed takes the failure of the owner at position p.
func (o *op) failed(p int, err error) {
	o.tally.Add(p, quorum.Failed)
	o.err = err
}

// won takes the answer of an owner that holds what the executor wrote or saw.
// One that catches up cannot vote on what was seen: it may lack something.
func (o *op) won(p int, complete bool) {
	if o.wrote || complete {
		o.tally.Add(p, quorum.Won)
		return
	}
	o.tally.Add(p, quorum.Refused)
}
