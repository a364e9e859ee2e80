package frontend

import (
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (f *Frontend) infoServer(b *fields) {
	now := time.Now()
	up := int64(now.Sub(f.started) / time.Second)
	b.text("redis_version", RedisVersion)
	b.text("redis_mode", "standalone")
	b.text("server_name", "dynomited")
	b.text("dynomited_version", f.cfg.Version)
	b.text("os", runtime.GOOS+" "+runtime.GOARCH)
	b.int("arch_bits", strconv.IntSize)
	b.text("go_version", runtime.Version())
	b.int("process_id", int64(os.Getpid()))
	b.text("process_supervised", "no")
	b.text("run_id", f.runID)
	b.int("tcp_port", int64(f.cfg.Port))
	b.int("server_time_usec", now.UnixMicro())
	b.int("uptime_in_seconds", up)
	b.int("uptime_in_days", up/(24*60*60))
	b.int("hz", 10)
	b.int("configured_hz", 10)
	b.text("executable", executable())
	b.text("config_file", f.cfg.ConfigFile)
	b.int("io_threads_active", 0)
}

func executable() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}

func (f *Frontend) infoClients(b *fields) {
	var tracking int64
	var query, output int
	all := f.clients.all()
	for _, s := range all {
		if s.shown.has(flagTracking) {
			tracking++
		}
		query, output = max(query, s.conn.QueryBytes()), max(output, s.conn.OutputBytes())
	}
	b.int("connected_clients", int64(len(all)))
	b.int("cluster_connections", 0)
	b.int("maxclients", f.maxClients.Load())
	b.int("client_recent_max_input_buffer", int64(query))
	b.int("client_recent_max_output_buffer", int64(output))
	b.int("blocked_clients", 0)
	b.int("tracking_clients", tracking)
	b.int("clients_in_timeout_table", 0)
}

func (f *Frontend) infoMemory(b *fields) {
	m := f.memory()
	b.bytes("used_memory", m.used)
	b.bytes("used_memory_rss", m.resident)
	b.bytes("used_memory_peak", m.peak)
	b.text("used_memory_peak_perc", strconv.FormatFloat(percent(m.used, m.peak), 'f', 2, 64)+"%")
	b.bytes("total_system_memory", m.total)
	b.bytes("maxmemory", 0)
	b.text("maxmemory_policy", "noeviction")
	b.float("mem_fragmentation_ratio", ratio(m.resident, m.used), 2)
	b.int("mem_fragmentation_bytes", m.resident-m.used)
	b.int("go_heap_bytes", m.heap)
	b.text("mem_allocator", "go")
	b.int("active_defrag_running", 0)
	b.int("lazyfree_pending_objects", 0)
}

func (f *Frontend) infoPersistence(b *fields) {
	var log Log
	if f.facts.Log != nil {
		log = f.facts.Log()
	}
	status := "ok"
	if log.Err != nil {
		status = "err"
	}
	b.bool("loading", f.facts.Loading != nil && f.facts.Loading())
	b.int("async_loading", 0)
	b.int("rdb_changes_since_last_save", 0)
	b.int("rdb_bgsave_in_progress", 0)
	b.int("rdb_last_save_time", f.started.Unix())
	b.text("rdb_last_bgsave_status", "ok")
	b.int("rdb_last_bgsave_time_sec", -1)
	b.int("rdb_current_bgsave_time_sec", -1)
	b.int("rdb_saves", 0)
	b.bool("aof_enabled", log.Enabled)
	b.bool("aof_rewrite_in_progress", log.Compacting)
	b.int("aof_rewrite_scheduled", 0)
	if log.LastCompaction > 0 {
		b.int("aof_last_rewrite_time_sec", int64(log.LastCompaction/time.Second))
	} else {
		b.int("aof_last_rewrite_time_sec", -1)
	}
	b.int("aof_current_rewrite_time_sec", -1)
	b.text("aof_last_bgrewrite_status", "ok")
	b.text("aof_last_write_status", status)
	if log.Enabled {
		b.int("aof_current_size", log.Size)
		b.int("aof_base_size", log.BaseSize)
		b.int("aof_pending_rewrite", 0)
		b.int("aof_buffer_length", 0)
		b.int("aof_pending_bio_fsync", 0)
		b.int("aof_delayed_fsync", 0)
	}
}

