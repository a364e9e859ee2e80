package node_test

import (
	"strings"
	"testing"
	"time"

	"github.com/dynomite-go/dynomite/node"
)

func TestConfig_ZeroValueIsUseful(t *testing.T) {
	if err := (node.Config{}).Validate(); err != nil {
		t.Fatal(err)
	}
}

func TestConfig_ErrorsNameTheField(t *testing.T) {
	for _, c := range []struct {
		cfg  node.Config
		want string
	}{
		{node.Config{Listen: "8102"}, `listen: "8102" is no host:port address`},
		{node.Config{PeerListen: "x"}, "peer_listen: "},
		{node.Config{AdminListen: "x"}, "admin_listen: "},
		{node.Config{Advertise: "x"}, "advertise: "},
		{node.Config{Seeds: []string{"a:1", "b"}}, `seeds: "b"`},
		{node.Config{Name: "a b"}, "name: "},
		{node.Config{Cluster: strings.Repeat("c", 65)}, "cluster: "},
		{node.Config{Expect: 300}, "expect: 300 is not between 1 and 255"},
		{node.Config{Replicas: 17}, "replicas: 17"},
		{node.Config{Tokens: -1}, "tokens: -1"},
		{node.Config{Hash: "sha"}, "hash: "},
		{node.Config{AppendFsync: "often"}, `appendfsync: "often" is not one of always, everysec, no`},
		{node.Config{ReadConsistency: "ALL"}, "read_consistency: "},
		{node.Config{WriteConsistency: "DC_SAFE_QUORUM"}, "write_consistency: DC_SAFE_QUORUM needs terms"},
		{node.Config{Timeout: -time.Second}, "timeout: -1s is negative"},
		{node.Config{MaxClients: -1}, "max_clients: "},
		{node.Config{IdleTimeout: -1}, "idle_timeout: "},
	} {
		err := c.cfg.Validate()
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got %v, want %q", c.cfg, err, c.want)
		}
	}
}

func TestNew_PeersThatAreNotOnLoopbackNeedAuthentication(t *testing.T) {
	_, err := node.New(node.Config{PeerListen: "0.0.0.0:8101"})
	if err == nil || !strings.HasPrefix(err.Error(), "node: peer_listen: 0.0.0.0:8101") || !strings.Contains(err.Error(), "WithPeerAuth") {
		t.Fatal(err)
	}
}

func TestNew_OptionsRejectNilAndDuplicates(t *testing.T) {
	for _, c := range []struct {
		opts []node.Option
		want string
	}{
		{[]node.Option{node.WithLogger(nil)}, "WithLogger: nil"},
		{[]node.Option{node.WithTransport(nil)}, "WithTransport: nil"},
		{[]node.Option{node.WithSeeds(nil)}, "WithSeeds: nil"},
		{[]node.Option{node.WithDatastore(nil)}, "WithDatastore: nil"},
		{[]node.Option{node.WithDisk(nil)}, "WithDisk: nil"},
		{[]node.Option{node.WithPeerAuth(nil)}, "WithPeerAuth: nil"},
		{[]node.Option{node.WithClock(nil)}, "WithClock: nil"},
		{[]node.Option{node.WithObserver(node.Observer{}), node.WithObserver(node.Observer{})}, "WithObserver is given twice"},
		{[]node.Option{{}}, "an empty Option"},
	} {
		if _, err := node.New(node.Config{}, c.opts...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}
