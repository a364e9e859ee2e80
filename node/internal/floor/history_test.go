package floor

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dynomite-go/dynomite/node/datastore"
)

var (
	histories = flag.Duration("histories", 3*time.Second, "how long histories are tried")
	oneSeed   = flag.Uint64("seed", 0, "the one history to try")
)

// history is one history of some owners of one key.
type history struct {
	t      *testing.T
	seed   uint64
	rng    *rand.Rand
	wall   int64
	disks  bool
	owners []*owner
	ref    *owner // joins everything, and has no floor
	frames []mail[frame]
	words  []mail[[]byte]
	held   []mail[holding]
	nodes  uint32
	old    *oldCopy
	lossy  bool // something was lost that nobody else had
	log    []string
}

type mail[T any] struct {
	from, to int
	what     T
}

// holding is what an owner holds: the answer to a question that was asked when the
// asker's store had raised its floor so often, or a record that is pushed with
// the floor of who sends it.
type holding struct {
	frame
	asker  *datastore.Memory // nil if it is pushed
	raises uint64
	floor  datastore.Version
}

// holds sends what owner j holds to owner i.
func (h *history) holds(i, j int) {
	o, z := h.owners[i], h.owners[j]
	if !z.serves() {
		return
	}
	x := holding{frame: z.copy(), floor: z.store.Floor(0)}
	if h.rng.IntN(2) == 0 {
		x.asker, x.raises = o.store, o.store.Raises()
	}
	h.held = append(h.held, mail[holding]{j, i, x})
	h.note("held by ", z.id, " ~> ", o.id)
}

// arrives takes what an owner holds, by the rules for that.
func (h *history) arrives(m mail[holding]) {
	o := h.owners[m.to]
	held := !m.what.floor.Less(o.store.Floor(0))
	if m.what.asker != nil {
		held = m.what.asker == o.store && m.what.raises == o.store.Raises()
	}
	o.takeResets(m.what.frame, false)
	o.merge(m.what.frame, datastore.MergeOptions{Held: held})
}

type oldCopy struct {
	at     int
	f      frame
	floors Floors
	saved  []byte
}

func (h *history) note(what ...any) {
	h.log = append(h.log, fmt.Sprint(append([]any{h.wall, " "}, what...)...))
}
func (h *history) time() time.Time { return time.UnixMilli(h.wall) }

func (h *history) owner(id string) *owner {
	for _, o := range h.owners {
		if o.id == id {
			return o
		}
	}
	return nil
}

func newHistory(t *testing.T, seed uint64) *history {
	rng := rand.New(rand.NewPCG(seed, 0))
	h := &history{t: t, seed: seed, rng: rng, wall: 1_000, disks: rng.IntN(6) == 0, nodes: 100}
	h.ref = &owner{h: h, node: 99}
	h.ref.openStore()
	n := 3 + rng.IntN(4)/3
	for i := range n {
		h.owners = append(h.owners, h.newOwner(fmt.Sprint("n", i), uint32(i+1)))
	}
	for _, o := range h.owners {
		o.start(false)
	}
	if rng.IntN(4) > 0 {
		h.quiet(40) // most histories begin with a cluster that is there
	}
	return h
}

func (h *history) close() {
	for _, o := range append(h.owners, h.ref) {
		o.store.Close()
	}
}

// takeOne takes a random piece of mail out, or leaves it there to come again.
func takeOne[T any](h *history, box *[]mail[T], again float64) (mail[T], bool) {
	if len(*box) == 0 {
		return mail[T]{}, false
	}
	i := h.rng.IntN(len(*box))
	m := (*box)[i]
	if h.rng.Float64() >= again {
		*box = slices.Delete(*box, i, i+1)
	}
	return m, true
}

