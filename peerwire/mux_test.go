package peerwire

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pipeListener accepts what is handed to it.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }
func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) dial(context.Context) (net.Conn, error) {
	a, b := net.Pipe()
	select {
	case l.conns <- b:
		return a, nil
	case <-l.closed:
		return nil, errors.New("refused")
	}
}

func TestMux_Streams_GoToTheirHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := NewServer(ServerConfig{Handler: echo})
		if err != nil {
			t.Fatal(err)
		}
		l := newPipeListener()
		m := NewMux(l, 0)
		m.Handle(MagicPeer, func(c net.Conn) { s.ServeConn(c) })
		got := make(chan string, 10)
		m.Handle(Magic{'T', 'E', 'S', 'T'}, func(c net.Conn) {
			b, _ := io.ReadAll(c)
			got <- string(b)
			if _, ok := c.(interface{ NetConn() net.Conn }); !ok {
				t.Error("the connection has no NetConn")
			}
			c.Close()
		})
		served := make(chan error, 1)
		go func() { served <- m.Serve() }()

		p := newPeer(t, PeerConfig{Dial: l.dial})
		if reply, err := ask(t, p, "through the mux"); err != nil || reply != "through the mux" {
			t.Errorf("%q, %v", reply, err)
		}
		say := func(first string, hangUp bool) net.Conn {
			c, err := l.dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range []byte(first) { // byte by byte
				if _, err := c.Write([]byte{b}); err != nil {
					break
				}
			}
			if hangUp {
				c.Close()
			}
			return c
		}
		say("TESTed", true)
		if g := <-got; g != "TESTed" {
			t.Errorf("the handler read %q", g)
		}
		ended := func(c net.Conn) time.Duration {
			start := time.Now()
			io.Copy(io.Discard, c)
			return time.Since(start)
		}
		if took := ended(say("HTTP", false)); took != 0 {
			t.Errorf("unknown magic was closed after %v", took)
		}
		if took := ended(say("DY", false)); took != DefaultSniffTimeout {
			t.Errorf("half a magic was closed after %v", took)
		}
		if took := ended(say("", false)); took != DefaultSniffTimeout {
			t.Errorf("silence was closed after %v", took)
		}
		waiting := say("", false)
		synctest.Wait()
		if got, want := m.Stats(), (MuxStats{Accepted: 6, Unknown: 1, Silent: 2}); got != want {
			t.Errorf("stats %+v, want %+v", got, want)
		}
		start := time.Now()
		for range 2 {
			if err := m.Stop(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(start); took > 0 {
			t.Errorf("stop took %v", took)
		}
		if took := ended(waiting); took != 0 {
			t.Errorf("stop left a silent connection for %v", took)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
		if err := m.Serve(); err != nil {
			t.Error("serve after stop:", err)
		}
		// What was handed on goes on.
		if _, err := ask(t, p, "still there"); err != nil {
			t.Error(err)
		}
		p.Stop(t.Context())
		if err := s.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestServer_Admit_Refuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pn := newPipes(t, ServerConfig{Admit: func(conn net.Conn, client Preface) error {
			if client.Node == "guest" {
				return errors.New("no guests today")
			}
			return nil
		}})
		guest := newPeer(t, PeerConfig{Dial: pn.dial, Node: "guest", OnState: func(PeerState) { t.Error("a refused guest counted as connected") }})
		member := newPeer(t, PeerConfig{Dial: pn.dial, Node: "member"})
		if _, err := ask(t, member, "x"); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		var closed *ClosedError
		if st := guest.State(); st.Connected || !errors.As(st.LastError, &closed) || closed.Reason != "no guests today" {
			t.Errorf("guest: %+v", st)
		}
		pn.stop(t, guest, member)
	})
}

// failListener fails as a process without file descriptors does.
type failListener struct {
	pipeListener
	left int
}

type temporary struct{}

func (temporary) Error() string   { return "too many open files" }
func (temporary) Temporary() bool { return true }

func (l *failListener) Accept() (net.Conn, error) {
	if l.left--; l.left >= 0 {
		return nil, temporary{}
	}
	return nil, errors.New("broken for good")
}

func TestMux_AcceptFails_TemporaryIsOutlived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMux(&failListener{*newPipeListener(), 3}, 0)
		start := time.Now()
		err := m.Serve()
		if err == nil || !bytes.Contains([]byte(err.Error()), []byte("broken for good")) {
			t.Errorf("serve: %v", err)
		}
		if took := time.Since(start); took != 3*acceptPause {
			t.Errorf("took %v", took)
		}
		if err := m.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func ask(t testing.TB, p *Peer, payload string) (string, error) {
	t.Helper()
	if err := p.Ready(t.Context()); err != nil {
		return "", err
	}
	reply, err := p.Call(t.Context(), Request{Payload: []byte(payload)})
	return string(reply), err
}

func TestCall_OverTLS_Works(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"node"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert)

	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewServer(ServerConfig{Handler: echo})
	if err != nil {
		t.Fatal(err)
	}
	m := NewMux(tls.NewListener(inner, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}), 0)
	m.Handle(MagicPeer, func(c net.Conn) {
		if _, ok := c.(interface{ NetConn() net.Conn }).NetConn().(*tls.Conn); !ok {
			t.Error("NetConn is no *tls.Conn")
		}
		s.ServeConn(c)
	})
	var wg sync.WaitGroup
	wg.Go(func() { m.Serve() })
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: "node"}}
	p := startPeer(t, PeerConfig{Dial: func(ctx context.Context) (net.Conn, error) {
		return dialer.DialContext(ctx, "tcp", inner.Addr().String())
	}})
	for _, size := range []int{0, 1, MaxFrame, MaxFrame + 1, 3 << 20} {
		payload := bytes.Repeat([]byte{7}, size)
		reply, err := p.Call(t.Context(), Request{Payload: payload})
		if err != nil || !bytes.Equal(reply, payload) {
			t.Errorf("%d bytes: %d came back, %v", size, len(reply), err)
		}
	}
	if err := errors.Join(p.Stop(t.Context()), m.Stop(t.Context()), s.Stop(t.Context())); err != nil {
		t.Error(err)
	}
	wg.Wait()
}
