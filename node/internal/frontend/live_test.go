package frontend

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"
)

func TestLive_GoRedis(t *testing.T) {
	for _, protocol := range []int{2, 3} {
		f, addr := start(t, withStore(t))
		c := redis.NewClient(&redis.Options{Addr: addr, Protocol: protocol, ClientName: "tester"})
		defer c.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := c.Set(ctx, "a", "1", 0).Err(); err != nil {
			t.Fatal(err)
		}
		pipe := c.Pipeline()
		var gets []*redis.StringCmd
		for range 1000 {
			pipe.Incr(ctx, "a")
			gets = append(gets, pipe.Get(ctx, "a"))
		}
		if _, err := pipe.Exec(ctx); err != nil {
			t.Fatal(err)
		}
		if got := gets[999].Val(); got != "1001" {
			t.Errorf("after the pipeline: %s", got)
		}
		if got := c.HSet(ctx, "h", "f", "1", "g", "2").Val(); got != 2 {
			t.Errorf("HSET: %d", got)
		}
		if got := c.HGetAll(ctx, "h").Val(); got["f"] != "1" || got["g"] != "2" {
			t.Errorf("HGETALL: %v", got)
		}
		if got := c.MGet(ctx, "a", "nothing").Val(); got[0] != "1001" || got[1] != nil {
			t.Errorf("MGET: %v", got)
		}
		if got := c.InfoMap(ctx, "keyspace").Val()["Keyspace"]["db0"]; got != "keys=2,expires=0,avg_ttl=0" {
			t.Errorf("INFO keyspace: %s", got)
		}
		if _, err := c.Get(ctx, "nothing").Result(); !errors.Is(err, redis.Nil) {
			t.Errorf("missing key: %v", err)
		}
		info, err := c.ClientInfo(ctx).Result()
		if err != nil || info.Name != "tester" || !strings.HasPrefix(info.LibName, "go-redis") {
			t.Errorf("CLIENT INFO: %+v, %v", info, err)
		}
		if commands, err := c.Command(ctx).Result(); err != nil || commands["get"] == nil || commands["get"].FirstKeyPos != 1 {
			t.Errorf("COMMAND: %d commands, %v", len(commands), err)
		}
		if got := c.ConfigGet(ctx, "max*").Val(); got["maxclients"] != "10000" {
			t.Errorf("CONFIG GET: %v", got)
		}
		if got := c.InfoMap(ctx, "server").Val(); got["Server"]["redis_mode"] != "standalone" {
			t.Errorf("INFO: %v", got)
		}
		// All that failed is what it tries and may not have.
		if n := f.Snapshot().Errors["ERR"]; n > 2 {
			t.Errorf("%d errors: %v", n, f.Info("commandstats"))
		}
	}
}

// rueidis tracks by default: it must connect all the same, work, and never
// show an old value as cached.
func TestLive_Rueidis_ClientSideCacheNeverShowsOldValues(t *testing.T) {
	_, addr := start(t, withStore(t))
	c, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{addr}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	other := dial(t, "tcp", addr)
	get := func() rueidis.Cacheable { return c.B().Get().Key("a").Cache() }
	cached := map[string]func() rueidis.RedisResult{
		"DoCache":                func() rueidis.RedisResult { return c.DoCache(ctx, get(), time.Hour) },
		"DoCache with StaticTTL": func() rueidis.RedisResult { return c.DoCache(ctx, get().ToStaticTTL(), time.Hour) },
		"DoMultiCache": func() rueidis.RedisResult {
			return c.DoMultiCache(ctx, rueidis.CT(get(), time.Hour))[0]
		},
		"DoMultiCache with StaticTTL": func() rueidis.RedisResult {
			return c.DoMultiCache(ctx, rueidis.CT(get().ToStaticTTL(), time.Hour))[0]
		},
	}
	for i, value := range []string{"1", "2", "3"} {
		other.expect("SET a "+value, "+OK")
		if got, err := c.Do(ctx, c.B().Get().Key("a").Build()).ToString(); got != value || err != nil {
			t.Errorf("Do: %q, %v, want %q", got, err, value)
		}
		for name, do := range cached {
			if got, err := do().ToString(); err == nil && got != value {
				t.Errorf("%s, round %d: %q, want %q or an error", name, i, got, value)
			}
		}
	}
}

func TestLive_RedisCLI(t *testing.T) {
	_, addr := start(t, withStore(t))
	cli := func(stdin string, args ...string) string {
		t.Helper()
		host, port, _ := net.SplitHostPort(addr)
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		cmd := exec.CommandContext(ctx, "redis-cli", append([]string{"-h", host, "-p", port}, args...)...)
		cmd.Stdin = strings.NewReader(stdin)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("redis-cli is needed: %v\n%s", err, out)
		}
		return string(out)
	}
	for _, mode := range []string{"-2", "-3"} {
		if got := cli("", mode, "SET", "a", mode); got != "OK\n" {
			t.Errorf("%s SET: %q", mode, got)
		}
		want := mode + "\n\nERR unknown command 'NOSUCH', with args beginning with: 'x' \n\n# Cluster\r\ncluster_enabled:0\r\n"
		if got := cli("GET a\nCLIENT GETNAME\nNOSUCH x\nINFO cluster\n", mode); got != want {
			t.Errorf("%s on standard input: %q, want %q", mode, got, want)
		}
	}
	if got := cli("SET b 1\r\nINCR b\r\n*2\r\n$3\r\nGET\r\n$1\r\nb\r\n", "--pipe"); !strings.Contains(got, "errors: 0, replies: 3") {
		t.Errorf("--pipe: %q", got)
	}
	if got := cli("", "--json", "HELLO", "3"); !strings.Contains(got, `"server":"redis"`) {
		t.Errorf("--json: %q", got)
	}
}

func TestLive_RedisBenchmark(t *testing.T) {
	f, addr := start(t, withStore(t))
	host, port, _ := net.SplitHostPort(addr)
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "redis-benchmark", "-h", host, "-p", port,
		"-t", "ping,set,get,incr,hset,mset", "-n", "2000", "-P", "16", "-c", "20", "-q").CombinedOutput()
	if err != nil {
		t.Fatalf("redis-benchmark is needed: %v\n%s", err, out)
	}
	if bytes.Contains(out, []byte("WARN")) || bytes.Contains(out, []byte("rror")) {
		t.Errorf("got %s", out)
	}
	for _, name := range []string{"ping", "set", "get", "incr", "hset", "mset", "config|get"} {
		calls := int64(0)
		for _, c := range f.Snapshot().Commands {
			if c.Name == name {
				calls = c.Calls
			}
		}
		if calls < 2 {
			t.Errorf("%s was called %d times", name, calls)
		}
	}
}
