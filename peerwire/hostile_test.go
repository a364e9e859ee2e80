package peerwire

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// head builds the header of a frame with total as announced length.
func head(typ frameType, flags byte, id uint64, total, size int) []byte {
	f := frame{typ: typ, flags: flags, id: id, total: uint32(total)}
	return f.appendHeader(nil, size)
}

func preface(cluster string) []byte {
	return Preface{Version: Version, Cluster: ClusterHash(cluster), MaxMessage: 1 << 20, Node: "x"}.Append(nil)
}

// TestServer_HostileBytes_ClosedWithAReason says what is not allowed.
func TestServer_HostileBytes_ClosedWithAReason(t *testing.T) {
	const first, last = flagFirst, flagLast
	body := make([]byte, 100)
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	patch := func(b []byte, at int, v byte) []byte {
		b = bytes.Clone(b)
		b[at] = v
		return b
	}
	begun := join(head(frameRequest, first, 1, 300, 100), body)
	var many []byte
	for id := range maxStreams + 1 {
		many = append(many, join(head(frameRequest, first, uint64(id), 300, 100), body)...)
	}
	ok := preface("")
	for name, c := range map[string]struct {
		bytes  []byte
		err    error
		reason string
	}{
		"another protocol":        {[]byte("GET / HTTP/1.1\r\n\r\n"), ErrProtocol, ""},
		"newer preface":           {patch(ok, 4, Version+1), ErrVersion, "preface of version 2"},
		"another cluster":         {preface("other"), ErrCluster, "another cluster"},
		"cut in the preface":      {ok[:10], io.ErrUnexpectedEOF, ""},
		"newer frame":             {join(ok, patch(head(frameRequest, first|last, 1, 0, 0), 0, Version+1)), ErrVersion, "frame of version 2"},
		"unknown type":            {join(ok, head(frameTypes, last, 1, 0, 0)), ErrProtocol, "frame type"},
		"unknown flags":           {join(ok, head(frameRequest, 0x80|first|last, 1, 0, 0)), ErrProtocol, "flags"},
		"frame too long":          {join(ok, head(frameRequest, first|last, 1, MaxFrame+1, MaxFrame+1)), ErrProtocol, "at most 65536"},
		"message too long":        {join(ok, head(frameRequest, first, 1, 1<<20+1, 100), body), ErrProtocol, "at most 1048576"},
		"message of 4 GiB":        {join(ok, head(frameRequest, first, 1, 1<<32-1, 100), body), ErrProtocol, "at most 1048576"},
		"single frame too short":  {join(ok, head(frameRequest, first|last, 1, 101, 100), body), ErrProtocol, "message of 101 bytes"},
		"single frame too long":   {join(ok, head(frameRequest, first|last, 1, 99, 100), body), ErrProtocol, "message of 99 bytes"},
		"first frame is all":      {join(ok, head(frameRequest, first, 1, 100, 100), body), ErrProtocol, "complete and goes on"},
		"no beginning":            {join(ok, head(frameRequest, last, 1, 0, 100), body), ErrProtocol, "without a beginning"},
		"begins twice":            {join(ok, begun, begun), ErrProtocol, "begins twice"},
		"begins twice, once done": {join(ok, begun, head(frameRequest, first|last, 1, 0, 0)), ErrProtocol, "begins twice"},
		"changes its type":        {join(ok, begun, head(frameOneWay, 0, 1, 0, 100), body), ErrProtocol, "without a beginning"},
		"empty in the middle":     {join(ok, begun, head(frameRequest, 0, 1, 0, 0)), ErrProtocol, "empty frame"},
		"ends too early":          {join(ok, begun, head(frameRequest, last, 1, 0, 100), body), ErrProtocol, "announced were 300"},
		"does not end":            {join(ok, begun, head(frameRequest, 0, 1, 0, 100), body, head(frameRequest, 0, 1, 0, 100), body), ErrProtocol, "announced were 300"},
		"too much":                {join(ok, begun, head(frameRequest, 0, 1, 0, 100), body, head(frameRequest, last, 1, 0, 101), body, body[:1]), ErrProtocol, "announced were 300"},
		"too many at once":        {join(ok, many), ErrProtocol, "too many messages"},
		"a client's reply":        {join(ok, head(frameReply, first|last, 1, 0, 0)), ErrProtocol, "a client sent"},
		"ping with flags":         {join(ok, head(framePing, first|last, 1, 0, 0)), ErrProtocol, "flags"},
		"cut in a frame":          {join(ok, begun[:50]), io.ErrUnexpectedEOF, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pn := newPipes(t, ServerConfig{MaxMessageBytes: 1 << 20, Handler: HandlerFunc(func(*Incoming) { t.Error("it was executed") })})
				conn, err := pn.dial(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				answer := make(chan []byte, 1)
				go func() {
					b, _ := io.ReadAll(conn)
					answer <- b
				}()
				conn.Write(c.bytes)
				if c.err == io.ErrUnexpectedEOF {
					conn.Close()
				}
				start := time.Now()
				if err := <-pn.errs; !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.reason) {
					t.Errorf("ServeConn returned %v, want %v, %q", err, c.err, c.reason)
				}
				if b := <-answer; !bytes.Contains(b, []byte(c.reason)) {
					t.Errorf("the reason was not sent: %q", b)
				}
				if took := time.Since(start); took > 0 {
					t.Errorf("closed after %v", took)
				}
				pn.stop(t)
			})
		})
	}
}

