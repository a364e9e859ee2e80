//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// fleet is a client of all nodes. It sends to one that seems up, and to
// another one only what surely was not sent to the first.
type fleet struct {
	nodes []*endpoint
	stop  context.CancelFunc
	wg    sync.WaitGroup
}

type endpoint struct {
	client *redis.Client
	probe  *redis.Client
	up     atomic.Bool
}

// unsent marks an error from before anything was sent.
type unsent struct{ error }

func (e unsent) Unwrap() error { return e.error }

// dial is a client of one node that repeats nothing by itself.
func dial(addr string, wait time.Duration, opts func(*redis.Options)) *redis.Client {
	o := &redis.Options{
		Addr: addr, MaxRetries: -1, DialerRetries: 1, PoolSize: 64,
		ReadTimeout: wait, WriteTimeout: wait, PoolTimeout: wait, ContextTimeoutEnabled: true,
		Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
			d := net.Dialer{Timeout: 5 * time.Second}
			conn, err := d.DialContext(ctx, network, addr)
			if err != nil {
				return nil, unsent{err}
			}
			return conn, nil
		},
	}
	if opts != nil {
		opts(o)
	}
	return redis.NewClient(o)
}

// Waits of the clients: a reply is awaited for longer than a node may take
// for it (its timeout is 2 s), but less than a node is paused for; a probe
// sorts out nodes that are dead or paused.
const (
	replyWait = 4 * time.Second
	probeWait = time.Second
)

func newFleet(t testing.TB, addrs []string) *fleet {
	ctx, stop := context.WithCancel(t.Context())
	f := &fleet{stop: stop}
	for _, addr := range addrs {
		e := &endpoint{
			client: dial(addr, replyWait, nil),
			probe:  dial(addr, probeWait, func(o *redis.Options) { o.PoolSize = 1 }),
		}
		e.up.Store(true)
		f.nodes = append(f.nodes, e)
		f.wg.Go(func() { e.watch(ctx) })
	}
	return f
}

// watch keeps up right: like a load balancer's health check it asks the node
// itself and knows nothing of the test.
func (e *endpoint) watch(ctx context.Context) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		e.up.Store(e.probe.Ping(ctx).Err() == nil)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (f *fleet) close() {
	f.stop()
	f.wg.Wait()
	for _, e := range f.nodes {
		_ = e.client.Close()
		_ = e.probe.Close()
	}
}

// outcome is what a client knows of a command that it sent.
type outcome int

const (
	done    outcome = iota // there is a reply
	refused                // surely not applied
	unknown                // perhaps applied, now or later
	broken                 // an error that no fault explains
)

// answer is what came of one command.
type answer struct {
	outcome outcome
	reply   any
	err     error
	node    int
	during  span
}

// send sends the commands as one pipeline, to the node whose turn it is or the
// next that is up.
func (f *fleet) send(ctx context.Context, turn int, commands [][]any) []answer {
	var last []answer
	for _, onlyUp := range []bool{true, false} {
		for i := range f.nodes {
			at := (turn + i) % len(f.nodes)
			if onlyUp && !f.nodes[at].up.Load() {
				continue
			}
			answers, sent := f.nodes[at].send(ctx, commands)
			for j := range answers {
				answers[j].node = at
			}
			if sent {
				return answers
			}
			last = answers
			f.nodes[at].up.Store(false)
		}
	}
	return last
}

func (e *endpoint) send(ctx context.Context, commands [][]any) (answers []answer, sent bool) {
	pipe := e.client.Pipeline()
	for _, args := range commands {
		pipe.Do(ctx, args...)
	}
	from := time.Now().UnixMilli()
	results, _ := pipe.Exec(ctx)
	during := span{from, time.Now().UnixMilli()}
	for _, r := range results {
		a := answer{during: during}
		a.reply, a.err = r.(*redis.Cmd).Result()
		a.outcome = classify(a.err)
		var u unsent
		sent = sent || !errors.As(a.err, &u)
		if a.outcome == unknown && errors.Is(a.err, context.DeadlineExceeded) || isTimeout(a.err) {
			e.up.Store(false) // until it answers the probe
		}
		answers = append(answers, a)
	}
	return answers, sent
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

func classify(err error) outcome {
	var reply redis.Error
	var u unsent
	switch {
	case err == nil, errors.Is(err, redis.Nil):
		return done
	case errors.As(err, &u), errors.Is(err, redis.ErrPoolTimeout):
		return refused
	case !errors.As(err, &reply):
		return unknown
	}
	code, _, _ := strings.Cut(err.Error(), " ")
	switch code {
	case "NOQUORUM", "CLUSTERDOWN", "LOADING":
		return refused
	case "TIMEOUT":
		return unknown
	}
	return broken
}

// text writes a reply as histories know it.
func text(reply any) string {
	switch v := reply.(type) {
	case nil:
		return absent
	case string:
		return shorten(v)
	case map[any]any:
		fields := map[string]string{}
		for f, x := range v {
			fields[fmt.Sprint(f)] = shorten(fmt.Sprint(x))
		}
		if len(fields) == 0 {
			return absent
		}
		return encodeFields(fields)
	}
	return fmt.Sprint(reply)
}
