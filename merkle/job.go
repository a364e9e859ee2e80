package merkle

import (
	"math/bits"

	"github.com/dynomite-go/dynomite/hashkit"
)

// step is what a job does next with its ranges.
type step byte

const (
	stepCompare step = iota // sums, and fingerprints of parts
	stepSketch              // symbols, until they decode
	stepList                // all items
)

// A job is a part of the token space that is to be compared: by sums, then by
// a sketch of the parts that differ; in pieces if a sketch is too small for it,
// by a list where that costs less. Jobs are a stack, in the order of tokens.
type job struct {
	runs   []Range
	mask   uint64 // the parts of runs that are meant, zero for all
	step   step
	piece  bool // cut out of a range with many differences: bytes matter, round trips do not
	summed bool // the sums are part of Exchange.apart
	again  int  // attempts that changing sets made worthless

	wanted sketching
	// A list: what comes before after is done; ours is a piece of our own.
	after *Item
	ours  *ownList
}

// maxAgain is how often a job is begun again before something surer is done.
const maxAgain = 2

func (j *job) ask(x *Exchange, q *request) (err error) {
	q.runs = j.runs
	switch j.step {
	case stepCompare:
		q.kind = askCompare
		q.sum, err = sumRuns(x.set, j.runs)
	case stepSketch:
		q.kind, q.mask = askSymbols, j.mask
		j.wanted.ask(q)
	case stepList:
		q.kind, q.after = askItems, j.after
		err = j.load(x.set)
		q.runs = j.ours.runs
	}
	return err
}

// equal takes the word that both sums are the same. It is about what we had when
// we asked, so we look again.
func (j *job) equal(x *Exchange, q *request, r *reader) error {
	if err := r.done(); err != nil {
		return err
	}
	now, err := sumRuns(x.set, j.runs)
	if err != nil {
		return err
	}
	j.compared(x, q.sum, q.sum)
	x.moved = x.moved || now != q.sum
	x.finish()
	return nil
}

// compared notes, once, the sums that what is found has to explain.
func (j *job) compared(x *Exchange, ours, theirs Sum) {
	if !j.summed {
		x.apart = x.apart.Plus(theirs.Minus(ours))
		j.summed = true
	}
	x.differ = x.differ || ours != theirs
}

// few takes a short list of everything that they have.
func (j *job) few(x *Exchange, q *request, r *reader) error {
	complete := r.byte()
	items := r.items(j.runs, nil)
	if complete != 1 {
		r.fail("a short list that is not complete")
	}
	if err := r.done(); err != nil {
		return err
	}
	var own []Item
	most := 2 * someItems
	err := sorted(x.set, j.runs, func(it Item) bool {
		own = append(own, it)
		return len(own) < most
	})
	if err != nil {
		return err
	}
	if len(own) == most { // it has grown beyond what a step should hold
		j.step = stepList
		return nil
	}
	var sum Sum
	for _, it := range items {
		sum = sum.Plus(of(it))
	}
	j.compared(x, q.sum, sum)
	x.stats.Listed += len(items)
	x.merge(own, items)
	x.finish()
	return nil
}

// parts takes the fingerprints, and decides what to do with the parts that differ.
func (j *job) parts(x *Exchange, q *request, r *reader) error {
	theirs := r.sum()
	if theirs == q.sum {
		r.fail("parts where the sums are equal")
	}
	var prints [parts]uint32
	for i := range prints {
		prints[i] = r.uint32()
	}
	if err := r.done(); err != nil {
		return err
	}
	own, err := fingerprints(x.set, x.cfg.Key, q)
	if err != nil {
		return err
	}
	var mask uint64
	var same, differ Sum // what we hold in either kind of part
	for i, piece := range split(j.runs, parts) {
		sum, err := sumRuns(x.set, piece)
		if err != nil {
			return err
		}
		if own[i] == prints[i] {
			same = same.Plus(sum)
			continue
		}
		mask |= 1 << i
		differ = differ.Plus(sum)
	}
	j.compared(x, q.sum, theirs)
	if mask == 0 {
		// A set changed between the sums and the fingerprints.
		if j.again++; j.again > maxAgain {
			j.step = stepList
		}
		return nil
	}
	count := theirs.Count - min(theirs.Count, same.Count)
	j.mask = mask
	if mask == 1<<parts-1 {
		j.mask = 0
	}
	j.step = stepSketch
	j.wanted = firstSketch(bits.OnesCount64(mask), differ.Count, count)
	apart := max(count, differ.Count) - min(count, differ.Count)
	if listIsCheaper(count, max(j.wanted.upto, usually(float64(apart)))) {
		j.list()
	}
	return nil
}

// list turns the job to a list of its ranges.
func (j *job) list() {
	*j = job{runs: masked(j.runs, j.mask), step: stepList}
}

// listIsCheaper compares the bytes of n items with those of more symbols.
func listIsCheaper(n uint64, symbols int) bool {
	return float64(n)*15 < float64(symbols)*(symbolSize+1.5)
}

// remaining is what of the job's ranges has not been dealt with.
func (j *job) remaining() []Range {
	if j.after != nil {
		return clip(j.runs, j.after.Token, hashkit.MaxToken)
	}
	return j.runs
}