// TestPeer_HostileServer_Reconnects feeds a client what no server would send.
func TestPeer_HostileServer_Reconnects(t *testing.T) {
	refused := Preface{Version: Version, Cluster: ClusterHash(""), refused: true}.Append(nil)
	refused = refused[:len(refused):len(refused)]
	for name, c := range map[string]struct {
		bytes []byte
		want  error
	}{
		"another protocol": {[]byte("-ERR unknown command\r\n"), ErrProtocol},
		"newer version":    {append([]byte("DYNW"), Version+1), ErrVersion},
		"another cluster":  {preface("other"), ErrCluster},
		"a request":        {append(preface(""), head(frameRequest, flagFirst|flagLast, 1, 0, 0)...), ErrProtocol},
		"garbage":          {append(preface(""), bytes.Repeat([]byte{Version, 250}, 50)...), ErrProtocol},
		"reply too large":  {append(preface(""), append(head(frameReply, flagFirst, 1, 1<<30, 1), 0)...), ErrProtocol},
		"refusal":          {appendSmall(refused, frameClose, 0, []byte("because")), &ClosedError{}},
		"refusal, silent":  {append(refused, head(framePing, flagLast, 0, 0, 0)...), ErrProtocol},
		"close":            {appendSmall(preface(""), frameClose, 0, []byte("because")), &ClosedError{}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var honest atomic.Bool
				pn := newPipes(t, ServerConfig{})
				p := newPeer(t, PeerConfig{MaxMessageBytes: 1 << 20, Dial: func(ctx context.Context) (net.Conn, error) {
					if honest.Load() {
						return pn.dial(ctx)
					}
					a, b := net.Pipe()
					pn.wg.Go(func() {
						go io.Copy(io.Discard, b)
						b.Write(c.bytes)
						time.Sleep(time.Second)
						b.Close()
					})
					return a, nil
				}})
				synctest.Wait()
				err := p.State().LastError
				var closed *ClosedError
				if !errors.Is(err, c.want) && !(errors.As(c.want, &closed) && errors.As(err, &closed) && closed.Reason == "because") {
					t.Errorf("last error: %v, want %v", err, c.want)
				}
				honest.Store(true)
				if reply, err := ask(t, p, "again"); err != nil || reply != "again" {
					t.Errorf("%q, %v", reply, err)
				}
				time.Sleep(time.Minute)
				pn.stop(t, p)
			})
		})
	}
}

func TestPeer_RepliesNobodyAskedFor_Ignored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pn := newPipes(t, ServerConfig{})
		p := newPeer(t, PeerConfig{Dial: func(ctx context.Context) (net.Conn, error) {
			a, b := net.Pipe()
			pn.wg.Go(func() {
				defer b.Close()
				if _, err := ReadPreface(b); err != nil {
					return
				}
				b.Write(preface(""))
				go func() { // slots that are in use, of generations that never were; and every reply twice
					for i := range uint64(200) {
						b.Write(append(head(frameReply, flagFirst|flagLast, (1<<20+i)<<32, 3, 3), "abc"...))
					}
				}()
				r := frameReader{r: b}
				var f frame
				for r.fill() == nil {
					for ok, err := r.next(&f); ok && err == nil; ok, err = r.next(&f) {
						if f.typ == frameRequest {
							// For the slot in use, of a generation that never was.
							b.Write(append(head(frameReply, flagFirst|flagLast, f.id^1<<52, 3, 3), "abc"...))
							reply := append(head(frameReply, flagFirst|flagLast, f.id, 2, 2), "ok"...)
							b.Write(append(reply, reply...))
						}
					}
				}
			})
			return a, nil
		}})
		if err := p.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 100 {
			if r := <-send(t, p, Request{}); r.err == nil && r.reply != "ok" {
				t.Errorf("%+v", r)
			}
		}
		p.Stop(t.Context())
		pn.stop(t)
	})
}

