package frontend

import (
	"errors"
	"strings"
	"testing"
)

func TestConfigSet_Several_AllOrNothing(t *testing.T) {
	sync := "no"
	refuse := errors.New("disk on fire")
	f, w := one(t, Config{
		Facts: Facts{Log: func() Log { return Log{Enabled: true, Sync: sync} }},
		SetSync: func(v string) error {
			sync = v
			return nil
		},
		Parameters: []Parameter{{Name: "broken", Get: func() string { return "x" }, Set: func(string) error { return refuse }}},
	})
	w.expect("CONFIG SET appendfsync ALWAYS timeout 7 maxclients 77", "+OK")
	w.expect("CONFIG SET timeout 9 appendfsync no broken y",
		"-ERR CONFIG SET failed (possibly related to argument 'broken') - disk on fire")
	w.expect("CONFIG SET timeout 9 appendfsync sometimes",
		"-ERR CONFIG SET failed (possibly related to argument 'appendfsync') - argument(s) must be one of the following: everysec, always, no")
	w.expect("CONFIG GET appendfsync timeout maxclients",
		`["appendfsync", "always", "timeout", "7", "maxclients", "77"]`)
	if sync != "always" || f.timeout.Load() != 7 || f.maxClients.Load() != 77 {
		t.Errorf("sync %s, timeout %d, maxclients %d", sync, f.timeout.Load(), f.maxClients.Load())
	}
}

func TestConfigSet_WhatCannotChange_IsRefusedButItsOwnValue(t *testing.T) {
	_, w := one(t, Config{Port: 8102})
	w.expect("CONFIG SET port 8102", "-ERR CONFIG SET failed (possibly related to argument 'port') - can't set immutable config")
	w.expect("CONFIG SET maxmemory 100mb", "-ERR CONFIG SET failed (possibly related to argument 'maxmemory') - there is no eviction")
	w.expect("CONFIG SET save 60", "-ERR CONFIG SET failed (possibly related to argument 'save') - there are no snapshots, the log keeps the data")
	w.expect(`CONFIG SET maxmemory 0 save "" appendonly NO appendfsync no`, "+OK")
	w.expect("CONFIG SET appendfsync always", "-ERR CONFIG SET failed (possibly related to argument 'appendfsync') - this is set when the node starts")
	w.expect("CONFIG SET appendonly yes", "-ERR CONFIG SET failed (possibly related to argument 'appendonly') - this is set when the node starts")
}

func TestConfigGet_Log_IsWhatFactsTell(t *testing.T) {
	_, w := one(t, Config{Facts: Facts{Log: func() Log { return Log{Enabled: true, Sync: "everysec"} }}})
	w.expect("CONFIG GET appendonly appendfsync", `["appendonly", "yes", "appendfsync", "everysec"]`)
	w.expect("CONFIG SET appendonly yes appendfsync everysec", "+OK")
}

func TestConfigGet_Patterns(t *testing.T) {
	_, w := one(t, Config{Port: 8102, Bind: "127.0.0.1", Dir: "data"})
	w.expect("CONFIG GET port bind dir databases", `["port", "8102", "bind", "127.0.0.1", "dir", "data", "databases", "1"]`)
	w.expect("CONFIG GET append[of]*", `["appendfsync", "no", "appendonly", "no"]`)
	w.expect("CONFIG GET MAXM*Y maxclients maxclients", `["maxmemory", "0", "maxmemory-policy", "noeviction", "maxclients", "10000"]`)
	w.expect("HELLO 3", "{…}")
	w.expect("CONFIG GET tcp*", `{"tcp-keepalive": "300"}`)
	if all := w.do("CONFIG GET *"); strings.Count(all, `": "`) < 25 {
		t.Errorf("got %s", all)
	}
}

func TestNew_BadConfig_NamesTheField(t *testing.T) {
	get := func() string { return "" }
	for name, cfg := range map[string]Config{
		"Router":               {},
		"MaxClients":           {Router: &fake{}, MaxClients: -1},
		"IdleTimeout":          {Router: &fake{}, IdleTimeout: -1},
		"RunID":                {Router: &fake{}, RunID: "abc"},
		"DC_SAFE_QUORUM":       {Router: &fake{}, ReadLevel: 3},
		`name "Port"`:          {Router: &fake{}, Parameters: []Parameter{{Name: "Port", Get: get}}},
		"port has no Get":      {Router: &fake{}, Parameters: []Parameter{{Name: "port"}}},
		"parameter a is there": {Router: &fake{}, Parameters: []Parameter{Fixed("a", ""), Fixed("a", "")}},
	} {
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDynConsistency_ShowsAndSetsTheConnection(t *testing.T) {
	_, w := one(t, Config{})
	w.expect("DYN.CONSISTENCY", `["read", "DC_QUORUM", "write", "DC_QUORUM"]`)
	w.expect("dyn.consistency read dc_one", "+OK")
	w.expect("DYN.CONSISTENCY READ", `"DC_ONE"`)
	w.expect("DYN.CONSISTENCY WRITE", `"DC_QUORUM"`)
	w.expect("DYN.CONSISTENCY DC_ONE", "+OK")
	w.expect("HELLO 3", "{…}")
	w.expect("DYN.CONSISTENCY", `{"read": "DC_ONE", "write": "DC_ONE"}`)
	w.expect("DYN.CONSISTENCY WRITE DC_SAFE_QUORUM", "-ERR DC_SAFE_QUORUM is not available: …; use DC_QUORUM")
	w.expect("DYN.CONSISTENCY most", "-ERR unknown consistency level 'most', known are DC_ONE, DC_QUORUM and DC_EACH_SAFE_QUORUM")
	w.expect("DYN.CONSISTENCY READ DC_ONE x", "-ERR …")
	w.expect("DYN.CONSISTENCY", `{"read": "DC_ONE", "write": "DC_ONE"}`)
	w.expect("DYN.CONSISTENCY WRITE DC_EACH_SAFE_QUORUM", "+OK")
	w.expect("DYN.CONSISTENCY", `{"read": "DC_ONE", "write": "DC_EACH_SAFE_QUORUM"}`)
	w.expect("DYN.ORDER on", "+OK")
	w.expect("DYN.ORDER", `"on"`)
	w.expect("DYN.ORDER maybe", "-ERR syntax error")
}
