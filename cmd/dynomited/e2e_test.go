//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// How many commands must have been sent in a period, later than settling
// after its fault, before the next one begins. Three nodes are killed, so at
// least 3 x 2,000 are sent while one is down.
const (
	sentAway = 2000
	sentBack = 1000
)

// pausedFor is how long a node is paused with SIGSTOP.
const pausedFor = 10 * time.Second

func TestThreeNodes_NothingAcknowledgedIsLost_AtQuorum(t *testing.T) {
	c, tr := traffickedCluster(t, nil)
	rnd := rand.New(rand.NewPCG(*seed, 99))
	began := time.Now()
	for _, victim := range []int{1, 0, 2} { // the second is the seed
		tr.killed(c, victim)
	}
	tr.paused(c, 1)
	tr.killedAlone(c, 2)
	tr.restarted(c, 0)
	for time.Since(began) < *soak && tr.wrong.Load() == 0 {
		switch victim := rnd.IntN(3); rnd.IntN(7) {
		case 0:
			tr.paused(c, victim)
		case 1:
			tr.killedAlone(c, victim)
		case 2:
			tr.restarted(c, victim)
		default:
			tr.killed(c, victim)
		}
	}
	tr.end()
	tr.summary()
	settled, down, _ := tr.timeline.total()
	if down.all() < 5000 {
		t.Errorf("only %d commands were sent while a node was down", down.all())
	}
	for what, tally := range map[string]tally{"": settled, " while a node was down": down} {
		if tally.rate() < 0.99 {
			t.Errorf("%.2f %% of the commands%s succeeded, sent later than %v after a fault", 100*tally.rate(), what, settling)
		}
	}
	checkCopies(t, c, tr)
	checkEachAlone(t, c, tr)
}

func TestThreeNodes_NothingAcknowledgedIsLost_AtOne(t *testing.T) {
	c, tr := traffickedCluster(t, map[string]string{
		"read_consistency": "DC_ONE", "write_consistency": "DC_ONE", "appendfsync": "no",
	})
	rnd := rand.New(rand.NewPCG(*seed, 98))
	began := time.Now()
	for _, victim := range []int{0, 1, 2} {
		tr.killed(c, victim)
	}
	tr.killedAlone(c, 1)
	for time.Since(began) < *soak && tr.wrong.Load() == 0 {
		if victim := rnd.IntN(3); rnd.IntN(4) == 0 {
			tr.killedAlone(c, victim)
		} else {
			tr.killed(c, victim)
		}
	}
	tr.end()
	tr.summary()
	if settled, _, _ := tr.timeline.total(); settled.rate() < 0.99 {
		t.Errorf("%.2f %% of the commands succeeded, sent later than %v after a fault", 100*settled.rate(), settling)
	}
	checkCopies(t, c, tr)
	checkEachAlone(t, c, tr)
}

// traffickedCluster starts a cluster and clients.
func traffickedCluster(t *testing.T, settings map[string]string) (*cluster, *traffic) {
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-seed %d", *seed)
	c := newCluster(t, settings)
	var addrs []string
	for _, m := range c.members {
		addrs = append(addrs, m.client)
	}
	f := newFleet(t, addrs)
	t.Cleanup(f.close)
	tr := begin(t, f, *seed, settings["write_consistency"] == "DC_ONE")
	tr.awaitSent(tr.timeline.periods[0], sentBack)
	return c, tr
}

// awaitSent waits until n commands were sent in p after its fault had settled.
func (tr *traffic) awaitSent(p *period, n int) {
	tr.t.Helper()
	eventually(tr.t, p.name, func() error {
		if got := tr.timeline.settled(p); got < n {
			return fmt.Errorf("%d of %d commands sent", got, n)
		}
		return nil
	})
}

// awaitDone waits until n commands of p succeeded.
func (tr *traffic) awaitDone(p *period, n int) {
	tr.t.Helper()
	eventually(tr.t, p.name, func() error {
		if got := tr.timeline.done(p); got < n {
			return fmt.Errorf("%d of %d commands done", got, n)
		}
		return nil
	})
}

// killed kills a node and starts it again, under traffic.
func (tr *traffic) killed(c *cluster, victim int) {
	tr.t.Helper()
	m := c.members[victim]
	p := tr.timeline.enter(m.name+" killed", fault|away)
	m.kill()
	tr.awaitSent(p, sentAway)
	p = tr.timeline.enter(m.name+" started again", 0)
	began := time.Now()
	m.start()
	c.awaitWhole()
	tr.t.Logf("%s whole again %v after its start", m.name, time.Since(began).Round(time.Millisecond))
	tr.awaitSent(p, sentBack)
}

// restarted ends a node cleanly and starts it again, under traffic.
func (tr *traffic) restarted(c *cluster, victim int) {
	tr.t.Helper()
	m := c.members[victim]
	p := tr.timeline.enter(m.name+" restarted", fault)
	m.terminate()
	m.start()
	c.awaitWhole()
	tr.awaitSent(p, sentBack)
}

