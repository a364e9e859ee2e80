//go:build unix

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dynomite-go/dynomite/node"
)

// free are the arguments of a node by itself on any free ports.
var free = []string{"--name", "n1", "--listen", "127.0.0.1:0", "--peer-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"}

// oneNode starts a node and waits until it serves.
func oneNode(t *testing.T, args ...string) (p *process, client, admin string) {
	t.Helper()
	p = launch(t, append(append([]string{}, free...), args...)...)
	if !p.serving() {
		t.Fatalf("exit code %d\n%s", p.code, p.stderr.String())
	}
	a := p.addresses()
	return p, a["clients"], a["admin"]
}

// cli runs redis-cli with the arguments and returns what it prints.
func cli(t *testing.T, addr string, args ...string) string {
	t.Helper()
	host, port, _ := net.SplitHostPort(addr)
	return strings.TrimSpace(must(t, "redis-cli", append([]string{"-h", host, "-p", port}, args...)...))
}

func TestOneNode_SaysWhereItListensAndHowToTryIt(t *testing.T) {
	began := time.Now()
	p, client, admin := oneNode(t)
	if got := cli(t, client, "PING"); got != "PONG" {
		t.Fatal(got)
	}
	t.Logf("PONG %v after the start of the process", time.Since(began).Round(time.Millisecond))
	said := p.stdout.String()
	for _, part := range []string{"node n1", "clients  127.0.0.1:", "peers    127.0.0.1:", "admin    http://127.0.0.1:", "data     in memory only; --data-dir DIR keeps it", "try: redis-cli -h 127.0.0.1 -p "} {
		if !strings.Contains(said, part) {
			t.Errorf("no %q in\n%s", part, said)
		}
	}
	_, try, _ := strings.Cut(said, "try: ")
	words := strings.Fields(try)
	if got := strings.TrimSpace(must(t, words[0], words[1:]...)); got != "OK" {
		t.Errorf("%s: %s", try, got)
	}
	if got := must(t, binary, "status", "--admin", "http://"+admin+"/"); !strings.HasSuffix(got, "ready\n") {
		t.Errorf("the address as it is printed at the start: %s", got)
	}
	if got := must(t, binary, "status", "--admin", admin); !strings.Contains(got, "up (asked)") || !strings.HasSuffix(got, "ready\n") {
		t.Errorf("status:\n%s", got)
	}
	p.terminate()
	if _, stderr, code := execute(t, nil, binary, "status", "--admin", admin); code != exitFailed || !strings.Contains(stderr, "no node answers at "+admin) {
		t.Errorf("status of a node that is gone: exit code %d, %s", code, stderr)
	}
}

func TestOneNode_IdleClient_HoldsNoStopUp(t *testing.T) {
	p, client, _ := oneNode(t)
	conn, err := net.Dial("tcp", client)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	p.terminate()
	if !strings.Contains(p.stderr.String(), "stopping") {
		t.Errorf("log:\n%s", p.stderr.String())
	}
}

// identity is the part of node.json that tells runs apart.
func generation(t *testing.T, dir string) int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "node.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Generation int }
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	return file.Generation
}

func TestOneNode_CleanStop_KeepsDataAndNodeNumber(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	clean := filepath.Join(dir, "clean")
	var first uint64 // by the clock: the directory may have been another's
	for run := 1; run <= 3; run++ {
		p, client, _ := oneNode(t, "--data-dir", dir)
		if !strings.Contains(p.stdout.String(), "data     "+dir) {
			t.Errorf("said\n%s", p.stdout.String())
		}
		if got, want := cli(t, client, "INCR", "runs"), fmt.Sprint(run); got != want {
			t.Fatalf("run %s answers %s", want, got)
		}
		if _, err := os.Stat(clean); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("run %d: the mark of a clean stop is there while the node runs: %v", run, err)
		}
		p.terminate()
		if _, err := os.Stat(clean); err != nil {
			t.Errorf("run %d left no mark of a clean stop: %v", run, err)
		}
		if got := uint64(generation(t, dir)); run == 1 {
			first = got
		} else if got != first {
			t.Errorf("run %d has generation %d after clean stops, the first had %d", run, got, first)
		}
	}
	p, _, _ := oneNode(t, "--data-dir", dir)
	p.kill()
	p, client, _ := oneNode(t, "--data-dir", dir)
	if got := uint64(generation(t, dir)); got != first+1 {
		t.Errorf("after a crash: generation %d, before it %d", got, first)
	}
	if got := cli(t, client, "GET", "runs"); got != "3" {
		t.Errorf("after a crash: %s", got)
	}
	p.terminate()
}

