package nodetest_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/dynomite-go/dynomite/node"
	"github.com/dynomite-go/dynomite/node/nodetest"
)

// Whatever happened to a cluster, it ends with its test: synctest fails if a
// goroutine of the bubble is left, goleak if one is outside.
func TestCluster_EndsWithoutALeak(t *testing.T) {
	for name, trouble := range map[string]func(c *nodetest.Cluster){
		"nothing": func(*nodetest.Cluster) {},
		"a cut that is not healed": func(c *nodetest.Cluster) {
			c.Network.Cut(c.Host(0), c.Host(1))
		},
		"nobody reaches anybody": func(c *nodetest.Cluster) {
			for i := range c.Nodes {
				c.Network.Isolate(c.Host(i))
			}
		},
		"delay and loss": func(c *nodetest.Cluster) {
			c.Network.SetDelay(30 * time.Millisecond)
			c.Network.SetLoss(0.5)
		},
		"a crash and a kill": func(c *nodetest.Cluster) {
			c.Crash(0)
			c.Kill(1)
		},
		"a crash behind a cut": func(c *nodetest.Cluster) {
			c.Network.Cut(c.Host(0), c.Host(2))
			c.Crash(2)
		},
		"a return": func(c *nodetest.Cluster) {
			c.Kill(2)
			c.Start(2)
		},
		"commands under way": func(c *nodetest.Cluster) {
			c.Network.Isolate(c.Host(2))
			for i := range 20 {
				n := c.Nodes[i%3]
				go func() { _, _ = n.Do(context.Background(), "SET", fmt.Sprint(i), "v") }()
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			synctest.Test(t, func(t *testing.T) {
				c := nodetest.NewCluster(t, 3, nodetest.WithDisks())
				c.Do(0, "SET", "k", "v")
				trouble(c)
				for i, n := range c.Nodes {
					if n != nil {
						_, _ = c.Try(i, "INCR", "n")
					}
				}
			})
		})
	}
}

func TestCluster_KillKeepsTheDisk_CrashOnlyWhatWasSynced(t *testing.T) {
	for name, c := range map[string]struct {
		end   func(*nodetest.Cluster, int)
		fsync string
		want  any
	}{
		"killed":                        {(*nodetest.Cluster).Kill, "no", "v"},
		"without power":                 {(*nodetest.Cluster).Crash, "no", nil},
		"without power, always syncing": {(*nodetest.Cluster).Crash, "always", "v"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cluster := nodetest.NewCluster(t, 1, nodetest.WithDisks(),
					nodetest.WithConfig(func(_ int, cfg *node.Config) { cfg.AppendFsync = c.fsync }))
				cluster.Do(0, "SET", "k", "v")
				c.end(cluster, 0)
				cluster.Start(0)
				cluster.WaitReady(0)
				if got := cluster.Do(0, "GET", "k"); got != c.want {
					t.Errorf("%v is left, want %v", got, c.want)
				}
			})
		})
	}
}

// connect opens a stream between two hosts.
func connect(t *testing.T, n *nodetest.Network) (near, far net.Conn) {
	t.Helper()
	l, packets, err := n.Transport("127.0.1.2").Listen("127.0.1.2:1")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	defer packets.Close()
	near, err = n.Transport("127.0.1.1").Dial(t.Context(), l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if far, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return near, far
}

func TestNetwork_StreamsArriveAfterTheDelay_AlsoWhenTheyAreClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := nodetest.NewNetwork(1)
		n.SetDelay(50 * time.Millisecond)
		n.SetDelayBetween("127.0.1.1", "127.0.1.2", 10*time.Millisecond)
		near, far := connect(t, n)
		defer far.Close()
		began := time.Now()
		if _, err := near.Write([]byte("last words")); err != nil {
			t.Fatal(err)
		}
		near.Close()
		got, err := io.ReadAll(far)
		if string(got) != "last words" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		if took := time.Since(began); took != 60*time.Millisecond {
			t.Errorf("it took %v", took)
		}
	})
}

func TestNetwork_ACutStalls_AndLosesNothingOfAStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := nodetest.NewNetwork(1)
		near, far := connect(t, n)
		n.Cut("127.0.1.1", "127.0.1.2")
		sent := bytes.Repeat([]byte("x"), 1000)
		go func() {
			_, _ = near.Write(sent)
			near.Close()
		}()
		if err := far.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if k, err := far.Read(make([]byte, 1)); err == nil {
			t.Errorf("%d bytes went through a cut", k)
		}
		if err := far.SetReadDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		n.Heal("127.0.1.1", "127.0.1.2")
		if got, err := io.ReadAll(far); !bytes.Equal(got, sent) || err != nil {
			t.Errorf("%d bytes after the cut, %v", len(got), err)
		}
		far.Close()
	})
}
