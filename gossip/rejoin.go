package gossip

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"
)

// keepJoined joins seeds until one answers, again whenever we are alone, and
// from time to time those who should be members and are not.
func (m *Membership) keepJoined(ctx context.Context) {
	failing := false
	for {
		err := m.join(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil && !failing {
			m.log.Warn("no seed answers yet, trying on", "err", err)
		}
		failing = err != nil
		pause := m.tuning.RejoinInterval
		if m.alone() {
			pause = m.tuning.JoinInterval
		}
		// A quarter is random, so that nodes that started together spread out.
		t := time.NewTimer(pause - pause/8 + rand.N(pause/4+1))
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return
		}
	}
}

func (m *Membership) alone() bool {
	for _, k := range m.view.list() {
		if k.State == StateAlive && k.Name != m.cfg.Name {
			return false
		}
	}
	return true
}

// join makes one attempt: all addresses while we are alone, else one of those
// that are missing. It returns an error when we are alone and stay so, though
// there was somebody to try.
func (m *Membership) join(ctx context.Context) error {
	missing, err := m.missing(ctx)
	if len(missing) == 0 {
		return err
	}
	alone := m.alone()
	if !alone {
		missing = missing[rand.N(len(missing)):][:1]
	}
	_, joinErr := m.list.Join(missing)
	if joinErr != nil && !alone {
		m.log.Debug("missing member does not answer", "addr", missing[0], "err", joinErr)
		return nil
	}
	return joinErr
}

// missing returns the addresses of seeds and failed members at which nobody is
// alive, as far as we know.
func (m *Membership) missing(ctx context.Context) ([]string, error) {
	seeds := slices.Clone(m.cfg.Seeds)
	var firstErr error
	if m.cfg.FindSeeds != nil {
		more, err := m.cfg.FindSeeds(ctx)
		seeds, firstErr = append(seeds, more...), err
	}
	here := map[string]bool{m.transport.advertise.String(): true}
	var missing []string
	for _, k := range m.view.list() {
		if k.State == StateAlive {
			here[k.Addr] = true
		} else {
			missing = append(missing, k.Addr)
		}
	}
	for _, seed := range seeds {
		addrs, err := resolve(ctx, seed)
		if err != nil && firstErr == nil {
			firstErr = err
		}
		for _, a := range addrs {
			missing = append(missing, a.String())
		}
	}
	slices.Sort(missing)
	missing = slices.Compact(missing)
	missing = slices.DeleteFunc(missing, func(addr string) bool { return here[addr] })
	return missing, firstErr
}