// step does something at random.
func (h *history) step(menu []command, share float64) {
	h.wall += int64(h.rng.IntN(3)) * int64(h.rng.IntN(2))
	i := h.rng.IntN(len(h.owners))
	o := h.owners[i]
	j := (i + 1 + h.rng.IntN(len(h.owners)-1)) % len(h.owners)
	switch x := h.rng.Float64(); {
	case !o.up:
		if h.rng.IntN(12) == 0 {
			o.up = true
			o.restart()
			h.note(o.id, " is back")
		}
	case x < share:
		h.command(i, menu[h.rng.IntN(len(menu))])
	case x < share+.17:
		if m, ok := takeOne(h, &h.frames, .15); ok && h.owners[m.to].up {
			h.owners[m.to].take(m.what, false)
		}
	case x < share+.185:
		h.holds(i, j)
	case x < share+.195:
		if m, ok := takeOne(h, &h.held, .15); ok && h.owners[m.to].up {
			h.arrives(m)
		}
	case x < share+.198:
		if o.machine.Joining() && !o.joined {
			o.join()
		}
	case x < share+.20:
		if o.serves() {
			h.frames = append(h.frames, mail[frame]{i, j, o.copy()})
			h.note("copy ", o.id, " ~> ", h.owners[j].id)
		}
	case x < share+.40:
		for range 6 {
			if m, ok := takeOne(h, &h.words, .2); ok && h.owners[m.to].up {
				h.owners[m.to].hear(h.owners[m.from], m.what)
			}
		}
	case x < share+.50:
		h.speak(i)
	case x < share+.70:
		o.step(h.rng.IntN(20) == 0)
	case x < share+.85:
		o.work()
	case x < share+.853:
		o.up = false
		h.note(o.id, " is away")
	case x < share+.86:
		o.restart()
		h.note(o.id, " restarts")
	case x < share+.87 && h.old == nil && !o.machine.Returning():
		h.old = &oldCopy{i, o.copy(), o.machine.Floors(), o.saved}
		h.note("snapshot of ", o.id)
	case x < share+.874 && h.old != nil:
		h.replace()
	case x < share+.882 && !slices.ContainsFunc(h.owners, func(o *owner) bool { return !o.up }):
		h.note("quiet")
		h.quiet(5 + h.rng.IntN(40)) // the frames stall meanwhile
	}
}

func (h *history) command(i int, c command) {
	o := h.owners[i]
	if !o.serves() {
		return
	}
	f, wrote := o.do(c)
	if !wrote {
		return
	}
	h.note(o.id, " ", c)
	h.ref.take(f, false)
	for j := range h.owners {
		if j != i {
			h.frames = append(h.frames, mail[frame]{i, j, f})
		}
	}
}

// speak sends a machine's message to all others; some are lost.
func (h *history) speak(i int) {
	msg := h.owners[i].machine.AppendMessage(nil)
	for j := range h.owners {
		if j != i && h.rng.IntN(5) > 0 {
			h.words = append(h.words, mail[[]byte]{i, j, msg})
		}
	}
	if n := len(h.words); n > 18 {
		h.words = slices.Delete(h.words, 0, n-18)
	}
}

// replace puts an old copy, or nothing at all, in the place of an owner, under a
// new node number. What only that owner had is given to all, or else it is lost.
func (h *history) replace() {
	old, k := h.old, h.old.at
	h.old = nil
	was := h.owners[k]
	h.nodes++
	n := h.newOwner(was.id, h.nodes)
	n.saved = old.saved
	if h.rng.IntN(3) == 0 {
		old.f, old.floors, n.saved = frame{}, Floors{}, nil // its disk is new
	}
	n.clock.Observe(was.clock.High())
	n.take(old.f, true)
	if h.rng.IntN(2) == 0 && !was.machine.Returning() {
		kept := was.copy()
		n.take(kept, true)
		for j := range h.owners {
			if j != k {
				h.frames = append(h.frames, mail[frame]{k, j, kept})
			}
		}
	} else {
		h.lossy = true
	}
	was.store.Close()
	h.owners[k] = n
	// Where no state was said since the copy was made, only the caller can know.
	n.start(h.lossy && bytes.Equal(n.saved, was.saved))
	// It was silent while it was replaced, and nobody serves before it has heard
	// of the others.
	n.silent()
	h.note(n.id, " is replaced, lossy ", h.lossy)
}

// silent has an owner hear of all others before it does anything.
func (o *owner) silent() {
	for _, z := range o.h.owners {
		if z != o {
			o.hear(z, z.machine.AppendMessage(nil))
		}
	}
	for range 3 {
		o.step(false)
	}
}

// quiet lets everything go well for some time.
func (h *history) quiet(steps int) {
	for range steps {
		h.wall++
		for i, o := range h.owners {
			o.step(false)
			for len(o.pending) > 0 {
				o.work()
			}
			msg := o.machine.AppendMessage(nil)
			for j, z := range h.owners {
				if j != i {
					z.hear(o, msg)
				}
			}
		}
	}
}