// paused stops a node's process for a while, under traffic.
func (tr *traffic) paused(c *cluster, victim int) {
	tr.t.Helper()
	m := c.members[victim]
	over := time.NewTimer(pausedFor)
	p := tr.timeline.enter(m.name+" paused", fault)
	m.process.signal(syscall.SIGSTOP)
	tr.awaitSent(p, sentBack)
	<-over.C
	p = tr.timeline.enter(m.name+" goes on", 0)
	m.process.signal(syscall.SIGCONT)
	began := time.Now()
	c.awaitWhole()
	tr.t.Logf("%s whole again %v after it went on", m.name, time.Since(began).Round(time.Millisecond))
	tr.awaitSent(p, sentBack)
}

// killedAlone pauses two nodes, and after a while kills the third one, lets the
// two go on, and starts the third one again. At DC_ONE it acknowledged writes
// meanwhile, which are in its log and nowhere else; at DC_QUORUM it must have
// acknowledged nothing.
func (tr *traffic) killedAlone(c *cluster, victim int) {
	tr.t.Helper()
	m := c.members[victim]
	others := func(s syscall.Signal) {
		for i, o := range c.members {
			if i != victim {
				o.process.signal(s)
			}
		}
	}
	alone := fault
	if !tr.weak {
		alone |= minority
	}
	left := tr.timeline.enter(m.name+" left alone", alone)
	others(syscall.SIGSTOP)
	tr.awaitSent(left, sentBack)
	p := tr.timeline.enter(m.name+" killed alone", fault|away)
	m.kill()
	others(syscall.SIGCONT)
	tr.awaitSent(p, sentAway)
	p = tr.timeline.enter(m.name+" started again", 0)
	m.start()
	c.awaitWhole()
	tr.awaitSent(p, sentBack)
	tr.timeline.mu.Lock()
	defer tr.timeline.mu.Unlock()
	if lone := left.later.done; left.has(minority) && lone > 0 {
		tr.fail("%s alone acknowledged %d commands at DC_QUORUM", m.name, lone)
	}
}

// reader sends pipelines over one connection to a node; prefix is put before
// each command.
func reader(t *testing.T, m *member, level string, prefix ...any) func([][]any) ([]any, error) {
	client := dial(m.client, patience, func(o *redis.Options) {
		o.PoolSize = 1
		o.OnConnect = func(ctx context.Context, conn *redis.Conn) error {
			return conn.Do(ctx, "DYN.CONSISTENCY", level).Err()
		}
	})
	t.Cleanup(func() { _ = client.Close() })
	return func(commands [][]any) ([]any, error) {
		pipe := client.Pipeline()
		for _, args := range commands {
			pipe.Do(t.Context(), append(append([]any{}, prefix...), args...)...)
		}
		results, _ := pipe.Exec(t.Context())
		var replies []any
		for i, r := range results {
			reply, err := r.(*redis.Cmd).Result()
			if err != nil && !errors.Is(err, redis.Nil) {
				return nil, fmt.Errorf("%v: %w", commands[i], err)
			}
			replies = append(replies, reply)
		}
		return replies, nil
	}
}

// checkCopies waits until the three copies are equal and compares each of
// them, read without routing, with what the clients know.
func checkCopies(t *testing.T, c *cluster, tr *traffic) {
	t.Helper()
	local := make([]func([][]any) ([]any, error), len(c.members))
	for i, m := range c.members {
		local[i] = reader(t, m, "DC_ONE", "DYN.LOCAL")
	}
	began := time.Now()
	var digest string
	err := inTime(t, func() error {
		var all []string
		for i := range c.members {
			replies, err := local[i]([][]any{{"DIGEST"}})
			if err != nil {
				return err
			}
			all = append(all, fmt.Sprint(replies[0]))
		}
		digest = all[0]
		if all[1] != digest || all[2] != digest {
			return fmt.Errorf("digests %s", strings.Join(all, ", "))
		}
		return nil
	})
	if err != nil {
		t.Errorf("the copies do not become equal: %v", err)
	}
	t.Logf("copies compared for %v: digest and records %s", time.Since(began).Round(time.Millisecond), digest)
	for i, m := range c.members {
		exist := tr.look("copy of "+m.name, local[i])
		t.Logf("copy of %s: %d keys exist", m.name, exist)
	}
}

// checkEachAlone reads everything at DC_ONE from each node while the other
// two are stopped.
func checkEachAlone(t *testing.T, c *cluster, tr *traffic) {
	t.Helper()
	for i, m := range c.members {
		for j, other := range c.members {
			if j != i {
				other.terminate()
			}
		}
		send := reader(t, m, "DC_ONE")
		// A command on its way to a node that is gone now fails, the next one
		// knows.
		eventually(t, m.name+" alone", func() error {
			_, err := send([][]any{{"GET", sharedName(0)}})
			return err
		})
		tr.look(m.name+" alone at DC_ONE", send)
		for j, other := range c.members {
			if j != i {
				other.start()
			}
		}
		c.awaitWhole()
	}
}
