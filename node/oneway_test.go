package node_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynomite-go/dynomite/node"
	"github.com/dynomite-go/dynomite/node/nodetest"
)

// oneWay breaks the streams that are dialed to one address, and no others.
type oneWay struct {
	mu     sync.Mutex
	addr   string
	broken bool
	conns  []net.Conn
}

func (o *oneWay) Client(_ context.Context, conn net.Conn, addr string) (net.Conn, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if addr == o.addr {
		if o.broken {
			return nil, errors.New("no way")
		}
		o.conns = append(o.conns, conn)
	}
	return conn, nil
}
func (o *oneWay) Server(_ context.Context, conn net.Conn) (net.Conn, error) { return conn, nil }
func (o *oneWay) GossipKey() []byte                                         { return make([]byte, 16) }

func TestCluster_NodeThatNobodyReaches_IsNoPrimary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		way := &oneWay{addr: "127.0.1.2:8101"}
		c := nodetest.NewCluster(t, 3, nodetest.WithNodeOptions(func(int) []node.Option {
			return []node.Option{node.WithPeerAuth(way)}
		}))
		time.Sleep(10 * time.Second)
		way.mu.Lock()
		way.broken = true
		for _, conn := range way.conns {
			conn.Close()
		}
		way.mu.Unlock()
		time.Sleep(20 * time.Second)
		for _, k := range []string{"a", "b", "c", "d", "e", "f"} {
			want(t, c.Do(0, "SET", k, "one"), "OK")
			want(t, c.Do(0, "INCR", "n"+k), 1)
			time.Sleep(10 * time.Second)
			got, err := c.Try(1, "SETNX", k, "two")
			t.Log("SETNX", got, err)
			if err == nil && got != int64(0) {
				t.Errorf("SETNX of %s, which was acknowledged ten seconds ago: %v", k, got)
			}
			got, err = c.Try(1, "INCR", "n"+k)
			t.Log("INCR", got, err)
			if err == nil && got != int64(2) {
				t.Errorf("the second INCR: %v", got)
			}
		}
	})
}