func (f *Frontend) infoStats(b *fields) {
	snap := f.Snapshot()
	in, out := f.clients.bytes()
	b.int("total_connections_received", snap.Accepted)
	b.int("total_commands_processed", snap.Processed)
	b.int("instantaneous_ops_per_sec", int64(snap.OpsPerSecond+0.5))
	b.int("total_net_input_bytes", in)
	b.int("total_net_output_bytes", out)
	b.int("rejected_connections", snap.Refused)
	b.int("expired_keys", number(f.facts.Expired))
	b.int("evicted_keys", 0)
	b.int("evicted_clients", 0)
	b.int("keyspace_hits", number(f.facts.Hits))
	b.int("keyspace_misses", number(f.facts.Misses))
	b.int("pubsub_channels", 0)
	b.int("pubsub_patterns", 0)
	b.int("latest_fork_usec", 0)
	b.int("total_forks", 0)
	b.int("tracking_total_keys", 0)
	b.int("tracking_total_items", 0)
	b.int("tracking_total_prefixes", 0)
	b.int("total_error_replies", snap.ErrorReplies)
}

// infoReplication shows one server: who holds the copies is in the section
// Dynomite, and replicas of Redis's kind do not exist.
func (f *Frontend) infoReplication(b *fields) {
	b.text("role", "master")
	b.int("connected_slaves", 0)
	b.text("master_failover_state", "no-failover")
	b.text("master_replid", f.runID)
	b.text("master_replid2", strings.Repeat("0", 40))
	b.int("master_repl_offset", 0)
	b.int("second_repl_offset", -1)
	b.int("repl_backlog_active", 0)
	b.int("repl_backlog_size", 0)
	b.int("repl_backlog_first_byte_offset", 0)
	b.int("repl_backlog_histlen", 0)
}

func (f *Frontend) infoCPU(b *fields) {
	sys, user := cpuTime()
	b.float("used_cpu_sys", sys.Seconds(), 6)
	b.float("used_cpu_user", user.Seconds(), 6)
	b.float("used_cpu_sys_children", 0, 6)
	b.float("used_cpu_user_children", 0, 6)
}

func (f *Frontend) infoCommandStats(b *fields) {
	for _, c := range f.Snapshot().Commands {
		usec := float64(c.Time) / float64(time.Microsecond)
		perCall := 0.0
		if c.Calls > 0 {
			perCall = usec / float64(c.Calls)
		}
		b.text("cmdstat_"+c.Name, "calls="+strconv.FormatInt(c.Calls, 10)+
			",usec="+strconv.FormatInt(int64(usec), 10)+
			",usec_per_call="+strconv.FormatFloat(perCall, 'f', 2, 64)+
			",rejected_calls="+strconv.FormatInt(c.Rejected, 10)+
			",failed_calls="+strconv.FormatInt(c.Failed, 10))
	}
}

func (f *Frontend) infoErrorStats(b *fields) {
	counts := f.Snapshot().Errors
	codes := make([]string, 0, len(counts))
	for code := range counts {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	for _, code := range codes {
		b.text("errorstat_"+code, "count="+strconv.FormatInt(counts[code], 10))
	}
}

func (f *Frontend) infoCluster(b *fields) { b.int("cluster_enabled", 0) }

func (f *Frontend) infoDynomite(b *fields) {
	b.text("read_consistency", f.cfg.ReadLevel.String())
	b.text("write_consistency", f.cfg.WriteLevel.String())
	if f.facts.Dynomite == nil {
		return
	}
	for _, field := range f.facts.Dynomite() {
		b.text(field.Name, field.Value)
	}
}

func (f *Frontend) infoKeyspace(b *fields) {
	if keys := number(f.facts.Keys); keys > 0 {
		b.text("db0", "keys="+strconv.FormatInt(keys, 10)+
			",expires="+strconv.FormatInt(number(f.facts.Expires), 10)+",avg_ttl=0")
	}
}
