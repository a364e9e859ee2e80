package coordinator

import (
	"context"
	"testing"
	"time"

	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/quorum"
)

// benchCaller is the Caller of node from.
func benchCaller(b *bench, from int) Caller {
	return func(ctx context.Context, node int, kind byte, payload []byte) ([]byte, error) {
		type result struct {
			reply []byte
			err   error
		}
		ch := make(chan result, 1)
		benchPeers{b, from}.Send(node, kind, payload, time.Now().Add(time.Minute), func(reply []byte, err error) {
			ch <- result{append([]byte(nil), reply...), err}
		})
		r := <-ch
		return r.reply, r.err
	}
}

// FuzzServe hands any bytes to every message that a peer can send: an error or
// an answer, never a panic and never a hang.
func FuzzServe(f *testing.F) {
	exec := appendExecCommand(appendExecHead(nil, 3, quorum.DCQuorum, quorum.DCQuorum), [][]byte{[]byte("SET"), []byte("k"), []byte("v")})
	f.Add(KindExec, exec)
	f.Add(KindExec, appendExecCommand(appendExecHead(nil, 2, 200, 0), [][]byte{[]byte("mget"), []byte("k"), []byte("j")}))
	f.Add(KindApply, appendDigest([]byte{formatVersion}, []byte("k"), 7))
	f.Add(KindApply, appendDelta([]byte{formatVersion}, []byte("k"), 0, []byte{1, 2, 3}))
	f.Add(KindReset, appendResets(nil, []datastore.RangeReset{{From: 1, To: 2, Version: datastore.At(1, 0, 1)}}))
	f.Add(KindKeyspace, append(appendBytes(appendBytes([]byte{formatVersion, 1, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 1}, []byte("*")), nil), 0, 2, 110, 48, 1, 1))
	f.Add(KindCompare, []byte{compareVersion, scopeRecords, 3, 1, 1})
	f.Add(KindCompare, []byte{compareVersion, scopeMembers, 3, 1, 'k', 2, 1, 1})
	f.Add(KindReconcile, []byte{compareVersion, modeRecords, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0})
	f.Add(KindReconcile, appendBytes([]byte{compareVersion, modeMembers, 1, 'k', 2, 1, 0, 0, 0, 0, 0, 0, 0, 9}, nil))
	f.Fuzz(func(t *testing.T, kind byte, b []byte) {
		w := newBench(t, 2)
		c := w.coords[0]
		switch kind {
		case KindExec:
			done := make(chan struct{})
			if err := c.ServeExec(b, time.Now().Add(time.Second), func([]byte) { close(done) }); err == nil {
				<-done
			}
		case KindApply:
			_, _ = c.ServeApply("n0", b, nil)
		case KindReset:
			_, _ = c.ServeReset(b)
		case KindKeyspace:
			_, _ = c.ServeKeyspace(b)
		case KindCompare:
			_, _ = c.ServeCompare("n1", b)
		case KindReconcile:
			_, _ = c.ServeReconcile(b)
		}
	})
}