// FuzzServer gives a server any bytes after an honest preface, in any pieces.
func FuzzServer(f *testing.F) {
	f.Add([]byte{}, uint64(0))
	f.Add(head(frameRequest, flagFirst|flagLast, 1, 0, 0), uint64(1))
	f.Add(append(head(frameRequest, flagFirst, 1, 20, 10), make([]byte, 10)...), uint64(2))
	f.Add(append(head(framePing, flagLast, 7, 0, 0), head(frameAbort, flagLast, 7, 0, 0)...), uint64(3))
	f.Add(bytes.Repeat([]byte{Version}, 100), uint64(4))
	f.Fuzz(func(t *testing.T, b []byte, seed uint64) {
		s, err := NewServer(ServerConfig{Handler: echo, MaxMessageBytes: 1 << 16})
		if err != nil {
			t.Fatal(err)
		}
		here, there := net.Pipe()
		done := make(chan error, 1)
		go func() { done <- s.ServeConn(there) }()
		drained := make(chan struct{})
		go func() {
			defer close(drained)
			io.Copy(io.Discard, here)
		}()
		r := rand.New(rand.NewPCG(seed, 0))
		b = append(preface(""), b...)
		for len(b) > 0 {
			n := min(len(b), 1+r.IntN(40))
			if _, err := here.Write(b[:n]); err != nil {
				break
			}
			b = b[n:]
		}
		here.Close()
		<-done
		<-drained
	})
}

// FuzzFrame decodes any bytes, whole and in every prefix, and encodes again what
// was understood.
func FuzzFrame(f *testing.F) {
	f.Add(head(frameRequest, flagFirst|flagLast, 1, 0, 0))
	f.Add(append(head(frameReply, flagFirst, 1<<40, 1000, 3), "abc"...))
	f.Add(head(framePing, flagLast, 1, 0, 0))
	f.Add([]byte{Version, 1, 3, 0, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, b []byte) {
		var fr frame
		n, need, err := decodeFrame(b, &fr)
		if err != nil {
			return
		}
		if n == 0 {
			if need <= len(b) || need > firstLen+MaxFrame {
				t.Fatalf("of %d bytes, %d are needed", len(b), need)
			}
			return
		}
		if again := append(fr.appendHeader(nil, len(fr.payload)), fr.payload...); !bytes.Equal(again, b[:n]) {
			t.Fatalf("%x became %x", b[:n], again)
		}
		var shorter frame
		for i := range min(n, 200) {
			if m, need, err := decodeFrame(b[:i], &shorter); m != 0 || err != nil || need <= i || need > n {
				t.Fatalf("%d of %d bytes: %d, %d, %v", i, n, m, need, err)
			}
		}
	})
}

// FuzzPreface reads any bytes.
func FuzzPreface(f *testing.F) {
	f.Add(preface("c"))
	f.Add(preface("")[:7])
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		p, err := ReadPreface(r)
		if err != nil {
			return
		}
		used := len(b) - r.Len()
		again := p.Append(nil)
		// Unknown flags and the reserved byte are not looked at.
		if want := append(append(bytes.Clone(b[:5]), b[5]&flagRefused, 0), b[7:used]...); !bytes.Equal(again, want) {
			t.Fatalf("%x became %x", b[:used], again)
		}
	})
}

// TestInbox_AnnouncedLength_IsNotAllocated: who announces much and sends little
// makes us hold little.
func TestInbox_AnnouncedLength_IsNotAllocated(t *testing.T) {
	in := inbox{max: 1 << 30}
	f := frame{typ: frameRequest, flags: flagFirst, id: 1, total: 1 << 30, payload: make([]byte, 10)}
	if _, err := in.add(&f, func(*frame) bool { return true }); err != nil {
		t.Fatal(err)
	}
	if got := cap(in.partial[1].buf); got > firstAlloc {
		t.Errorf("10 bytes of an announced GiB made us allocate %d", got)
	}
	whole := false
	for sent := 10; sent < 1<<22; sent += MaxFrame {
		f := frame{typ: frameRequest, id: 1, payload: make([]byte, MaxFrame)}
		if whole, _ = in.add(&f, nil); whole {
			t.Fatal("whole")
		}
		if got := cap(in.partial[1].buf); got > max(firstAlloc, 2*(sent+MaxFrame)) {
			t.Errorf("after %d bytes %d are allocated", sent, got)
		}
	}
}

func TestRemaining_WrapsAround(t *testing.T) {
	for _, now := range []uint32{0, 1, 1 << 31, 1<<32 - 5} {
		for _, left := range []uint32{2, 1000, 1 << 30} {
			if due := now + left; due != 0 && remainMillis(due, now) != left {
				t.Errorf("due %d at %d: %d left, want %d", due, now, remainMillis(due, now), left)
			}
		}
		if remainMillis(0, now) != 0 {
			t.Error("no deadline became one")
		}
		if due := now - 1; due != 0 && remainMillis(due, now) != 1 {
			t.Error("a deadline that is over must stay one")
		}
	}
	b := binary.BigEndian.AppendUint32(nil, dueMillis(1<<32*time.Millisecond))
	if binary.BigEndian.Uint32(b) == 0 {
		t.Error("a deadline became none")
	}
}