// A kill loses nothing that was acknowledged, whatever appendfsync says: that
// is about the loss of power.
func TestOneNode_Kill_LosesNothingAcknowledged(t *testing.T) {
	for _, appendfsync := range []string{"no", "everysec", "always"} {
		t.Run(appendfsync, func(t *testing.T) {
			addr := reserve(t)
			args := []string{
				"--name", "n1", "--listen", addr, "--peer-listen", "127.0.0.1:0", "--admin-listen", "none",
				"--data-dir", t.TempDir(), "--appendfsync", appendfsync,
			}
			p := launch(t, args...)
			if !p.serving() {
				t.Fatal(p.stderr.String())
			}
			f := newFleet(t, []string{addr})
			t.Cleanup(f.close)
			tr := begin(t, f, uint64(time.Now().UnixNano()), false)
			tr.awaitDone(tr.timeline.periods[0], 1000)
			for range 3 {
				now := tr.timeline.enter("killed", fault|away)
				p.kill()
				if p = launch(t, args...); !p.serving() {
					t.Fatal(p.stderr.String())
				}
				tr.awaitDone(now, 1000)
			}
			tr.end()
			tr.summary()
			m := &member{name: "the node", client: addr}
			exist := tr.look("the node", reader(t, m, "DC_QUORUM"))
			t.Logf("%d keys exist", exist)
			p.terminate()
		})
	}
}

func TestOneNode_DataDirInUse_IsRefused(t *testing.T) {
	dir := t.TempDir()
	_, client, _ := oneNode(t, "--data-dir", dir)
	_, stderr, code := execute(t, nil, binary, append(append([]string{}, free...), "--data-dir", dir)...)
	if code != exitFailed || !strings.Contains(stderr, "data_dir "+dir+" is in use by another process") {
		t.Errorf("exit code %d, said %s", code, stderr)
	}
	if got := cli(t, client, "PING"); got != "PONG" {
		t.Errorf("the first process was disturbed: %s", got)
	}
	_, stderr, code = execute(t, nil, binary, "--listen", client, "--peer-listen", "127.0.0.1:0", "--admin-listen", "none")
	if code != exitFailed || !strings.Contains(stderr, "listen: listen tcp "+client) {
		t.Errorf("an address in use: exit code %d, said %s", code, stderr)
	}
}

func TestOneNode_DataDirOfAnother_IsRefused(t *testing.T) {
	dir := t.TempDir()
	p, _, _ := oneNode(t, "--data-dir", dir)
	p.terminate()
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--name", "n2"}, `belongs to the node "n1", not "n2"`},
		{[]string{"--cluster", "other"}, `belongs to the cluster "dynomite", not "other"`},
	} {
		args := append(append([]string{}, free...), "--data-dir", dir)
		_, stderr, code := execute(t, nil, binary, append(args, c.args...)...)
		if code != exitFailed || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: exit code %d, said %s", c.args, code, stderr)
		}
	}
}

func TestOneNode_RedisCLI(t *testing.T) {
	_, client, _ := oneNode(t)
	host, port, _ := net.SplitHostPort(client)
	for _, c := range []struct{ command, want string }{
		{"SET greeting hello", "OK"},
		{"GET greeting", "hello"},
		{"INCR visits", "1"},
		{"HSET user name ada born 1815", "2"},
		{"-3 --no-raw HGETALL user", "1# \"born\" => \"1815\"\n2# \"name\" => \"ada\""},
		{"--no-raw GET nothing", "(nil)"},
		{"LPUSH greeting x", "ERR unknown command 'LPUSH', with args beginning with: 'greeting' 'x'"},
		{"HGET greeting x", "WRONGTYPE Operation against a key holding the wrong kind of value"},
		{"DBSIZE", "3"},
	} {
		got := cli(t, client, strings.Fields(c.command)...)
		// A hash's fields have no order.
		if c.want != got && !(strings.HasPrefix(c.command, "-3") && strings.Contains(got, `"name" => "ada"`) && strings.Contains(got, `"born" => "1815"`)) {
			t.Errorf("%s: %s, want %s", c.command, got, c.want)
		}
	}
	if got := strings.Fields(cli(t, client, "--scan")); len(got) != 3 {
		t.Errorf("--scan: %q", got)
	}
	if got := cli(t, client, "--bigkeys"); !strings.Contains(got, "Biggest") {
		t.Errorf("--bigkeys:\n%s", got)
	}
	var mass strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&mass, "SET mass:%d %d\r\n", i, i)
	}
	in := write(t, "mass", mass.String())
	got := must(t, "sh", "-c", fmt.Sprintf("redis-cli -h %s -p %s --pipe < '%s'", host, port, in))
	if !strings.Contains(got, "errors: 0, replies: 10000") || cli(t, client, "GET", "mass:9999") != "9999" {
		t.Errorf("--pipe: %s", got)
	}
}

