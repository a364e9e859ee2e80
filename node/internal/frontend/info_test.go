package frontend

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// infoFields reads INFO as clients do: a name and a value per line.
func infoFields(t *testing.T, text string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for line := range strings.SplitSeq(text, "\r\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			t.Errorf("line without a colon: %q", line)
		}
		if _, twice := all[name]; twice {
			t.Errorf("%s is there twice", name)
		}
		all[name] = value
	}
	return all
}

func titles(text string) string {
	var list []string
	for _, m := range regexp.MustCompile(`(?m)^# (\w+)\r$`).FindAllStringSubmatch(text, -1) {
		list = append(list, m[1])
	}
	return strings.Join(list, " ")
}

func count(n int64) func() int64 { return func() int64 { return n } }

func TestInfo_ShowsFactsAndWhatClientsWaitFor(t *testing.T) {
	f, w := one(t, Config{
		Port: 8102, Version: "0.1.0", ConfigFile: "node1.yml",
		Facts: Facts{
			Keys: count(5), Expires: count(2), Hits: count(7), Misses: count(3), Expired: count(4),
			Memory: count(3 << 20),
			Log: func() Log {
				return Log{Enabled: true, Size: 99, BaseSize: 9, Err: errors.New("full"), LastCompaction: 3 * time.Second}
			},
			Dynomite: func() []Field { return []Field{{"datacenter", "dc1"}, {"member_1", "rack=r1,state=up"}} },
		},
	})
	w.expect("PING", "+PONG")
	w.expect("GET", "-ERR …")
	got := infoFields(t, f.Info())
	for name, want := range map[string]string{
		"redis_version": RedisVersion, "redis_mode": "standalone", "server_name": "dynomited",
		"dynomited_version": "0.1.0", "tcp_port": "8102", "config_file": "node1.yml",
		"connected_clients": "1", "maxclients": "10000", "loading": "0", "role": "master",
		"cluster_enabled": "0", "keyspace_hits": "7", "keyspace_misses": "3", "expired_keys": "4",
		"used_memory": "3145728", "used_memory_human": "3.00M", "used_memory_peak": "3145728",
		"aof_enabled": "1", "aof_current_size": "99", "aof_base_size": "9",
		"aof_last_write_status": "err", "aof_last_rewrite_time_sec": "3",
		"total_commands_processed": "1", "total_connections_received": "1", "total_error_replies": "1",
		"errorstat_ERR": "count=1", "db0": "keys=5,expires=2,avg_ttl=0",
		"datacenter": "dc1", "member_1": "rack=r1,state=up", "read_consistency": "DC_QUORUM",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	if !regexp.MustCompile(`^[0-9a-f]{40}$`).MatchString(got["run_id"]) {
		t.Errorf("run_id %q", got["run_id"])
	}
	for _, name := range []string{"process_id", "uptime_in_seconds", "used_memory_rss", "total_net_input_bytes", "total_net_output_bytes"} {
		if n, err := strconv.ParseInt(got[name], 10, 64); err != nil || n < 0 {
			t.Errorf("%s is %q", name, got[name])
		}
	}
	if n, _ := strconv.Atoi(got["total_net_input_bytes"]); n != len(request("PING")+request("GET")) {
		t.Errorf("total_net_input_bytes is %d", n)
	}
}

func TestInfo_Sections(t *testing.T) {
	f, w := one(t, Config{})
	w.expect("PING", "+PONG")
	const defaults = "Server Clients Memory Persistence Stats Replication CPU Modules Errorstats Cluster Dynomite Keyspace"
	all := strings.Replace(defaults, "Errorstats", "Commandstats Errorstats", 1)
	for sections, want := range map[string]string{
		"": defaults, "default": defaults, "all": all, "everything": all,
		"keyspace SERVER": "Server Keyspace", "commandstats": "Commandstats",
		"default commandstats": all, "nonsense": "", "nonsense cpu": "CPU",
	} {
		if got := titles(f.Info(strings.Fields(sections)...)); got != want {
			t.Errorf("INFO %s: %s, want %s", sections, got, want)
		}
	}
	w.expect("INFO cluster keyspace", `"# Cluster\r\ncluster_enabled:0\r\n\r\n# Keyspace\r\n"`)
	w.expect("HELLO 3", "{…}")
	w.expect("INFO cluster", `txt"# Cluster\r\ncluster_enabled:0\r\n"`)
}

func TestConfigResetStat_ReallyResets(t *testing.T) {
	reset := false
	f, w := one(t, Config{Facts: Facts{ResetStats: func() { reset = true }}})
	w.expect("PING", "+PONG")
	w.expect("NOSUCH", "-ERR …")
	w.expect("INCR a", ":1")
	w.expect("GET", "-ERR …")
	w.expect("CLIENT nosuch", "-ERR …")
	w.expect("INFO commandstats", `"# Commandstats\r\n`+
		`cmdstat_client:calls=0,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0\r\n`+
		`cmdstat_get:calls=0,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0\r\n`+
		`cmdstat_incr:calls=1,usec=…,usec_per_call=…,rejected_calls=0,failed_calls=0\r\n`+
		`cmdstat_ping:calls=1,usec=…,usec_per_call=…,rejected_calls=0,failed_calls=0\r\n"`)
	w.expect("INFO errorstats", `"# Errorstats\r\nerrorstat_ERR:count=3\r\n"`)
	w.expect("CONFIG RESETSTAT", "+OK")
	w.expect("INFO errorstats", `"# Errorstats\r\n"`)
	w.expect("INFO commandstats", `"# Commandstats\r\n`+
		`cmdstat_config|resetstat:calls=1,…\r\ncmdstat_info:calls=1,…\r\n"`)
	if snap := f.Snapshot(); snap.Accepted != 0 || snap.Connections != 1 || snap.ErrorReplies != 0 || !reset {
		t.Errorf("got %+v, facts reset: %v", snap, reset)
	}
}

func TestRate_IsTheMeanOfThe16LastFullSlots(t *testing.T) {
	var r rate
	now := time.Unix(1700000000, 0)
	for range 100 { // ten seconds of 50 per slot
		r.add(now, 30)
		r.add(now, 20)
		now = now.Add(rateSlot)
	}
	if got := r.perSecond(now); got != 500 {
		t.Errorf("steady: %v, want 500", got)
	}
	r.add(now, 1000)
	if got := r.perSecond(now); got != 500 {
		t.Errorf("the current slot counts: %v, want 500", got)
	}
	r.slots[now.UnixNano()/int64(rateSlot)%(rateSlots+1)].count.Store(0)
	if got := r.perSecond(now.Add(8 * rateSlot)); got != 250 {
		t.Errorf("half a window later: %v, want 250", got)
	}
	if got := r.perSecond(now.Add(time.Hour)); got != 0 {
		t.Errorf("an hour later: %v, want 0", got)
	}
}

func TestInfo_OpsPerSecond_IsMeasured(t *testing.T) {
	f, w := one(t, Config{})
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 200 {
		w.expect("PING", "+PONG")
		if infoFields(t, f.Info("stats"))["instantaneous_ops_per_sec"] != "0" {
			return
		}
		<-tick.C
	}
	t.Error("instantaneous_ops_per_sec stays 0 under load")
}

func TestHuman(t *testing.T) {
	for n, want := range map[int64]string{0: "0B", 1023: "1023B", 1024: "1.00K", 1002592: "979.09K", 1 << 30: "1.00G"} {
		if got := human(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
