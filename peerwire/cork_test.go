package peerwire

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// countingConn counts writes.
type countingConn struct {
	net.Conn
	writes *atomic.Int32
}

func (c countingConn) Write(b []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(b)
}

// corked runs f with a connected Peer and the cork that it and the server have.
func corked(t *testing.T, f func(p *Peer, cork *Cork, writes *atomic.Int32)) {
	synctest.Test(t, func(t *testing.T) {
		cork := new(Cork)
		wires := newPipes(t, ServerConfig{Cork: cork})
		var writes atomic.Int32
		wires.wrap = func(c net.Conn) net.Conn { return countingConn{c, &writes} }
		p := newPeer(t, PeerConfig{Dial: wires.dial, Cork: cork})
		defer wires.stop(t, p)
		if err := p.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		writes.Store(0)
		f(p, cork, &writes)
	})
}

func TestCork_WhatIsSentWhileItIsHeld_LeavesInOneWrite(t *testing.T) {
	corked(t, func(p *Peer, cork *Cork, writes *atomic.Int32) {
		cork.Hold()
		var replies []<-chan result
		for i := range 100 {
			replies = append(replies, send(t, p, Request{Payload: fmt.Append(nil, i)}))
		}
		synctest.Wait()
		if n := writes.Load(); n != 0 {
			t.Errorf("%d writes while the cork was held", n)
		}
		cork.Release()
		for i, c := range replies {
			if r := <-c; r.err != nil || r.reply != fmt.Sprint(i) {
				t.Fatalf("reply %d: %q, %v", i, r.reply, r.err)
			}
		}
		if n := writes.Load(); n != 1 {
			t.Errorf("%d writes for what was sent under one cork", n)
		}
	})
}

func TestCork_NotHeld_NothingWaits(t *testing.T) {
	corked(t, func(p *Peer, cork *Cork, writes *atomic.Int32) {
		begun := time.Now()
		for range 10 {
			if r := <-send(t, p, Request{Payload: []byte("x")}); r.err != nil {
				t.Fatal(r.err)
			}
		}
		if took := time.Since(begun); took != 0 {
			t.Errorf("round trips took %v", took)
		}
	})
}

// One of several holders writes what all have sent: nobody waits for the others.
func TestCork_AnyHolderReleases(t *testing.T) {
	corked(t, func(p *Peer, cork *Cork, writes *atomic.Int32) {
		cork.Hold()
		defer cork.Release()
		cork.Hold()
		reply := send(t, p, Request{Payload: []byte("x")})
		cork.Release()
		synctest.Wait()
		if writes.Load() != 1 {
			t.Error("what was sent waits for the last holder")
		}
		cork.Hold() // the reply waits for a release too
		cork.Release()
		if r := <-reply; r.err != nil {
			t.Fatal(r.err)
		}
	})
}

func TestCork_MuchIsSentAllTheSame(t *testing.T) {
	corked(t, func(p *Peer, cork *Cork, writes *atomic.Int32) {
		cork.Hold()
		defer cork.Release()
		payload := bytes.Repeat([]byte("x"), MaxFrame/2)
		for range 10 {
			p.Send(Request{Payload: payload}, func([]byte, error) {})
		}
		synctest.Wait()
		if writes.Load() == 0 {
			t.Error("320 KB wait for the cork")
		}
	})
}

func TestCork_ReleasedTooOften_Panics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	new(Cork).Release()
}

// Over real sockets that take little at once, so that writes in the writers'
// place are cut short, many goroutines send under the cork and without it.
func TestCork_Sockets_EveryMessageArrivesWhole(t *testing.T) {
	l := listen(t)
	cork := new(Cork)
	server, err := NewServer(ServerConfig{Cork: cork, Handler: echo})
	if err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.(*net.TCPConn).SetWriteBuffer(16 << 10)
			served.Go(func() { _ = server.ServeConn(conn) })
		}
	})
	p := newPeer(t, PeerConfig{Cork: cork, Dial: func(ctx context.Context) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
		if err == nil {
			conn.(*net.TCPConn).SetWriteBuffer(16 << 10)
		}
		return conn, err
	}})
	if err := p.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	var senders sync.WaitGroup
	for k := range 8 {
		senders.Go(func() {
			var replies []<-chan result
			var sent []string
			for i := range 200 {
				if i%10 == 0 && k%2 == 0 {
					cork.Hold()
				}
				text := strings.Repeat(string(binary.BigEndian.AppendUint32(nil, uint32(k*1000+i))), 1+(i*37*(k+1))%1500)
				sent = append(sent, text)
				replies = append(replies, send(t, p, Request{Payload: []byte(text)}))
				if i%10 == 9 && k%2 == 0 {
					cork.Release()
				}
			}
			for i, c := range replies {
				if r := <-c; r.err != nil || r.reply != sent[i] {
					t.Errorf("sender %d, message %d: %d of %d bytes, %v", k, i, len(r.reply), len(sent[i]), r.err)
				}
			}
		})
	}
	senders.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := p.Stop(ctx); err != nil {
		t.Error(err)
	}
	if err := server.Stop(ctx); err != nil {
		t.Error(err)
	}
	l.Close()
	served.Wait()
}

// valve passes on what two connections send each other; what goes forth waits
// while it is shut.
type valve struct{ shut sync.Mutex }

func (v *valve) pass(from, to net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		v.shut.Lock()
		//lint:ignore SA2001 it waits
		v.shut.Unlock()
		n, err := from.Read(buf)
		if err == nil {
			_, err = to.Write(buf[:n])
		}
		if err != nil {
			to.Close()
			return
		}
	}
}

// A socket that takes a part of what gathered under a cork gets the rest later.
func TestCork_Sockets_ThatTakeAPart(t *testing.T) {
	front, back := listen(t), listen(t)
	server, err := NewServer(ServerConfig{Handler: echo})
	if err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() {
		if conn, err := back.Accept(); err == nil {
			_ = server.ServeConn(conn)
		}
	})
	var forth, home valve
	served.Go(func() {
		in, err := front.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", back.Addr().String())
		if err != nil {
			t.Error(err)
			in.Close()
			return
		}
		in.(*net.TCPConn).SetReadBuffer(8 << 10)
		served.Go(func() { home.pass(out, in) })
		forth.pass(in, out)
	})
	cork := new(Cork)
	p := newPeer(t, PeerConfig{Cork: cork, Dial: func(ctx context.Context) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", front.Addr().String())
		if err == nil {
			conn.(*net.TCPConn).SetWriteBuffer(4 << 10)
		}
		return conn, err
	}})
	if err := p.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 20<<10)
	for i := range text {
		text[i] = byte(i * 7 >> 3)
	}
	for round := range 3 {
		forth.shut.Lock()
		cork.Hold()
		var replies []<-chan result
		for range 3 { // just less than what is written without the cork
			replies = append(replies, send(t, p, Request{Payload: text}))
		}
		cork.Release()
		forth.shut.Unlock()
		for _, c := range replies {
			if r := <-c; r.err != nil || r.reply != string(text) {
				t.Fatalf("round %d: %d of %d bytes, %v", round, len(r.reply), len(text), r.err)
			}
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := p.Stop(ctx); err != nil {
		t.Error(err)
	}
	if err := server.Stop(ctx); err != nil {
		t.Error(err)
	}
	served.Wait()
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}
