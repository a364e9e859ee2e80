package respserver

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestShared runs the tests of connections with a goroutine of their own once
// more with connections that share one and move back and forth.
func TestShared(t *testing.T) {
	shared = true
	defer func() { shared = false }()
	for name, test := range map[string]func(*testing.T){
		"ConnFacts":           TestConn_FactsAndGauges,
		"LenAndConns":         TestLenAndConns,
		"CloseAfterReply":     TestCloseAfterReply,
		"KillWaiting":         TestKill_EndsWaitingHandler,
		"KillIdle":            TestKill_EndsIdleConnection,
		"Panic":               TestPanic_EndsOneConnection,
		"PanicInClose":        TestPanic_InClose,
		"IdleTimeout":         TestIdleTimeout,
		"SetIdleTimeout":      TestSetIdleTimeout_AtOnce,
		"Framing":             TestFraming_AsRecordedFromRedis,
		"Inline":              TestInline_AsRecordedFromRedis,
		"SplitAtEveryByte":    TestRequests_SplitAtEveryByte,
		"TenThousand":         TestPipeline_TenThousand,
		"LargeValue":          TestLargeValue_SplitAtRandomPlaces,
		"PushIdle":            TestPush_ReachesIdleClient,
		"PushFollows":         TestPush_FollowsTheRepliesOfItsBatch,
		"PushMany":            TestPush_FromManyGoroutines,
		"OutputLimit":         TestOutputLimit,
		"ReadAhead":           TestReadAhead_OverTCP,
		"ReadAheadFirst":      TestReadAhead_ClientThatWritesEverythingFirst,
		"StopBatch":           TestStop_LetsTheBatchFinish,
		"StopIdle":            TestStop_EndsIdleConnectionsAtOnce,
		"StopPushes":          TestStop_AfterTheBatch_SendsPushesAndServesNoMore,
		"StopKills":           TestStop_KillsWhenItsContextEnds,
		"StopWhileAccepted":   TestStop_WhileAConnectionIsAccepted,
		"StopUnderFire":       TestStop_UnderFire,
		"SeveralListeners":    TestServe_SeveralListeners,
		"TLS":                 TestTLS,
		"SuspendEcho":         TestSuspend_ManyClients,
		"SuspendAhead":        TestSuspend_ClientGoesOn,
		"SuspendKill":         TestSuspend_Kill,
		"SuspendStop":         TestSuspend_StopWaits,
		"SuspendLarge":        TestSuspend_LargeReplies,
		"SuspendBeforeReturn": TestSuspend_ResumeComesFirst,
		"SuspendPanic":        TestSuspend_Panic,
		"SuspendPush":         TestSuspend_PushMeanwhile,
		"SuspendClose":        TestSuspend_CloseAfterReply,
	} {
		t.Run(name, test)
	}
}

// One connection keeps the goroutine of all, in the middle of a round; the
// others' turns are not forgotten.
func TestShare_OthersGoOnWhenOneKeepsTheGoroutine(t *testing.T) {
	cfg := Config{Share: true, MaxBatch: 2, Handler: hooks{serve: func(c *Conn, batch []Command) {
		if rand.N(8) == 0 {
			c.Alone()
		}
		for _, cmd := range batch {
			echo(c, cmd)
		}
	}}}
	_, addr := start(t, cfg)
	var clients sync.WaitGroup
	for k := range 8 {
		c := dial(t, addr)
		c.SetDeadline(time.Now().Add(30 * time.Second))
		clients.Go(func() {
			for i := range 200 {
				var sent strings.Builder
				for j := range 20 {
					sent.WriteString(request(fmt.Sprint(k, i, j)))
				}
				if _, err := io.WriteString(c, sent.String()); err != nil {
					t.Error(err)
					return
				}
				got := make([]byte, sent.Len())
				if n, err := io.ReadFull(c, got); err != nil || string(got) != sent.String() {
					t.Errorf("client %d, round %d: %d of %d bytes, %v", k, i, n, sent.Len(), err)
					return
				}
			}
		})
	}
	clients.Wait()
}

// Begin and End enclose what is served, are never nested on one goroutine, and
// End has come when a connection waits.
func TestShare_RoundsEnclose(t *testing.T) {
	var mu sync.Mutex
	open, rounds := 0, 0
	served := make(chan bool, 1)
	cfg := Config{
		Share: true,
		Begin: func() { mu.Lock(); open++; rounds++; mu.Unlock() },
		End:   func() { mu.Lock(); open--; mu.Unlock() },
		Handler: hooks{serve: func(c *Conn, batch []Command) {
			mu.Lock()
			before := open
			mu.Unlock()
			if string(batch[0].Args[0]) == "wait" {
				c.Alone()
				mu.Lock()
				served <- open == 0 && before <= 1
				mu.Unlock()
			}
			for _, cmd := range batch {
				echo(c, cmd)
			}
		}},
	}
	_, addr := start(t, cfg)
	c := dial(t, addr)
	for range 20 {
		warmUp(t, c)
		send(t, c, request("wait"))
		if !<-served {
			t.Fatal("a connection waits within a round")
		}
		expect(t, c, request("wait"))
	}
	waitFor(t, func() bool {
		mu.Lock()
		defer mu.Unlock()
		return open == 0 && rounds > 0
	})
}

// A connection that is idle for long ends, in a loop too, and one that is away
// then does not.
func TestShare_IdleTimeout(t *testing.T) {
	h := newHeld()
	_, addr := start(t, Config{Share: true, IdleTimeout: 300 * time.Millisecond, Handler: hooks{serve: h.serve}})
	idle, waiting := dial(t, addr), dial(t, addr)
	warmUp(t, idle)
	warmUp(t, waiting)
	send(t, waiting, request("wait"))
	<-h.came
	expectEnd(t, idle, "")
	h.do <- ok
	expect(t, waiting, "+OK\r\n")
}

// A client that does not read is cut off, also when the first write that waits
// is the one with which its connection leaves the loop.
func TestShare_SlowClientIsCutOff(t *testing.T) {
	closed := make(chan struct{})
	_, addr := start(t, Config{Share: true, WriteTimeout: 200 * time.Millisecond, Handler: hooks{
		serve: func(c *Conn, batch []Command) {
			if string(batch[0].Args[0]) == "echo" {
				echo(c, batch[0])
				return
			}
			c.Out = AppendBulk(c.Out, make([]byte, 64<<20))
		},
		close: func(*Conn) { close(closed) },
	}})
	c := dial(t, addr)
	warmUp(t, c)
	send(t, c, request("get"))
	select {
	case <-closed:
	case <-time.After(10 * time.Second):
		t.Fatal("still there after ten seconds")
	}
}

// BenchmarkShare is many clients that wait for each reply.
func BenchmarkShare(b *testing.B) {
	for name, share := range map[string]bool{"own": false, "shared": true} {
		b.Run(name, func(b *testing.B) {
			_, addr := start(b, Config{Share: share, Handler: hooks{}})
			const clients = 50
			m := request("GET", "key:000000012345")
			conns := make([]net.Conn, clients)
			for i := range conns {
				conns[i] = dial(b, addr)
			}
			b.ReportAllocs()
			b.ResetTimer()
			var wg sync.WaitGroup
			for i, c := range conns {
				wg.Go(func() {
					got := make([]byte, len(m))
					for n := i; n < b.N; n += clients {
						if _, err := io.WriteString(c, m); err != nil {
							b.Error(err)
							return
						}
						if _, err := io.ReadFull(c, got); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
		})
	}
}
