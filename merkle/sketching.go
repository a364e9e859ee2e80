package merkle

import "math"

// sketching is a job's sketch: what is asked for, what came, and what is made
// of it.
type sketching struct {
	upto, counted int // symbols, and counts of symbols, to ask for next

	own     *Sketch
	theirs  Sum
	counts  []int64 // differences of counts, theirs less ours
	decoder *Decoder
	had     int // symbols that came so far
}

const (
	// aheadMost counts of symbols are asked for ahead of the symbols: at 1.5
	// bytes each they say within 5 % how many symbols it will take.
	aheadMost = 1024
	// firstMost symbols are asked for at first, where many parts differ: enough
	// for some 150 differences.
	firstMost = 256
	// probe symbols begin the sketch of a piece; what is wanted are the counts,
	// as many as the piece would need if the differences are spread evenly.
	probe = 16
	// pieceSize is how many differences a piece should have, when a range is
	// cut: their symbols fit into one message.
	pieceSize = 1500
	// generous is up to how many differences more symbols than usual are asked
	// for, so that three round trips are enough. Beyond, symbols are saved.
	generous = 1200
	// maxPieces bounds what one cut makes, and with it the stack of jobs.
	maxPieces = 256
)

// ahead gives the counts that go with a number of symbols.
func ahead(symbols int) int { return min(sketchSize, max(symbols, min(4*symbols, aheadMost))) }

// firstSketch says how many symbols to ask for when k of the parts differ, of
// which we hold ours items and they theirs.
func firstSketch(k int, ours, theirs uint64) sketching {
	upto := firstMost
	if k < parts {
		// A token that differs is one item that somebody lacks, or two. By the numbers of
		// items we know how many there are at least of the former.
		tokens := occupied(k, parts)
		apart := float64(max(ours, theirs) - min(ours, theirs))
		// Few differences may need many times their number, and a single one is to
		// cost less than a kilobyte.
		few := float64(8 + 2*min(k, 11))
		upto = int(min(float64(upto), 1.25*max(apart, 2*tokens-apart)+few))
	}
	return sketching{upto: upto, counted: ahead(upto)}
}

func (s *sketching) ask(q *request) {
	q.first, q.upto = s.had, s.upto
	q.countFirst, q.countsUpto = len(s.counts), s.counted
}

// symbols takes symbols, and ends the job if they decode.
func (j *job) symbols(x *Exchange, q *request, r *reader) error {
	reply := r.symbols(q)
	if err := r.done(); err != nil {
		return err
	}
	s := &j.wanted
	switch {
	case s.own == nil:
		own, err := sketchOf(x.set, x.cfg.Key, x.cfg.Salt, masked(j.runs, j.mask))
		if err != nil {
			return err
		}
		s.own, s.theirs = own, reply.sum
		s.decoder = NewDecoder(x.cfg.Key, x.cfg.Salt)
	case s.theirs != reply.sum:
		// They made it anew, and their set has changed: what came does not fit.
		j.restart()
		return nil
	}
	own := s.own.Symbols()
	for i, n := range reply.counts {
		s.counts = append(s.counts, n-own[q.countFirst+i].Count)
	}
	for i := range reply.symbols {
		reply.symbols[i].Count = s.counts[s.had+i] + own[s.had+i].Count
		reply.symbols[i] = reply.symbols[i].Minus(own[s.had+i])
	}
	if err := s.decoder.Push(reply.symbols...); err != nil {
		// The symbols that came are of no use, nor is the request for more.
		j.restart()
		x.asked, x.message = nil, nil
		return err
	}
	s.had += len(reply.symbols)
	x.stats.Symbols += len(reply.symbols)
	if s.decoder.Done() {
		j.decoded(x)
		return nil
	}
	j.more(x)
	return nil
}

// decoded takes what was found, if it explains the difference of the two sums.
func (j *job) decoded(x *Exchange) {
	s := &j.wanted
	here, there := s.decoder.Found(nil, nil)
	apart := s.own.Sum().Minus(s.theirs)
	for _, it := range here {
		apart = apart.Minus(of(it))
	}
	for _, it := range there {
		apart = apart.Plus(of(it))
	}
	if apart != (Sum{}) || !inside(masked(j.runs, j.mask), here, there) {
		j.restart()
		return
	}
	x.onlyHere(here...)
	x.onlyThere(there...)
	x.finish()
}

// restart begins the job's sketch anew, or a list when that has not helped.
func (j *job) restart() {
	if j.again++; j.again > maxAgain {
		j.list()
		return
	}
	j.wanted = sketching{upto: j.wanted.upto, counted: j.wanted.counted}
}

// more decides how to go on with a sketch that has not decoded yet.
func (j *job) more(x *Exchange) {
	s := &j.wanted
	if s.had < s.upto { // the message was full
		return
	}
	delta := int64(s.theirs.Count - s.own.Sum().Count)
	d, deviation := estimate(s.counts, float64(delta))
	d = max(d, float64(len(s.decoder.found)))
	need := max(usually(d*(1-deviation/2)), s.had+max(16, s.had/25))
	if d <= generous && !j.piece {
		need = max(surely(d, deviation), s.had+s.had/4+16)
	}
	switch {
	case listIsCheaper(s.theirs.Count, need-s.had):
		j.list()
	case usually(d) > sketchSize || s.had == sketchSize:
		j.cut(x, d)
	default:
		s.upto = min(need, sketchSize)
		s.counted = max(len(s.counts), ahead(s.upto))
	}
}

// cut makes several jobs of one.
func (j *job) cut(x *Exchange, d float64) {
	runs := masked(j.runs, j.mask)
	if tokens(runs) == 0 {
		j.list()
		return
	}
	n := min(max(2, math.Ceil(d/pieceSize)), maxPieces)
	counted := min(max(ahead(probe), usually(d/n)), sketchSize)
	var jobs []*job
	for _, runs := range split(runs, int(n)) {
		if len(runs) > 0 {
			jobs = append(jobs, &job{runs: runs, step: stepSketch, piece: true, wanted: sketching{upto: probe, counted: counted}})
		}
	}
	x.finish(jobs...)
}
