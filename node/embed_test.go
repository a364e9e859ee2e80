package node_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log/slog"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynomite-go/dynomite/node"
	"github.com/dynomite-go/dynomite/node/nodetest"
)

// authority signs the certificates of a cluster's nodes.
type authority struct {
	t    *testing.T
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	a.cert, a.key = a.sign(&x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "peers"},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	return a
}

func (a *authority) sign(c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	parent, by := a.cert, a.key
	if parent == nil {
		parent, by = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, by)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key
}

// peerTLS is mutual TLS between nodes whose certificates one authority signed.
type peerTLS struct {
	config *tls.Config
	key    [32]byte

	mu      sync.Mutex
	refused int
}

func (a *authority) peer() *peerTLS {
	cert, key := a.sign(&x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "node"}, DNSNames: []string{"peer"},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	})
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return &peerTLS{
		key: sha256.Sum256([]byte("the cluster's")), // the same with every authority here
		config: &tls.Config{
			MinVersion: tls.VersionTLS13, ServerName: "peer", RootCAs: pool, ClientCAs: pool,
			ClientAuth:   tls.RequireAndVerifyClientCert,
			Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}},
		},
	}
}

func (p *peerTLS) Client(ctx context.Context, conn net.Conn, _ string) (net.Conn, error) {
	c := tls.Client(conn, p.config)
	return c, p.noted(c.HandshakeContext(ctx))
}

func (p *peerTLS) Server(ctx context.Context, conn net.Conn) (net.Conn, error) {
	c := tls.Server(conn, p.config)
	return c, p.noted(c.HandshakeContext(ctx))
}

func (p *peerTLS) noted(err error) error {
	if err != nil {
		p.mu.Lock()
		p.refused++
		p.mu.Unlock()
	}
	return err
}

func (p *peerTLS) refusals() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refused
}

func (p *peerTLS) GossipKey() []byte { return p.key[:] }

// Two nodes form a cluster over mutual TLS; one whose certificate another
// authority signed and one that speaks plainly find no way in, whatever else
// they know.
func TestWithPeerAuth_TLSBetweenNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, other := newAuthority(t), newAuthority(t)
		auth := []*peerTLS{ours.peer(), ours.peer(), other.peer(), nil}
		c := nodetest.NewCluster(t, 4,
			nodetest.WithConfig(func(_ int, cfg *node.Config) { cfg.Expect = 2 }),
			nodetest.WithNodeOptions(func(i int) []node.Option {
				if auth[i] == nil {
					return nil
				}
				return []node.Option{node.WithPeerAuth(auth[i])}
			}), nodetest.WithoutReady(2), nodetest.WithoutReady(3))
		for i := range 20 {
			key := strings.Repeat("k", i+1)
			want(t, c.Do(i%2, "SET", key, i), "OK")
			want(t, c.Do((i+1)%2, "GET", key), i)
		}
		plain, err := c.Network.Transport("127.0.1.9").Dial(t.Context(), c.Host(0)+":8101")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := plain.Write([]byte("DYNP\x00\x00\x00\x00\x00\x00\x00\x00")); err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(plain) // an alert of TLS, and the end
		if bytes.Contains(got, []byte("DYN")) {
			t.Errorf("a plain peer was answered %q", got)
		}
		plain.Close()
		time.Sleep(time.Minute)
		for i := 2; i < 4; i++ {
			if err := c.Nodes[i].Ready(); err == nil || c.Nodes[i].Members() != nil {
				t.Errorf("node %d is in: %v", i, c.Nodes[i].Members())
			}
		}
		want(t, len(c.Nodes[0].Members()), 2)
		for i, p := range auth[:3] {
			if p.refusals() == 0 {
				t.Errorf("node %d refused no handshake", i)
			}
		}
	})
}

func TestWithObserver_HearsOfEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		heard := map[string]int{}
		note := func(what string) {
			mu.Lock()
			heard[what]++
			mu.Unlock()
		}
		c := nodetest.NewCluster(t, 3, nodetest.WithNodeOptions(func(i int) []node.Option {
			if i != 0 {
				return nil
			}
			return []node.Option{node.WithObserver(node.Observer{
				LayoutFormed:   func(l node.LayoutInfo) { note("layout"); want(t, l.Nodes, 3) },
				MemberUp:       func(m node.Member) { note("up " + m.ID) },
				MemberDown:     func(m node.Member) { note("down " + m.ID) },
				CatchUpStarted: func(i node.CatchUpInfo) { note("catching up: " + i.Cause) },
				CatchUpFinished: func(i node.CatchUpInfo) {
					note("caught up: " + i.Cause)
					if i.Took < 0 || i.Took > time.Minute {
						t.Errorf("it took %v", i.Took)
					}
				},
			})}
		}))
		c.Kill(2)
		time.Sleep(noticed)
		c.Start(2)
		c.WaitComplete(2)
		c.Network.Isolate(c.Host(0))
		time.Sleep(noticed)
		c.Network.Rejoin(c.Host(0))
		c.WaitComplete(0)
		mu.Lock()
		defer mu.Unlock()
		for what, least := range map[string]int{
			"layout": 1, "up n1": 2, "up n2": 3, "down n1": 1, "down n2": 2,
			"catching up: started": 1, "caught up: started": 1,
			"catching up: cut off from the majority": 1, "caught up: cut off from the majority": 1,
		} {
			if heard[what] < least {
				t.Errorf("heard %q %d times, not %d: %v", what, heard[what], least, heard)
			}
		}
	})
}

func TestWithLogger_SaysWhatChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var text bytes.Buffer
		logger := slog.New(slog.NewTextHandler(writerFunc(func(b []byte) (int, error) {
			mu.Lock()
			defer mu.Unlock()
			return text.Write(b)
		}), nil))
		c := nodetest.NewCluster(t, 3, nodetest.WithNodeOptions(func(i int) []node.Option {
			if i != 0 {
				return nil
			}
			return []node.Option{node.WithLogger(logger)}
		}))
		c.Kill(2)
		time.Sleep(noticed)
		mu.Lock()
		defer mu.Unlock()
		for _, line := range []string{"msg=layout how=", `msg="peer up" peer=n1 rack=r1`, `msg="catching up" cause=started`, `msg="caught up"`, `level=WARN msg="peer down" peer=n2 rack=r2`} {
			if !strings.Contains(text.String(), line) {
				t.Errorf("the log does not say %s:\n%s", line, text.String())
			}
		}
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
