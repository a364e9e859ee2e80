package node_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynomite-go/dynomite/node"
	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/node/datastore/disk/disktest"
	"github.com/dynomite-go/dynomite/node/nodetest"
)

func TestMetrics_WhatTwoPrimariesDoToEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Node 0's clock is ahead, within what is allowed, so what node 2 stamps
		// loses to what node 0 wrote before.
		c := nodetest.NewCluster(t, 3, nodetest.WithNodeOptions(func(i int) []node.Option {
			if i != 0 {
				return nil
			}
			return []node.Option{node.WithClock(func() int64 { return time.Now().Add(400 * time.Millisecond).UnixMilli() })}
		}))
		sum := func(name string) (total float64) {
			for _, n := range c.Nodes {
				total += gathered(t, n)["dynomited_"+name]
			}
			return total
		}
		c.Network.Cut(c.Host(0), c.Host(2))
		// Nobody has noticed yet: what goes from 0 to 2 stalls.
		for i := range 20 {
			_, _ = c.Try(0, "SET", fmt.Sprintf("k%d", i), "v")
			_, _ = c.Try(2, "GET", fmt.Sprintf("k%d", i))
		}
		for _, name := range []string{"unknown_outcomes_total", "repairs_total{cause=read}", "reexecutions_total"} {
			if sum(name) == 0 {
				t.Errorf("%s did not grow", name)
			}
		}
		time.Sleep(2 * time.Second)
		lost := sum("deltas_lost_total")
		for i := range 20 {
			key := fmt.Sprintf("j%d", i)
			c.Do(0, "SET", key, "first")
			time.Sleep(50 * time.Millisecond)
			c.Do(2, "SET", key, "second")
			want(t, c.Do(1, "GET", key), "second")
		}
		if sum("deltas_lost_total") == lost {
			t.Error("deltas_lost_total did not grow")
		}
	})
}

func TestMetrics_LogAndConnections(t *testing.T) {
	disk := disktest.New(rand.New(rand.NewPCG(1, 2)))
	var store *datastore.Memory
	n, err := node.New(node.Config{
		Listen: "127.0.0.1:0", PeerListen: "127.0.0.1:0", AdminListen: "none",
		DataDir: t.TempDir(), AppendFsync: "always", MaxClients: 1,
	}, node.WithDatastore(func(ctx context.Context, info node.StoreInfo) (datastore.Store, error) {
		var err error
		store, err = datastore.Open(ctx, datastore.Config{
			Token: info.Token, Clock: info.Clock, DigestKey: info.DigestKey, Dir: info.Dir, Sync: info.Sync, FS: disk,
		})
		return store, err
	}))
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	stopped := false
	defer func() {
		if !stopped {
			_ = n.Stop(context.Background())
		}
	}()
	if _, err := n.Do(t.Context(), "SET", "k", "v"); err != nil {
		t.Fatal(err)
	}
	// Do's own connection is the one that MaxClients admits.
	conn, err := net.Dial("tcp", n.Addr())
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 100)
	k, _ := conn.Read(buf)
	want(t, string(buf[:k]), "-ERR max number of clients reached\r\n")
	conn.Close()
	if err := store.Rewrite(); err != nil {
		t.Fatal(err)
	}
	m := gathered(t, n)
	for _, name := range []string{"log_bytes", "log_appended_bytes_total", "log_writes_total", "log_syncs_total", "log_rewrites_total", "connections", "connections_refused_total"} {
		if m["dynomited_"+name] <= 0 {
			t.Errorf("%s is %v", name, m["dynomited_"+name])
		}
	}
	disk.Fail(func(disktest.Op) error { return errors.New("no space left") })
	_, err = n.Do(t.Context(), "SET", "k", "w")
	var reply node.ReplyError
	if !errors.As(err, &reply) {
		t.Fatalf("a write that the log could not take: %v", err)
	}
	if gathered(t, n)["dynomited_log_errors_total"] == 0 {
		t.Error("log_errors_total did not grow")
	}
	disk.Fail(nil)
	stopped = true
	if err := n.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
}