// finish brings everybody back, ends the rounds, delivers everything that
// stalled, and repairs until it is quiet. It says what is wrong in the end.
func (h *history) finish() string {
	for _, o := range h.owners {
		if !o.up {
			o.up = true
			o.restart()
		}
	}
	begun := datastore.At(h.wall, 0, 0)
	h.quiet(250)
	var wrong []string
	bad := func(f string, args ...any) { wrong = append(wrong, fmt.Sprintf(f, args...)) }
	for _, o := range h.owners {
		if o.machine.Returning() || o.machine.Floors().Floor.Less(begun) {
			bad("%s has floor %v, and stands %d; stalled by %+v", o.id, o.machine.Floors().Floor, o.machine.now.standing, o.machine.Stalled(h.time()))
		}
	}
	// One more round may just be ending somewhere: a floor is the last step.
	for range 60 {
		if !slices.ContainsFunc(h.owners, func(o *owner) bool { return o.machine.Floors().Floor != h.owners[0].machine.Floors().Floor }) {
			break
		}
		h.quiet(1)
	}
	fl := h.owners[0].machine.Floors().Floor
	for _, o := range h.owners {
		if o.machine.Floors().Floor != fl || o.machine.Floors().Before != h.owners[0].machine.Floors().Before {
			bad("%s has floors %v, %s %v", o.id, o.machine.Floors(), h.owners[0].id, h.owners[0].machine.Floors())
		}
	}
	h.rng.Shuffle(len(h.frames), func(i, j int) { h.frames[i], h.frames[j] = h.frames[j], h.frames[i] })
	for _, m := range h.frames {
		h.owners[m.to].take(m.what, false)
	}
	h.rng.Shuffle(len(h.held), func(i, j int) { h.held[i], h.held[j] = h.held[j], h.held[i] })
	for _, m := range h.held {
		h.arrives(m)
	}
	for range 3 {
		for i, o := range h.owners {
			for j, z := range h.owners {
				if i != j {
					o.take(z.copy(), false)
				}
			}
		}
	}
	for _, o := range h.owners {
		o.sweep()
	}
	return strings.Join(append(wrong, h.compare()...), "\n")
}

// compare compares what the owners hold and show, at several times.
func (h *history) compare() (wrong []string) {
	bad := func(f string, args ...any) { wrong = append(wrong, fmt.Sprintf(f, args...)) }
	high := h.ref.clock.High()
	for _, o := range h.owners {
		o.skew = 0
		if high.Less(o.clock.High()) {
			high = o.clock.High()
		}
	}
	h.ref.clock.Observe(high)
	for _, o := range h.owners {
		o.clock.Observe(high)
	}
	h.wall = max(h.wall, high.Millis())
	for range 3 {
		want := h.owners[0].show()
		for _, o := range h.owners {
			if got := o.show(); got != want {
				bad("at %d %s shows %s, %s %s", h.wall, o.id, got, h.owners[0].id, want)
			}
		}
		if all := h.ref.show(); all != want && !h.lossy {
			bad("at %d %s is shown, without a floor %s", h.wall, want, all)
		}
		h.wall += 7
	}
	for _, o := range h.owners {
		a, err := o.store.Digest(key)
		h.must(err)
		b, err := h.owners[0].store.Digest(key)
		h.must(err)
		if a != b || !slices.Equal(o.store.Resets(), h.owners[0].store.Resets()) {
			bad("%s and %s hold\n  %x %v\n  %x %v", o.id, h.owners[0].id, o.copy().delta, o.store.Resets(), h.owners[0].copy().delta, h.owners[0].store.Resets())
		}
	}
	return wrong
}

// TestMachine_RandomHistories_EqualJoiningEverything has three or four owners
// execute commands and agree on floors over a network that loses, repeats and
// reorders. Owners go away, crash in the middle of a step, restart, are replaced by an
// old copy or by nothing. When all are back, the floor rises, and all hold
// and show the same: what a store without a floor shows, unless an owner was
// lost with something that only it had.
func TestMachine_RandomHistories_EqualJoiningEverything(t *testing.T) {
	seeds := func(yield func(uint64) bool) {
		if *oneSeed != 0 {
			yield(*oneSeed)
			return
		}
		for end := time.Now().Add(*histories); time.Now().Before(end) && yield(rand.Uint64()|1); {
		}
	}
	n, lossy, rounds := 0, 0, 0
	for seed := range seeds {
		n++
		h := newHistory(t, seed)
		menu := menu(h.rng)
		share := []float64{.04, .10}[h.rng.IntN(2)]
		before := h.owners[0].machine.Floors().Floor
		for range 100 + h.rng.IntN(700) {
			h.step(menu, share)
			if f := h.owners[0].machine.Floors().Floor; f != before {
				before = f
				rounds++
			}
		}
		wrong := h.finish()
		h.close()
		if h.lossy {
			lossy++
		}
		if wrong != "" {
			t.Fatalf("-seed %d, after %d histories: %s\n%s", seed, n, wrong, strings.Join(h.log, "\n"))
		}
	}
	t.Logf("%d histories, %d with a loss, %d rounds besides the last", n, lossy, rounds)
}
