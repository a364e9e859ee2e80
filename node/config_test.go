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
		{node.Config{Hash: "sha"}, "hash: hashkit: no hash function \"sha\", there are slot, xxhash64,"},
		{node.Config{HashTag: "{"}, `hash_tag: the hash tag "{"`},
		{node.Config{HashTag: "[]"}, "hash_tag: the hash function slot has the tag {}"},
		{node.Config{Distribution: "rendezvous"}, `distribution: there is no distribution "rendezvous", there are random-slicing, vnode, ketama, modula, single, jump`},
		{node.Config{Weight: -1}, "weight: -1 is not between"},
		{node.Config{Weight: 1 << 40}, "weight: 1099511627776 is not between"},
		{node.Config{Weight: 2, Distribution: "jump"}, "weight: jump takes no weights"},
		{node.Config{GivenTokens: []string{"1"}, Distribution: "ketama"}, "given_tokens: ketama takes no tokens"},
		{node.Config{GivenTokens: []string{"1", "-7"}}, `given_tokens: hashkit: token "-7"`},
		{node.Config{GivenTokens: []string{"16", "0x10"}}, "given_tokens: 0x0000000000000010 is there twice"},
		{node.Config{GivenTokens: strings.Split("1,2,3,4,5,6,7,8,9", ",")}, "given_tokens: 9 tokens, at most 8"},
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