func TestOneNode_RedisBenchmark(t *testing.T) {
	_, client, _ := oneNode(t)
	host, port, _ := net.SplitHostPort(client)
	for _, pipeline := range []string{"1", "32"} {
		got, warned, code := execute(t, nil, "redis-benchmark", "-h", host, "-p", port, "-q", "-n", "5000", "-c", "20",
			"-r", "1000", "-d", "100", "-P", pipeline, "-t", "ping,set,get,incr,hset,mset")
		if code != 0 || warned != "" || strings.Contains(strings.ToLower(got), "err") || strings.Count(got, "requests per second") < 6 {
			t.Errorf("-P %s: exit code %d\n%s%s", pipeline, code, got, warned)
		}
	}
	if got := cli(t, client, "DBSIZE"); len(got) < 3 {
		t.Errorf("only %s keys", got)
	}
}

func TestOneNode_GoRedis(t *testing.T) {
	_, addr, _ := oneNode(t)
	for _, protocol := range []int{2, 3} {
		c := dial(addr, patience, func(o *redis.Options) { o.Protocol = protocol })
		ctx, key := t.Context(), fmt.Sprintf("resp%d:", protocol)
		defer c.Close()
		if err := c.Set(ctx, key+"s", "v", time.Hour).Err(); err != nil {
			t.Fatal(err)
		}
		if ttl := c.TTL(ctx, key+"s").Val(); ttl <= 0 || ttl > time.Hour {
			t.Errorf("TTL %v", ttl)
		}
		pipe := c.Pipeline()
		for i := range 1000 {
			pipe.HSet(ctx, key+"h", fmt.Sprint(i), i)
			pipe.Incr(ctx, key+"n")
		}
		if _, err := pipe.Exec(ctx); err != nil {
			t.Fatal(err)
		}
		if n := len(c.HGetAll(ctx, key+"h").Val()); n != 1000 {
			t.Errorf("%d fields", n)
		}
		if n, err := c.Get(ctx, key+"n").Int(); n != 1000 || err != nil {
			t.Errorf("counter %d, %v", n, err)
		}
		if err := c.Get(ctx, key+"none").Err(); !errors.Is(err, redis.Nil) {
			t.Errorf("a key that is not there: %v", err)
		}
		if deleted := c.Del(ctx, key+"s", key+"h", key+"none").Val(); deleted != 2 {
			t.Errorf("%d deleted", deleted)
		}
	}
}

func TestRingStatusAndRemove_AskARunningNode(t *testing.T) {
	_, _, admin := oneNode(t)
	var ring []node.RingEntry
	if err := json.Unmarshal([]byte(must(t, binary, "ring", "-o", "json", "--admin", admin)), &ring); err != nil {
		t.Fatal(err)
	}
	if len(ring) != 1 || ring[0].ID != "n1" || !ring[0].Self || !ring[0].Complete || ring[0].Share != 1 || len(ring[0].Tokens) != 1 || ring[0].Weight != 1 {
		t.Errorf("ring -o json: %+v", ring)
	}
	if got := must(t, binary, "ring", "--admin", admin); !strings.Contains(got, "n1") || !strings.Contains(got, "100.00 %") {
		t.Errorf("ring:\n%s", got)
	}
	for _, c := range []struct{ name, want string }{{"n1", "node n1 lives"}, {"n9", "there is no node n9"}} {
		stdout, stderr, code := execute(t, nil, binary, "remove", c.name, "--admin", admin)
		if code != exitFailed || stdout != "" || !strings.Contains(stderr, c.want) {
			t.Errorf("remove %s: exit code %d, printed %q, said %s", c.name, code, stdout, stderr)
		}
	}
}

