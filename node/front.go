package node

import (
	"fmt"
	"net"
	"strconv"

	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/node/internal/frontend"
	"github.com/dynomite-go/dynomite/quorum"
)

// newFrontend translates the node into what the frontend shows of it.
func (n *Node) newFrontend() (*frontend.Frontend, error) {
	read, err := quorum.ParseLevel(n.cfg.ReadConsistency)
	if err != nil {
		return nil, err
	}
	write, err := quorum.ParseLevel(n.cfg.WriteConsistency)
	if err != nil {
		return nil, err
	}
	host, port, _ := net.SplitHostPort(n.cfg.Listen)
	p, _ := strconv.Atoi(port)
	return frontend.New(frontend.Config{
		Router:      n.coord,
		Facts:       n.facts(),
		ReadLevel:   read,
		WriteLevel:  write,
		MaxClients:  n.cfg.MaxClients,
		IdleTimeout: n.cfg.IdleTimeout,
		Version:     Version(),
		Port:        p,
		Bind:        host,
		Dir:         n.cfg.DataDir,
		Logger:      n.log,
	})
}

func (n *Node) facts() frontend.Facts {
	held := func(f func(datastore.Store) int) func() int64 {
		return func() int64 {
			if s := n.store.Load(); s != nil {
				return int64(f(s.Store))
			}
			return 0
		}
	}
	return frontend.Facts{
		Keys:    held(datastore.Store.Len),
		Expires: held(datastore.Store.Expires),
		Hits:    func() int64 { return int64(n.coord.Counts().Hits) },
		Misses:  func() int64 { return int64(n.coord.Counts().Misses) },
		Expired: func() int64 {
			s, _ := n.storeStats()
			return int64(s.Expired)
		},
		ResetStats: n.coord.ResetHits,
		Memory:     n.memoryInUse,
		Log:        n.logFacts,
		Hints:      n.hintFacts,
		AwaitHints: n.awaitHints,
		Dynomite:   n.lines,
	}
}

// lines are INFO's section of this node.
func (n *Node) lines() []frontend.Field {
	fields := []frontend.Field{
		{Name: "node", Value: n.ID()},
		{Name: "cluster", Value: n.cfg.Cluster},
		{Name: "datacenter", Value: n.cfg.Datacenter},
		{Name: "rack", Value: n.cfg.Rack},
	}
	state := "ok"
	if err := n.Ready(); err != nil {
		state = err.Error()
	}
	fields = append(fields, frontend.Field{Name: "ready", Value: state})
	if l := n.layout.Load(); l != nil {
		fields = append(fields,
			frontend.Field{Name: "layout_epoch", Value: strconv.FormatUint(l.Epoch, 10)},
			frontend.Field{Name: "replicas", Value: strconv.Itoa(l.Replicas)},
			frontend.Field{Name: "hash", Value: l.Hash},
			frontend.Field{Name: "distribution", Value: l.Distribution})
	}
	for i, m := range n.Members() {
		what := "down"
		switch {
		case m.Complete:
			what = "up"
		case m.Reachable:
			what = "catching-up"
		}
		fields = append(fields, frontend.Field{
			Name:  fmt.Sprintf("member%d", i),
			Value: fmt.Sprintf("id=%s,dc=%s,rack=%s,peer=%s,client=%s,state=%s", m.ID, m.Datacenter, m.Rack, m.PeerAddr, m.ClientAddr, what),
		})
	}
	c := n.coord.Counts()
	for _, f := range []struct {
		name  string
		value uint64
	}{
		{"acks_dc_one", c.Acks[quorum.DCOne]},
		{"acks_dc_quorum", c.Acks[quorum.DCQuorum]},
		{"acks_dc_each_safe_quorum", c.Acks[quorum.DCEachSafeQuorum]},
		{"forwarded", c.Forwarded},
		{"served", c.Served},
		{"deltas_merged", c.Merged},
		{"deltas_lost", c.Lost},
		{"deltas_missed", c.Missed},
		{"conflicts", c.Conflicts},
		{"reexecutions", c.Reexecutions},
		{"read_repairs_in", c.ReadRepairs.In},
		{"read_repairs_out", c.ReadRepairs.Out},
		{"write_repairs_in", c.WriteRepairs.In},
		{"write_repairs_out", c.WriteRepairs.Out},
		{"late_repairs_in", c.LateRepairs.In},
		{"late_repairs_out", c.LateRepairs.Out},
		{"reads_coalesced", c.Coalesced},
		{"hedges", c.Hedges},
		{"refused", c.Refused},
		{"unknown_outcomes", c.Unknown},
		{"catch_ups", n.catchUp.runs.Load()},
	} {
		fields = append(fields, frontend.Field{Name: f.name, Value: strconv.FormatUint(f.value, 10)})
	}
	return fields
}
