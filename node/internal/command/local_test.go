package command

import (
	"context"
	"testing"

	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/respserver"
)

func newStore(t testing.TB) datastore.Store {
	t.Helper()
	store, err := datastore.Open(context.Background(), datastore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// local executes commands on one store, as a router of a cluster of one does.
type local struct {
	t     testing.TB
	store datastore.Store
	call  Call
}

func newLocal(t testing.TB, proto int) *local {
	return &local{t: t, store: newStore(t), call: Call{Proto: proto}}
}

// do executes a command and returns the bytes of its reply.
func (l *local) do(args ...string) []byte {
	l.t.Helper()
	return l.words(words(args...))
}

func words(args ...string) [][]byte {
	out := make([][]byte, len(args))
	for i, arg := range args {
		out[i] = []byte(arg)
	}
	return out
}

func (l *local) words(args [][]byte) []byte {
	l.t.Helper()
	spec := Resolve(args)
	switch {
	case spec == nil:
		return AppendUnknown(nil, args)
	case !spec.Accepts(len(args)):
		return AppendArity(nil, spec)
	case spec.Keys == KeySpace:
		return l.keySpace(spec, args)
	case spec.Keys == KeyMany:
		var replies [][]byte
		for k := range spec.NumKeys(len(args)) {
			replies = append(replies, l.exec(spec, spec.AppendPart(nil, args, k)))
		}
		return Combine(nil, spec.Join, replies)
	}
	return l.exec(spec, args)
}

func (l *local) exec(spec *Spec, args [][]byte) []byte {
	l.t.Helper()
	l.call.Spec, l.call.Args = spec, args
	l.call.Out, l.call.Delta = l.call.Out[:0], l.call.Delta[:0]
	if err := l.call.Exec(l.store); err != nil {
		l.t.Fatalf("%q: %v", args, err)
	}
	if l.call.Wrote != (len(l.call.Delta) > 0) {
		l.t.Fatalf("%q: Wrote is %v, but there are %d bytes of delta", args, l.call.Wrote, len(l.call.Delta))
	}
	return append([]byte(nil), l.call.Out...)
}

// keySpace executes what the tests need of the commands on all keys.
func (l *local) keySpace(spec *Spec, args [][]byte) []byte {
	l.t.Helper()
	switch spec.Name {
	case "flushall":
		if err := ParseFlush(args); err != "" {
			return respserver.AppendError(nil, err)
		}
		if _, err := l.store.ResetRange(0, ^uint64(0)); err != nil {
			l.t.Fatal(err)
		}
		return respserver.AppendOK(nil)
	case "keys":
		scan := KeysPattern(args)
		var keys [][]byte
		_, _, err := l.store.Scan(0, ^uint64(0), func(e datastore.Entry) bool {
			if e.Kind != datastore.None && scan.Matches(e.Key) {
				keys = append(keys, append([]byte(nil), e.Key...))
			}
			return true
		})
		if err != nil {
			l.t.Fatal(err)
		}
		out := respserver.AppendArray(nil, len(keys))
		for _, key := range keys {
			out = respserver.AppendBulk(out, key)
		}
		return out
	}
	l.t.Fatalf("the tests do not execute %s", spec.Name)
	return nil
}
