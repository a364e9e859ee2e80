package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/dynomite-go/dynomite/node/datastore"
)

// upkeepKeys is how many keys the stores hold, upkeepMerges how many deltas each
// merges in a run.
const (
	upkeepKeys   = 1_000_000
	upkeepMerges = 200_000
)

const goalUpkeep = 0.05 // of a SET's processor time

// merger merges the same deltas into two stores, of which one is tracked.
type merger struct {
	plain, tracked *datastore.Memory
	writer         *datastore.Memory
	rng            *rand.Rand
}

type overwrite struct{ value []byte }

func (o overwrite) Update(_ *datastore.View, d *datastore.Delta) { d.Overwrite(o.value) }

func newMerger(ctx context.Context) (*merger, error) {
	m := &merger{rng: rand.New(rand.NewPCG(1, 2))}
	for i, s := range []**datastore.Memory{&m.plain, &m.tracked, &m.writer} {
		store, err := datastore.Open(ctx, datastore.Config{Clock: datastore.NewClock(uint32(i+1), nil)})
		if err != nil {
			return nil, err
		}
		*s = store
	}
	m.tracked.Track()
	for i := range upkeepKeys {
		if _, _, err := m.merge(i, []*datastore.Memory{m.plain, m.tracked}); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *merger) close() {
	for _, s := range []*datastore.Memory{m.plain, m.tracked, m.writer} {
		s.Close()
	}
}

func (m *merger) merge(i int, into []*datastore.Memory) (key, delta []byte, err error) {
	key = fmt.Appendf(nil, "key:%012d", i)
	up, err := m.writer.Update(key, overwrite{make([]byte, size)}, nil)
	if err != nil {
		return nil, nil, err
	}
	for _, s := range into {
		if _, err := s.Merge(key, up.Delta, datastore.MergeOptions{}, nil); err != nil {
			return nil, nil, err
		}
	}
	return key, up.Delta, nil
}

// run is the time of a merge in both stores. Time passes between runs as it
// does under load: what is remembered of each second is forgotten again.
func (m *merger) run() (plain, tracked time.Duration, err error) {
	keys, deltas := make([][]byte, upkeepMerges), make([][]byte, upkeepMerges)
	for i := range keys {
		if keys[i], deltas[i], err = m.merge(m.rng.IntN(upkeepKeys), nil); err != nil {
			return 0, 0, err
		}
	}
	timed := func(s *datastore.Memory) (time.Duration, error) {
		began := time.Now()
		for i := range keys {
			if _, err := s.Merge(keys[i], deltas[i], datastore.MergeOptions{}, nil); err != nil {
				return 0, err
			}
		}
		s.Settle(0)
		return time.Since(began) / upkeepMerges, nil
	}
	order := []*datastore.Memory{m.plain, m.tracked}
	if m.rng.IntN(2) == 0 {
		order[0], order[1] = order[1], order[0]
	}
	for _, s := range order {
		took, err := timed(s)
		if err != nil {
			return 0, 0, err
		}
		if s == m.plain {
			plain = took
		} else {
			tracked = took
		}
	}
	return plain, tracked, nil
}

func measureUpkeep(ctx context.Context, o repairOptions) (string, error) {
	m, err := newMerger(ctx)
	if err != nil {
		return "", err
	}
	defer m.close()
	runs := max(10, o.runs)
	var without, with, more []float64
	for range runs {
		plain, tracked, err := m.run()
		if err != nil {
			return "", err
		}
		without, with = append(without, float64(plain)), append(with, float64(tracked))
		more = append(more, float64(tracked-plain))
		if err := rest(ctx, 2*time.Second); err != nil { // a generation
			return "", err
		}
	}
	f, err := newFleet(ctx, o.binary, "")
	if err != nil {
		return "", err
	}
	defer f.stop()
	if err := fill(ctx, f.nodes[0].port, keys); err != nil {
		return "", err
	}
	before, err := cpuTime(f.pids()...)
	if err != nil {
		return "", err
	}
	load := traffic{clients: clients, sets: 1, keys: keys, level: "DC_QUORUM", port: f.nodes[0].port}
	got, err := load.run(ctx, o.length)
	if err != nil {
		return "", err
	}
	after, err := cpuTime(f.pids()...)
	if err != nil {
		return "", err
	}
	set := float64(after-before) / float64(got.total)
	share := 3 * spreadOf(more).median / set
	fmt.Printf("upkeep: %.0f ns more than %.0f, of %.0f ns a SET\n", spreadOf(more).median, spreadOf(without).median, set)
	return fmt.Sprintf(`Two stores with %d keys merge the same %d deltas of random keys in turn, %d runs; one is tracked, so it remembers what records were before they changed in the last seconds. A SET's processor time is that of all three nodes, %d clients without pipelining. Three owners pay for the upkeep of each SET.

| ns a merge | tracked | more | processor time of a SET, us | upkeep of three owners | goal | |
|---|---|---|---|---|---|---|
| %s | %s | %s | %.1f | %.3f | %.2f | %s |`, upkeepKeys, upkeepMerges, runs, clients,
		thousands(spreadOf(without)), thousands(spreadOf(with)), thousands(spreadOf(more)), set/1e3, share, goalUpkeep, verdict(share, goalUpkeep, true)), nil
}
