package node

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/dynomite-go/dynomite/node/internal/coordinator"
	"github.com/dynomite-go/dynomite/peerwire"
)

// What asks or executes is refused once its sender has given up: "certainly not
// executed" is what that hears. What brings records is taken all the same.
func TestHandle_AfterTheDeadline(t *testing.T) {
	n := alone(t, func(c *Config) { c.AppendFsync, c.DataDir = "always", t.TempDir() })
	defer stopNode(t, n)
	server, err := peerwire.NewServer(peerwire.ServerConfig{
		Handler: peerwire.HandlerFunc(func(in *peerwire.Incoming) {
			in.Deadline = time.Now() // it has waited until now for its turn
			peerHandler{n}.Handle(in)
		}),
		Cluster: n.cfg.Cluster,
	})
	if err != nil {
		t.Fatal(err)
	}
	p, err := peerwire.NewPeer(peerwire.PeerConfig{
		Dial: func(context.Context) (net.Conn, error) {
			near, far := net.Pipe()
			go func() { _ = server.ServeConn(far) }()
			return near, nil
		},
		Cluster: n.cfg.Cluster, Node: "other",
	})
	if err != nil {
		t.Fatal(err)
	}
	within(t, "the connection", func() { err = errors.Join(p.Start(t.Context()), p.Ready(t.Context())) })
	if err != nil {
		t.Fatal(err)
	}
	defer within(t, "Stop", func() { _, _ = p.Stop(context.Background()), server.Stop(context.Background()) })

	incr := []byte("\x01\x02\x01\x01\x02\x04INCR\x01n") // format, protocol, levels, words
	if _, err := n.Do(t.Context(), "SET", "from", "v"); err != nil {
		t.Fatal(err)
	}
	record, err := (*n.store.Load()).Record([]byte("from"), nil)
	if err != nil {
		t.Fatal(err)
	}
	var delta coordinator.Deliver
	delta.Add([]byte("to"), record)
	for _, c := range []struct {
		name    string
		kind    byte
		payload []byte
		refused bool
	}{
		{"execute", coordinator.KindExec, incr, true},
		{"keyspace", coordinator.KindKeyspace, nil, true},
		{"compare", coordinator.KindCompare, nil, true},
		{"apply", coordinator.KindApply, delta.Message(), false},
		{"reset", coordinator.KindReset, nil, false},
		{"reconcile", coordinator.KindReconcile, nil, false},
	} {
		within(t, c.name, func() {
			_, err := p.Call(t.Context(), peerwire.Request{Kind: c.kind, Epoch: n.epoch(), Payload: c.payload})
			if refused := errors.Is(err, peerwire.ErrUnavailable) && !peerwire.Sent(err); refused != c.refused {
				t.Errorf("%s: %v", c.name, err)
			}
		})
	}
	for key, want := range map[string]any{"n": nil, "to": "v"} {
		if got, err := n.Do(t.Context(), "GET", key); err != nil || got != want {
			t.Errorf("%s is %v, %v", key, got, err)
		}
	}
}
