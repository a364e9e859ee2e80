package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/hints"
	"github.com/dynomite-go/dynomite/node/internal/coordinator"
)

// RepairProgress is how far Repair has come with one peer.
type RepairProgress struct {
	Peer string
	// Done and Parts are how many parts of the token ranges were compared, and
	// are to be; Pass is 2 when what a later peer had is given to an earlier one.
	Done, Parts, Pass int
	// Differed is how many keys differed so far, Members how many fields of large
	// collections; Fetched and Pushed are the records, or parts of large ones, that were taken and given.
	Differed, Members, Fetched, Pushed int
	// Rounds and Bytes are the round trips so far and their bytes.
	Rounds, Bytes int
	Took          time.Duration
	// Err is why the peer was given up.
	Err error `json:"-"`
}

// Repair compares now what this node owns of the tokens from..to, both included, with each other owner that can be
// reached, and makes them equal. progress, which may be nil, hears of every part
// that is done and of every peer; it must not stop the node. The error names the
// peers that could not be compared with. Stop breaks it off, and waits for it.
func (n *Node) Repair(ctx context.Context, from, to uint64, progress func(RepairProgress)) error {
	if from > to {
		return fmt.Errorf("node: a range from %#x to %#x is empty", from, to)
	}
	if n.coord.Cluster() == nil {
		return fmt.Errorf("node: there is nothing to repair yet: %s", n.waiting.String())
	}
	if progress == nil {
		progress = func(RepairProgress) {}
	}
	ctx, done, err := n.during(ctx)
	if err != nil {
		return err
	}
	defer done()
	span := []hints.Range{{From: from, To: to}}
	var errs []error
	var earlier []*peer
	again := 0 // how many of the peers before lack what a later one had
	for _, q := range n.peers.all() {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		got, err := n.antiEntropy.repair(ctx, q, span, 1, progress)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", q.member.ID, err))
			continue
		}
		if got.Fetched > 0 {
			again = len(earlier)
		}
		earlier = append(earlier, q)
	}
	for _, q := range earlier[:again] {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if _, err := n.antiEntropy.repair(ctx, q, span, 2, progress); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", q.member.ID, err))
		}
	}
	return errors.Join(errs...)
}

func (a *antiEntropy) repair(ctx context.Context, q *peer, span []hints.Range, pass int, progress func(RepairProgress)) (all coordinator.Comparison, err error) {
	runs := intersect(sharedRanges(a.n.coord.Cluster(), q.member.Index), span)
	parts := a.n.coord.Parts(runs)
	tell := func(done int, err error) {
		progress(RepairProgress{
			Peer: q.member.ID, Done: done, Parts: len(parts), Pass: pass,
			Differed: all.Differed, Members: all.Members, Fetched: all.Fetched, Pushed: all.Pushed,
			Rounds: all.Rounds, Bytes: all.Sent + all.Received, Took: all.Took, Err: err,
		})
	}
	if !q.meets() {
		err = errors.New("does not answer, or has not connected to this node")
		tell(0, err)
		return all, err
	}
	if err := a.n.floors.await(ctx, q); err != nil {
		tell(0, err)
		return all, err
	}
	for i, part := range parts {
		got, err := a.n.handoff.compare(ctx, q.member.Index, hintRanges(part))
		all.Add(got)
		a.operator.add(got)
		if err != nil {
			tell(i, err)
			return all, err
		}
		tell(i+1, nil)
	}
	return all, nil
}

func hintRanges(runs []coordinator.Range) []hints.Range {
	out := make([]hints.Range, len(runs))
	for i, r := range runs {
		out[i] = hints.Range{From: uint64(r.From), To: uint64(r.To)}
	}
	return out
}

// repairLine is a line of the answer to POST /repair: a step, or the end.
type repairLine struct {
	RepairProgress
	// Error is why the peer, or in the last line the whole, failed.
	Error string `json:",omitempty"`
	// End is true in the last line.
	End bool `json:",omitempty"`
}

// repair runs Repair and writes its progress as it goes.
func (a *adminServer) repair(w http.ResponseWriter, r *http.Request) {
	from, to := uint64(0), uint64(math.MaxUint64)
	for name, v := range map[string]*uint64{"from": &from, "to": &to} {
		text := r.FormValue(name)
		if text == "" {
			continue
		}
		token, err := hashkit.ParseToken(text)
		if err != nil {
			http.Error(w, fmt.Sprintf("%s: %v", name, err), http.StatusBadRequest)
			return
		}
		*v = uint64(token)
	}
	if from > to {
		http.Error(w, fmt.Sprintf("from %#x is above to %#x", from, to), http.StatusBadRequest)
		return
	}
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Time{}) // it takes as long as it takes
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := json.NewEncoder(w)
	say := func(line repairLine) {
		if line.Err != nil {
			line.Error, line.Err = line.Err.Error(), nil
		}
		_ = out.Encode(line)
		_ = control.Flush()
	}
	err := a.n.Repair(r.Context(), from, to, func(p RepairProgress) { say(repairLine{RepairProgress: p}) })
	say(repairLine{RepairProgress: RepairProgress{Err: err}, End: true})
}
