//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// metric is a metric of the node without labels.
func (m *member) metric(name string) (value string, err error) {
	page, err := m.ask("/metrics")
	if err != nil {
		return "", err
	}
	found := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindSubmatch(page)
	if found == nil {
		return "", fmt.Errorf("%s has no %s", m.name, name)
	}
	return string(found[1]), nil
}

// A node whose process stood still goes on with commands that it was sent before,
// on copies that others have gone around: what expired meanwhile must not live
// again for an EXPIRE that is executed so late.
func TestThreeNodes_WhatANodeThatStoodStillWasSentBefore(t *testing.T) {
	ctx := context.Background()
	c := newCluster(t, nil)
	victim := c.members[1]
	one := dial(c.members[0].client, 10*time.Second, nil)
	defer one.Close()
	var keys []string
	for i := range 60 {
		keys = append(keys, fmt.Sprint("k", i))
	}
	set := func(value string, expiry time.Duration) {
		t.Helper()
		eventually(t, "SET "+value, func() error {
			_, err := one.Pipelined(ctx, func(p redis.Pipeliner) error {
				for _, k := range keys {
					p.Set(ctx, k, value, expiry)
				}
				return nil
			})
			return err
		})
	}
	gone := func() error {
		alive, err := one.Exists(ctx, keys...).Result()
		if err == nil && alive > 0 {
			err = fmt.Errorf("%d keys exist", alive)
		}
		return err
	}
	set("first", 0)
	// While it is cautious it would ask the others, whatever it takes itself for.
	eventually(t, "a primary that is sure of itself", func() error {
		cautious, err := victim.metric("dynomited_cautious")
		if err == nil && cautious != "0" {
			err = errors.New("still cautious")
		}
		return err
	})
	victim.process.signal(syscall.SIGSTOP)
	var sent sync.WaitGroup
	var waiting atomic.Int32
	for _, k := range keys {
		sent.Go(func() {
			r := dial(c.members[0].client, 10*time.Second, nil)
			defer r.Close()
			if r.Expire(ctx, k, time.Hour).Err() != nil {
				waiting.Add(1)
			}
		})
	}
	sent.Wait()
	if waiting.Load() == 0 {
		t.Fatal("the stopped node is primary of no key")
	}
	set("short-lived", 200*time.Millisecond)
	eventually(t, "all have expired", gone)
	victim.process.signal(syscall.SIGCONT)
	c.awaitWhole()
	if err := gone(); err != nil {
		t.Errorf("%v after it went on, %d commands waited for it", err, waiting.Load())
	}
	if n, err := victim.metric("dynomited_stood_still_total"); err != nil || n == "0" {
		t.Errorf("it stood still %s times, %v", n, err)
	}
}
