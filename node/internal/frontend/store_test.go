package frontend

import (
	"context"
	"math"
	"testing"

	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/node/internal/command"
	"github.com/dynomite-go/dynomite/respserver"
)

// storeRouter executes commands on one store: a cluster of one.
type storeRouter struct {
	t     testing.TB
	store *datastore.Memory
}

// withStore is a Config with a router on a new store.
func withStore(t testing.TB) Config {
	t.Helper()
	store, err := datastore.Open(context.Background(), datastore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	count := func(f func() int) func() int64 { return func() int64 { return int64(f()) } }
	return Config{
		Router: storeRouter{t, store},
		Facts:  Facts{Keys: count(store.Len), Expires: count(store.Expires)},
	}
}

func (r storeRouter) Run(s *Session, cmds []Request, out []byte) []byte {
	call, ok := s.Scratch.(*command.Call)
	if !ok {
		call = new(command.Call)
		s.Scratch = call
	}
	call.Proto = s.Proto()
	for _, cmd := range cmds {
		switch cmd.Spec.Keys {
		case command.KeyOne:
			out = r.exec(call, cmd.Spec, cmd.Args, out)
		case command.KeyMany:
			var replies [][]byte
			for k := range cmd.Spec.NumKeys(len(cmd.Args)) {
				replies = append(replies, r.exec(call, cmd.Spec, cmd.Spec.AppendPart(nil, cmd.Args, k), nil))
			}
			out = command.Combine(out, cmd.Spec.Join, replies)
		default:
			out = r.all(cmd, out)
		}
	}
	if err := r.store.Commit(); err != nil {
		r.t.Error(err)
	}
	return out
}

func (r storeRouter) exec(call *command.Call, spec *command.Spec, args [][]byte, out []byte) []byte {
	call.Spec, call.Args, call.Out, call.Delta = spec, args, out, call.Delta[:0]
	if err := call.Exec(r.store); err != nil {
		return respserver.AppendError(out, "ERR "+err.Error())
	}
	return call.Out
}

// all executes what the tests need of the commands on all keys.
func (r storeRouter) all(cmd Request, out []byte) []byte {
	switch cmd.Spec.Name {
	case "dbsize":
		return respserver.AppendInt(out, int64(r.store.Len()))
	case "flushall", "flushdb":
		if _, err := r.store.ResetRange(0, math.MaxUint64); err != nil {
			return respserver.AppendError(out, "ERR "+err.Error())
		}
		return respserver.AppendOK(out)
	}
	return respserver.AppendError(out, "ERR the test does not execute "+cmd.Spec.Name)
}
