package respserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// certificate makes one for this test only.
func certificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// tlsPipe serves one end of a TLS connection and returns the other.
func tlsPipe(t *testing.T, s *Server) *tls.Conn {
	t.Helper()
	client, server := net.Pipe()
	cfg := &tls.Config{Certificates: []tls.Certificate{certificate(t)}}
	var wg sync.WaitGroup
	wg.Go(func() { s.ServeConn(tls.Server(server, cfg)) })
	t.Cleanup(func() {
		client.Close()
		wg.Wait()
	})
	return tls.Client(client, &tls.Config{InsecureSkipVerify: true})
}

func TestTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var complete bool
		s := mustNew(t, Config{IdleTimeout: time.Hour, Handler: hooks{open: func(c *Conn) error {
			complete = c.NetConn().(*tls.Conn).ConnectionState().HandshakeComplete
			return nil
		}}})
		c := tlsPipe(t, s)
		big := request("SET", strings.Repeat("x", 1<<20))
		var wg sync.WaitGroup
		wg.Go(func() { io.WriteString(c, big) })
		expect(t, c, big)
		wg.Wait()
		if !complete {
			t.Error("Open was called before the handshake")
		}
		// Interrupted reads must not hurt the TLS state.
		for range 10 {
			synctest.Wait()
			s.Conns(func(c *Conn) bool { c.Push([]byte(">0\r\n")); return true })
			expect(t, c, ">0\r\n")
			time.Sleep(3 * trimAfter)
			send(t, c, "PING\n")
			expect(t, c, request("PING"))
		}
		wg.Go(func() { expectEnd(t, c, "") })
		if err := s.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		wg.Wait()
	})
}

func TestTLS_WritesEverythingFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, Config{Handler: hooks{}})
		c := tlsPipe(t, s)
		var all strings.Builder
		for range 300 {
			r := request("ECHO", strings.Repeat("x", 1000))
			all.WriteString(r)
			send(t, c, r)
		}
		expect(t, c, all.String())
	})
}

func TestTLS_SilentClient_IsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, Config{HandshakeTimeout: time.Minute, Handler: hooks{open: func(*Conn) error {
			t.Error("opened")
			return nil
		}}})
		c := tlsPipe(t, s)
		began := time.Now()
		if _, err := c.NetConn().Read(make([]byte, 1)); err == nil {
			t.Error("the server spoke first")
		}
		if took := time.Since(began); took != time.Minute {
			t.Errorf("cut off after %v", took)
		}
	})
}

func TestTLS_StopInterruptsHandshakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, Config{Handler: hooks{}})
		tlsPipe(t, s)
		synctest.Wait()
		began := time.Now()
		if err := s.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("took %v", took)
		}
	})
}
