package node

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/dynomite-go/dynomite/node/datastore/disk"
	"github.com/dynomite-go/dynomite/node/internal/coordinator"
	"github.com/dynomite-go/dynomite/node/internal/layout"
	"github.com/dynomite-go/dynomite/peerwire"
	"github.com/dynomite-go/dynomite/quorum"
)

// within fails the test if f does not return in ten seconds.
func within(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatalf("%s did not return in ten seconds", what)
	}
}

// alone starts a node without peers.
func alone(t *testing.T, change func(*Config), opts ...Option) *Node {
	t.Helper()
	cfg := Config{Listen: "none", AdminListen: "none", PeerListen: "127.0.0.1:0"}
	if change != nil {
		change(&cfg)
	}
	n, err := New(cfg, opts...)
	if err != nil {
		t.Fatal(err)
	}
	within(t, "Start", func() { err = n.Start(context.Background()) })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func stopNode(t *testing.T, n *Node) {
	t.Helper()
	within(t, "Stop", func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := n.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestStop_WhileALayoutArrives_Returns(t *testing.T) {
	n := alone(t, func(c *Config) { c.Expect, c.Seeds = 2, []string{"127.0.0.1:1"} })
	other := layout.Node{ID: "other", Datacenter: "dc1", Rack: "r2", PeerAddr: "127.0.0.1:1"}
	l, err := layout.First(n.settings(), []layout.Node{n.selfInfo(), other})
	if err != nil {
		t.Fatal(err)
	}
	// The first thing that a stop does after it has begun is to tell the
	// others; the layout comes at that moment.
	n.local.idle = append(n.local.idle, &localConn{conn: closeFunc{nil, func() { n.learn(l) }}})
	stopNode(t, n)
	if n.Members() != nil {
		t.Fatal("a node that stops took a layout")
	}
}

func TestObserver_MayAskTheNodeWhoItIs(t *testing.T) {
	var n *Node
	var id string
	var err error
	n, err = New(Config{Name: "n1", Listen: "none", AdminListen: "none", PeerListen: "127.0.0.1:0"},
		WithObserver(Observer{LayoutFormed: func(LayoutInfo) { id = n.ID() }}))
	if err != nil {
		t.Fatal(err)
	}
	within(t, "Start", func() { err = n.Start(context.Background()) })
	if err != nil || id != "n1" {
		t.Fatalf("id %q, %v", id, err)
	}
	stopNode(t, n)
}

func TestDo_BigValueAtAnotherLevel(t *testing.T) {
	n := alone(t, nil)
	defer stopNode(t, n)
	ctx, cancel := context.WithTimeout(AtLevel(context.Background(), quorum.DCOne), time.Minute)
	defer cancel()
	big := strings.Repeat("x", 4<<20)
	if _, err := n.Do(ctx, "SET", "k", big); err != nil {
		t.Fatal(err)
	}
	if got, err := n.Do(ctx, "GET", "k"); err != nil || got != big {
		t.Fatalf("%d bytes came back, %v", len(fmt.Sprint(got)), err)
	}
}

func TestDo_AnEndedContext_HarmsNoLaterCall(t *testing.T) {
	n := alone(t, nil)
	defer stopNode(t, n)
	for i := range 3000 {
		ctx, cancel := context.WithCancel(context.Background())
		go cancel()
		_, _ = n.Do(ctx, "GET", "k")
		if _, err := n.Do(context.Background(), "GET", "k"); err != nil {
			t.Fatalf("call %d: %v", i, err)
		}
	}
}

func TestDo_WhatChangesTheConnection_HarmsNoLaterCall(t *testing.T) {
	n := alone(t, nil)
	defer stopNode(t, n)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := n.Do(ctx, "HSET", "h", "f", "v"); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"HELLO 2", "RESET", "CLIENT REPLY SKIP", "CLIENT REPLY OFF", "QUIT"} {
		brief, stop := context.WithTimeout(ctx, 200*time.Millisecond)
		var args []any
		for _, w := range strings.Fields(line) {
			args = append(args, w)
		}
		_, _ = n.Do(brief, args...)
		stop()
		if got, err := n.Do(ctx, "HGETALL", "h"); err != nil || fmt.Sprint(got) != "map[f:v]" {
			t.Errorf("after %s: %v, %v", line, got, err)
		}
	}
}

// closeFunc calls a function when it is closed.
type closeFunc struct {
	net.Conn
	f func()
}

func (c closeFunc) Close() error {
	c.f()
	return nil
}

func TestCatchUp_ADemotionDuringAPass_IsNotForgotten(t *testing.T) {
	n := alone(t, nil)
	defer stopNode(t, n)
	c := n.catchUp
	passes, complete := 0, make(chan bool, 1)
	c.compare = func(context.Context) (int, int, error) {
		switch passes++; passes {
		case 1:
			c.request("cut off again")
		case 2:
			complete <- n.caughtUp.Load()
		}
		return 0, 0, nil
	}
	c.request("cut off")
	if <-complete {
		t.Fatal("complete after a pass that began before the demotion")
	}
}

func TestIdentity_WithoutADirectory_ARestartAtOnceTakesAnotherNumber(t *testing.T) {
	at := time.Unix(1000, 0)
	a, _ := openIdentity(disk.OS(), "", "n", "c", at)
	b, _ := openIdentity(disk.OS(), "", "n", "c", at.Add(100*time.Millisecond))
	if a.file.Generation == b.file.Generation {
		t.Fatal("two starts within a second share a generation")
	}
}

func TestPeerDown_SaysWhy_AlsoWhenTheConnectionIsThere(t *testing.T) {
	var said strings.Builder
	n := alone(t, nil, WithLogger(slog.New(slog.NewTextHandler(&said, nil))))
	q := &peer{member: &coordinator.Member{ID: "n2"}, up: true}
	n.peerState(q, peerwire.PeerState{Connected: true}) // it is stopped, say
	stopNode(t, n)
	if !strings.Contains(said.String(), `msg="peer down" peer=n2`) || strings.Contains(said.String(), "err=<nil>") {
		t.Error(said.String())
	}
}

// A repair that an operator asked for ends with the node: what it runs under is
// over before Stop waits for it.
func TestStop_WhileAnOperatorAsks_EndsWhatIsAsked(t *testing.T) {
	n := alone(t, func(c *Config) { c.AdminListen = "127.0.0.1:0" })
	conn, err := net.Dial("tcp", n.AdminAddr())
	if err != nil {
		t.Fatal(err)
	}
	// A form that does not come to its end keeps the request under way, and
	// that the node wants it says that it is.
	fmt.Fprint(conn, "POST /repair HTTP/1.1\r\nHost: n\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n")
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, "100") {
		t.Fatal(line, err)
	}
	running := n.runtime().ctx
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		stopNode(t, n)
	}()
	within(t, "what runs while the node does", func() { <-running.Done() })
	conn.Close()
	<-stopped
}