func TestThreeNodes_LoneNodeWaitsAndSaysForWhom(t *testing.T) {
	p, client, admin := oneNode(t, "--expect", "3")
	if !strings.Contains(p.stdout.String(), "not ready: ") {
		t.Errorf("said\n%s", p.stdout.String())
	}
	if got := cli(t, client, "GET", "k"); !strings.HasPrefix(got, "CLUSTERDOWN ") {
		t.Errorf("GET: %s", got)
	}
	eventually(t, "the reason", func() error {
		_, stderr, code := execute(t, nil, binary, "status", "--admin", admin)
		if code != exitFailed || !strings.Contains(stderr, "1 of 3 are here") {
			return fmt.Errorf("status: exit code %d, %s", code, stderr)
		}
		return nil
	})
	p.terminate()
}

// A node that its peers do not find would go on as if it were they who are
// gone.
func TestThreeNodes_AnotherPeerAddress_IsRefused(t *testing.T) {
	c := newCluster(t, nil)
	m := c.members[1]
	m.terminate()
	other := reserve(t)
	_, stderr, code := execute(t, nil, binary, "-c", m.conf, "--peer-listen", other)
	if code != exitFailed || !strings.Contains(stderr, "node n2 at "+m.peer) || !strings.Contains(stderr, "not at "+other) {
		t.Errorf("exit code %d, said %s", code, stderr)
	}
	m.start()
	c.awaitWhole()
}

func TestDev_ThreeNodesInOneProcess(t *testing.T) {
	p := launch(t, "dev", "--base-port", "0")
	if !p.serving() {
		t.Fatal(p.stderr.String())
	}
	clients, admins := devAddresses(p)
	if len(clients) != 3 {
		t.Fatalf("said\n%s", p.stdout.String())
	}
	if got := cli(t, clients[0], "SET", "k", "v"); got != "OK" {
		t.Error(got)
	}
	for i, addr := range clients {
		if got := cli(t, addr, "GET", "k"); got != "v" {
			t.Errorf("node %d: %s", i+1, got)
		}
		if got := must(t, binary, "status", "--admin", admins[i]); strings.Count(got, " up") != 3 || !strings.HasSuffix(got, "ready\n") {
			t.Errorf("status of node %d:\n%s", i+1, got)
		}
	}
	_, stderr, code := execute(t, nil, binary, "remove", "node2", "--admin", admins[0])
	if code != exitFailed || !strings.Contains(stderr, "node node2 lives") {
		t.Errorf("remove: exit code %d, %s", code, stderr)
	}
	p.terminate()
}

func TestDev_DataDir_KeepsDataOverARestart(t *testing.T) {
	dir := t.TempDir()
	// The ports of dev are at fixed distances, so only one of them can be
	// reserved: if another one is taken, try elsewhere.
	var p *process
	var base int
	start := func() error {
		p = launch(t, "dev", "--base-port", strconv.Itoa(base), "--data-dir", dir)
		if !p.serving() {
			return errors.New(p.stderr.String())
		}
		return nil
	}
	eventually(t, "free ports", func() error {
		_, port, _ := net.SplitHostPort(reserve(t))
		base, _ = strconv.Atoi(port)
		if err := checkPorts(base, dir); err != nil {
			return err
		}
		return start()
	})
	clients, _ := devAddresses(p)
	client := clients[1]
	if got := cli(t, client, "SET", "k", "v"); got != "OK" {
		t.Fatal(got)
	}
	p.terminate()
	eventually(t, "the same ports", start)
	if got := cli(t, client, "GET", "k"); got != "v" {
		t.Errorf("after a restart: %s", got)
	}
	p.terminate()
}

// devAddresses are the addresses that dynomited dev prints, node by node.
func devAddresses(p *process) (clients, admins []string) {
	for line := range strings.Lines(p.stdout.String()) {
		if w := strings.Fields(line); len(w) == 5 && w[1] == "clients" {
			clients, admins = append(clients, w[2]), append(admins, strings.TrimPrefix(w[4], "http://"))
		}
	}
	return clients, admins
}
