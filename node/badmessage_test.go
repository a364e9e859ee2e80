package node_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynomite-go/dynomite/node"
	"github.com/dynomite-go/dynomite/node/nodetest"
	"github.com/dynomite-go/dynomite/peerwire"
)

// A peer that sends what makes no sense gets answers that it can tell from
// others, is counted, and harms nobody.
func TestPeer_ThatSendsNonsense_IsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var epoch peerwire.Epoch
		c := nodetest.NewCluster(t, 3, nodetest.WithNodeOptions(func(int) []node.Option {
			return []node.Option{node.WithObserver(node.Observer{LayoutFormed: func(l node.LayoutInfo) {
				mu.Lock()
				defer mu.Unlock()
				epoch = peerwire.Epoch{Number: l.Epoch, Hash: l.Hash}
			}})}
		}))
		from := c.Network.Transport(c.Host(1))
		p, err := peerwire.NewPeer(peerwire.PeerConfig{
			Dial:    func(ctx context.Context) (net.Conn, error) { return from.Dial(ctx, c.Host(0)+":8101") },
			Cluster: "test", Node: "n1", Remote: "n0",
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		sent := 0
		mu.Lock()
		defer mu.Unlock()
		for kind := byte(6); kind < 24; kind++ {
			for _, text := range []string{"", "\x01", "\x02\x00\xff\xff\xff\xff", "\x01nonsense of any length, which is no message of this kind or of another"} {
				payload := []byte(text)
				if kind == 6 { // of floors, which nobody answers
					if err := p.Notify(peerwire.Request{Kind: kind, Epoch: epoch, Payload: payload}); err != nil {
						t.Fatal(err)
					}
					sent++
					continue
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				if _, err := p.Call(ctx, peerwire.Request{Kind: kind, Epoch: epoch, Payload: payload}); ctx.Err() != nil {
					t.Errorf("kind %d: no answer to %q, %v", kind, text, err)
				}
				cancel()
			}
		}
		time.Sleep(time.Second)
		got := gathered(t, c.Nodes[0])
		if n := got["dynomited_peer_bad_messages_total{peer=n1}"]; n < float64(sent)+10 {
			t.Errorf("%v messages are counted", n)
		}
		if err := p.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		c.WaitComplete(0)
		want(t, c.Do(0, "SET", "k", "v"), "OK")
		want(t, c.Do(2, "GET", "k"), "v")
	})
}
