package gossip

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"
)

func TestConfig_Validate_NamesTheField(t *testing.T) {
	valid := func() Config {
		return Config{
			Name:      "a",
			Advertise: "127.0.0.1:1",
			Packets:   &net.UDPConn{},
			Dial:      func(context.Context, string) (net.Conn, error) { return nil, nil },
		}
	}
	if err := valid().Validate(); err != nil {
		t.Fatal(err)
	}
	for field, spoil := range map[string]func(*Config){
		"Name":                  func(c *Config) { c.Name = "" },
		"Cluster":               func(c *Config) { c.Cluster = strings.Repeat("x", MaxLabel+1) },
		"Advertise":             func(c *Config) { c.Advertise = "127.0.0.1" },
		"Advertise: ":           func(c *Config) { c.Advertise = "127.0.0.1:0" },
		"Meta":                  func(c *Config) { c.Meta = make([]byte, MaxMeta+1) },
		"Packets":               func(c *Config) { c.Packets = nil },
		"Dial":                  func(c *Config) { c.Dial = nil },
		"Keys":                  func(c *Config) { c.Keys = [][]byte{make([]byte, 15)} },
		"Tuning.GossipNodes":    func(c *Config) { c.Tuning.GossipNodes = -1 },
		"Tuning.ProbeTimeout":   func(c *Config) { c.Tuning.ProbeTimeout = time.Second },
		"Tuning.RejoinInterval": func(c *Config) { c.Tuning.RejoinInterval = -1 },
	} {
		c := valid()
		spoil(&c)
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	if err := WAN().Validate(); err != nil {
		t.Error(err)
	}
}

func TestStart_AddressNobodyCanReach_Refused(t *testing.T) {
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(Config{
		Name: "a", Advertise: "0.0.0.0:1", Packets: packets,
		Dial: func(context.Context, string) (net.Conn, error) { return nil, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Start(t.Context()); err == nil {
		t.Error("started with 0.0.0.0")
	}
}
