package node

import (
	"testing"
	"time"
)

func TestArrival_WhatIsWorthWaitingFor(t *testing.T) {
	const s = time.Second
	for name, c := range map[string]struct {
		owed func(at time.Duration) uint64
		want time.Duration // that is waited, to the second
	}{
		"nothing":               {func(time.Duration) uint64 { return 0 }, 0},
		"none come":             {func(time.Duration) uint64 { return 100 }, hintPatience + s},
		"all come in time":      {func(at time.Duration) uint64 { return uint64(max(0, 150*s-at) / s) }, 150 * s},
		"it would take an hour": {func(at time.Duration) uint64 { return uint64(max(0, 3600*s-at) / s) }, hintTrial},
		"fast, then not":        {func(at time.Duration) uint64 { return uint64(max(1000-at/s*100, 800-at/s)) }, 341 * s},
		"as many come as go":    {func(at time.Duration) uint64 { return 1000 + uint64(at/s)%2 }, hintPatience + 3*s},
		"more are known of late": {func(at time.Duration) uint64 {
			if at < 2*s {
				return 10 - uint64(at/s)
			}
			return uint64(max(0, 100-(at/s-2)*5))
		}, 22 * s},
	} {
		t.Run(name, func(t *testing.T) {
			var a arrival
			began := time.Unix(0, 0)
			at := time.Duration(0)
			for a.worthwhile(began.Add(at), c.owed(at)) && at < time.Hour {
				at += s
			}
			if at != c.want {
				t.Errorf("waited %v, want %v", at, c.want)
			}
		})
	}
}
